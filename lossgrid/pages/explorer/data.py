"""What the loss explorer knows of a study: its losses as programs, its settings, and the margins of its runs."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from lossgrid.audit.limits import get_evaluations
from lossgrid.figures.looks import get_look
from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.objectives.specification import Hyperparameter, Objective, Setting
from lossgrid.pages.explorer.programs import UntraceableLossError, trace_loss
from lossgrid.studies import Study, get_cells, get_trained_cells
from lossgrid.studies.cells import spell_symbol
from lossgrid.training.training_log import read_records

QUANTILES = ("rho_min", "rho_q05", "rho_median", "rho_q95", "rho_max")
# Numbers for the margins of all runs together, and the most steps of one run.
MOST_NUMBERS, MOST_STEPS = 150_000, 120
# Curves that the page begins with.
FIRST_CURVES = 4


def gather_explorer(study: Study, cells: Path) -> dict[str, Any]:
    """Everything that the page of one study holds.

    Args:
        study: The study.
        cells: Folder of its cells. Runs that have no training log there are left out.

    Returns:
        - ``study``, ``title``
        - ``objectives``: the whole catalogue: names, formula, colour, hyper-parameters, the β_kl and β_mix of a
          modulated loss, and a program for each evaluation; ``undrawable``, the reason, where there can be none
        - ``curves``: the settings that the page begins with
        - ``runs``: of each cell the quantiles of ρ (``QUANTILES``, nats) at some of its steps
    """
    settings = {cell.reference: cell for cell in get_cells(study)}
    own = {cell.objective: cell.setting for cell in reversed(settings.values())}
    return {
        "study": study.name,
        "title": study.title,
        "objectives": [
            describe_objective(objective, own.get(name, objective.defaults()))
            for name, objective in CATALOGUE.items()
        ],
        "curves": [
            {"objective": cell.objective, "setting": dict(cell.setting)}
            for cell in choose_curves(list(settings.values()))
        ],
        "settings": [
            {"objective": cell.objective, "label": cell.label, "setting": dict(cell.setting)}
            for cell in settings.values()
        ],
        "runs": list(gather_runs(study, cells)),
    }


def choose_curves(settings: list) -> list:
    """The first setting of each objective of a study, up to so many."""
    first = {cell.objective: cell for cell in reversed(settings)}
    chosen = [cell for cell in settings if first[cell.objective] is cell]
    # What the project is about comes before the baselines.
    learned = [cell for cell in chosen if CATALOGUE[cell.objective].learned]
    modulated = [cell for cell in chosen if CATALOGUE[cell.objective].modulation and cell not in learned]
    others = [cell for cell in chosen if not CATALOGUE[cell.objective].modulation]
    # A learned mix begins as the fixed one, which would hide it.
    picked = [*others[:1], *modulated, *others[1:], *learned][:FIRST_CURVES]
    return [cell for cell in chosen if cell in picked]


def describe_objective(objective: Objective, setting: Setting) -> dict[str, Any]:
    """One loss; what it cannot move on a slider has the value of the setting."""
    evaluations = get_evaluations(objective)
    described = {
        "name": objective.name,
        "title": objective.title,
        "formula": objective.formula,
        "reference": objective.reference,
        "colour": get_look(objective.name).colour,
        "couples_batch": objective.couples_batch,
        "reference_free": objective.reference_free,
        "modulation": list(objective.modulation) if objective.modulation else None,
        "evaluations": [evaluation for evaluation in evaluations if evaluation],
        "hyperparameters": [
            describe_hyperparameter(each)
            for each in objective.hyperparameters
            if not each.choices and each.name in objective.get_keywords(setting)
        ],
        "programs": {},
    }
    try:
        for evaluation in evaluations:
            chosen = {**setting, "evaluation": evaluation} if evaluation else setting
            described["programs"][evaluation] = asdict(trace_loss(objective, chosen, objective.couples_batch))
    except UntraceableLossError as error:
        described["undrawable"] = str(error)
    return described


def describe_hyperparameter(parameter: Hyperparameter) -> dict[str, Any]:
    """One hyper-parameter that is a number."""
    return {
        "name": parameter.name,
        "symbol": spell_symbol(parameter.name),
        "description": parameter.description,
        "default": parameter.default,
        "unit": parameter.unit,
        "below": parameter.below,
    }


def gather_runs(study: Study, cells: Path):
    """The margins of each trained cell whose log is there, evenly thinned out."""
    trained = [cell for cell in get_trained_cells(study) if (cells / cell.path / "training.jsonl").exists()]
    most = max(2, min(MOST_STEPS, MOST_NUMBERS // (len(QUANTILES) * max(len(trained), 1))))
    for cell in trained:
        records = read_records(cells / cell.path / "training.jsonl")
        records = [record for record in records if record.get("rho_median") is not None]
        count = min(most, len(records))
        # The first and the last are always among them.
        places = sorted({round(place * (len(records) - 1) / max(count - 1, 1)) for place in range(count)})
        yield {
            "cell": cell.path,
            "title": CATALOGUE[cell.objective].title,
            "label": cell.label,
            "seed": cell.seed,
            "steps": [records[place]["step"] for place in places],
            "rho": [[_shorten(records[place].get(name)) for name in QUANTILES] for place in places],
        }


def _shorten(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")
