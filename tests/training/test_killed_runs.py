"""A killed run loses the steps since its last checkpoint and nothing else, bit for bit."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from lossgrid.training.checkpoint_folders import COMPLETE, find_checkpoint
from lossgrid.training.pair_trainer import PairTrainer

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "workflow_scripts/train_cell.py"
STUDY = """\
title: Tiny
world: {{kind: reviews, corpus_chats: 16, pairs: 96, heldout_chats: 6}}
sft: {{learning_rate: 1e-3, epochs: 1, batch_size: 16, max_length: 160}}
training:
  learning_rate: {learning_rate}
  epochs: 3
  batch_size: 8
  micro_batch_size: 4
  max_length: 160
  checkpoint_steps: 4
objectives:
  dlrml: {{beta_kl: 0.1, beta_mix: 0.1}}
"""


def get_arguments(world, folder: Path, learning_rate: str = "1e-3") -> dict[str, Path | str]:
    """The arguments of the script, with a study file that holds them."""
    from lossgrid.studies import get_cells, load_study

    study = folder.parent / f"tiny_{learning_rate.replace('-', '_')}.yaml"
    study.write_text(STUDY.format(learning_rate=learning_rate))
    return {
        "study": study,
        "cell": get_cells(load_study(study))[0].path,
        "model": world.model,
        "reference": world.reference,
        "policy": folder / "policy",
        "training_log": folder / "training.jsonl",
        "health": folder / "health.json",
        "checkpoints": folder / "checkpoints",
    }


def get_command(arguments: dict) -> list[str]:
    options = [[f"--{name.replace('_', '-')}", str(value)] for name, value in arguments.items()]
    return [sys.executable, str(SCRIPT), *(word for option in options for word in option)]


def run_here(arguments: dict) -> None:
    """The same script in this process, which has imported TRL already."""
    specification = importlib.util.spec_from_file_location("train_cell_script", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.main(**arguments)


def read_outputs(folder: Path) -> dict[str, bytes]:
    names = ("policy/model.safetensors", "training.jsonl", "health.json")
    return {name: (folder / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def killed(world, tmp_path_factory) -> tuple[Path, dict[str, bytes]]:
    """A folder as SIGKILL left it after a checkpoint, and the outputs of an undisturbed run."""
    parent = tmp_path_factory.mktemp("killed")
    run_here(get_arguments(world, parent / "undisturbed"))
    folder = parent / "killed"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    log = (parent / "killed.log").open("w")
    with subprocess.Popen(
        get_command(get_arguments(world, folder)), env=environment, stdout=log, stderr=log
    ) as process:
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            logs = list(folder.glob("checkpoints/*/training.jsonl"))
            if (
                find_checkpoint(logs[0].parent) and len(logs[0].read_text().splitlines()) > 6
                if logs
                else False
            ):
                break
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, (parent / "killed.log").read_text()[-2000:]
    return folder, read_outputs(parent / "undisturbed")


@pytest.fixture
def copy(killed, tmp_path) -> Path:
    """The killed run's folder, to be treated badly."""
    shutil.copytree(killed[0], tmp_path / "killed")
    return tmp_path / "killed"


def get_run_folder(folder: Path) -> Path:
    (run_folder,) = (folder / "checkpoints").iterdir()
    return run_folder


