"""The numbers that a text quotes are those of the tables."""

import math
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from lossgrid.paper.numbers import collect_numbers
from lossgrid.paper.numbers_file import write_numbers
from lossgrid.paper.quoted import Quoted
from lossgrid.paper.rounding import round_alone, round_together

SET = re.compile(r"\\lossgridset\{([^{}]+)\}\{(.*)\}$", re.M)


def make_tables() -> dict[str, pd.DataFrame]:
    """Two seeds of DPO, a diverged cell without scores, an alias; a judge's tables, a difference and two claims."""
    shared = {
        "n": 512,
        "chats": 256,
        "steps": 128,
        "nonfinite_steps": 0,
        "unfinished": 0,
        "max_grad_norm": 0.39,
    }
    cells = pd.DataFrame(
        [
            {"cell": "sft", "objective": "sft", "title": "SFT", "reward": 0.4964, "reward_se": 0.0651, "kl": 0.0,
             "kl_se": 0.0, "n": 512, "chats": 256},
            {"cell": "dpo/beta~0.05/seed~1", "objective": "dpo", "title": "DPO", "label": "β 0.05", "seed": 1,
             "reward": 1.4282, "reward_se": 0.0985968, "kl": 1.04816, "kl_se": 0.0499, "status": "finished",
             **shared},
            {"cell": "dpo/beta~0.05/seed~2", "objective": "dpo", "title": "DPO", "label": "β 0.05", "seed": 2,
             "reward": 1.4531, "reward_se": 0.0915, "kl": 1.07, "kl_se": 0.05, "status": "finished", **shared},
            {"cell": "dlrml/beta_kl~0.05__beta_mix~0.2__tau~0.05/seed~1", "objective": "dlrml", "title": "dLRML",
             "label": "β_kl 0.05, β_mix 0.2", "seed": 1, "reward": math.nan, "reward_se": math.nan, "kl": math.nan,
             "kl_se": math.nan, "status": "diverged", **shared},
            {"cell": "dlrml/beta_kl~0.25__beta_mix~1__tau~0.05/seed~1", "objective": "dlrml", "title": "dLRML",
             "label": "β_kl 0.25, β_mix 1", "seed": 1, "reward": 1.4282, "reward_se": 0.0985968, "kl": 1.04816,
             "kl_se": 0.0499, "status": "finished", "alias_of": "dpo/beta~0.05/seed~1", **shared},
        ]
    ).assign(alias_of=lambda table: table.get("alias_of", pd.Series(dtype=object)).fillna(""))  # fmt: skip
    run = {"cell": "dpo/beta~0.05/seed~1", "objective": "dpo", "title": "DPO", "label": "β 0.05", "seed": 1}
    mt_bench = pd.DataFrame(
        [
            {**run, "category": category, "turn": turn, "score": score, "score_se": 0.14, "questions": 80, "n_ok": n}
            for category, turn, score, n in (
                ("all", "all", 4.68, 157), ("all", "1", 4.8, 79), ("math", "all", 3.1, 20), ("math", "1", 3.3, 10)
            )
        ]
    )  # fmt: skip
    board = pd.DataFrame(
        [{**run, "win_rate": 58.741, "standard_error": 2.50577, "lc_study": 59.8605,
          "lc_study_standard_error": 2.69616, "n_ok": 157}]
    )  # fmt: skip
    comparisons = pd.DataFrame(
        [{"metric": "mt_bench", "setting": "dlrml/beta_kl~0.25__beta_mix~1__tau~0.05", "baseline": "dpo/beta~0.05",
          "difference": -0.9605, "se": 0.1233, "low": -1.2059, "high": -0.7151, "clusters": 80, "n": 152,
          "left_out": 8, "p": 1.9e-11, "q": 5.6e-11, "mde": 0.3491}]
    )  # fmt: skip
    claims = pd.DataFrame(
        [
            {"claim": "mt-bench-above", "verdict": "supported", "effect": 0.334416, "low": 0.169994, "high": 0.498837,
             "n": 154, "runs": 4, "p": 0.00011951, "p_holm": 0.00035853, "mde": 0.281425, "predicted_low": 0.5,
             "predicted_high": 1.0, "left_out": 6, "threshold": math.nan},
            {"claim": "bounded", "verdict": "inconclusive", "effect": 3.55816, "low": math.nan, "high": math.nan,
             "n": 1024, "runs": 8, "p": math.nan, "p_holm": math.nan, "mde": math.nan, "predicted_low": math.nan,
             "predicted_high": math.nan, "left_out": math.nan, "threshold": 20.0},
        ]
    )  # fmt: skip
    return {
        "cells": cells,
        "mt_bench": mt_bench,
        "leaderboard": board,
        "comparisons": comparisons,
        "claims": claims,
    }


