"""A job that is launched in another way than its study asks for is refused before anything is loaded."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lossgrid.training.launch import check_launch, count_launched, hash_deepspeed_file, is_main
from lossgrid.training.pair_trainer import PairTrainer
from lossgrid.training.processes import all_agree

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def launched(monkeypatch):
    """Sets what a launcher leaves in the environment."""

    def launch(processes: int | None, deepspeed: str | None, rank: int = 0) -> None:
        for name, value in {"WORLD_SIZE": processes, "RANK": rank if processes else None}.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, str(value))
        monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true" if deepspeed else "false")
        monkeypatch.setenv("ACCELERATE_DEEPSPEED_CONFIG_FILE", f"deepspeed/{deepspeed}.json")

    return launch


@pytest.mark.parametrize(
    "launch", [(None, None), (2, "zero2"), (8, "zero3"), (1, "zero3_offload")], ids=lambda launch: str(launch)
)
def test_the_launch_that_the_study_asks_for_is_accepted(launched, launch):
    """The workflow's own launches would be refused."""
    processes, deepspeed = launch
    launched(processes, deepspeed)
    check_launch(processes or 1, deepspeed, "mini: dpo/beta~0.05/seed~1")
    assert count_launched() == (processes or 1)


@pytest.mark.parametrize(
    ("launch", "asked", "command"),
    [
        (
            (None, None),
            (2, "zero2"),
            "accelerate launch --config_file deepspeed/launch.yaml --num_processes 2 ",
        ),
        ((4, "zero2"), (2, "zero2"), "--num_processes 2 --deepspeed_config_file deepspeed/zero2.json"),
        ((2, "zero2"), (2, "zero3"), "--num_processes 2 --deepspeed_config_file deepspeed/zero3.json"),
        ((2, None), (2, "zero3"), "--num_processes 2 --deepspeed_config_file deepspeed/zero3.json"),
        ((2, "zero3"), (1, None), "launch it as python workflow_scripts/train_cell.py"),
    ],
)
def test_another_launch_is_refused_with_the_right_command(launched, launch, asked, command):
    """Another number of processes is another batch, or a checkpoint whose shards nobody reads."""
    launched(*launch)
    with pytest.raises(RuntimeError, match=r"mini: dpo/beta~0\.05/seed~1: the study asks for") as caught:
        check_launch(*asked, "mini: dpo/beta~0.05/seed~1")
    assert command in str(caught.value)
    assert f"launched with {launch[0] or 1} process(es)" in str(caught.value)


def test_a_deepspeed_file_is_known_by_its_content(tmp_path):
    """A changed file would leave the cells that it trained in place; a changed layout would retrain them."""
    file = tmp_path / "zero2.json"
    file.write_text('{"bf16": {"enabled": "auto"}, "zero_optimization": {"stage": 2}}')
    before = hash_deepspeed_file(file)
    file.write_text('{"zero_optimization": {"stage": 2},\n "bf16": {"enabled": "auto"}}')
    assert hash_deepspeed_file(file) == before
    file.write_text('{"zero_optimization": {"stage": 3}, "bf16": {"enabled": "auto"}}')
    assert hash_deepspeed_file(file) != before


def test_reference_log_probabilities_keep_their_precision():
    """Transformers casts float inputs to bfloat16 under DeepSpeed: −641.3 nats would become −640."""
    trainer = SimpleNamespace(args=SimpleNamespace(device="cpu"), is_deepspeed_enabled=True)
    batch = {"ref_chosen_logps": torch.tensor([-641.3]), "input_ids": torch.tensor([[1, 2]])}
    prepared = PairTrainer._prepare_input(trainer, batch)
    assert torch.equal(prepared["ref_chosen_logps"], batch["ref_chosen_logps"])
    assert torch.equal(prepared["input_ids"], batch["input_ids"])


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
    launched(None, None)
    assert is_main()
    assert all_agree(True)
    assert not all_agree(False)
    launched(2, "zero2", rank=1)
    assert not is_main()
