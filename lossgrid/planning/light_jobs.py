"""The load of the jobs that hold no model: texts, judgments, scores, tables, figures, claims."""

from lossgrid.planning.judge_load import count_all_calls, count_shard_calls
from lossgrid.planning.load import Load
from lossgrid.planning.replies import count_replies
from lossgrid.planning.world_facts import get_world_facts
from lossgrid.studies import Study, get_trained_cells

# Measured in `mini`: processes that import datasets and tokenizers, FastChat, or pandas and matplotlib.
CORPUS_BYTES, CORPUS_SECONDS = 0.37e9, 3.0
FASTCHAT_BYTES, FASTCHAT_SECONDS = 0.45e9, 5.5
CLIENT_BYTES, CLIENT_SECONDS = 0.13e9, 1.0
TABLE_BYTES, TABLE_SECONDS = 0.3e9, 3.0
SCORE_BYTES, SCORE_SECONDS = 0.05e9, 0.1
# Measured there too: a chat is written in 0.1 ms and held in 4 kB.
CHAT_SECONDS, CHAT_BYTES = 1e-4, 4e3
# A judgment with its request, its reply and its score row, in Python: measured, 25 kB.
JUDGMENT_BYTES = 25e3
# A judge of this repository answers a call in 4 ms on the same core as its client (measured). For a model, assumed:
# seconds of a call, of which `concurrency` are in flight, and of its start.
SCRIPT_CALL_SECONDS = 4e-3
MODEL_CALL_SECONDS = 8.0
MODEL_START_SECONDS = 300.0
SERVER_CPUS_PER_GPU = 2
# What a row of a table takes.
ROW_BYTES, ROW_SECONDS = 4e3, 2e-5


def describe_corpus(study: Study) -> Load:
    """Writing of the texts that no model wrote."""
    facts = get_world_facts(study)
    chats = facts.sft_chats + facts.pairs + facts.heldout_chats
    return Load(CORPUS_SECONDS + CHAT_SECONDS * chats, CORPUS_BYTES + CHAT_BYTES * chats)


def describe_prompts(study: Study) -> Load:
    """Writing of the prompts that a judge will see."""
    return Load(FASTCHAT_SECONDS, FASTCHAT_BYTES)


def describe_judging(study: Study, evaluation: str | None = None) -> Load:
    """Judging of one shard in one evaluation; None takes the largest of each number over the evaluations."""
    if evaluation is None:
        loads = [describe_judging(study, name) for name in study.get_evaluations()]
        if not loads:
            return Load(CLIENT_SECONDS, CLIENT_BYTES)
        seconds, host = max(load.seconds for load in loads), max(load.host_bytes for load in loads)
        return Load(seconds, host, gpus=loads[0].gpus, cpus=loads[0].cpus)
    judge, calls = study.judge, count_shard_calls(study, evaluation)
    fastchat = evaluation == "mt_bench"
    seconds = FASTCHAT_SECONDS if fastchat else CLIENT_SECONDS
    if is_own_script(study):
        seconds += calls * SCRIPT_CALL_SECONDS
    else:
        seconds += MODEL_START_SECONDS if judge.command else 0.0
        seconds += calls * MODEL_CALL_SECONDS / judge.concurrency
    # The ledger is that of all shards.
    held = JUDGMENT_BYTES * (calls + 0.2 * count_all_calls(study, evaluation))
    host = (FASTCHAT_BYTES if fastchat else CLIENT_BYTES) + held
    return Load(seconds, host, gpus=judge.gpus, cpus=1 + SERVER_CPUS_PER_GPU * judge.gpus)


def is_own_script(study: Study) -> bool:
    """Whether the judge is a script of this repository and no language model."""
    return "workflow_scripts/" in (study.judge.command or "")


def describe_scoring(study: Study) -> Load:
    """Scores of one run."""
    replies = count_replies(study, get_world_facts(study))
    return Load(SCORE_SECONDS + replies * ROW_SECONDS, SCORE_BYTES + replies * ROW_BYTES)


def describe_table(study: Study) -> Load:
    """A table or a figure over all runs."""
    rows = (len(get_trained_cells(study)) + 1) * count_replies(study, get_world_facts(study))
    return Load(TABLE_SECONDS + rows * ROW_SECONDS, TABLE_BYTES + rows * ROW_BYTES)
