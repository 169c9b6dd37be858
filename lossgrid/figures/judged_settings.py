"""What figures of judgments share: aliases left out, diverged runs marked, seeds averaged, gaps said in words."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd

from lossgrid.studies.judging import Judge

# What names a setting in every table.
SETTING = ["objective", "label"]
# So many settings are named where something of them is missing; of more, their number is said.
NAMED = 20


def mark_runs(table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """The rows of runs that were trained, with a column `diverged`; those of the SFT model come first.

    Args:
        table: Any number of rows a run, with its path in `cell`.
        cells: Table written by `collect_results`.
    """
    aliases = set(cells.loc[cells["alias_of"].fillna("") != "", "cell"])
    diverged = set(cells.loc[cells["status"] == "diverged", "cell"])
    marked = table.assign(label=table["label"].fillna(""), diverged=table["cell"].isin(diverged))
    marked = marked[~marked["cell"].isin(aliases)]
    return marked.sort_values("objective", key=lambda names: names != "sft", kind="stable")


def mark_settings(table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """The rows of settings that were trained, with a column `diverged`: whether any of their runs did.

    Args:
        table: Any number of rows a setting, without those of single runs.
        cells: Table written by `collect_results`.
    """
    runs = pd.DataFrame(
        {
            "objective": cells["objective"],
            "label": cells["label"].fillna(""),
            "alias": cells["alias_of"].fillna("") != "",
            "diverged": cells["status"] == "diverged",
        }
    ).groupby(SETTING)
    aliases, diverged = runs["alias"].all(), runs["diverged"].any()
    table = table.assign(label=table["label"].fillna(""))
    keys = pd.MultiIndex.from_frame(table[SETTING])
    marked = table.assign(diverged=keys.isin(diverged.index[diverged]))
    return marked[~keys.isin(aliases.index[aliases])]


def average_seeds(runs: pd.DataFrame, value: str, error: str) -> pd.DataFrame:
    """Means over the seeds of each setting, indexed by objective and label, in the order of the table.

    The seeds answered the same questions, so that their errors go together: the mean of their standard errors is
    the largest that the mean over seeds can have. A seed without a value takes no part; the error is NaN where
    that of a seed with a value is.

    Args:
        runs: A row a run.
        value: Column to average.
        error: Column of its standard errors.
    """
    order = pd.MultiIndex.from_frame(runs[SETTING].drop_duplicates())
    scored = runs[np.isfinite(runs[value].astype(float))].groupby(SETTING, sort=False)
    means = scored[value].mean().to_frame()
    means[error] = scored[error].agg(lambda errors: errors.astype(float).mean(skipna=False))
    return means.reindex(order)


def name_setting(title: str, label: str, diverged: bool) -> str:
    """A setting in full: "DPO, β 0.1"."""
    return ", ".join(filter(None, [title, label])) + (" (diverged)" if diverged else "")


def name_judge(judge: Judge | None) -> str:
    """The judge of a study and when it was asked: no numbers of two judges are on one axis."""
    return ", ".join(filter(None, [judge.model, judge.date])) if judge else ""


def head(title: str, judge: str, width: int) -> str:
    """The heading of a figure of judgments, in lines of so many letters."""
    return textwrap.fill(f"{title}; judge: {judge}" if judge else title, width)


def say_missing(what: str, names: Sequence[str], width: int) -> list[str]:
    """One sentence on what has no place on the axes, in lines of so many letters, or none."""
    named = [*names[:NAMED], *([f"{len(names) - NAMED} more"] if len(names) > NAMED else [])]
    return textwrap.wrap(f"{what}: {'; '.join(named)}", width) if named else []
