"""The tables of a study: which rows and columns there are, and that they hold what the audit found."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lossgrid.audit import audit_study, get_shapes
from lossgrid.audit.limits import PRECISIONS
from lossgrid.studies import load_study

ROOT = Path(__file__).resolve().parents[2]
OBJECTIVES = (
    "dlrml: {beta_kl: 0.05, beta_mix: [0.01, 0.05], seeds: [3]}",
    "dpo: {beta: [0.25, 0.05]}",
    "discopop:",
    "  - {beta: 0.05, seeds: [1]}",
    "  - {beta: 5.0, evaluation: [log_space, published]}",
    "hinge:",
)


@pytest.fixture
def study(write_study):
    """Six objectives' worth of shapes, with one alias whose seeds are other ones than its original's."""
    return load_study(write_study(*OBJECTIVES))


def test_one_row_for_each_setting_in_the_order_of_the_study(study):
    """A figure or a reader would look for a setting in vain, or find it twice, once a seed."""
    table = audit_study(study)
    assert (table["objective"] + "/" + table["setting"]).tolist() == [
        "dlrml/beta_kl~0.05__beta_mix~0.01__tau~0.05",
        "dlrml/beta_kl~0.05__beta_mix~0.05__tau~0.05",
        "dpo/beta~0.25",
        "dpo/beta~0.05",
        "discopop/beta~0.05__tau~0.05",
        "discopop/beta~5__tau~0.05",
        "discopop/beta~5__tau~0.05__evaluation~published",
        "hinge/beta~0.1",
    ]
    assert table["label"].tolist()[:3] == ["β_kl 0.05, β_mix 0.01", "β_kl 0.05, β_mix 0.05", "β 0.25"]
    assert table["evaluation"].tolist() == ["log_space"] * 2 + ["", ""] + ["log_space"] * 2 + [
        "published",
        "",
    ]


def test_an_alias_names_the_setting_that_is_trained_for_it(study):
    """A user would count two results where there is one; here dLRML comes first, so DiscoPOP is the alias."""
    table = audit_study(study)
    aliases = table.loc[table["alias_of"] != "", ["objective", "alias_of"]]
    assert aliases.values.tolist() == [["discopop", "dlrml/beta_kl~0.05__beta_mix~0.05__tau~0.05"]]
    alias, original = table.iloc[4], table.iloc[1]
    assert alias["verdict"] == original["verdict"]
    assert alias["trap_rho"] == pytest.approx(original["trap_rho"], abs=1e-12)


def test_the_columns_are_those_documented(study):
    """Whoever reads the CSV has the docstring alone to go by."""
    text = inspect.getdoc(audit_study)
    names = re.findall(r"``([a-z0-9_{}]+)``", text[text.index("- ``objective``") :])
    documented = []
    for name in names:
        documented += (
            [name.format(precision=precision) for precision in PRECISIONS] if "{" in name else [name]
        )
    documented += [f"left_limit_{precision}_log_space" for precision in PRECISIONS]
    assert sorted(documented) == sorted(audit_study(study).columns)


def test_the_numbers_of_a_row_by_hand(study):
    """The table would say something else than the audit. DiscoPOP at β=5: a hundredth of the margins of β=0.05."""
    row = (
        audit_study(study)
        .set_index(["objective", "setting"])
        .loc["discopop", "beta~5__tau~0.05__evaluation~published"]
    )
    assert (row["start"], row["monotone"], row["left_slope"], row["right_slope"]) == (
        "wrong", False, "bounded", "vanishing",
    )  # fmt: skip
    assert row["start_slope"] == pytest.approx(5 * row["start_slope_z"], rel=1e-14)
    assert round(row["trap_rho"], 5) == round(-0.11857 / 5, 5)
    assert row["barrier_height"] == pytest.approx(0.8783 - 0.7859, abs=1e-4)
    assert row["stationary"].startswith("minimum at -0.0237")
    assert (row["r"], row["discopop_beta"], row["discopop_tau"]) == (20, 5, 0.05)
    assert (
        row["left_limit_float32"] == row["left_limit_float32_published"] == pytest.approx(-17.744, abs=1e-3)
    )
    assert np.isnan(row["left_limit_float32_log_space"])
    assert np.isnan(row["target_rho"])


def test_shapes_show_the_trap_and_the_tails(study):
    """A figure drawn from the curves would miss what it is drawn for."""
    shapes = get_shapes(study)
    assert shapes.columns.tolist() == [
        "objective", "title", "label", "setting", "evaluation", "rho", "z", "loss", "slope",
    ]  # fmt: skip
    assert shapes.isna().sum().sum() == 0
    audited = audit_study(study).set_index(["objective", "setting"])
    for key, curve in shapes.groupby(["objective", "setting"], sort=False):
        row = audited.loc[key]
        assert 300 <= len(curve) <= 420
        assert (np.diff(curve["rho"]) > 0).all()
        assert curve["z"].iloc[0] == -curve["z"].iloc[-1] <= -12
        start = curve[curve["rho"] == 0]
        assert start["loss"].tolist() == [pytest.approx(row["start_loss"], rel=1e-14)]
        assert start["slope"].tolist() == [pytest.approx(row["start_slope"], rel=1e-14)]
        if not np.isnan(row["trap_rho"]):
            between = curve["rho"].between(row["trap_rho"], row["barrier_rho"])
            assert between.sum() > 30
            assert curve["loss"][curve["rho"] < row["barrier_rho"]].min() == pytest.approx(
                row["trap_loss"], abs=1e-4
            )
    assert shapes["setting"].drop_duplicates().tolist() == audited.index.get_level_values(1).tolist()


def test_the_script_writes_both_tables(write_study):
    """The rule's outputs: the CSV files must read back as the tables, to the nine digits that are written."""
    path = write_study(*OBJECTIVES)
    command = [sys.executable, str(ROOT / "workflow_scripts" / "audit_objectives.py")]
    command += ["--study", str(path), "--audit", "audit.csv", "--shapes", "shapes.csv"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    finished = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert finished.stderr == ""
    assert (
        "dpo/beta~0.25: right sign at the start (slope −0.5 in z); pushes margins up everywhere"
        in finished.stdout
    )
    study = load_study(path)
    for file, table in (("audit.csv", audit_study(study)), ("shapes.csv", get_shapes(study))):
        written = pd.read_csv(
            file, keep_default_na=False, na_values={name: [""] for name in table.select_dtypes("number")}
        )
        # Underflowing slopes of some 1e-300 are written with as many digits.
        pd.testing.assert_frame_equal(written, table, rtol=1e-8, atol=1e-300, check_dtype=False)
