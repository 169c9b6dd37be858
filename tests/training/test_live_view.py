"""The live view shows what the training log says, survives kills, and neither changes nor stops a training."""

import fcntl
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from test_deepspeed import Launcher

from lossgrid.training.live import watch
from lossgrid.training.live.follow import LOCK
from lossgrid.training.live.log_reader import LogReader
from lossgrid.training.live.machine import describe_processor, read_machine
from lossgrid.training.live.places import find_place
from lossgrid.training.live.tracker_choice import CHOICE, check_tracker
from lossgrid.training.live.trackers import get_run_id
from lossgrid.training.training_log import read_records

ROOT = Path(__file__).resolve().parents[2]
JOBS = Path(__file__).with_name("training_jobs.py")
CELL = "dpo/beta~0.1/seed~1"
NAME = f"results/tiny/cells/{CELL}"
RECIPE = {
    "learning_rate": 1e-3,
    "epochs": 1,
    "batch_size": 16,
    "max_length": 160,
    "checkpoint_steps": 2,
    "log_steps": 1,
}
LIVE = f"results/tiny/live/{CELL}"

# A tracker that writes down what it is told.
SPY = """
import json, os
def note(**what):
    with open(os.environ["SPY"], "a") as file:
        file.write(json.dumps(what, default=str) + "\\n")
class Settings:
    def __init__(self, **settings): pass
class Run:
    def log(self, values, step): note(step=step, loss=values["loss"])
    def finish(self): note(finished=True)
def init(**arguments):
    note(init=arguments)
    return Run()
"""
HANGS = "import time\nclass Settings:\n    def __init__(self, **_): pass\ndef init(**_): time.sleep(600)\n"
RAISES = (
    "class Settings:\n    def __init__(self, **_): pass\ndef init(**_): raise RuntimeError('no account')\n"
)


@pytest.fixture(autouse=True)
def no_tracker(monkeypatch):
    """What whoever runs the tests has set is theirs."""
    for variable in (CHOICE, "TRACKIO_DIR", "WANDB_MODE"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def fake_tracker(monkeypatch, tmp_path):
    """Makes the process beside the training find this text as the package `wandb`."""

    def make(text: str) -> Path:
        folder = tmp_path / "packages"
        folder.mkdir(exist_ok=True)
        (folder / "wandb.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(folder))
        monkeypatch.setenv("SPY", str(tmp_path / "spy.jsonl"))
        monkeypatch.setenv(CHOICE, "wandb")
        return tmp_path / "spy.jsonl"

    return make


def read_events(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Step and value of every scalar, as TensorBoard's own reader has them."""
    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    reader.Reload()
    return {
        tag: [(event.step, event.value) for event in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]
    }


def assert_shows_log(folder: Path, records: list[dict]) -> None:
    """Every number of the log, each step once, as 32-bit floats."""
    events = read_events(folder)
    assert events.keys() == records[0].keys() - {"step"}
    for tag, shown in events.items():
        assert [step for step, _ in shown] == [record["step"] for record in records], tag
        expected = np.array([float(record[tag]) for record in records], np.float32)
        np.testing.assert_array_equal(
            np.array([value for _, value in shown], np.float32), expected, err_msg=tag
        )


def test_tensorboard_shows_the_training_log(train, tmp_path):
    """A curve in the browser that is not the one of the figures would send people after ghosts."""
    run = train(NAME)
    assert len(run.records) == 6
    assert_shows_log(tmp_path / LIVE, run.records)


def test_the_machine_is_noted(train, tmp_path):
    """Results travel further than the memory of where they were made."""
    train(NAME)
    note = read_machine(tmp_path / LIVE)
    assert note["processes"] == 1
    assert note["device"] == describe_processor()
    (tmp_path / LIVE / "machine.json").write_text("{")
    assert read_machine(tmp_path / LIVE) is None


def test_a_step_that_is_not_finite_is_shown(train, faulty, tmp_path):
    """The very step that people look for would be missing."""
    run = train(NAME, faulty({4: "nan"}))
    records = read_records(run.folder / "training.jsonl")
    assert np.isnan(records[3]["loss"])
    assert_shows_log(tmp_path / LIVE, records)


def test_watching_changes_no_bit(train, fake_tracker):
    """A study with a tracker would be another study."""
    plain = train("plain").files
    fake_tracker(SPY)
    assert train(NAME).files == plain


def test_a_run_outside_of_the_workflow_gets_no_view(train, tmp_path):
    """Whoever trains by hand would find files and processes that they did not ask for."""
    train("cell")
    assert not list(tmp_path.rglob("*tfevents*"))


def kill_at_step_6(world, folder: Path) -> None:
    """Train in a process of its own, which is killed in step 6, after the checkpoint of step 4."""
    job = {
        "objective": "dpo",
        "setting": {"beta": 0.1},
        "recipe": RECIPE,
        "model": str(world.model),
        "reference": str(world.reference),
        "folder": str(folder),
        "fault": {"step": 6, "kind": "kill"},
    }
    folder.mkdir(parents=True)
    file = folder / "job.json"
    file.write_text(json.dumps([job]))
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(JOBS), str(file)], env={**os.environ, "PYTHONPATH": path}, timeout=300
    )
    assert done.returncode == -signal.SIGKILL


def wait_for_reader(live: Path) -> None:
    """Wait until the process that reads a cell's log has ended."""
    with (live / LOCK).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)


