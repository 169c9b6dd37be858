"""MT-Bench of the reviews world, asked of its oracle over HTTP: from the prompt files to the table."""

import sys
from pathlib import Path

import pandas as pd
import pytest

from lossgrid.judging.asking.client import judge_requests
from lossgrid.judging.asking.endpoint import Endpoint
from lossgrid.judging.asking.ledger import Ledger
from lossgrid.judging.evaluations import list_requests
from lossgrid.judging.mt_bench.files import load_files
from lossgrid.judging.mt_bench.requests import build_requests, collect
from lossgrid.judging.serving.server import serve
from lossgrid.statistics.mt_bench import pair_repeats, summarise_pairs, summarise_scores
from lossgrid.statistics.self_consistency import measure_self_consistency
from lossgrid.worlds.reviews.prompts import write_world_prompts

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (
    f"{sys.executable} {ROOT / 'workflow_scripts' / 'serve_oracle.py'} --port {{port}} --seed 1 --noise 0.3 "
    "--malformed 0.1"
)
PRAISE = "the plot is superb . the cast is superb . the twist was very thrilling ."
BLAME = "the plot is awful . the cast is awful ."
RUNS = {"sft": BLAME, "cells/praise": PRAISE}


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A judge that is wrong at random and garbles one reply in ten."""
    log = tmp_path_factory.mktemp("oracle") / "oracle.log"
    with serve(COMMAND, log, environment={"PYTHONPATH": str(ROOT)}) as url:
        yield url


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Questions, prompts and references that ship with the code."""
    folder = tmp_path_factory.mktemp("prompts")
    write_world_prompts(1, True, None, None, folder)
    return load_files(folder / "mt_bench", "pairwise")


def ask(files, url, ledger, **options):
    """Score rows by run, and how many calls they took."""
    answers = {
        run: [
            {"id": each["question_id"], "turn": turn, "response": text}
            for each in files.questions
            for turn in (1, 2)
        ]
        for run, text in RUNS.items()
    }
    judgments = build_requests(files.questions, answers, files.prompts, files.references, "oracle", **options)
    endpoint = Endpoint(url, "oracle", "oracle")
    before = len(ledger.read())
    records = judge_requests(list_requests(judgments), endpoint, ledger, lambda line: None)
    return collect(judgments, records, endpoint.name), len(ledger.read()) - before


def test_scores_of_a_real_judge(files, url, tmp_path):
    """640 judgments, each ok or explained; praise above blame in all categories; a second run calls nobody."""
    rows, calls = ask(files, url, Ledger(tmp_path), consistency=80)
    assert {run: len(own) for run, own in rows.items()} == dict.fromkeys(RUNS, 320)
    assert calls == 640
    tables = {
        run: summarise_scores(pd.DataFrame(own)).set_index(["category", "turn"]) for run, own in rows.items()
    }
    for table in tables.values():
        whole = table.loc[("all", "all")]
        assert whole["n_ok"] + whole["n_parse_error"] == 160
        # 16 expected, with a standard deviation of 3.8.
        assert 1 <= whole["n_parse_error"] <= 32
        assert len(table) == 27
    assert (tables["cells/praise"]["score"] > tables["sft"]["score"]).all()
    errors = {row["error"] for own in rows.values() for row in own if row["state"] != "ok"}
    assert all(error.startswith(("no rating", "the rating", "the reply")) for error in errors)

    pairs = pair_repeats(pd.DataFrame([{**row, "run": run} for run, own in rows.items() for row in own]))
    consistency = measure_self_consistency(pairs["first"], pairs["second"], pairs["question_id"])
    assert consistency.n + consistency.missing == 320
    assert consistency.clusters == 80
    # Noise drawn anew for a repeat: a judge that only echoed itself would agree always.
    assert 0 < consistency.agreement < 1

    again, calls = ask(files, url, Ledger(tmp_path), consistency=80)
    assert calls == 0
    assert again == rows


def test_comparisons_of_a_real_judge(files, url, tmp_path):
    """Both orders of 160 comparisons; praise wins most of them."""
    rows, calls = ask(files, url, Ledger(tmp_path), mode="pairwise", baseline_run="sft")
    assert (list(rows), calls) == (["cells/praise"], 320)
    whole = summarise_pairs(pd.DataFrame(rows["cells/praise"])).iloc[0]
    assert whole["n_ok"] + whole["n_parse_error"] == 160
    assert whole["n_parse_error"] > 0
    assert whole["win_rate"] > 0.8
