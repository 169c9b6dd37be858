"""What the captions of several figures say: how many runs there are, which diverged, which have no place."""

from collections.abc import Iterable, Sequence

import pandas as pd

from lossgrid.figures.judged_settings import NAMED, name_setting

SEEDS = (
    "Several seeds are averaged, with the mean of their standard errors, which is the most that theirs can be"
)


def get_trained(cells: pd.DataFrame) -> pd.DataFrame:
    """The rows of trained runs in the table of cells: no SFT model, no aliases."""
    return cells[(cells["objective"] != "sft") & (cells["alias_of"].fillna("") == "")]


def count(number: int, what: str) -> str:
    """A number of things.

    Examples:
        >>> count(1, "run"), count(1024, "response"), count(2, "loss")
        ('1 run', '1,024 responses', '2 losses')
    """
    plural = what if number == 1 else what + ("es" if what.endswith("s") else "s")
    return f"{number:,} {plural}"


def count_runs(cells: pd.DataFrame) -> str:
    """How many runs, settings and losses there are, in words."""
    trained = get_trained(cells)
    settings = trained.groupby(["objective", "label"], dropna=False).ngroups
    return (
        f"{count(len(trained), 'run')} of {count(settings, 'setting')} of "
        f"{count(trained['objective'].nunique(), 'loss')}"
    )


def say_range(values: Iterable[float]) -> str:
    """The least and the most of whole numbers.

    Examples:
        >>> say_range([80, 80]), say_range([1500, 1600])
        ('80', '1,500 to 1,600')
    """
    numbers = sorted(int(value) for value in values if value == value)
    if not numbers:
        return "0"
    least, most = numbers[0], numbers[-1]
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def say_diverged(cells: pd.DataFrame, shown: str = "crossed out, where its last finite weights are") -> str:
    """How many runs diverged, which, and how the figure shows them."""
    trained = get_trained(cells)
    diverged = trained[trained["status"] == "diverged"]
    if diverged.empty:
        return f"None of the {count(len(trained), 'run')} diverged."
    names = list_names(name_run(row) for row in diverged.itertuples())
    return f"{len(diverged):,} of {count(len(trained), 'run')} diverged ({names}): {shown}."


def say_left_out(what: str, names: Sequence[str]) -> str:
    """What has no place in the figure, or that nothing is left out."""
    if not names:
        return ""
    return f"Left out, {what}: {list_names(names)}."


def name_run(row) -> str:
    """A run in full: its loss, setting and seed."""
    label = row.label if isinstance(row.label, str) else ""
    return f"{name_setting(row.title, label, False)}, seed {int(row.seed)}"


def list_names(names: Iterable[str]) -> str:
    """Names in a row, and of many the number of the rest."""
    names = list(names)
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return "; ".join([*names[:NAMED], *more])


def join(*sentences: str) -> str:
    """Sentences in one paragraph, empty ones left out."""
    return " ".join(filter(None, sentences))
