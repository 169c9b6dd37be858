"""The audit of a study as a person reads it in a terminal."""

from fnmatch import fnmatchcase

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lossgrid.audit.verdict import spell
from lossgrid.studies import Study, get_cells

# Below this width the verdicts stand under each other instead of in a table.
NARROW = 100
COLOURS = {"wrong": "red", "flat": "yellow", "right": "green"}


def print_audit(table: pd.DataFrame, name: str, console: Console | None = None) -> None:
    """Print the settings of a study and what training has to expect of each.

    Args:
        table: Written by `audit_study`.
        name: Name of the study.
        console: Where to print; None is standard output.
    """
    console = console or Console()
    wrong = int((table["start"] == "wrong").sum())
    aliases = int((table["alias_of"] != "").sum())
    console.print(
        f"Audit of study {name}: {len(table)} settings, {wrong} with the wrong sign at the start, {aliases} "
        f"{'alias' if aliases == 1 else 'aliases'}. "
        "ρ is a pair's margin in nats.",
        highlight=False,
    )
    if console.width < NARROW:
        print_list(table, console)
    else:
        console.print(build_table(table))


def print_list(table: pd.DataFrame, console: Console) -> None:
    """One paragraph a setting."""
    for row in table.to_dict("records"):
        ratio = "" if pd.isna(row["r"]) else f", r={spell(row['r'])}"
        console.print()
        console.print(Text(f"{row['title']}, {row['label']}{ratio}", style="bold"))
        console.print(Text(get_verdict(row), style=COLOURS[row["start"]]), highlight=False)


def build_table(table: pd.DataFrame) -> Table:
    """One line a setting, as wide as the terminal."""
    grid = Table(header_style="bold", show_lines=False, pad_edge=False, box=None)
    for heading, options in {
        "loss": {"no_wrap": True},
        "setting": {},
        "r": {"justify": "right", "no_wrap": True},
        "verdict": {"ratio": 1},
    }.items():
        grid.add_column(heading, **options)
    for row in table.to_dict("records"):
        ratio = "" if pd.isna(row["r"]) else spell(row["r"])
        verdict = Text(get_verdict(row), style=COLOURS[row["start"]])
        grid.add_row(row["title"], row["label"], ratio, verdict)
    return grid


def get_verdict(row: dict) -> str:
    """The verdict, or of which setting this one is an alias."""
    return f"the same function as {row['alias_of']}" if row["alias_of"] else row["verdict"]


def print_claimed_cells(study: Study, console: Console | None = None) -> None:
    """Print which settings the claims with a pattern are about: a pattern that misses one is no mistake, only a pity.

    Args:
        study: The study.
        console: Where to print; None is standard output.
    """
    console = console or Console()
    references = dict.fromkeys(cell.reference for cell in get_cells(study))
    for claim in study.claims:
        pattern = getattr(claim, "cells", None)
        if pattern is None:
            continue
        matching = [name for name in references if fnmatchcase(name, pattern)]
        console.print()
        console.print(
            Text(
                f"Claim {claim.id} is about {len(matching)} of {len(references)} settings ({pattern}):",
                "bold",
            )
        )
        for name in matching:
            console.print(Text(name), highlight=False, soft_wrap=True)
