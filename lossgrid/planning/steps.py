"""The load of one job of each step, by the name of its rule."""

from collections.abc import Callable

from lossgrid.planning import answering_jobs, judging_jobs, light_jobs, training_jobs
from lossgrid.planning.load import Load
from lossgrid.studies import Study

_STEPS: dict[str, Callable[[Study], Load]] = {
    "make_corpus": light_jobs.describe_corpus,
    "train_sft": training_jobs.describe_sft,
    "make_pairs": answering_jobs.describe_pairs,
    "compute_reference_logps": answering_jobs.describe_reference,
    "describe_data": light_jobs.describe_data_card,
    "train_cell": training_jobs.describe_cell,
    "make_prompts": judging_jobs.describe_prompts,
    "generate_responses": answering_jobs.describe_generation,
    "score_frontier": light_jobs.describe_scoring,
    "score_by_classifier": answering_jobs.describe_classification,
    "judge_responses": judging_jobs.describe_judging,
    "score_judgments": light_jobs.describe_scoring,
    "sample_judge_card": judging_jobs.describe_card_sample,
    "ask_judge_card": judging_jobs.describe_card,
}


def get_load(study: Study, rule: str) -> Load:
    """What one job of a rule is expected to take; a rule without an entry is a table or figure over all runs."""
    return _STEPS.get(rule, light_jobs.describe_table)(study)
