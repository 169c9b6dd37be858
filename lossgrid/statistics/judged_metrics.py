"""Every metric of a run, read in one way: a value for each question, and whether it was judged."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from lossgrid.statistics.frontier_scores import read_scores
from lossgrid.studies import Study
from lossgrid.studies.reward import describe_reward


@dataclass(frozen=True)
class Metric:
    """What a metric is and how it is read.

    Attributes:
        name: As sentences call it.
        unit: Unit of its values.
        items: What is paired, in the plural.
        clusters: What belongs together and is drawn as one, in the plural.
        judged: Whether a judge was asked, so that a value can be missing.
        read: From the results folder and the runs' folders below it, a column a run; index (cluster, item).
        judgments: Key of the metric whose values are the judgments that this one is made of, where a question without
            a judgment has a value all the same; None where it has none.
    """

    name: str
    unit: str
    items: str
    clusters: str
    judged: bool
    read: Callable[[Path, Sequence[str]], dict[str, pd.Series]]
    judgments: str | None = None


def read_metrics(results: Path, runs: Iterable[str], metric: str) -> pd.DataFrame:
    """Read a metric of several runs that answered the same questions.

    Args:
        results: Results folder of the study.
        runs: Folders below it: `sft` or `cells/objective/setting/seed~1`, of trained cells and not of aliases.
        metric: Key of `METRICS`.

    Returns:
        A column a run; index (cluster, item): chat and turn, question and turn, prompt and prompt, or post and
        row. In the metric's unit, win rates in percent; NaN where the judgment is a `parse_error` or an
        `api_error`, but for the length-controlled win rate, whose values are all part of its mean (`find_judged`
        says which were judged). Second questions to the judge (`repeat` above 0) are not in it.

    Raises:
        ValueError: The runs answered different questions, or a file does not hold the metric.
    """
    runs = list(dict.fromkeys(runs))
    columns = METRICS[metric].read(Path(results), runs)
    if not columns:
        raise ValueError(
            f"{metric} of {runs[0]} alone: it is what the others are compared with; read one of them too"
        )
    first, rows = next((run, column.index) for run, column in columns.items())
    for run, column in columns.items():
        if len(column.index) != len(rows) or not column.index.isin(rows).all():
            what = METRICS[metric].clusters
            raise ValueError(f"{run} and {first} answered different {what}; regenerate their responses")
    table = pd.DataFrame({run: column.reindex(rows) for run, column in columns.items()}, index=rows)
    for run in set(runs) - set(columns):
        # Nobody asks the judge to compare the SFT model with itself: it draws.
        table[run] = 50.0
    return table[runs].rename_axis(index=["cluster", "item"])


def find_judged(results: Path, scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Which values of a metric rest on a judgment of their own.

    Args:
        results: Results folder of the study.
        scores: The metric as `read_metrics` gives it.
        metric: Key of `METRICS`.

    Returns:
        True and False by question and run, with the index and columns of the scores.
    """
    judgments = METRICS[metric].judgments
    return (read_metrics(results, scores.columns, judgments) if judgments else scores).notna()


def get_metric(study: Study, metric: str) -> Metric:
    """What a metric is in this study, whose reward may have a unit of its own.

    Args:
        study: The study.
        metric: Key of `METRICS`.
    """
    words = describe_reward(study) if metric == "reward" else None
    return replace(METRICS[metric], unit=words.unit) if words else METRICS[metric]


def _read_frontier(column: str) -> Callable[[Path, Sequence[str]], dict[str, pd.Series]]:
    def read(results: Path, runs: Sequence[str]) -> dict[str, pd.Series]:
        # Not a finite number is no value either, whatever the file spells.
        return {run: _get_finite(read_scores(results / run)[column]) for run in runs}

    return read


def _get_finite(values: pd.Series) -> pd.Series:
    values = values.astype(float)
    return values.where(np.isfinite(values))


