"""The jobs of a study, step by step, before there is a workflow."""

from dataclasses import dataclass

from lossgrid.planning.judging_jobs import describe_evaluation
from lossgrid.planning.load import Load
from lossgrid.planning.steps import get_load
from lossgrid.studies import Study, get_trained_cells
from lossgrid.studies.products import list_documents, list_shards

# Steps that follow each other and for which all cells wait.
FIRST_STEPS = ("make_corpus", "train_sft", "make_pairs", "compute_reference_logps")
CARD_STEPS = ("sample_judge_card", "ask_judge_card")
TABLES = "tables, figures, pages"


@dataclass(frozen=True)
class Step:
    """All jobs of a rule.

    Attributes:
        rule: Name of the rule, or `TABLES` for all that hold no model and serve the reader.
        part: The evaluation, where the rule has jobs for each; else empty.
        jobs: How many.
        load: What one of them takes.
    """

    rule: str
    part: str
    jobs: int
    load: Load

    @property
    def name(self) -> str:
        """Rule and part."""
        return f"{self.rule} {self.part}".rstrip()


def list_steps(study: Study) -> list[Step]:
    """Every step of a study, in the order of the workflow; aliases are linked and take nothing."""
    runs = len(get_trained_cells(study)) + 1
    evaluations = study.get_evaluations()
    counts = {
        "make_corpus": 1,
        "train_sft": 1,
        "make_pairs": 1,
        "compute_reference_logps": 1,
        "train_cell": runs - 1,
        "make_prompts": 1 if evaluations else 0,
        "generate_responses": runs,
        "score_by_classifier" if getattr(study.world, "reward", None) else "score_frontier": runs,
    }
    steps = [Step(rule, "", jobs, get_load(study, rule)) for rule, jobs in counts.items() if jobs]
    shards = len(list_shards(study, range(runs)))
    for name in evaluations:
        steps.append(Step("judge_responses", name, shards, describe_evaluation(study, name)))
        steps.append(Step("score_judgments", name, runs, get_load(study, "score_judgments")))
    if study.judge_card:
        steps += [Step(rule, "", 1, get_load(study, rule)) for rule in CARD_STEPS]
    return [*steps, Step(TABLES, "", len(list_documents(study)), get_load(study, TABLES))]


def get_wall_seconds(steps: list[Step], parallel: int) -> float:
    """Wall time when so many jobs run at once, without the time that they wait in a queue.

    What all cells wait for runs job by job; the rest takes as long as its sum over `parallel`, but no less than one
    cell from its training to its figures. Ten cells of one hour each, four at once, after one hour of SFT are
    1 + 10/4 = 3.5 hours.
    """
    first = sum(step.jobs * step.load.seconds for step in steps if step.rule in FIRST_STEPS)
    others = [step for step in steps if step.rule not in FIRST_STEPS]
    chain = sum(step.load.seconds for step in others if step.rule in ("train_cell", "generate_responses"))
    chain += max((step.load.seconds for step in others if step.rule == "judge_responses"), default=0.0)
    return first + max(chain, sum(step.jobs * step.load.seconds for step in others) / parallel)