@pytest.fixture
def numbers_file(tmp_path):
    path = tmp_path / "numbers.tex"
    write_numbers(collect_numbers("mini", make_tables()), "mini", path)
    return path


@pytest.fixture
def numbers(numbers_file) -> dict[str, str]:
    return dict(SET.findall(numbers_file.read_text(encoding="utf-8")))


def read(text: str) -> float:
    """The number that a definition holds."""
    plain = re.sub(r"\\ensuremath\{(.*)\}", r"\1", text)
    return float(re.sub(r"\\times10\^\{(-?\d+)\}", r"e\1", plain))


def is_rounded(text: str, number: float) -> bool:
    """Whether a text is the number to within half of its last digit."""
    plain = re.sub(r"\\ensuremath\{(.*)\}", r"\1", text)
    decimals = len(plain.partition("\\")[0].partition(".")[2])
    scale = 10.0 ** int(found[1]) if (found := re.search(r"\^\{(-?\d+)\}", plain)) else 1.0
    return abs(read(text) - number) <= 0.5000001 * 10.0**-decimals * scale


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("dpo/beta~0.05/seed~1/reward", 1.4282),
        ("dpo/beta~0.05/seed~1/reward/se", 0.0985968),
        ("dpo/beta~0.05/seed~1/reward/low", 1.4282 - 1.959964 * 0.0985968),
        ("dpo/beta~0.05/seed~1/kl", 1.04816),
        ("dpo/beta~0.05/seed~1/mt_bench", 4.68),
        ("dpo/beta~0.05/seed~1/mt_bench/n", 157),
        ("dpo/beta~0.05/seed~1/mt_bench/turn~1", 4.8),
        ("dpo/beta~0.05/seed~1/mt_bench/math", 3.1),
        ("dpo/beta~0.05/seed~1/win_rate", 58.741),
        ("dpo/beta~0.05/seed~1/lc_win_rate", 59.8605),
        ("dpo/beta~0.05/seed~1/lc_win_rate/se", 2.69616),
        ("dpo/beta~0.05/reward", (1.4282 + 1.4531) / 2),
        ("dpo/beta~0.05/reward/se", (0.0985968 + 0.0915) / 2),
        ("dpo/beta~0.05/reward/n", 1024),
        ("dpo/beta~0.05/seeds", 2),
        ("dlrml/beta_kl~0.05__beta_mix~0.2__tau~0.05/r", 80),
        ("dlrml/beta_kl~0.05__beta_mix~0.2__tau~0.05/diverged", 1),
        # An alias has the numbers of what was trained for it.
        ("dlrml/beta_kl~0.25__beta_mix~1__tau~0.05/seed~1/mt_bench", 4.68),
        ("dlrml/beta_kl~0.25__beta_mix~1__tau~0.05/minus/dpo/beta~0.05/mt_bench", -0.9605),
        ("dlrml/beta_kl~0.25__beta_mix~1__tau~0.05/minus/dpo/beta~0.05/mt_bench/high", -0.7151),
        ("dlrml/beta_kl~0.25__beta_mix~1__tau~0.05/minus/dpo/beta~0.05/mt_bench/p", 1.9e-11),
        ("claims/mt-bench-above/effect", 0.334416),
        ("claims/mt-bench-above/effect/low", 0.169994),
        ("claims/mt-bench-above/effect/high", 0.498837),
        ("claims/mt-bench-above/effect/n", 154),
        ("claims/mt-bench-above/p", 0.00011951),
        ("claims/bounded/effect", 3.55816),
        ("runs", 3),
        ("diverged", 1),
    ],
)
def test_a_number_is_that_of_the_table(numbers, key, number):
    """A number of a paper that is not the table's is the worst error that a workflow can make."""
    assert is_rounded(numbers[f"mini/{key}"], number), numbers[f"mini/{key}"]


