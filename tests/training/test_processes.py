"""A job that is launched in another way than its study asks for is refused before anything is loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lossgrid.training.processes import all_agree, check_launch, count_launched, is_main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def launched(monkeypatch):
    """Sets what a launcher leaves in the environment."""

    def launch(processes: int | None, deepspeed: bool, rank: int = 0) -> None:
        for name, value in {"WORLD_SIZE": processes, "RANK": rank if processes else None}.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, str(value))
        monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true" if deepspeed else "false")

    return launch


@pytest.mark.parametrize(
    ("processes", "deepspeed", "asked"),
    [(None, False, (1, None)), (2, True, (2, "zero2")), (8, True, (8, "zero3")), (1, True, (1, "zero3"))],
)
def test_the_launch_that_the_study_asks_for_is_accepted(launched, processes, deepspeed, asked):
    """The workflow's own launches would be refused."""
    launched(processes, deepspeed)
    check_launch(*asked, "mini: dpo/beta~0.05/seed~1")
    assert count_launched() == (processes or 1)


@pytest.mark.parametrize(
    ("processes", "deepspeed", "asked", "command"),
    [
        (
            None,
            False,
            (2, "zero2"),
            "accelerate launch --config_file deepspeed/launch.yaml --num_processes 2 ",
        ),
        (4, True, (2, "zero2"), "--num_processes 2 --deepspeed_config_file deepspeed/zero2.json"),
        (2, False, (2, "zero3"), "--num_processes 2 --deepspeed_config_file deepspeed/zero3.json"),
        (2, True, (1, None), "launch it as python workflow_scripts/train_cell.py"),
    ],
)
def test_another_launch_is_refused_with_the_right_command(launched, processes, deepspeed, asked, command):
    """Another number of processes is another batch, or a checkpoint whose shards nobody reads."""
    launched(processes, deepspeed)
    with pytest.raises(RuntimeError, match=r"mini: dpo/beta~0\.05/seed~1: the study asks for") as caught:
        check_launch(*asked, "mini: dpo/beta~0.05/seed~1")
    assert command in str(caught.value)
    assert f"launched with {processes or 1} process(es)" in str(caught.value)


def test_the_script_refuses_before_it_loads_anything(tmp_path):
    """A user who runs a sharded cell by hand would wait for a model to load, or train another cell."""
    missing = str(tmp_path / "missing")
    options = ["model", "reference", "policy", "training-log", "health", "checkpoints"]
    result = subprocess.run(
        [sys.executable, ROOT / "workflow_scripts/train_cell.py"]
        + ["--study", ROOT / "studies/mini_deepspeed.yaml", "--cell", "dpo/beta~0.05/seed~1"]
        + [word for option in options for word in (f"--{option}", missing)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert result.returncode
    last = result.stderr.strip().splitlines()[-1]
    assert "mini_deepspeed: dpo/beta~0.05/seed~1: the study asks for training.processes: 2" in last
    assert not list(tmp_path.iterdir())


def test_one_process_is_the_main_one_and_agrees_with_itself(launched):
    """A plain run would write nothing, or wait for others."""
    launched(None, False)
    assert is_main()
    assert all_agree(True, torch.device("cpu"))
    assert not all_agree(False, torch.device("cpu"))
    launched(2, True, rank=1)
    assert not is_main()
