"""The main process that holds the working directory, which need not be one of the study's journal."""

import json

import pytest
from made_up_results import NOW
from test_failed_jobs import render as render_failed
from test_overview import render

from execution.main_process import FOLDER, HOLDER, RECORD, describe_this_process, hold_folder, write_record
from lossgrid.progress import holder
from lossgrid.progress.wording import spell_moment

CELL = "dpo/beta~0.1/seed~1"
GONE = 2**22 + 1


@pytest.fixture
def left(made_up):
    """A study whose main process was killed."""
    made_up.begin(pid=GONE, executor="slurm")
    cell = made_up.find("train_cell", CELL)
    made_up.start(cell, NOW - 1500)
    made_up.fail(cell, NOW - 1400)
    made_up.say(NOW - 1000, "submitted", cell, attempt=2, slurm_id="4711")
    return made_up


def test_the_records_are_those_of_the_main_process():
    """The library may not import the execution, so that the paths stand twice."""
    assert (holder.HOLDER, holder.RUNNER) == (FOLDER / HOLDER, FOLDER / RECORD)


def test_a_main_process_that_waits_is_seen(left):
    """It was told that all had ended from outside, and to type what would be refused."""
    with hold_folder(left.root / FOLDER):
        this = holder.read_holder(left.root)
        assert this.is_waiting
        text = render(left)
        assert (
            f"Snakemake has been waiting since {spell_moment(this.began, NOW)} (process {this.pid} on {this.host}) "
            "for jobs of an earlier main process, which it takes over.\n"
        ) in text
        assert "ended from outside" not in text
        assert "To go on" not in text


def test_a_main_process_that_runs_other_studies_is_seen(left):
    """The directory is theirs alone, whatever they build in it."""
    made_up = left
    made_up.fail(made_up.find("train_cell", CELL), NOW - 900)
    with hold_folder(left.root / FOLDER):
        write_record(describe_this_process("slurm"), left.root / FOLDER, RECORD)
        assert not holder.read_holder(left.root).is_waiting
        text = render(left)
        assert "of this study it has begun nothing.\n" in text
        assert "To go on" not in text
        assert "Snakemake still runs: it tries again by itself, or ends. Then:" in render_failed(left)


@pytest.mark.parametrize("change", [{"pid": GONE}, {"start": "1"}, {"host": "elsewhere"}, {"began": None}])
def test_a_record_of_a_process_that_has_gone_holds_nothing(left, change):
    """The file outlives its process; of another host's nothing is known."""
    with hold_folder(left.root / FOLDER):
        file = left.root / FOLDER / HOLDER
        file.write_text(json.dumps(json.loads(file.read_text()) | change))
        assert holder.read_holder(left.root) is None
    assert "To go on:" in render(left)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"host": 1}'])
def test_a_broken_record_holds_nothing(left, text):
    """A full disk breaks it off."""
    with hold_folder(left.root / FOLDER):
        (left.root / FOLDER / HOLDER).write_text(text)
        assert holder.read_holder(left.root) is None
