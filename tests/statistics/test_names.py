"""The runs behind every table: one row too few is a cell that nobody misses."""

import json
from pathlib import Path

import pytest
from judgment_files import write_rows

from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.statistics.names import get_run_names, read_score_rows
from lossgrid.studies import Study, load_study

STUDY = """\
title: Names
world: {kind: reviews, corpus_chats: 100, pairs: 20, heldout_chats: 10}
sft: {learning_rate: 3e-3, epochs: 3, batch_size: 8, max_length: 64}
training: {learning_rate: 5e-7, epochs: 2, batch_size: 32, max_length: 64}
seeds: [1]
objectives:
  discopop: {beta: 0.05}
  dlrml: {beta_kl: 0.05, beta_mix: [0.05, 0.2]}
  dpo: {beta: 0.05, seeds: [1, 2]}
"""
DISCOPOP = "discopop/beta~0.05__tau~0.05/seed~1"
MIXED = "dlrml/beta_kl~0.05__beta_mix~0.2__tau~0.05/seed~1"


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    """A study in which dLRML at β_mix = β_kl is DiscoPOP, and trained once."""
    file = tmp_path_factory.mktemp("studies") / "names.yaml"
    file.write_text(STUDY)
    return load_study(file)


def test_every_trained_run_has_a_name_and_no_alias_has_another(study):
    """An alias in a table would be the same run counted twice."""
    names = get_run_names(study)
    assert next(iter(names)) == "sft"
    assert names["sft"] == {"cell": "sft", "objective": "sft", "title": "SFT", "label": "", "seed": None}
    assert sorted(names) == sorted(
        [
            "sft",
            f"cells/{MIXED}",
            f"cells/{DISCOPOP}",
            "cells/dpo/beta~0.05/seed~1",
            "cells/dpo/beta~0.05/seed~2",
        ]
    )
    cell = names["cells/dpo/beta~0.05/seed~2"]
    assert (cell["cell"], cell["objective"], cell["seed"]) == ("dpo/beta~0.05/seed~2", "dpo", 2)
    assert cell["title"] == CATALOGUE["dpo"].title
    assert cell["label"] == names["cells/dpo/beta~0.05/seed~1"]["label"] != ""


def test_scores_are_those_of_each_run_in_the_order_of_the_names(study, tmp_path):
    """Rows under another run's name would give it another one's rank. A run without rows is there, and empty."""
    names = list(get_run_names(study))
    expected = {run: [{"id": f"{run} {place}"} for place in range(place)] for place, run in enumerate(names)}
    for run, rows in expected.items():
        write_rows(tmp_path / run / "scores" / "alpaca_eval.jsonl", rows)
        write_rows(tmp_path / run / "scores" / "summaries.jsonl", [{"id": "another evaluation"}])
    read = read_score_rows(study, tmp_path, "alpaca_eval")
    assert list(read.items()) == list(expected.items())
    assert read["sft"] == []


def test_a_run_without_scores_stops_the_table(study, tmp_path):
    """A mean over the runs that happen to be there would change from day to day."""
    for run in list(get_run_names(study))[:-1]:
        write_rows(tmp_path / run / "scores" / "mt_bench.jsonl", [])
    missing = Path(list(get_run_names(study))[-1]) / "scores" / "mt_bench.jsonl"
    with pytest.raises(FileNotFoundError) as caught:
        read_score_rows(study, tmp_path, "mt_bench")
    assert Path(caught.value.filename) == tmp_path / missing


def test_rows_come_back_as_they_were_written(study, tmp_path):
    """Numbers, gaps and any text a judge may write."""
    rows = [{"score": None, "reply": "β \u2028 [[7]]\r\n", "preference": 1.1, "ok": True}]
    for run in get_run_names(study):
        file = tmp_path / run / "scores" / "mt_bench.jsonl"
        file.parent.mkdir(parents=True)
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert all(each == rows for each in read_score_rows(study, tmp_path, "mt_bench").values())