def _read_mt_bench(results: Path, runs: Sequence[str]) -> dict[str, pd.Series]:
    scores = {}
    for run in runs:
        file = results / run / "scores" / "mt_bench.jsonl"
        rows = [row for row in _read_first_judgments(file) if not row.get("baseline")]
        if not rows:
            raise ValueError(
                f"{file}: only comparisons with a baseline, no scores; set mt_bench.mode: single"
            )
        scores[run] = _index(
            file, {(row["question_id"], row["turn"]): _get(row, "score") for row in rows}, rows
        )
    return scores


def _read_summaries(opponent: str) -> Callable[[Path, Sequence[str]], dict[str, pd.Series]]:
    def read(results: Path, runs: Sequence[str]) -> dict[str, pd.Series]:
        rates = {}
        for run in runs:
            if run == opponent:
                continue
            file = results / run / "scores" / "summaries.jsonl"
            rows = [row for row in _read_first_judgments(file) if row["opponent"] == opponent]
            if not rows:
                raise ValueError(f"{file}: no judgments against {opponent}; set summaries.opponents to both")
            preferences = {(row["post"], row["id"]): _get(row, "preference") for row in rows}
            rates[run] = 100 * (_index(file, preferences, rows) - 1)
        return rates

    return read


def _read_alpaca_eval(column: str) -> Callable[[Path, Sequence[str]], dict[str, pd.Series]]:
    def read(results: Path, runs: Sequence[str]) -> dict[str, pd.Series]:
        file = results / "tables" / "alpaca_eval_questions.csv"
        table = pd.read_csv(file, dtype={"cell": str, "id": str})
        if column not in table:
            raise ValueError(f"{file}: no column {column}; write the table anew")
        if table.duplicated(["cell", "id"]).any():
            raise ValueError(f"{file}: a cell has a question twice; write the table anew")
        # A question without a judgment may have no row at all.
        values = table.pivot(index="id", columns="cell", values=column)
        values.index = pd.MultiIndex.from_arrays([values.index, values.index])
        paths = {run: run.removeprefix("cells/") for run in runs}
        missing = [path for path in paths.values() if path not in values]
        if missing:
            raise ValueError(f"{file}: no rows of {missing[0]}; write the table anew")
        return {run: values[path].astype(float) for run, path in paths.items()}

    return read


def _read_first_judgments(file: Path) -> list[dict]:
    """The judgments of a file, second questions to the judge left out."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["repeat"] == 0]


def _get(row: dict, key: str) -> float:
    value = row[key] if row["state"] == "ok" else None
    return np.nan if value is None else float(value)


def _index(file: Path, values: dict[tuple, float], rows: Sequence[dict]) -> pd.Series:
    if len(values) != len(rows):
        raise ValueError(f"{file}: {len(rows)} judgments of {len(values)} questions; cut the scores anew")
    return pd.Series(values.values(), pd.MultiIndex.from_tuples(values), dtype=float)


METRICS = {
    "reward": Metric("reward", "points", "responses", "chats", False, _read_frontier("reward")),
    "kl": Metric("kl", "nats", "responses", "chats", False, _read_frontier("kl")),
    "mt_bench": Metric("MT-Bench", "points", "answers", "questions", True, _read_mt_bench),
    "win_rate": Metric("win rate", "percentage points", "answers", "prompts", True, _read_alpaca_eval("win")),
    "lc_win_rate": Metric(
        "length-controlled win rate",
        "percentage points",
        "answers",
        "prompts",
        True,
        _read_alpaca_eval("lc"),
        judgments="win_rate",
    ),
    "summary_win_rate_human": Metric(
        "win rate over human summaries",
        "percentage points",
        "summaries",
        "posts",
        True,
        _read_summaries("human"),
    ),
    "summary_win_rate_sft": Metric(
        "win rate over SFT summaries", "percentage points", "summaries", "posts", True, _read_summaries("sft")
    ),
}
