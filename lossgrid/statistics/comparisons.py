"""The table of comparisons: every setting against the study's baseline, by every metric."""

from pathlib import Path

import numpy as np
import pandas as pd

from lossgrid.statistics.judged_metrics import find_judged, read_metrics
from lossgrid.statistics.multiplicity import adjust_benjamini_hochberg
from lossgrid.statistics.paired import Comparison, compare_runs
from lossgrid.statistics.runs import find_diverged, find_runs, get_folders
from lossgrid.studies import Study
from lossgrid.studies.claims import choose_primary_metric, get_evaluated_metrics

COLUMNS = [
    "metric", "setting", "objective", "title", "label", "alias_of", "baseline", "difference", "se", "low", "high",
    "clusters", "n", "left_out", "p", "q", "mde", "diverged", "seeds", "seed_low", "seed_high", "seed_sd",
    "seed_values",
]  # fmt: skip


def compare_cells(study: Study, results: Path, cells: pd.DataFrame) -> pd.DataFrame:
    """Compare the settings of a study over the questions that they all answered.

    Args:
        study: The study.
        results: Its results folder, as for `evaluate_claims`.
        cells: Table written by `collect_cells`.

    Returns:
        A row for each metric that the study measures (but KL, which is no merit) and each `setting`
        (objective/setting, seeds averaged), with the paired `difference` from the `baseline`, which is the study's
        first setting of DPO, or `sft` in a study without; the primary metric, which is the reward where there is one,
        is compared with `sft` in any case. Then its
        clustered standard error `se`, the ends `low` and `high` of its 95 % interval, `n` pairs in so many
        `clusters`, `left_out` pairs without both scores (of the length-controlled win rate without both judgments;
        their predictions are in its mean), `p` of no difference, `q` (p after Benjamini and Hochberg, over the
        comparisons by that metric), `mde`, the smallest difference that a test at 5 % would find with a probability
        of 80 %, `diverged` (whether a run of either side did, in which case there is no p), and the spread of the
        `seeds` of the setting, each against the mean of the baseline's: `seed_low`, `seed_high`, `seed_sd` and
        `seed_values`, which `read_seed_values` reads. A setting all of whose runs were trained for another one names
        it in `alias_of` and repeats its numbers, which count once in `q`.

    Raises:
        ValueError: The runs answered different questions.
    """
    trained = find_runs(cells)
    settings = trained.drop_duplicates("reference").set_index("reference")
    runs = {reference: get_folders(trained, reference) for reference in ["sft", *settings.index]}
    aliases = _find_aliases({reference: runs[reference] for reference in settings.index})
    baseline = get_baseline(settings)
    rows = []
    evaluated = get_evaluated_metrics(study.model_dump())
    primary = choose_primary_metric(evaluated)
    for metric in evaluated:
        if metric == "kl":
            continue
        others = list(dict.fromkeys([baseline, "sft"] if metric == primary else [baseline]))
        wanted = [run for reference in dict.fromkeys([*others, *settings.index]) for run in runs[reference]]
        scores = read_metrics(Path(results), wanted, metric)
        judged = find_judged(Path(results), scores, metric)
        for other in others:
            for setting, row in settings.drop(index=other, errors="ignore").iterrows():
                both = [*runs[setting], *runs[other]]
                compared = compare_runs(scores[runs[setting]], scores[runs[other]], judged[both].all(axis=1))
                broken = find_diverged(trained, both)
                names = {"metric": metric, "setting": setting, **row[["objective", "title", "label"]]}
                sides = {"alias_of": aliases.get(setting, ""), "baseline": other, "diverged": bool(broken)}
                rows.append({**names, **sides, **describe_comparison(compared)})
    table = pd.DataFrame(rows, columns=COLUMNS)
    # The scores of a diverged run are those of its last finite weights, not of the recipe.
    table["p"] = table["p"].astype(float).mask(table["diverged"].astype(bool))
    for _, group in table[table["alias_of"] == ""].groupby("metric"):
        table.loc[group.index, "q"] = adjust_benjamini_hochberg(group["p"])
    return _copy_to_aliases(table)


def get_baseline(settings: pd.DataFrame) -> str:
    """The first setting of DPO, or `sft`; settings by reference, in the order of the study."""
    return next(iter(settings.index[settings["objective"] == "dpo"]), "sft")


def describe_comparison(compared: Comparison) -> dict:
    """The columns of one comparison."""
    estimate, seeds = compared.estimate, compared.seeds
    return {
        "difference": estimate.value,
        "se": estimate.standard_error,
        "low": compared.low,
        "high": compared.high,
        "clusters": estimate.clusters,
        "n": estimate.n,
        "left_out": compared.left_out,
        "p": compared.p,
        "mde": compared.get_smallest(),
        "seeds": len(seeds),
        **compared.describe_seeds(),
        "seed_values": " ".join(f"{run.rpartition('~')[2]}:{value:.6g}" for run, value in seeds.items()),
    }


def read_seed_values(text: str) -> dict[int, float]:
    """The differences by seed that the column `seed_values` holds.

    Examples:
        >>> read_seed_values("1:0.25 2:-0.5")
        {1: 0.25, 2: -0.5}
    """
    pairs = (part.partition(":") for part in text.split())
    return {int(seed): float(value) for seed, _, value in pairs}


def _find_aliases(runs: dict[str, list[str]]) -> dict[str, str]:
    """Settings whose runs are, seed for seed, those of an earlier one, which they name."""
    first: dict[tuple[str, ...], str] = {}
    return {
        setting: first[tuple(folders)]
        for setting, folders in runs.items()
        if first.setdefault(tuple(folders), setting) != setting
    }


def _copy_to_aliases(table: pd.DataFrame) -> pd.DataFrame:
    """One comparison under two names has one q."""
    keys = ["metric", "baseline", "setting"]
    found = table.set_index(keys)["q"]
    names = table["setting"].where(table["alias_of"] == "", table["alias_of"])
    known = found.reindex(pd.MultiIndex.from_frame(table[keys[:2]].assign(setting=names)))
    return table.assign(q=np.asarray(known, float))