def test_the_same_command_goes_on_after_sigkill(killed, world, copy):
    """Preempted jobs are redone by the same command: the night's results must not depend on preemptions.

    The undisturbed run was made in another process, so that equal bits are not an accident of one process.
    """
    step = int(find_checkpoint(get_run_folder(copy)).name.split("-")[1])
    assert not (copy / "policy").exists()
    assert not (copy / "health.json").exists()
    done = subprocess.run(
        get_command(get_arguments(world, copy)),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert 4 <= step < 36
    assert f"resuming after step {step}\n" in done.stdout
    assert read_outputs(copy) == killed[1]
    assert not (copy / "checkpoints").exists()


def test_another_learning_rate_starts_afresh(killed, world, copy, capsys):
    """Resuming a checkpoint of other settings would mix two cells into one that nobody asked for."""
    (copy.parent / "fresh").mkdir()
    run_here(get_arguments(world, copy.parent / "fresh", "2e-3"))
    capsys.readouterr()
    run_here(get_arguments(world, copy, "2e-3"))
    assert "starting afresh" in capsys.readouterr().out
    assert read_outputs(copy) == read_outputs(copy.parent / "fresh")
    assert read_outputs(copy)["training.jsonl"] != killed[1]["training.jsonl"]
    assert not (copy / "checkpoints").exists()


def test_killed_while_writing_a_checkpoint_and_a_line(killed, world, copy, capsys):
    """A newer checkpoint without its marker may lack any file: it is not read. The broken line is cut."""
    run_folder = get_run_folder(copy)
    checkpoint = find_checkpoint(run_folder)
    step = int(checkpoint.name.split("-")[1])
    incomplete = run_folder / f"checkpoint-{step + 4}"
    shutil.rmtree(incomplete, ignore_errors=True)
    shutil.copytree(checkpoint, incomplete)
    (incomplete / COMPLETE).unlink()
    (incomplete / "optimizer.pt").write_bytes((checkpoint / "optimizer.pt").read_bytes()[:100])
    with (run_folder / "training.jsonl").open("a") as log:
        log.write('{"step": 99, "loss": 0.5, "gra')
    run_here(get_arguments(world, copy))
    assert f"resuming after step {step}\n" in capsys.readouterr().out
    assert read_outputs(copy) == killed[1]


def test_killed_before_the_first_checkpoint(killed, world, copy, capsys):
    """Log lines without any checkpoint are steps that must be done again, and logged once."""
    for folder in get_run_folder(copy).glob("checkpoint-*"):
        (folder / COMPLETE).unlink(missing_ok=True)
    run_here(get_arguments(world, copy))
    assert "starting afresh" in capsys.readouterr().out
    assert read_outputs(copy) == killed[1]


def test_left_overs_of_an_earlier_end(killed, world, copy):
    """A kill between saving and renaming leaves policies behind; stale files must not mix with the result."""
    run_folder = get_run_folder(copy)
    for left_over in (
        copy / "policy",
        copy / "policy.beside",
        run_folder / "policy",
        run_folder / "policy.beside",
        run_folder / "last_finite",
    ):
        left_over.mkdir(parents=True)
        (left_over / "model.safetensors").write_bytes(b"stale")
        (left_over / "stale.txt").write_text("stale")
    (copy / "health.json").write_text("stale")
    run_here(get_arguments(world, copy))
    assert read_outputs(copy) == killed[1]
    assert not (copy / "policy/stale.txt").exists()
    assert not (copy / "checkpoints").exists()


@pytest.mark.parametrize("output", ["policy", "training.jsonl", "health.json"])
def test_an_output_that_links_elsewhere_is_replaced(train, tmp_path, output):
    """An alias that becomes a cell of its own is a link to another cell, which must keep its results."""
    other = train("other").files
    (tmp_path / "cell").mkdir()
    (tmp_path / "cell" / output).symlink_to(f"../other/{output}")
    run = train("cell", learning_rate=2e-3)
    assert not (tmp_path / "cell" / output).is_symlink()
    again = {name: (tmp_path / "other" / name).read_bytes() for name in other}
    assert again == other
    assert run.files["policy/model.safetensors"] != other["policy/model.safetensors"]


@pytest.mark.parametrize("moment", ["save_policy", "_write", "remove_checkpoints"])
@pytest.mark.parametrize("epochs", [1, 1.5])
def test_killed_after_the_last_step(train, monkeypatch, moment, epochs):
    """A kill while the outputs are written must lead to the same outputs, never to a 7th of 6 steps.

    With checkpoint_steps 2 the last step (6, or 9 of 1.5 epochs) is or is not one where a checkpoint is due;
    with fractional epochs the data loader still has batches after it.
    """
    import lossgrid.training.preference as preference

    expected = train("undisturbed", epochs=epochs, checkpoint_steps=3).files
    owner = PairTrainer if moment == "save_policy" else preference

    def die(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(owner, moment, die)
        with pytest.raises(KeyboardInterrupt):
            train("killed", epochs=epochs, checkpoint_steps=3)
    again = train("killed", epochs=epochs, checkpoint_steps=3)
    assert again.files == expected
    assert [record["step"] for record in again.records] == list(range(1, 7 if epochs == 1 else 10))


@pytest.mark.parametrize("killed_at", [4, 6])
def test_resume_within_fractional_epochs_and_accumulation(train, faulty, killed_at):
    """Skipping the wrong number of micro-batches on resume would train some pairs twice and others never."""
    recipe = {"epochs": 0.9, "micro_batch_size": 4, "checkpoint_steps": 3}
    expected = train("undisturbed", **recipe).files
    with pytest.raises(BaseException, match=r"^$"):
        train("killed", loss=faulty({killed_at: "kill"}), **recipe)
    assert train("killed", **recipe).files == expected


def test_checkpoints_and_log_lines_leave_the_weights_alone(train):
    """Their settings are no part of the identity, which is only right if they change nothing."""
    plain = train("plain", checkpoint_steps=100, log_steps=100).files
    assert train("eager", checkpoint_steps=1, log_steps=1).files == plain


def test_one_checkpoint_is_kept_and_none_at_the_end(train, monkeypatch):
    """A 7B checkpoint is 80 GB: one at a time, and none that would be removed at once."""
    from lossgrid.training.checkpoints import CheckpointKeeper

    seen = []
    on_save = CheckpointKeeper.on_save

    def look(keeper, args, state, control, **keywords):
        on_save(keeper, args, state, control, **keywords)
        seen.append(sorted(folder.name for folder in Path(args.output_dir).glob("checkpoint-*")))

    monkeypatch.setattr(CheckpointKeeper, "on_save", look)
    train(checkpoint_steps=2)
    assert seen == [["checkpoint-2"], ["checkpoint-4"]]


def test_removing_checkpoints_can_be_killed(killed, world, copy, monkeypatch, capsys):
    """A half-removed checkpoint that is still marked complete would fail every later try."""
    from lossgrid.training.checkpoints import remove_checkpoints

    def remove_one_file(folder):
        (find := next(Path(folder).rglob("model.safetensors"))).unlink()
        raise KeyboardInterrupt(find)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", remove_one_file)
        with pytest.raises(KeyboardInterrupt):
            remove_checkpoints(copy / "checkpoints")
    run_here(get_arguments(world, copy))
    assert "starting afresh" in capsys.readouterr().out
    assert read_outputs(copy) == killed[1]


def test_the_random_state_of_the_caller_does_not_matter(train):
    """Two cells that share a seed must see the pairs in one order, whatever ran before in the process."""
    torch.manual_seed(1)
    first = train("first").files
    torch.manual_seed(2)
    assert train("second").files == first


@pytest.mark.parametrize("change", ["lost", "twice"])
def test_a_log_with_gaps_is_no_result(killed, world, copy, change):
    """Two jobs on one cell, or a lost file, would otherwise give a health record that counts wrongly."""
    log = get_run_folder(copy) / "training.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[1:] if change == "lost" else [lines[0], *lines]))
    with pytest.raises(
        RuntimeError, match=r"does not hold the steps 1 to 36 once each.*remove .*checkpoints"
    ):
        run_here(get_arguments(world, copy))
    assert not (copy / "health.json").exists()