def test_words_are_those_of_the_tables(numbers):
    """Verdicts and endings are quoted too."""
    assert numbers["mini/claims/mt-bench-above/verdict"] == "supported"
    assert numbers["mini/dlrml/beta_kl~0.05__beta_mix~0.2__tau~0.05/seed~1/status"] == "diverged"


def test_what_has_no_number_is_no_number(numbers):
    """A nan in print, or a 0, would be read as a result."""
    assert numbers["mini/dlrml/beta_kl~0.05__beta_mix~0.2__tau~0.05/seed~1/reward"] == "n/a"
    assert "mini/dlrml/beta_kl~0.05__beta_mix~0.2__tau~0.05/reward" not in numbers
    assert numbers["mini/claims/bounded/p"] == "n/a"
    assert "mini/claims/bounded/effect/low" not in numbers
    assert not [
        value for value in numbers.values() if "nan" in value or "inf" in value.replace("inconclusive", "")
    ]


def test_an_interval_has_the_decimals_of_its_estimate(numbers):
    """1.428 [1.2, 1.6215] looks like two tables."""
    for key in (key for key in numbers if f"{key}/low" in numbers):
        decimals = {
            len(numbers[part].partition(".")[2].rstrip("}")) for part in (key, f"{key}/low", f"{key}/high")
        }
        assert len(decimals) == 1, key


def test_two_numbers_never_share_a_key(tmp_path):
    """The second would silently replace the first in the text."""
    with pytest.raises(ValueError, match="a/b: two numbers have this key"):
        write_numbers([Quoted("a/b", 1.0), Quoted("a/b", 2.0)], "a", tmp_path / "numbers.tex")


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-30, 9.9996e6, 1e7, -1234.5678, 0.09996, 5e-324, 1.7e308])
def test_rounding_keeps_four_digits(value):
    """A number that loses its size in rounding is another number."""
    assert float(round_alone(value)) == pytest.approx(value, rel=5e-4)


@pytest.mark.parametrize("error", [1e-6, 0.00994, 0.0996, 0.1, 9.96, 250.0])
def test_an_error_keeps_two_digits(error):
    """An error of one digit is wrong by a third."""
    value, written = round_together(1234.56789, error)
    assert float(written) == pytest.approx(error, rel=0.05)
    assert float(value) == pytest.approx(1234.56789, abs=0.05 * error + 0.5)


def test_the_file_is_balanced_and_has_no_letter_that_latex_lacks(numbers_file):
    """Read before the text, an open brace would swallow the paper."""
    text = numbers_file.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    assert all(ord(letter) < 128 for line in lines for letter in line)
    depth = np.cumsum([(letter == "{") - (letter == "}") for letter in "\n".join(lines)])
    assert depth.min() >= 0
    assert depth[-1] == 0
    assert "@" not in "".join(lines)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX is installed")
@pytest.mark.parametrize(
    ("key", "fails"), [("mini/dpo/beta~0.05/reward", False), ("mini/dpo/beta~0.5/reward", True)]
)
def test_latex_finds_a_key_and_names_one_that_is_not_there(numbers_file, tmp_path, key, fails):
    """A misspelt key that prints nothing leaves a gap that nobody sees."""
    document = (
        "\\documentclass{article}\\input{numbers.tex}\\begin{document}\\section{\\lossgrid{mini/runs}}"
        f"\\lossgrid{{{key}}} $\\lossgrid{{{key}}}$ \\lossgridinterval{{mini/dpo/beta~0.05/reward}} "
        "\\lossgridse{mini/dpo/beta~0.05/reward}\\end{document}"
    )
    (tmp_path / "paper.tex").write_text(document)
    process = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert (process.returncode != 0) == fails, process.stdout
    assert not fails or f"No number has the key {key}" in process.stdout.replace("\n", "")
