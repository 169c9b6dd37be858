"""How much disk a study takes, while it runs and after."""

from collections import Counter
from dataclasses import dataclass

from lossgrid.planning.judge_load import list_judge_loads
from lossgrid.planning.replies import count_replies, list_reply_groups
from lossgrid.planning.training_adapter import count_adapter_parameters
from lossgrid.planning.training_jobs import SEQUENCES_PER_PAIR, count_steps, get_cell_state
from lossgrid.planning.training_state import BFLOAT16, FLOAT32, get_weight_bytes
from lossgrid.planning.world_facts import get_world_facts
from lossgrid.studies import Study, get_trained_cells

# While a checkpoint is written, the one before is still there.
CHECKPOINTS = 2
# Measured in `mini`: a token as text and as a number; the copies of a chat that datasets leaves; the columns of a row
# of responses; one of scores, which lies among the judgments and beside its run; a record of the ledger; a step of
# the training log.
TEXT_BYTES, ID_BYTES, CHAT_COPIES = 6, 8, 7
RESPONSE_BYTES, SCORE_BYTES, RECORD_BYTES, STEP_BYTES = 220, 420, 550, 460
# A reply of a judge stands in the ledger, in the judgments and in the scores.
REPLY_COPIES = 3
# Tables, figures and logs.
REPORT_BYTES = 5e6


@dataclass(frozen=True)
class DiskUse:
    """Something that lies on disk.

    Attributes:
        what: Its name.
        bytes: Its size.
        kept: Whether it is still there after the study.
    """

    what: str
    bytes: float
    kept: bool


def list_disk_uses(study: Study, parallel: int) -> list[DiskUse]:
    """What a study writes.

    Args:
        study: The study.
        parallel: Jobs that run at once, each with its checkpoints.
    """
    facts, cells = get_world_facts(study), len(get_trained_cells(study))
    parameters = facts.model.count_parameters()
    state = get_cell_state(study)
    policy, kept = get_policy_bytes(study), count_kept_policies(study)
    start = 0 if facts.links_model else parameters * FLOAT32
    # One that is removed at once lies there while its cell trains and answers, and its successor trains.
    passing = min(cells, 2 * parallel) if study.keep_policy == "none" else cells - kept
    groups = list_reply_groups(study, facts)
    answers = sum(TEXT_BYTES * group.prompts * (group.prompt_tokens + facts.reply_tokens) for group in groups)
    scores = count_replies(study, facts) * SCORE_BYTES
    texts = facts.pairs * (facts.question_tokens * 2 + SEQUENCES_PER_PAIR * facts.reply_tokens)
    data = facts.sft_chats * facts.chat_tokens * TEXT_BYTES * CHAT_COPIES + texts * (TEXT_BYTES + ID_BYTES)
    judged = list_judge_loads(study)
    judgments = sum(
        load.calls * (SCORE_BYTES * 2 + RECORD_BYTES) + REPLY_COPIES * TEXT_BYTES * load.reply_tokens
        for load in judged
    )
    uses = [
        DiskUse("checkpoints", min(parallel, cells) * CHECKPOINTS * state.checkpoint, kept=False),
        DiskUse("policies", start + kept * policy, kept=True),
        *([DiskUse("the model in HF_HOME", parameters * BFLOAT16, kept=True)] if facts.links_model else []),
        DiskUse("policies that are removed", passing * policy, kept=False),
        DiskUse("chats, pairs, reference", data, kept=True),
        DiskUse(
            "responses", (cells + 1) * (answers + count_replies(study, facts) * RESPONSE_BYTES), kept=True
        ),
        DiskUse(
            "scores, training logs", (cells + 1) * scores + cells * count_steps(study) * STEP_BYTES, kept=True
        ),
        DiskUse("judgments, ledgers", judgments, kept=True),
        DiskUse("tables, figures, logs", REPORT_BYTES, kept=True),
    ]
    return [use for use in uses if use.bytes]


def get_policy_bytes(study: Study) -> float:
    """Of one cell's policy, all of it or its adapter; DeepSpeed writes the numbers that it computes in."""
    model, training = get_world_facts(study).model, study.training
    adapter, held = training.adapter, get_weight_bytes(study.device, training.precision)
    trained = count_adapter_parameters(model, adapter) if adapter else model.count_parameters()
    return trained * (held if training.deepspeed and study.device == "gpu" else FLOAT32)


def count_kept_policies(study: Study) -> int:
    """Policies of trained cells that stay; with `best` at most all seeds of one setting of each objective."""
    cells = get_trained_cells(study)
    if study.keep_policy != "best":
        return len(cells) if study.keep_policy == "all" else 0
    seeds = Counter((cell.objective, cell.reference) for cell in cells)
    objectives = {objective for objective, _ in seeds}
    return sum(max(count for (name, _), count in seeds.items() if name == each) for each in objectives)
