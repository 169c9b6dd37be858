"""The training log: written line by line, cut where a run resumes, with words for what JSON cannot say."""

import json
import math

import pytest

from lossgrid.training.checkpoint_folders import COMPLETE, find_checkpoint
from lossgrid.training.checkpoints import open_run_folder, replace_folder
from lossgrid.training.training_log import append_record, cut_training_log, read_records, spell_number


@pytest.fixture
def log(tmp_path):
    """A log of five steps."""
    path = tmp_path / "training.jsonl"
    for step in range(1, 6):
        append_record(path, {"step": step, "loss": step / 3})
    return path


def test_what_is_written_is_read(tmp_path):
    """Numbers come back as the same doubles, booleans as booleans, NaN and infinities as floats."""
    log = tmp_path / "training.jsonl"
    record = {
        "step": 1,
        "nonfinite": True,
        "loss": 0.1 + 0.2,
        "tiny": 5e-324,
        "rho_min": -math.inf,
        "rho_max": math.inf,
        "grad_norm": math.nan,
    }
    append_record(log, record)
    (read,) = read_records(log)
    assert math.isnan(read.pop("grad_norm"))
    assert {**read, "grad_norm": 0} == {**record, "grad_norm": 0}
    assert type(read["nonfinite"]) is bool
    assert type(read["step"]) is int


def test_every_line_is_strict_json(tmp_path):
    """`NaN` is no JSON: a browser or jq would refuse the whole log."""
    log = tmp_path / "training.jsonl"
    append_record(log, {"loss": math.nan, "grad_norm": -math.inf})
    assert log.read_text() == '{"loss": "nan", "grad_norm": "-inf"}\n'

    def refuse(word):
        raise AssertionError(word)

    assert json.loads(log.read_text(), parse_constant=refuse) == {"loss": "nan", "grad_norm": "-inf"}


@pytest.mark.parametrize(
    ("value", "spelled"),
    [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (1.5, 1.5), (0, 0), (None, None), ("", "")],
)
def test_words(value, spelled):
    """Only floats that are not finite become words."""
    assert spell_number(value) == spelled


@pytest.mark.parametrize("last_step", range(6))
def test_cut_keeps_the_steps_of_the_checkpoint(log, last_step):
    """A step after the checkpoint is done again and would stand there twice; one before is never redone."""
    lines = log.read_bytes().splitlines(keepends=True)
    cut_training_log(log, last_step)
    assert log.read_bytes() == b"".join(lines[:last_step])


@pytest.mark.parametrize("broken", ['{"step": 6, "lo', "{", "\0\0\0\0", '{"step": 6, "loss": 1.0', ""])
def test_cut_drops_a_broken_last_line(log, broken):
    """A kill leaves half a line, a lost node zeros; every later step would be appended to it."""
    whole = log.read_bytes()
    with log.open("a") as file:
        file.write(broken)
    cut_training_log(log, 9)
    assert log.read_bytes() == whole


def test_cut_completes_a_line_that_only_lacks_its_end(log):
    """Otherwise the next step would be written behind it, on the same line."""
    whole = log.read_bytes()
    log.write_bytes(whole[:-1])
    cut_training_log(log, 5)
    assert log.read_bytes() == whole


def test_no_log_is_no_records(tmp_path):
    """A run that was killed before its first step has no log."""
    cut_training_log(tmp_path / "none.jsonl", 3)
    assert read_records(tmp_path / "none.jsonl") == []
    assert list(tmp_path.iterdir()) == []


def make_checkpoint(run_folder, step, complete=True):
    folder = run_folder / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    if complete:
        (folder / COMPLETE).touch()


def test_the_newest_complete_checkpoint_is_found(tmp_path):
    """By number: as words, checkpoint-9 comes after checkpoint-10."""
    for step, complete in ((9, True), (10, True), (2, True), (11, False)):
        make_checkpoint(tmp_path, step, complete)
    assert find_checkpoint(tmp_path).name == "checkpoint-10"
    assert find_checkpoint(tmp_path / "nowhere") is None


def test_opening_a_run_leaves_what_belongs_to_it(tmp_path):
    """Its newest complete checkpoint and the log up to there; another identity's folder is not looked at."""
    run_folder = tmp_path / "mine"
    for step, complete in ((2, True), (4, True), (6, False)):
        make_checkpoint(run_folder, step, complete)
    make_checkpoint(tmp_path / "other", 8)
    for step in range(1, 8):
        append_record(run_folder / "training.jsonl", {"step": step})
    opened, checkpoint = open_run_folder(tmp_path, "mine")
    assert (opened, checkpoint) == (run_folder, run_folder / "checkpoint-4")
    assert sorted(path.name for path in run_folder.iterdir()) == ["checkpoint-4", "training.jsonl"]
    assert [record["step"] for record in read_records(run_folder / "training.jsonl")] == [1, 2, 3, 4]
    assert (tmp_path / "other/checkpoint-8" / COMPLETE).exists()
    assert open_run_folder(tmp_path, "third") == (tmp_path / "third", None)


@pytest.mark.parametrize("before", ["nothing", "folder", "link", "dangling link"])
def test_a_folder_takes_the_place_of_whatever_is_there(tmp_path, before):
    """A link is replaced and not followed: what it points at belongs to another cell."""
    source, target, other = tmp_path / "source", tmp_path / "deep/target", tmp_path / "other"
    for folder, text in ((source, "new"), (other, "other")):
        folder.mkdir()
        (folder / "file").write_text(text)
    target.parent.mkdir()
    if before == "folder":
        target.mkdir()
        (target / "stale").touch()
    elif before == "link":
        target.symlink_to("../other")
    elif before == "dangling link":
        target.symlink_to("../nowhere")
    replace_folder(source, target)
    assert {path.name: path.read_text() for path in target.iterdir()} == {"file": "new"}
    assert (other / "file").read_text() == "other"
    assert not source.exists()