def test_a_killed_run_keeps_its_view_and_a_retry_continues_it(train, world, fake_tracker, tmp_path):
    """A job killed at night would leave no curve, or a curve with steps twice.

    Step 5, after the last checkpoint, comes again.
    """
    spy = fake_tracker(SPY)
    folder = tmp_path / NAME
    kill_at_step_6(world, folder)
    wait_for_reader(tmp_path / LIVE)
    before = read_records(next(folder.glob("checkpoints/identity/training.jsonl")))
    assert [record["step"] for record in before] == [1, 2, 3, 4, 5]
    assert_shows_log(tmp_path / LIVE, before)

    run = train(NAME, setting={"beta": 0.1})
    assert [record["step"] for record in run.records] == [1, 2, 3, 4, 5, 6]
    assert_shows_log(tmp_path / LIVE, run.records)

    told = [json.loads(line) for line in spy.read_text().splitlines()]
    opened = [line["init"] for line in told if "init" in line]
    assert [(each["id"], each["resume"], each["mode"]) for each in opened] == 2 * [
        ("dpo--beta~0.1--seed~1--identity", "allow", "offline")
    ]
    assert opened[0]["config"] == {
        "study": "tiny", "objective": "dpo", "beta": 0.1, "seed": 1, "identity": "identity"
    }  # fmt: skip
    # A tracker takes back nothing: it gets each step once.
    assert [line["step"] for line in told if "step" in line] == [1, 2, 3, 4, 5, 6]


def test_another_identity_starts_its_view_anew(train, tmp_path):
    """Steps of other settings would stand in the same curve."""
    train(NAME, epochs=2)
    run = train(NAME, identity="another")
    assert len(run.records) == 6
    assert_shows_log(tmp_path / LIVE, run.records)


def test_a_view_that_was_removed_is_made_again(train, world, tmp_path):
    """A resumed run would begin in the middle."""
    kill_at_step_6(world, tmp_path / NAME)
    wait_for_reader(tmp_path / LIVE)
    shutil.rmtree(tmp_path / "results/tiny/live")
    run = train(NAME, setting={"beta": 0.1})
    assert_shows_log(tmp_path / LIVE, run.records)


def test_a_view_that_cannot_be_written_is_told_once(train, tmp_path, capfd):
    """A full or read-only disk for pictures would cost a training."""
    plain = train("plain").files
    (tmp_path / "results/tiny").mkdir(parents=True)
    (tmp_path / "results/tiny/live").write_text("not a folder")
    assert train(NAME).files == plain
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("live view: ")]
    assert len(said) == 1
    assert "results/tiny/live" in said[0]
    assert said[0].endswith("; training goes on without it")


def test_a_tracker_that_fails_is_told_once_and_tensorboard_goes_on(train, fake_tracker, tmp_path, capfd):
    """An expired key would cost the curves as well."""
    fake_tracker(RAISES)
    run = train(NAME)
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("live view: ")]
    assert said == ["live view: wandb: RuntimeError: no account; training goes on without it"]
    assert_shows_log(tmp_path / LIVE, run.records)


def test_a_tracker_that_hangs_is_not_waited_for(train, fake_tracker, monkeypatch, capfd):
    """A network that is not there would keep a GPU for the night."""
    plain = train("plain").files
    fake_tracker(HANGS)
    monkeypatch.setattr(watch, "PATIENCE", 3)
    assert train(NAME).files == plain
    assert "not written to the end within 3 s; training goes on without it" in capfd.readouterr().err


