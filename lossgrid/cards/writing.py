"""Cards of all trained cells of a study, and a copy in each policy's folder."""

import json
import os
from pathlib import Path

from huggingface_hub import ModelCard

from lossgrid.cards.commit import get_commit
from lossgrid.cards.header import make_header
from lossgrid.cards.measured import Tables
from lossgrid.cards.removal import note_removal
from lossgrid.cards.sections import (
    describe_health,
    describe_limits,
    describe_loading,
    describe_measured,
    describe_objective,
    describe_origin,
    describe_training,
    warn_of_divergence,
)
from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.studies import Cell, Study, get_trained_cells

CARD = "README.md"


def write_cards(study: Study, results: Path, folder: Path) -> int:
    """Write the card of every cell that a study trains.

    A card lies in `{folder}/{cell}/README.md` and, where the policy has not been removed to save space, in its
    folder, which is then a model as the Hub knows it. Weights and all other files there are left alone.

    Args:
        study: The study.
        results: Its results folder, with the tables and every `health.json`.
        folder: Folder of the cards.

    Returns:
        How many policies got a copy.

    Raises:
        FileNotFoundError: A table or a health record is missing.
    """
    tables = Tables(study, results / "tables")
    pairs = json.loads((results / "reference" / "summary.json").read_text())
    commit = get_commit()
    copies = 0
    for cell in get_trained_cells(study):
        card = compose_card(study, cell, tables, pairs, results, commit)
        _write(folder / cell.path / CARD, card)
        policy = results / "cells" / cell.path / "policy"
        if policy.is_dir():
            _write(policy / CARD, card)
            copies += 1
        else:
            note_removal(folder / cell.path / CARD)
    return copies


def compose_card(study: Study, cell: Cell, tables: Tables, pairs: dict, results: Path, commit: str) -> str:
    """The text of a cell's card.

    Args:
        study: The study.
        cell: A trained cell.
        tables: The study's tables.
        pairs: What the reference's summary says of the preference pairs.
        results: Results folder of the study.
        commit: Of the repository; empty for none.
    """
    row, measured, judge = tables.get_cell(cell.path), tables.measure(cell.path), tables.get_judge()
    objective = CATALOGUE[cell.objective]
    health = json.loads((results / "cells" / cell.path / "health.json").read_text())
    header = make_header(study, cell, measured, judge.get("model", ""), row["status"] == "diverged")
    policy = str(results / "cells" / cell.path / "policy")
    sections = [
        f"# {objective.title}, {cell.label}, seed {cell.seed}\n",
        warn_of_divergence(row),
        f"A policy of the study *{study.title}*, trained with the loss {objective.title} by "
        "lossgrid on TRL. What is said to be measured stands in the study's tables.\n",
        describe_objective(objective, cell, row),
        describe_training(study, cell, pairs, str(results)),
        describe_health(row),
        describe_measured(measured, judge),
        describe_loading(study, policy),
        describe_limits(study, tables.get_aliases(cell.path)),
        describe_origin(study, policy, health["identity"], commit),
    ]
    return str(ModelCard(f"---\n{header.to_yaml()}\n---\n\n" + "\n".join(filter(None, sections))))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.beside")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, file)
