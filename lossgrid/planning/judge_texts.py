"""How many tokens a call to the judge sends and gets, on average, in every evaluation."""

from lossgrid.planning.world_facts import get_world_facts
from lossgrid.studies import Study

# The prompts without the texts to judge, at four bytes a token: the world's own for MT-Bench, AlpacaEval's, and that
# for summaries; a test counts them.
WORLD_MT_BENCH, ALPACA_EVAL, SUMMARIES = 125, 335, 161
# Assumed: FastChat's own prompts, and the texts of its 80 questions and of AlpacaEval's instructions and references.
FASTCHAT_MT_BENCH, FASTCHAT_QUESTION = 250, 75
PUBLISHED_INSTRUCTION, PUBLISHED_REFERENCE = 40, 450
# Three of MT-Bench's eight categories are judged beside a reference answer.
SHARE_WITH_REFERENCE = 3 / 8
# A judgment of the second turn shows both turns: on average one and a half.
TURNS_SHOWN = 1.5
# Tokens of a reply: the oracle's sentence (measured in `mini`) and a model's explanation (assumed); a comparison of
# AlpacaEval or of summaries is answered by one.
ORACLE_RATING, MODEL_RATING, COMPARISON = 22, 200, 1


def count_call_tokens(study: Study, evaluation: str) -> tuple[float, float]:
    """Tokens of the prompt and of the reply of one call, on average.

    Args:
        study: The study, with a judge.
        evaluation: One of those that it asks for.
    """
    facts, settings = get_world_facts(study), getattr(study, evaluation)
    answer = min(facts.reply_tokens, settings.max_new_tokens or study.evaluation.max_new_tokens)
    question = facts.question_tokens
    if evaluation == "summaries":
        # A post is two questions with an answer between them.
        return SUMMARIES + 2 * question + 3 * answer, COMPARISON
    if evaluation == "alpaca_eval":
        published = settings.instructions is not None
        other = PUBLISHED_REFERENCE if published and settings.baseline == "reference" else answer
        asked = PUBLISHED_INSTRUCTION if published else question
        return ALPACA_EVAL + asked + answer + other, COMPARISON
    published = settings.questions == "fastchat"
    answers = answer * (1 if settings.mode == "single" else 2)
    reference = SHARE_WITH_REFERENCE * (PUBLISHED_REFERENCE if published else answer)
    shown = TURNS_SHOWN * ((FASTCHAT_QUESTION if published else question) + answers + reference)
    reply = ORACLE_RATING if is_own_script(study) else MODEL_RATING
    return (FASTCHAT_MT_BENCH if published else WORLD_MT_BENCH) + shown, reply


def count_card_tokens(study: Study, kind: str) -> tuple[float, float]:
    """Tokens of the prompt and of the reply of one call for the judge card, on average.

    How long stored answers are is assumed: as long as published references, or as the world's replies.

    Args:
        study: The study, with a judge card.
        kind: Of stored judgments, `single` or `pairs`.
    """
    facts, published = get_world_facts(study), study.judge_card.questions == "fastchat"
    answer = PUBLISHED_REFERENCE if published else facts.reply_tokens
    question = FASTCHAT_QUESTION if published else facts.question_tokens
    shown = TURNS_SHOWN * (question + answer * ((1 if kind == "single" else 2) + SHARE_WITH_REFERENCE))
    reply = ORACLE_RATING if is_own_script(study) else MODEL_RATING
    return (FASTCHAT_MT_BENCH if published else WORLD_MT_BENCH) + shown, reply


def is_own_script(study: Study) -> bool:
    """Whether the judge is a script of this repository and no language model."""
    return "workflow_scripts/" in (study.judge.command or "")
