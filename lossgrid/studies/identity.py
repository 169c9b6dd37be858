"""What each step of a study depends on, as plain data, and its hash."""

import hashlib
import json
from typing import Any

from lossgrid.studies.cells import Cell, get_cells
from lossgrid.studies.schema import Study
from lossgrid.studies.spelling import get_objective

# When to write a checkpoint or a log line decides nothing about the weights.
WITHOUT_EFFECT = {"checkpoint_steps", "log_steps"}


def hash_canonical(value: Any) -> str:
    """SHA-256, in hexadecimal, of the value as JSON with sorted keys.

    Raises:
        ValueError: The value holds a number that is not finite.
        TypeError: The value holds something that JSON does not know.
    """
    text = json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def get_training_settings(study: Study, cell: Cell) -> dict[str, Any]:
    """What decides the trained weights of a cell, apart from its input files and the code."""
    return {
        "objective": cell.objective,
        "function": get_objective(cell.objective).function,
        "hyperparameters": dict(cell.setting),
        "seed": cell.seed,
        "recipe": {
            **study.training.model_dump(mode="json", exclude=WITHOUT_EFFECT),
            "micro_batch_size": study.training.get_micro_batch_size(),
        },
    }


def get_audit_settings(study: Study) -> list[dict[str, Any]]:
    """What decides the audit of a study's losses, apart from the code: each setting, with its seeds left out."""
    settings = {
        cell.reference: {
            "cell": cell.reference,
            "function": get_objective(cell.objective).function,
            "hyperparameters": dict(cell.setting),
        }
        for cell in get_cells(study)
    }
    return list(settings.values())


def get_world_settings(study: Study, step: str) -> dict[str, Any]:
    """What of the world decides a step, with the commits and rows that names of the hub stand for.

    Args:
        study: The study.
        step: One of the world's `STEPS`.
    """
    fields = study.world.get_fields(step)
    settings = study.world.model_dump(mode="json", include=fields, exclude={"model": {"shape"}})
    if study.lock is None:
        return settings
    named = [each for field, each in study.world.list_repositories().items() if field in fields]
    commits = {each.name: getattr(study.lock, kind).get(each.name) for kind, each in named}
    return {**settings, "lock": {name: one and one.model_dump(mode="json") for name, one in commits.items()}}


def get_corpus_settings(study: Study) -> dict[str, Any]:
    """What decides the texts that no model of the study wrote."""
    return get_world_settings(study, "corpus")


def get_sft_settings(study: Study) -> dict[str, Any]:
    """What decides the weights of the SFT model, apart from its corpus."""
    recipe = study.sft.model_dump(mode="json") if study.sft else None
    return {**get_world_settings(study, "sft"), "recipe": recipe}


def get_pairs_settings(study: Study) -> dict[str, Any]:
    """What decides the preference pairs, apart from the corpus and the SFT model that may answer its prompts."""
    return {
        "world": get_world_settings(study, "pairs"),
        "sampling": study.evaluation.model_dump(mode="json", include={"max_new_tokens", "batch_size"}),
    }


def get_frontier_settings(study: Study) -> dict[str, Any]:
    """What decides reward and KL divergence of responses."""
    return get_world_settings(study, "frontier")


def get_reference_settings(study: Study) -> dict[str, Any]:
    """What decides the reference log-probabilities, apart from the model and the pairs.

    The batch is part of it because padding changes the rounding, and how training holds its model, because the
    reference is held in the same way.
    """
    training = study.training
    return {
        "max_length": training.max_length,
        "max_prompt_length": training.max_prompt_length,
        "batch_size": training.get_micro_batch_size(),
        **training.get_loading(),
    }


def get_prompts_settings(study: Study) -> dict[str, Any]:
    """What decides the prompts that a judge will see, and how they are answered."""
    chosen = {
        "questions",
        "folder",
        "references",
        "instructions",
        "prompts",
        "rows",
        "max_new_tokens",
        "temperature",
    }
    return {
        "world": get_world_settings(study, "prompts"),
        **{
            name: getattr(study, name).model_dump(mode="json", include=chosen)
            for name in study.get_evaluations()
        },
    }


def get_judging_settings(study: Study, evaluation: str) -> dict[str, Any]:
    """What decides the judgments of one evaluation, apart from the responses, the prompts and the code.

    How fast, how patiently and at which price the judge is asked is no part of it.
    """
    return {
        "model": study.judge.model,
        "server": study.judge.get_server(),
        "evaluation": getattr(study, evaluation).model_dump(
            mode="json", include={"mode", "baseline", "consistency", "opponents"}
        ),
    }


def get_card_sample_settings(study: Study) -> dict[str, Any]:
    """What decides which stored judgments the judge card is about, apart from the files and the code."""
    return {
        "world": study.world.model_dump(mode="json", include={"kind", "seed"}),
        "card": study.judge_card
        and study.judge_card.model_dump(
            mode="json", include={"questions", "stored_judge", "sample", "repeats", "seed"}
        ),
    }


def get_card_judging_settings(study: Study) -> dict[str, Any]:
    """What decides the answers for the judge card, apart from the sample and the code."""
    return {"model": study.judge and study.judge.model, "server": study.judge and study.judge.get_server()}


def get_length_control_settings(study: Study) -> dict[str, Any]:
    """What decides the leaderboard, apart from the judgments and the code."""
    return study.alpaca_eval.model_dump(
        mode="json", include={"baseline", "difficulties", "inverse_regularisation", "alignment"}
    )


def get_card_settings(study: Study) -> dict[str, Any]:
    """What model cards say of a study beside its tables."""
    shown = {"title", "world", "sft", "training", "evaluation"}
    questions = {"mt_bench": {"questions"}, "alpaca_eval": {"instructions", "baseline"}}
    return {
        **study.model_dump(mode="json", include=shown, exclude={"training": WITHOUT_EFFECT}),
        **study.model_dump(mode="json", include=questions),
    }


def get_report_settings(study: Study) -> dict[str, Any]:
    """The study as the report shows it: with its defaults, without what changes no result."""
    patience = {
        "ready_timeout",
        "concurrency",
        "timeout",
        "attempts",
        "max_error_share",
        "prices",
        "spend_limit",
    }
    without = {"training": WITHOUT_EFFECT, "judge": patience, "keep_policy": True}
    return study.model_dump(mode="json", exclude_none=True, exclude=without)


def get_generation_settings(study: Study) -> dict[str, Any]:
    """What decides the replies of a model, apart from the model and the prompts."""
    return study.evaluation.model_dump(mode="json")