def test_a_process_that_cannot_be_started_is_told(train, monkeypatch, capfd):
    """A node without a process to spare can still train."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    train(NAME)
    assert "live view: " in capfd.readouterr().err


@pytest.mark.slow
def test_one_of_several_processes_shows_the_training(world, tmp_path):
    """Each process of a launch would write a view of its own into one folder."""
    launcher = Launcher(world, tmp_path)
    job = launcher.make(NAME, "dpo", processes=2, deepspeed="zero2")
    launcher.run(job, deepspeed="zero2")
    assert "live view: " not in launcher.log.read_text()
    assert len(list((tmp_path / LIVE).glob("events.*"))) == 1
    assert_shows_log(tmp_path / LIVE, launcher.records(NAME))


@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_real_trackers_continue_a_run(name, train, world, monkeypatch, tmp_path, capfd):
    """The packages as they are, without an account or a network; skipped where they are not installed."""
    pytest.importorskip(name)
    monkeypatch.setenv(CHOICE, name)
    plain = train("plain").files
    # The reader of the killed run may still be at work when the retry's begins.
    kill_at_step_6(world, tmp_path / NAME)
    assert train(NAME).files == plain
    assert "live view: " not in capfd.readouterr().err
    read = {"wandb": read_wandb, "trackio": read_trackio}[name]
    steps = {record["step"]: record["loss"] for record in read_records(tmp_path / NAME / "training.jsonl")}
    assert read(tmp_path / "results/tiny/live") == {"dpo--beta~0.1--seed~1--identity": list(steps.items())}


def read_wandb(live: Path) -> dict[str, list[tuple[int, float]]]:
    """Step and loss of each run in offline files, in the order in which `wandb sync` would send them."""
    from wandb.proto.wandb_internal_pb2 import Record

    runs: dict[str, list] = {}
    for file in sorted(live.glob("wandb/offline-run-*/*.wandb")):
        for data in split_records(file.read_bytes()):
            record = Record.FromString(data)
            if record.HasField("run"):
                run = runs.setdefault(record.run.run_id, [])
            items = {item.key or item.nested_key[0]: item.value_json for item in record.history.item}
            if "loss" in items:
                run.append((int(items["_step"]), float(items["loss"])))
    return runs


def split_records(log: bytes) -> list[bytes]:
    """The records of a file in LevelDB's log format, of which W&B's has a header of its own."""
    records, part = [], b""
    for start in range(0, len(log), 32768):
        block = log[start : start + 32768]
        place = 0 if start else 7
        while place + 7 <= len(block):
            length, kind = struct.unpack_from("<HB", block, place + 4)
            part += block[place + 7 : place + 7 + length]
            place += 7 + length
            # Whole, first, middle, last.
            if kind in (1, 4):
                records.append(part)
                part = b""
    return records


def read_trackio(live: Path) -> dict[str, list[tuple[int, float]]]:
    """Step and loss of each run in the database."""
    import sqlite3
    from contextlib import closing

    (file,) = (live / "trackio").glob("*.db")
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("select run_name, step, metrics from metrics order by id").fetchall()
    runs: dict[str, list] = {}
    for run, step, metrics in rows:
        runs.setdefault(run, []).append((step, json.loads(metrics)["loss"]))
    return runs


def test_lines_are_read_once_and_whole(tmp_path):
    """Half a line, read while it is written, would end the view."""
    log = tmp_path / "training.jsonl"
    reader = LogReader(log)
    assert reader.read_new() == []
    log.write_text('{"step": 1, "loss": "nan"}\n{"step": 2, "lo')
    (first,) = reader.read_new()
    assert np.isnan(first["loss"])
    assert reader.read_new() == []
    with log.open("a") as file:
        file.write('ss": 0.5}\n{"step": 3, "loss": 0.25}\n')
    assert reader.read_new() == [{"step": 2, "loss": 0.5}, {"step": 3, "loss": 0.25}]


def test_ids_of_runs_are_those_of_cells():
    """Two cells in one run, or a retry in another one."""
    folder = Path("results/mini/cells")
    long = "__".join(f"parameter{number}~0.05" for number in range(7))
    cells = ["dpo/beta~0.1/seed~1", "dpo/beta~0.1/seed~2", f"dlrml/{long}/seed~1", f"dlrml/{long}/seed~2"]
    runs = [(cell, identity) for cell in cells for identity in ("1f" * 32, "2e" * 32)]
    ids = [get_run_id(find_place(folder / cell / "checkpoints" / identity)) for cell, identity in runs]
    assert ids[0] == "dpo--beta~0.1--seed~1--1f1f1f1f"
    assert len(set(ids)) == len(ids)
    assert all(len(run_id) <= 128 and not set(run_id) & set(":;,#?/'\\%") for run_id in ids)


@pytest.mark.parametrize(
    "folder",
    ["checkpoints/identity", "cells/dpo/beta~0.1/seed~1/policy/identity", "a/b/c/d/checkpoints/identity"],
)
def test_other_folders_are_no_cells(folder):
    """A view would be written somewhere above."""
    assert find_place(Path("results/mini") / folder) is None


def test_a_tracker_that_is_not_there_is_told_before_any_job(tmp_path, monkeypatch):
    """Each of a thousand jobs would say it in its log, where nobody looks."""
    environment = tmp_path / "train.yaml"
    environment.write_text("dependencies:\n  - pip:\n      - wandb==0.31.0\n")
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.setattr("lossgrid.training.live.tracker_choice.find_spec", lambda name: None)
    assert check_tracker("none", None) == "none"
    assert check_tracker("wandb", environment) == "wandb"
    with pytest.raises(
        ValueError, match=r"tracker: wandb: .*; python -m pip install wandb, or write tracker: none"
    ):
        check_tracker("wandb", None)
    with pytest.raises(
        ValueError, match=r"train.yaml, which does not hold trackio; add it to the pip section"
    ):
        check_tracker("trackio", environment)
    with pytest.raises(ValueError, match="tracker: mlflow: unknown tracker; known: none, wandb, trackio"):
        check_tracker("mlflow", None)
