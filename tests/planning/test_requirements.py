"""What is asked of a scheduler: enough for what was measured, and more for more work."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.planning import get_requirements
from lossgrid.planning.requirements import round_up
from lossgrid.planning.steps import get_load
from lossgrid.studies.world import Policy

MODEL_RULES = ["train_sft", "make_pairs", "compute_reference_logps", "train_cell", "generate_responses"]
RULES = [*MODEL_RULES, "make_corpus", "make_prompts", "score_frontier", "judge_responses", "collect_results"]
# Peak memory, MB, and longest wall time, seconds, of the jobs of `mini` in five runs on two machines.
MEASURED = {
    "train_sft": (645, 53),
    "make_pairs": (579, 23),
    "compute_reference_logps": (555, 14),
    "train_cell": (713, 55),
    "generate_responses": (583, 29),
    "make_corpus": (398, 5),
    "make_prompts": (454, 7),
    "judge_responses": (508, 10),
    "audit_objectives": (365, 3),
    "describe_data": (232, 5),
    "plot_plane": (283, 19),
}


@pytest.mark.parametrize("rule", MEASURED)
def test_mini_gets_what_it_was_measured_to_need(mini, rule):
    """And no more than a laptop has: two jobs at a time in 4 GB."""
    asked, (megabytes, seconds) = get_requirements(mini, rule), MEASURED[rule]
    assert 1.5 * megabytes + 300 <= asked.mem_mb <= 2000
    assert 10 * seconds <= 60 * asked.runtime
    assert (asked.gpus, asked.gpu_memory_gb, asked.cpus) == (0, 0.0, 1)


def test_gpus_are_those_of_processes_models_and_judge(mini, vary):
    """A GPU a training process, one for a model that answers, none for tables."""
    study = vary(mini, device="gpu", training={"processes": 4, "deepspeed": "zero3"})
    gpus = {rule: get_requirements(study, rule).gpus for rule in RULES}
    assert gpus == {**dict.fromkeys(RULES, 0), **dict.fromkeys(MODEL_RULES, 1), "train_cell": 4}
    served = vary(study, judge={"gpus": 2, "command": "vllm serve judge --port {port}"})
    assert get_requirements(served, "judge_responses").gpus == 2


@pytest.mark.parametrize(
    ("judge", "mem_mb", "gpu_memory_gb"),
    [
        ({}, 64_000, inf),
        ({"memory_gb": 200.0, "gpu_memory_gb": 80.0}, 200_000, 80.0),
        ({"memory_gb": 8.0, "gpus": 0}, 8_000, 0.0),
    ],
)
def test_a_served_judge_has_its_memory_beside_the_job(mini, vary, judge, mem_mb, gpu_memory_gb):
    """A model of 70 billion weights in 1 GB on the smallest GPU would be killed at every attempt.

    What the study says gets no head-room, which would pass over the GPUs that it names.
    """
    served = vary(mini, judge={"command": "vllm serve judge --port {port}", "gpus": 2, **judge})
    asked = get_requirements(served, "judge_responses")
    assert mem_mb + 600 < asked.mem_mb < mem_mb + 2500
    assert asked.gpu_memory_gb == gpu_memory_gb


@pytest.mark.parametrize("rule", MODEL_RULES)
@given(layers=st.integers(1, 80), wider=st.integers(0, 60))
def test_a_larger_model_never_asks_for_less(mini, vary, rule, layers, wider):
    """Deeper or wider, on either device."""
    smaller = Policy(layers=layers, hidden_size=128, heads=2, intermediate_size=256)
    larger = Policy(layers=layers + 1, hidden_size=128 + 128 * wider, heads=2, intermediate_size=256 + wider)
    for device in ("cpu", "gpu"):
        small, large = (
            get_requirements(vary(mini, device=device, world={"policy": policy}), rule)
            for policy in (smaller, larger)
        )
        assert small.gpu_memory_gb <= large.gpu_memory_gb
        assert small.mem_mb <= large.mem_mb
        assert small.runtime <= large.runtime


@given(size=st.integers(1, 64), processes=st.integers(1, 64))
def test_gpu_memory_rises_with_the_micro_batch_and_falls_with_processes(mini, vary, size, processes):
    """Activations are each process's own; its share of the state is not."""

    def get_bytes(size, processes):
        change = {"micro_batch_size": size, "processes": processes, "deepspeed": "zero3", "batch_size": 4096}
        return get_load(vary(mini, device="gpu", training=change), "train_cell").gpu_bytes

    assert get_bytes(size, processes) < get_bytes(size + 1, processes)
    assert get_bytes(size, processes) > get_bytes(size, processes + 1)


def test_offload_moves_memory_to_the_host(mini, vary):
    """What leaves the GPU is asked for beside it."""
    policy = Policy(layers=32, hidden_size=4096, heads=32, intermediate_size=14336)
    study = vary(mini, device="gpu", world={"policy": policy})
    whole, moved = (
        get_requirements(vary(study, training={"processes": 2, "deepspeed": sharding}), "train_cell")
        for sharding in ("zero3", "zero3_offload")
    )
    assert moved.gpu_memory_gb < whole.gpu_memory_gb - 40
    assert moved.mem_mb > whole.mem_mb + 80_000


@pytest.mark.parametrize(
    ("rule", "part", "key"),
    [
        ("train_cell", "training", "epochs"),
        ("train_cell", "world", "pairs"),
        ("train_sft", "world", "corpus_chats"),
        ("make_pairs", "world", "pairs"),
        ("make_pairs", "evaluation", "max_new_tokens"),
        ("compute_reference_logps", "world", "pairs"),
        ("generate_responses", "world", "heldout_chats"),
        ("generate_responses", "evaluation", "max_new_tokens"),
        ("generate_responses", "alpaca_eval", "prompts"),
        ("judge_responses", "alpaca_eval", "prompts"),
        ("judge_responses", "mt_bench", "consistency"),
        ("judge_responses", "summaries", "rows"),
    ],
)
@given(factor=st.integers(1, 20))
def test_more_work_never_takes_less(mini, vary, rule, part, key, factor):
    """Time and memory rise with every amount of work, or stay."""
    amount = getattr(getattr(mini, part), key)
    once = get_load(vary(mini, **{part: {key: factor * amount}}), rule)
    more = get_load(vary(mini, **{part: {key: (factor + 1) * amount}}), rule)
    assert once.seconds <= more.seconds
    assert once.host_bytes <= more.host_bytes


def test_an_attempt_multiplies_memory_and_time(mini):
    """And not GPUs or cores, which a job would not use."""
    first, third = (get_requirements(mini, "train_cell").scale(attempt) for attempt in (1, 3))
    assert first == get_requirements(mini, "train_cell")
    assert (third.mem_mb, third.runtime) == (3 * first.mem_mb, 3 * first.runtime)
    assert (third.gpus, third.cpus) == (first.gpus, first.cpus)


def test_a_job_of_no_study_asks_for_the_least():
    """Linking an alias, or nothing at all."""
    assert get_requirements(None, "adopt_cell").mem_mb == 1000


@given(number=st.integers(0, 10**7), step=st.integers(1, 1000))
def test_requests_are_round_numbers(number, step):
    """The next multiple, never below."""
    assert round_up(number, step) % step == 0
    assert number <= round_up(number, step) < number + step
