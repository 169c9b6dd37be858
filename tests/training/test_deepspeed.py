"""Training in two processes under DeepSpeed against the same training in one.

Everything here runs on CPUs over gloo, in float32 unless said otherwise. Each launch does many jobs
(training_jobs.py).
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lossgrid.objectives.catalogue import CATALOGUE, FAMILIES
from lossgrid.training.checkpoint_folders import COMPLETE
from lossgrid.training.training_log import read_records

ROOT = Path(__file__).resolve().parents[2]
JOBS = Path(__file__).with_name("training_jobs.py")
RECIPE = {"learning_rate": 1e-3, "epochs": 1, "batch_size": 16, "max_length": 160, "checkpoint_steps": 2}
STEPS = 6
# Large enough a rate for a product of two matrices of which one begins at 0.
ADAPTED = {"adapter": {"rank": 4, "alpha": 8.0}, "learning_rate": 1e-2}

# One or two losses of every family, and one with a learned parameter. With the micro-batches of `RECIPE` both
# ways see the same ones, so that even losses that couple the pairs of a micro-batch must agree.
OBJECTIVES = [
    *dict.fromkeys(
        next(each.name for each in family if each.couples_batch == couples)
        for family in FAMILIES.values()
        for couples in (False, True)
        if any(each.couples_batch == couples for each in family)
    ),
    "ipo_averaged",
    "dlrml",
    "dlrml_learned",
]
# A learning rate of its own at which β_mix moves by several per cent in six steps.
SETTINGS = {"dlrml_learned": {"beta_kl": 0.25, "mix_learning_rate": 0.1}}


def get_command(jobs: Path, deepspeed: str | None, processes: int = 2) -> list[str]:
    """The command of a launch, as the workflow writes it."""
    if deepspeed is None:
        return [sys.executable, str(JOBS), str(jobs)]
    return [
        sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch",
        "--config_file", str(ROOT / "deepspeed/launch.yaml"), "--num_processes", str(processes),
        "--deepspeed_config_file", str(ROOT / f"deepspeed/{deepspeed}.json"), str(JOBS), str(jobs),
    ]  # fmt: skip


class Launcher:
    """Runs jobs on the tiny world, in one process or under DeepSpeed, each in a folder of its own."""

    def __init__(self, world, folder: Path):
        self.world = world
        self.folder = folder

    def make(self, name: str, objective: str, fault: dict | None = None, **recipe) -> dict:
        return {
            "objective": objective,
            "setting": SETTINGS.get(objective, {}),
            "recipe": {**RECIPE, **recipe},
            "model": str(self.world.model),
            "reference": str(self.world.reference),
            "folder": str(self.folder / name),
            **({"fault": fault} if fault else {}),
        }

    def start(self, *jobs: dict, deepspeed: str | None, processes: int = 2) -> subprocess.Popen:
        """Start a launch in a process group of its own."""
        file = self.folder / f"jobs_{len(list(self.folder.glob('jobs_*')))}.json"
        file.write_text(json.dumps(jobs))
        self.log = file.with_suffix(".log")
        return subprocess.Popen(
            get_command(file, deepspeed, processes),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, *jobs: dict, deepspeed: str | None, processes: int = 2) -> None:
        """Run a launch to its end."""
        code = self.start(*jobs, deepspeed=deepspeed, processes=processes).wait(timeout=900)
        assert code == 0, self.log.read_text()[-6000:]

    def records(self, name: str) -> list[dict]:
        return read_records(self.folder / name / "training.jsonl")

    def health(self, name: str) -> dict:
        return json.loads((self.folder / name / "health.json").read_text())

    def weights(self, name: str) -> dict[str, torch.Tensor]:
        (file,) = (self.folder / name / "policy").glob("*.safetensors")
        return load_file(file)


@pytest.fixture(scope="module")
def launcher(world, tmp_path_factory) -> Launcher:
    return Launcher(world, tmp_path_factory.mktemp("deepspeed"))


@pytest.fixture(scope="module")
def alone(launcher) -> Launcher:
    """The runs in one process that all others are compared with."""
    from training_jobs import run_job

    for objective in OBJECTIVES:
        run_job(launcher.make(f"alone/{objective}", objective, micro_batch_size=8))
    run_job(launcher.make("alone/adapter", "dpo", micro_batch_size=8, **ADAPTED))
    for kind in ("nan", "inf"):
        for nonfinite in ("stop", "skip", "propagate"):
            run_job(make_faulty(launcher, "alone", nonfinite, kind, micro_batch_size=8))
    return launcher


def make_faulty(launcher: Launcher, where: str, nonfinite: str, kind: str, **recipe) -> dict:
    # Each of two processes has its own fourth step; alone, the second micro-batch of step 4 is the one of rank 1.
    fault = {"step": 4, "kind": kind, "rank": recipe.get("processes", 1) - 1}
    return launcher.make(f"{where}/{kind}_{nonfinite}", "dpo", fault, nonfinite=nonfinite, **recipe)


@pytest.fixture(
    scope="module",
    params=[pytest.param("zero3"), pytest.param("zero2", marks=pytest.mark.slow)],
)
def sharded(request, alone) -> tuple[Launcher, str]:
    """The same runs, and those that go wrong in one process of two, in one launch."""
    stage = request.param
    recipe = {"processes": 2, "deepspeed": stage}
    jobs = [alone.make(f"{stage}/{objective}", objective, **recipe) for objective in OBJECTIVES]
    jobs.append(alone.make(f"{stage}/adapter", "dpo", **recipe, **ADAPTED))
    jobs.append(make_faulty(alone, f"{stage}_adapter", "propagate", "nan", **recipe, **ADAPTED))
    for kind in ("nan", "inf"):
        jobs += [
            make_faulty(alone, stage, nonfinite, kind, **recipe)
            for nonfinite in ("stop", "skip", "propagate")
        ]
    alone.run(*jobs, deepspeed=stage)
    return alone, stage


def assert_same_course(launcher: Launcher, one: str, other: str, tolerance: float = 1e-4) -> None:
    """Losses and gradient norms of every step.

    The sums of a step are added in another order: 1e-7 in the first step. Adam divides by the root of the mean
    square gradient, so that a rounding of a small gradient is a change of a weight by up to the learning rate,
    1e-3 of a weight in six steps; losses of about 1 then agree to 1e-4.
    """
    pairs = list(zip(launcher.records(one), launcher.records(other), strict=True))
    assert len(pairs) == STEPS
    for mine, theirs in pairs:
        assert mine["learning_rate"] == theirs["learning_rate"]
        assert mine["pairs"] == theirs["pairs"] == 16
        for key in ("loss", "grad_norm", "rho_min", "rho_median", "rho_max"):
            scale = max(1.0, abs(mine[key]))
            assert theirs[key] == pytest.approx(mine[key], abs=tolerance * scale), (mine["step"], key)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_two_processes_train_as_one(sharded, objective):
    """A study on eight GPUs would be another study than the same one on one."""
    launcher, stage = sharded
    assert_same_course(launcher, f"alone/{objective}", f"{stage}/{objective}")


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_policy_is_whole(sharded, objective):
    """Half of the weights, or those of before the last step, would be evaluated as the policy.

    Every name and shape of the one-process policy; weights within a tenth of what training moved them.
    """
    launcher, stage = sharded
    whole, gathered = launcher.weights(f"alone/{objective}"), launcher.weights(f"{stage}/{objective}")
    start = load_file(launcher.world.model / "model.safetensors")
    assert {name: tensor.shape for name, tensor in gathered.items()} == {
        name: tensor.shape for name, tensor in whole.items()
    }
    assert all(tensor.dtype == whole[name].dtype for name, tensor in gathered.items())
    moved = torch.cat([(whole[name] - start[name]).flatten() for name in whole]).norm()
    apart = torch.cat([(whole[name] - gathered[name]).flatten() for name in whole]).norm()
    assert moved > 0
    assert apart < 0.1 * moved


def test_the_learned_mix_is_trained_alike(sharded):
    """Each process would have a β_mix of its own, or one trained on its half of the pairs."""
    launcher, stage = sharded
    assert_same_course(launcher, "alone/dlrml_learned", f"{stage}/dlrml_learned")
    for mine, theirs in zip(
        launcher.records("alone/dlrml_learned"), launcher.records(f"{stage}/dlrml_learned"), strict=True
    ):
        assert theirs["beta_mix"] == pytest.approx(mine["beta_mix"], rel=1e-3)
        assert theirs["beta_mix_grad"] == pytest.approx(mine["beta_mix_grad"], abs=1e-4)
    final = launcher.health(f"{stage}/dlrml_learned")["final_beta_mix"]
    assert final == pytest.approx(launcher.health("alone/dlrml_learned")["final_beta_mix"], rel=1e-3)
    # It has moved, by ten times what the two may differ.
    assert abs(final - 0.2) > 0.002


def test_an_adapter_is_trained_alike(sharded):
    """Frozen weights are sharded too under ZeRO-3, and gathered with the policy they would be written with it."""
    launcher, stage = sharded
    assert_same_course(launcher, "alone/adapter", f"{stage}/adapter")
    whole, gathered = launcher.weights("alone/adapter"), launcher.weights(f"{stage}/adapter")
    assert whole.keys() == gathered.keys()
    assert len(whole) == 2 * 7
    for name, weight in whole.items():
        assert weight.shape == gathered[name].shape
        assert (weight - gathered[name]).norm() < 0.1 * weight.norm(), name


def test_a_spoilt_adapter_is_replaced_by_the_last_finite_one(sharded):
    """Its weights lie in shards when they are looked at and when those of before are written."""
    launcher, stage = sharded
    health = launcher.health(f"{stage}_adapter/nan_propagate")
    assert (health["status"], health["first_nonfinite_step"]) == ("diverged", 4)
    weights = launcher.weights(f"{stage}_adapter/nan_propagate")
    assert len(weights) == 2 * 7
    assert all(torch.isfinite(weight).all() for weight in weights.values())
    assert any(weight.abs().max() > 0 for name, weight in weights.items() if "lora_B" in name)


@pytest.mark.parametrize("kind", ["nan", "inf"])
@pytest.mark.parametrize("nonfinite", ["stop", "skip", "propagate"])
def test_all_processes_agree_on_a_bad_step(sharded, nonfinite, kind):
    """One process would stop or skip alone: the others would wait for ever, or train on with other weights.

    The bad pair is seen by process 1 only; process 0 writes the record.
    """
    launcher, stage = sharded
    name = f"{kind}_{nonfinite}"
    mine, theirs = launcher.health(f"alone/{name}"), launcher.health(f"{stage}/{name}")
    for key in ("status", "healthy", "steps", "nonfinite_steps", "first_nonfinite_step", "planned_steps"):
        assert theirs[key] == mine[key], key
    assert theirs["first_nonfinite_step"] == 4
    assert [record["nonfinite_pairs"] for record in launcher.records(f"{stage}/{name}")] == [
        record["nonfinite_pairs"] for record in launcher.records(f"alone/{name}")
    ]
    saved = launcher.weights(f"{stage}/{name}")
    assert all(torch.isfinite(weight).all() for weight in saved.values())
    # The step held back, or not: the two runs lie closer together than one more step would put them.
    whole = launcher.weights(f"alone/{name}")
    assert max((saved[key] - whole[key]).abs().max().item() for key in whole) < 2e-4


def test_a_skipped_step_takes_no_learning_rate_away(sharded):
    """DeepSpeed holds the schedule back at an overflow; the plan of the run must go on as in one process."""
    launcher, stage = sharded
    rates = [record["learning_rate"] for record in launcher.records(f"{stage}/nan_skip")]
    assert rates == [record["learning_rate"] for record in launcher.records("alone/dpo")]


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["zero2", "zero3"])
def test_smaller_micro_batches_differ_where_the_batch_couples(alone, stage):
    """Four pairs a process instead of eight: the same loss for each pair on its own, another for KTO.

    The reason why studies with such losses must keep `micro_batch_size`, as docs/losses.md says.
    """
    coupled = next(name for name in OBJECTIVES if CATALOGUE[name].couples_batch)
    recipe = {"processes": 2, "deepspeed": stage, "micro_batch_size": 4}
    jobs = [alone.make(f"{stage}_small/{name}", name, **recipe) for name in ("dpo", coupled)]
    alone.run(*jobs, deepspeed=stage)
    assert_same_course(alone, "alone/dpo", f"{stage}_small/dpo")
    apart = [
        abs(mine["loss"] - theirs["loss"])
        for mine, theirs in zip(
            alone.records(f"alone/{coupled}"), alone.records(f"{stage}_small/{coupled}"), strict=True
        )
    ]
    assert max(apart) > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["zero2", "zero3"])
def test_in_bfloat16_as_on_a_gpu(alone, stage):
    """A GPU's number format and recomputed activations take other paths through DeepSpeed than float32 does.

    The policy of one bad step must be kept there too, and margins start at the rounding of bfloat16 weights (0.2
    nats here), not at that of reference log-probabilities cast to bfloat16.
    """
    jobs = []
    for nonfinite in ("stop", "skip", "propagate"):
        job = make_faulty(alone, f"{stage}_bf16", nonfinite, "nan", processes=2, deepspeed=stage)
        jobs.append({**job, "arguments": {"bf16": True, "gradient_checkpointing": True}})
    alone.run(*jobs, deepspeed=stage)
    expected = {"stop": ("diverged", 4, 1), "skip": ("finished", 6, 1), "propagate": ("diverged", 6, 3)}
    for nonfinite, outcome in expected.items():
        health = alone.health(f"{stage}_bf16/nan_{nonfinite}")
        assert (health["status"], health["steps"], health["nonfinite_steps"]) == outcome
        first = alone.records(f"{stage}_bf16/nan_{nonfinite}")[0]
        assert max(abs(first["rho_min"]), abs(first["rho_max"])) < 0.25
        assert all(
            torch.isfinite(tensor).all() for tensor in alone.weights(f"{stage}_bf16/nan_{nonfinite}").values()
        )


@pytest.mark.slow
@pytest.mark.parametrize("adapted", [False, True], ids=["whole", "adapter"])
@pytest.mark.parametrize("stage", ["zero2", "zero3"])
def test_a_killed_process_costs_the_steps_since_the_checkpoint(launcher, stage, adapted):
    """A node that dies at night would cost the whole run, or the resumed run would be another one."""
    recipe = {"processes": 2, "deepspeed": stage, **(ADAPTED if adapted else {})}
    weights = "adapter_model" if adapted else "model"
    stage_folder = f"{stage}_{weights}"
    undisturbed = launcher.make(f"{stage_folder}_undisturbed", "dlrml_learned", **recipe)
    killed = launcher.make(
        f"{stage_folder}_killed", "dlrml_learned", {"step": 4, "kind": "kill", "rank": 1}, **recipe
    )
    assert launcher.start(killed, deepspeed=stage).wait(timeout=900) != 0
    del killed["fault"]
    assert list(Path(killed["folder"]).glob(f"checkpoints/identity/checkpoint-2/{COMPLETE}"))
    launcher.run(undisturbed, killed, deepspeed=stage)
    assert "resuming after step 2" in launcher.log.read_text()
    # The same bits: the same two processes add in the same order.
    for file in ("training.jsonl", "health.json", f"policy/{weights}.safetensors"):
        one, other = (launcher.folder / f"{stage_folder}_{name}" / file for name in ("undisturbed", "killed"))
        assert one.read_bytes() == other.read_bytes(), file
    assert not (Path(killed["folder"]) / "checkpoints").exists()


@pytest.mark.slow
def test_processes_do_not_outlive_their_launcher(launcher):
    """Orphans would train on, and write into the folder of the job that is started in their place."""
    job = launcher.make("orphans", "dpo", processes=2, deepspeed="zero2", epochs=1000)
    process = launcher.start(job, deepspeed="zero2")
    log = Path(job["folder"]) / "checkpoints/identity/training.jsonl"
    while not log.exists():
        assert process.poll() is None, launcher.log.read_text()[-3000:]
        time.sleep(0.2)
    workers = find_children(process.pid)
    assert len(workers) == 2
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while any(is_alive(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not any(is_alive(worker) for worker in workers)
    shutil.rmtree(job["folder"])


def read_stat(process: int) -> list[str]:
    """State, parent and so on of a process; nothing where there is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def is_alive(process: int) -> bool:
    return read_stat(process)[:1] not in ([], ["Z"])


def find_children(parent: int) -> list[int]:
    processes = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [process for process in processes if read_stat(process)[1:2] == [str(parent)]]


@pytest.mark.slow
def test_offloading_to_the_cpu_trains_the_same(alone):
    """The third file of deepspeed/ would be one that nobody ever ran."""
    job = alone.make("offload/dpo", "dpo", processes=2, deepspeed="zero3_offload")
    alone.run(job, deepspeed="zero3_offload")
    assert_same_course(alone, "alone/dpo", "offload/dpo")
