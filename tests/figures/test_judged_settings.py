"""What figures of judgments make of their tables before they draw: nothing lost, nothing made more certain."""

import math
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from captured import find_overlaps
from hypothesis import given
from hypothesis import strategies as st
from made_up_scores import DIVERGED, make_cells, make_comparisons, make_runs

from lossgrid.figures.judged_settings import (
    NAMED,
    SETTING,
    average_seeds,
    head,
    mark_runs,
    mark_settings,
    name_judge,
    say_missing,
)
from lossgrid.figures.setting_rows import PAGE, lay_out_rows
from lossgrid.studies.judging import Judge

SEEDS = st.lists(
    st.tuples(st.floats(-100, 100), st.floats(0, 10), st.lists(st.floats(-1, 1), min_size=4, max_size=4)),
    min_size=1,
    max_size=5,
)


def make_rows(*seeds: tuple[float, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [{"objective": "dpo", "label": "β 1", "x": value, "e": error} for value, error in seeds]
    )


def test_a_mean_over_seeds_has_the_mean_of_their_errors():
    """(1 + 3)/2 and (0.2 + 0.4)/2."""
    (mean,) = average_seeds(make_rows((1, 0.2), (3, 0.4)), "x", "e").itertuples(index=False)
    assert tuple(mean) == pytest.approx((2, 0.3))


@given(SEEDS)
def test_no_dependence_between_seeds_makes_the_error_too_small(seeds):
    """Whatever the correlations, which common factors give: √Var of the mean is at most the mean."""
    loadings = np.array([weights for *_, weights in seeds])
    norms = np.linalg.norm(loadings, axis=1, keepdims=True)
    loadings = np.where(norms > 0, loadings / np.where(norms > 0, norms, 1), [[1, 0, 0, 0]])
    errors = np.array([error for _, error, _ in seeds])
    covariance = (loadings @ loadings.T) * np.outer(errors, errors)
    true = math.sqrt(max(covariance.mean(), 0))
    error = average_seeds(make_rows(*(seed[:2] for seed in seeds)), "x", "e")["e"].iloc[0]
    # Rounding of four products of up to 10.
    assert true <= error + 1e-9


def test_a_seed_without_a_value_takes_no_part_and_one_without_an_error_leaves_none():
    """Its error would be that of nothing, and an error of some seeds alone would be too small."""
    lost = average_seeds(make_rows((1, 0.2), (math.nan, math.nan)), "x", "e").iloc[0]
    assert tuple(lost) == (1, 0.2)
    unsure = average_seeds(make_rows((1, 0.2), (3, math.nan)), "x", "e").iloc[0]
    assert (unsure["x"], math.isnan(unsure["e"])) == (2, True)
    nothing = average_seeds(make_rows((math.nan, 0.2)), "x", "e")
    assert len(nothing) == 1
    assert nothing.isna().all(axis=None)


def test_settings_keep_the_order_of_the_table():
    """Rows that jump about cannot be compared between figures."""
    runs = make_runs().assign(label=lambda table: table["label"].fillna(""), x=1.0, e=1.0)
    runs.loc[1, "x"] = math.nan
    assert list(average_seeds(runs, "x", "e").index) == list(
        dict.fromkeys(runs[SETTING].itertuples(index=False))
    )


def test_runs_are_marked_and_aliases_left_out():
    """One seed of a setting may be an alias and another not."""
    runs = make_runs()
    cells = make_cells(runs)
    cells.loc[cells["cell"] == "dpo/β~0.05/seed~1", "alias_of"] = "ipo/x/seed~1"
    marked = mark_runs(runs[::-1], cells)
    assert marked["cell"].iloc[0] == "sft"
    assert set(runs["cell"]) - set(marked["cell"]) == {"dpo/β~0.05/seed~1"}
    assert list(marked.loc[marked["diverged"], SETTING].itertuples(index=False)) == [DIVERGED]


def test_settings_are_marked_and_aliases_left_out():
    """A setting is an alias only if all its seeds are, and diverged if any did."""
    runs = make_runs({("dpo", "β 1"): (1, 2), ("ipo", "β 1"): (1, 2), ("hinge", "β 1"): (1, 2)})
    cells = make_cells(runs, diverged=("", ""))
    cells.loc[cells["cell"].isin(["ipo/β~1/seed~1", "hinge/β~1/seed~1", "hinge/β~1/seed~2"]), "alias_of"] = (
        "x"
    )
    cells.loc[cells["cell"] == "dpo/β~1/seed~2", "status"] = "diverged"
    marked = mark_settings(make_comparisons(runs, {"mt_bench": 1.0}), cells)
    assert dict(zip(marked["objective"], marked["diverged"], strict=True)) == {"dpo": True, "ipo": False}


def test_what_is_missing_is_named_up_to_a_point():
    """A sweep of which most failed must still fit the page, and say how many they are."""
    names = [f"setting {number}" for number in range(NAMED + 5)]
    lines = say_missing("without", names, 60)
    assert max(map(len, lines)) <= 60
    assert " ".join(lines) == f"without: {'; '.join(names[:NAMED])}; 5 more"
    assert say_missing("without", [], 60) == []


def test_a_heading_names_the_judge_and_fits():
    """Numbers of two judges look alike."""
    judge = Judge(model="judge-1", date="2026-05", base_url="https://api.example.org/v1")
    assert name_judge(judge) == "judge-1, 2026-05"
    assert name_judge(judge.model_copy(update={"date": None})) == "judge-1"
    assert head("A study", name_judge(judge), 80) == "A study; judge: judge-1, 2026-05"
    assert head("A study", name_judge(None), 80) == "A study"
    assert max(map(len, head("A study " * 30, "judge-1", 80).split("\n"))) <= 80


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8), st.booleans())
def test_rows_do_not_meet(sizes, long):
    """Settings of any number of losses: names stand apart by a line's height at least."""
    ending = ", mix_learning_rate 0.01" if long else ""
    settings = pd.DataFrame(
        [
            {"objective": f"loss {loss}", "title": f"Loss {loss}", "label": f"β_kl {n}, β_mix 0.1{ending}"}
            for loss, size in enumerate(sizes)
            for n in range(size)
        ]
    ).assign(diverged=False)
    rows = lay_out_rows(settings, 24)
    assert len(rows.places) == len(settings)
    heights = [(height, 1 + 0.65 * text.count("\n")) for height, text, *_ in rows.names]
    for (one, its), (other, others) in pairwise(heights):
        assert other - one >= (its + others) / 2 - 1e-9
    assert heights[0][0] >= heights[0][1] / 2
    assert heights[-1][0] + heights[-1][1] / 2 <= rows.end + 1e-9
    said = [text.replace("\n", " ") for _, text, *_ in rows.names]
    assert sum(text.endswith(ending or "0.1") for text in said) == len(settings)
    assert rows.pitch * rows.end <= max(PAGE, 0.12 * rows.end) + 1e-9


def test_overlaps_are_found():
    """The tests of the figures rest on it."""
    figure, axes = plt.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.text(0.5, 0.5, "one")
    assert find_overlaps(figure) == []
    axes.text(0.51, 0.5, "other")
    assert find_overlaps(figure) == [("one", "other")]
    plt.close(figure)
