"""The load of the jobs that ask a judge, and of those that write what it will be asked."""

from dataclasses import replace
from math import inf

from lossgrid.planning.judge_load import count_calls, count_shard_calls, get_card_load
from lossgrid.planning.judge_texts import count_call_tokens, is_own_script
from lossgrid.planning.load import Load
from lossgrid.studies import Study, get_trained_cells
from lossgrid.studies.judge import Judge

# Measured in `mini`: processes that import FastChat, and those that import the client alone.
FASTCHAT_BYTES, FASTCHAT_SECONDS = 0.48e9, 5.5
CLIENT_BYTES, CLIENT_SECONDS = 0.12e9, 1.0
# A judgment of this job with its request, reply and score row, and a record of another job's in the shared ledger.
JUDGMENT_BYTES, RECORD_BYTES = 25e3, 5e3
# A judge of this repository answers a call in 2.5 ms, its client and itself on one core (measured).
SCRIPT_CALL_SECONDS = 2.5e-3
# Assumed of a model: its start, the wait for the first token of a reply, and each further one.
MODEL_START_SECONDS, FIRST_TOKEN_SECONDS, TOKEN_SECONDS = 300.0, 1.0, 0.03
# Assumed of files of stored judgments.
STORED_SECONDS, STORED_BYTES = 10.0, 0.5e9
# Assumed: threads of a served model beside its GPU.
CPUS_PER_GPU = 2
# Assumed where the study does not say: host memory of a server for each of its GPUs, which its weights pass through.
SERVER_BYTES_PER_GPU = 32e9
GIGABYTE = 1e9


def describe_prompts(study: Study) -> Load:
    """Writing of the prompts that a judge will see."""
    if study.mt_bench:
        return Load(FASTCHAT_SECONDS, FASTCHAT_BYTES)
    return Load(CLIENT_SECONDS, CLIENT_BYTES)


def describe_judging(study: Study) -> Load:
    """Judging of one shard, in the evaluation that takes most; a study without a judge has none."""
    loads = [describe_evaluation(study, name) for name in study.get_evaluations()]
    if not loads:
        return Load(0.0, 0.0)
    seconds, host = max(load.seconds for load in loads), max(load.host_bytes for load in loads)
    return replace(loads[0], seconds=seconds, host_bytes=host)


def describe_evaluation(study: Study, evaluation: str) -> Load:
    """Judging of one shard in one evaluation."""
    _, reply = count_call_tokens(study, evaluation)
    all_calls = count_calls(study, evaluation, len(get_trained_cells(study)), sft=True)
    calls = count_shard_calls(study, evaluation)
    return describe_asking(study, calls, all_calls, reply, fastchat=evaluation == "mt_bench")


def describe_card_sample(study: Study) -> Load:
    """Choice of the stored judgments of the judge card: published files of them have some ten thousand lines."""
    return Load(FASTCHAT_SECONDS + STORED_SECONDS, FASTCHAT_BYTES + STORED_BYTES)


def describe_card(study: Study) -> Load:
    """Asking for the judge card; a study without one has none."""
    if study.judge_card is None:
        return Load(0.0, 0.0)
    load = get_card_load(study)
    return describe_asking(study, load.calls, load.calls, load.reply_tokens / load.calls, fastchat=True)


def describe_asking(study: Study, calls: int, all_calls: int, reply: float, fastchat: bool) -> Load:
    """A job that asks the study's judge.

    Args:
        study: The study.
        calls: Calls of this job.
        all_calls: Those of all jobs that share its ledger.
        reply: Tokens of a reply.
        fastchat: Whether FastChat is imported.
    """
    judge, seconds = study.judge, FASTCHAT_SECONDS if fastchat else CLIENT_SECONDS
    if is_own_script(study):
        seconds += calls * SCRIPT_CALL_SECONDS
    else:
        seconds += MODEL_START_SECONDS if judge.command else 0.0
        seconds += calls * (FIRST_TOKEN_SECONDS + reply * TOKEN_SECONDS) / judge.concurrency
    host = (FASTCHAT_BYTES if fastchat else CLIENT_BYTES) + JUDGMENT_BYTES * calls + RECORD_BYTES * all_calls
    server = get_server_bytes(judge)
    return Load(
        seconds,
        host + server,
        gpu_bytes=get_server_gpu_bytes(judge),
        gpus=judge.gpus,
        cpus=1 + CPUS_PER_GPU * judge.gpus,
        server_bytes=server,
    )


def get_server_bytes(judge: Judge) -> float:
    """Host memory of the server that a judging job starts; 0 for one that is there, or that needs next to nothing."""
    if judge.memory_gb is not None:
        return GIGABYTE * judge.memory_gb
    return SERVER_BYTES_PER_GPU * judge.gpus


def get_server_gpu_bytes(judge: Judge) -> float:
    """Memory of each of the server's GPUs: how large its model is, only the study can say."""
    if not judge.gpus:
        return 0.0
    return inf if judge.gpu_memory_gb is None else GIGABYTE * judge.gpu_memory_gb
