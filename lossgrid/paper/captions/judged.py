"""Captions of the figures of judgments: MT-Bench, win rates, paired differences."""

import numpy as np
import pandas as pd

from lossgrid.figures.forest_panel import LEVEL
from lossgrid.figures.frontier import NAMED, choose_labels
from lossgrid.figures.judged_settings import average_seeds, mark_runs, mark_settings, name_setting
from lossgrid.figures.mt_bench_radar import choose_lines
from lossgrid.figures.published import Published
from lossgrid.figures.win_rate_length import CONTROLLED
from lossgrid.paper.captions.sentences import (
    SEEDS,
    count,
    count_runs,
    join,
    list_names,
    name_run,
    say_diverged,
    say_left_out,
    say_range,
)
from lossgrid.statistics.judged_metrics import METRICS

NORMAL = "95 % intervals (±1.96 standard errors)"


def describe_mt_bench(
    scores: pd.DataFrame, cells: pd.DataFrame, judge: str, published: Published | None = None
) -> str:
    """The caption of MT-Bench; the tables as the figure takes them, and who judged."""
    value = "score" if "score" in scores else "win_rate"
    marked = mark_runs(scores, cells).astype({"turn": str})
    overall = marked[(marked["category"] == "all") & (marked["turn"] == "all")]
    _, chosen = choose_lines(overall, average_seeds(overall, value, f"{value}_se")[value])
    rated = "scores from 1 to 10" if value == "score" else "shares of comparisons won, in percent,"
    unread = overall[~np.isfinite(overall[value].astype(float))]
    return join(
        f"MT-Bench: {rated} given by the judge {judge}, for the SFT model and {count_runs(cells)}.",
        f"Left: mean of each category, {chosen}. Right: mean over all questions, and the two turns as pale numbers.",
        f"Bars, and bands on the left, are {NORMAL} clustered by question, over {say_range(overall['questions'])} "
        f"questions a run; {SEEDS[0].lower()}{SEEDS[1:]}; open points are single seeds.",
        published.describe(cells) if published else "",
        _say_failed(overall),
        say_diverged(cells, "crossed out, and not on the left where settings are chosen"),
        say_left_out("without a readable judgment", [name_run(row) for row in unread.itertuples()]),
    )


def describe_win_rates(
    board: pd.DataFrame, cells: pd.DataFrame, judge: str, baseline: str, published: Published | None = None
) -> str:
    """The caption of the win rates; the tables as the figure takes them, who judged, and against what."""
    runs = mark_runs(board, cells)
    trained = runs[runs["objective"] != "sft"]
    column = next((name for name in CONTROLLED if name in runs and runs[name].notna().any()), None)
    controlled = {
        None: "The table has no length-controlled rate.",
        "length_controlled_winrate": "Hollow: length-controlled by AlpacaEval's published model.",
        "lc_study": "Hollow: length-controlled by AlpacaEval's model, with difficulties fitted to this study "
        "(lc_study).",
    }[column]
    _, dense = choose_labels(trained)
    labelled = f"The {NAMED} best and {NAMED} worst settings are labelled." if dense else ""
    unread = trained[~np.isfinite(trained["win_rate"].astype(float))]
    return join(
        f"Win rate against {baseline} over the mean length of the answers, for {count_runs(cells)}, by the judge "
        f"{judge}. Filled: as judged. {controlled}",
        f"Bars are {NORMAL} clustered by prompt, over {say_range(trained['n_total'])} judged prompts a run. {SEEDS}; "
        "small points are the win rates of single seeds.",
        labelled,
        f"Right: win rates without lengths. {published.describe(cells)}" if published else "",
        _say_failed(trained),
        say_diverged(cells, "crossed out"),
        say_left_out("without a readable judgment", [name_run(row) for row in unread.itertuples()]),
    )


def describe_differences(comparisons: pd.DataFrame, cells: pd.DataFrame) -> str:
    """The caption of the paired differences; the tables as the figure takes them."""
    compared = mark_settings(comparisons, cells)
    if compared.empty:
        return "The study has nothing to compare."
    names = _name_baselines(cells)
    panels = [
        f"{METRICS[metric].name if metric in METRICS else metric}, minus {names[baseline]} "
        f"({say_range(group['clusters'])} {METRICS[metric].clusters if metric in METRICS else 'clusters'})"
        for (metric, baseline), group in compared.groupby(["metric", "baseline"], sort=False)
    ]
    found = (compared["q"] <= LEVEL) & ~compared["diverged"]
    missing = compared[~np.isfinite(compared["difference"].astype(float))]
    return join(
        f"Mean paired differences of {count_runs(cells)} from a baseline: {'; '.join(panels)}.",
        "Bars are 95 % intervals by Student's t, clustered by what the brackets count; they hold the variation "
        "between questions and not between training seeds, which small points show.",
        f"Filled: {found.sum()} of {count(len(compared), 'difference')} found at a false discovery rate of "
        f"{100 * LEVEL:g} % (Benjamini–Hochberg, by metric). Grey: below the difference that a test at 5 % finds "
        "with a probability of 80 %.",
        f"At the right: what was compared, and in brackets pairs left out for want of both scores "
        f"({say_range(compared['left_out'])}).",
        say_diverged(cells, "crossed out, and not tested"),
        say_left_out(
            "without a pair to compare",
            [f"{row.metric} of {name_setting(row.title, row.label, False)}" for row in missing.itertuples()],
        ),
    )


def _say_failed(runs: pd.DataFrame) -> str:
    """How many judgments failed, and how."""
    kinds = {"could not be read": "n_parse_error", "could not be had": "n_api_error"}
    judgments = int(runs[["n_ok", *(name for name in kinds.values() if name in runs)]].to_numpy(float).sum())
    failed = {said: int(runs[name].sum()) for said, name in kinds.items() if name in runs}
    said = list_names(f"{number:,} {kind}" for kind, number in failed.items())
    return f"Of {count(judgments, 'judgment')}, {said.replace('; ', ' and ')}; these are left out."


def _name_baselines(cells: pd.DataFrame) -> dict[str, str]:
    references = cells["cell"].str.rpartition("/")[0].where(cells["cell"] != "sft", "sft")
    labels = cells["label"].fillna("")
    return {
        reference: name_setting(title, label, False)
        for reference, title, label in zip(references, cells["title"], labels, strict=True)
    }
