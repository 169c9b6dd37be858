"""The estimate of whole studies, and the command that prints it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.planning.disk import list_disk_uses
from lossgrid.planning.estimate import estimate_study
from lossgrid.planning.jobs import TABLES, Step, get_wall_seconds, list_steps
from lossgrid.planning.load import Load
from lossgrid.planning.spelling import spell_bytes, spell_dollars, spell_hours, spell_seconds
from lossgrid.planning.training_jobs import count_steps
from lossgrid.studies.adapter import Adapter
from lossgrid.studies.judge import Prices
from lossgrid.studies.judge_card import JudgeCard

ROOT = Path(__file__).resolve().parents[2]


def run_python(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_jobs_of_mini(mini):
    """20 cells and the SFT model in shards of 8; an optimiser step takes 32 of 4,096 pairs."""
    jobs = {step.name: step.jobs for step in list_steps(mini)}
    assert jobs["train_cell"] == 20
    assert jobs["generate_responses"] == jobs["score_judgments summaries"] == 21
    assert jobs["judge_responses mt_bench"] == 3
    assert count_steps(mini) == 128


def test_tables_are_those_of_the_workflow(mini):
    """Every rule that writes below tables/ or figures/ is counted; `mini` has them all."""
    text = "".join(file.read_text() for file in sorted((ROOT / "rules").glob("*.smk")))
    rules = re.split(r"^rule ", text, flags=re.MULTILINE)[1:]
    outputs = [re.search(r"output:(.*?)\n    \w+:", rule, re.DOTALL) for rule in rules]
    writing = [
        each for each in outputs if each and re.search(r"\{study\}/(tables|figures|cards|report)\b", each[1])
    ]
    # All tables and figures but those of the judge card are those of `mini`.
    carded = mini.model_copy(update={"judge_card": JudgeCard(single="single.jsonl")})
    assert next(step.jobs for step in list_steps(carded) if step.rule == TABLES) == len(writing)


def test_a_study_without_a_judge_asks_nobody(mini, vary):
    """And writes no prompts."""
    unjudged = vary(mini, judge=None, mt_bench=None, alpaca_eval=None, summaries=None)
    estimate = estimate_study(unjudged, 2)
    assert not estimate.judge
    assert estimate.dollars is None
    assert not {"make_prompts", "judge_responses mt_bench"} & {step.name for step in estimate.steps}


def test_wall_time_of_ten_hours_on_four_nodes():
    """One hour of SFT, then ten cells of an hour: 1 + 10/4 = 3.5 hours; with twenty nodes no less than 1 + 1."""
    hour = Load(3600.0, 1e9)
    steps = [Step("train_sft", "", 1, hour), Step("train_cell", "", 10, hour)]
    assert get_wall_seconds(steps, 4) == 3.5 * 3600
    assert get_wall_seconds(steps, 20) == 2 * 3600


@given(parallel=st.integers(1, 200))
def test_more_at_once_never_takes_longer(mini, parallel):
    """But more disk for checkpoints."""
    few, many = estimate_study(mini, parallel), estimate_study(mini, parallel + 1)
    assert many.wall_seconds <= few.wall_seconds
    assert many.kept_bytes == few.kept_bytes <= few.most_bytes <= many.most_bytes


def test_policies_take_four_bytes_a_weight(mini, vary):
    """21 policies in float32; under DeepSpeed on GPUs 20 in bfloat16 and the SFT model in float32."""
    parameters = 141_376

    def get_policies(study):
        (use,) = [use for use in list_disk_uses(study, 1) if use.what == "policies"]
        return use.bytes

    assert get_policies(mini) == 21 * 4 * parameters
    sharded = vary(mini, device="gpu", training={"processes": 2, "deepspeed": "zero3"})
    assert get_policies(sharded) == (20 * 2 + 4) * parameters


@pytest.mark.parametrize(
    ("keep", "kept", "passing"),
    [
        ("all", 20, 0),
        # Of three of the six objectives the best setting may be the one with two seeds.
        ("best", 9, 11),
        # Two jobs at once, of which each has a predecessor that still answers.
        ("none", 0, 4),
    ],
)
def test_removed_policies_lie_there_for_a_while(mini, vary, keep, kept, passing):
    """A sweep with keep_policy: none would be said to need the disk that it was to save, or none at all."""
    uses = {use.what: use for use in list_disk_uses(vary(mini, keep_policy=keep), 2)}
    assert uses["policies"].bytes == (kept + 1) * 4 * 141_376
    removed = uses.get("policies that are removed")
    assert (removed.bytes if removed else 0) == passing * 4 * 141_376
    assert not (removed and removed.kept)


def test_an_adapter_is_all_that_a_policy_holds(mini, vary):
    """Rank 4 on seven layers of two blocks of widths 64 and 256: 4·2·(4·128 + 3·320) weights of 4 bytes."""
    study = vary(mini, training={"adapter": Adapter(rank=4)})
    (use,) = [use for use in list_disk_uses(study, 1) if use.what == "policies"]
    assert use.bytes == 4 * 141_376 + 20 * 4 * (4 * 2 * (4 * 128 + 3 * 320))
    (use,) = [use for use in list_disk_uses(study, 3) if use.what == "checkpoints"]
    assert use.bytes == 3 * 2 * 12 * (4 * 2 * (4 * 128 + 3 * 320))


def test_two_checkpoints_of_every_running_cell_lie_on_disk(mini):
    """Weights and two moments in float32: 12 bytes for 141,376 weights, twice while one is replaced, in 3 cells."""
    (use,) = [use for use in list_disk_uses(mini, 3) if use.what == "checkpoints"]
    assert use.bytes == 3 * 2 * 12 * 141_376
    assert not use.kept


@pytest.mark.parametrize(
    ("step", "seconds", "megabytes"),
    [
        ("train_sft", 52.2, 643),
        ("make_pairs", 22.7, 576),
        ("compute_reference_logps", 13.6, 554),
        ("train_cell", 29.2, 708),
        ("generate_responses", 7.7, 566),
        ("judge_responses mt_bench", 8.6, 507),
    ],
)
def test_mini_is_estimated_as_it_was_measured(mini, step, seconds, megabytes):
    """The median job on two quiet cores, within a third; the largest memory (MB of 2**20 bytes), within a tenth."""
    (load,) = [each.load for each in list_steps(mini) if each.name == step]
    assert load.seconds == pytest.approx(seconds, rel=1 / 3)
    assert load.host_bytes == pytest.approx(megabytes * 2**20, rel=0.1)


def test_gpu_hours_count_every_gpu(mini, vary):
    """Four GPUs for as long as a cell trains."""
    study = vary(mini, device="gpu", training={"processes": 4, "deepspeed": "zero2"})
    estimate = estimate_study(study, 2)
    trained = [step for step in estimate.steps if step.rule == "train_cell"]
    assert [step.load.gpus for step in trained] == [4]
    assert estimate.gpu_seconds > 4 * 20 * trained[0].load.seconds
    assert estimate_study(mini, 2).gpu_seconds == 0


def test_the_command_prints_the_whole_of_mini():
    """Jobs, hours, memory, disk and judge in one call, of which nothing needs torch."""
    code = (
        "import sys; from lossgrid.__main__ import main; main(['estimate', 'mini', '--jobs', '4']); "
        "sys.exit(str({'torch', 'transformers', 'pandas', 'scipy'} & {m.split('.')[0] for m in sys.modules}))"
    )
    done = run_python("-c", code)
    for text in (
        "Study mini on the CPU: 163 jobs",
        "With 4 jobs at once (--jobs): about",
        "train_cell",
        "checkpoints",
        "free",
    ):
        assert text in " ".join(done.stdout.split())
    assert done.stderr.strip() == "set()"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["minni"], "minni: no such study; the nearest is mini; known:"),
        (["mini", "--jobs", "0"], "jobs: 0 jobs at once do nothing; give 1 or more"),
        (["mini", "--results", "nowhere"], "nowhere: no such folder; give the results folder of a study"),
    ],
)
def test_mistakes_are_one_line(arguments, message):
    """On standard error, and with exit status 1."""
    done = run_python("-m", "lossgrid", "estimate", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1


def test_the_scheduler_needs_neither_torch_nor_rich():
    """Each job of a cluster reads the Snakefile twice."""
    code = (
        "import sys; import lossgrid.planning; "
        "print({'torch', 'transformers', 'pandas', 'scipy', 'rich'} & {m.split('.')[0] for m in sys.modules})"
    )
    assert run_python("-c", code).stdout.strip() == "set()"


def test_dollars_of_all_evaluations_are_added(mini, vary):
    """And one without prices is free."""
    priced = estimate_study(vary(mini, judge={"prices": Prices(input=2.0, output=8.0)}), 2)
    assert priced.dollars == sum(load.dollars for load in priced.judge) > 0
    assert estimate_study(mini, 2).dollars is None


def test_amounts_are_spelled_with_units():
    """Two digits; hours to a hundredth."""
    assert [spell_seconds(number) for number in (0.11, 8.66, 53, 250, 11_160, 1_000_000)] == [
        "0.11 s", "8.7 s", "53 s", "4.2 min", "3.1 h", "12 d",
    ]  # fmt: skip
    assert [spell_bytes(number) for number in (0, 580e6, 1.2e9, 16e12)] == [
        "0 B",
        "580 MB",
        "1.2 GB",
        "16 TB",
    ]
    assert [spell_dollars(number) for number in (None, 0.5, 1234.5)] == ["free", "$0.50", "$1,234"]
    assert [spell_hours(3600 * number) for number in (0, 0.001, 0.5, 40)] == ["0.00", "<0.01", "0.50", "40"]
