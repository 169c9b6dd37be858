"""The jobs that make a study: what each writes, and which others it waits for."""

from collections.abc import Iterable
from dataclasses import dataclass

from lossgrid.studies import Study, get_trained_cells
from lossgrid.studies.claims import get_primary_evaluation
from lossgrid.studies.products import list_documents, list_shards, list_table_rules

SFT = "sft"
SHARED = {
    "make_corpus": "corpus",
    "train_sft": SFT,
    "make_pairs": "pairs",
    "compute_reference_logps": "reference",
    "make_prompts": "prompts",
}

_SCORE_RULES = ("collect_mt_bench", "collect_leaderboard", "collect_summaries")


@dataclass(frozen=True)
class Job:
    """One job of the workflow.

    Attributes:
        rule: Name of its rule.
        log: Its log below the study's results, which names the job.
        outputs: What it must have written, below the study's results. The policy of a cell is left out: it may be
            removed to save space.
        needs: Logs of the jobs that it waits for.
        run: The run that it is about, `sft` or `cells/…`; empty for a job of several runs.
        evaluation: The judged evaluation that it is about; empty for any other job.
    """

    rule: str
    log: str
    outputs: tuple[str, ...]
    needs: tuple[str, ...] = ()
    run: str = ""
    evaluation: str = ""


def list_jobs(study: Study) -> dict[str, Job]:
    """Every job that the whole study takes, by its log; each stands after those that it needs.

    Aliases are not trained and take none.
    """
    graph = _Graph()
    add = graph.add
    corpus = add("make_corpus", ["corpus"])
    sft = add("train_sft", ["sft/policy"], [corpus], run=SFT)
    pairs = add("make_pairs", ["pairs"], [corpus, sft])
    reference = add("compute_reference_logps", ["reference"], [pairs, sft])
    prompts = [add("make_prompts", ["prompts"])] if study.judge else []

    runs = {SFT: sft}
    for cell in get_trained_cells(study):
        run = f"cells/{cell.path}"
        outputs = [f"{run}/training.jsonl", f"{run}/health.json"]
        runs[run] = add("train_cell", outputs, [sft, reference], cell.path, run=run)
    answers = {
        run: add(
            "generate_responses",
            [f"{run}/responses/heldout.jsonl", f"{run}/responses/judged.jsonl"],
            dict.fromkeys([corpus, policy, sft, *prompts]),
            run,
            run=run,
        )
        for run, policy in runs.items()
    }
    frontier = [
        add("score_frontier", [f"{run}/scores/frontier.jsonl"], [answers[run]], run, run=run) for run in runs
    ]
    scores = {
        evaluation: _add_judging(graph, study, evaluation, answers, prompts)
        for evaluation in study.get_evaluations()
    }
    if study.judge_card:
        sample = add("sample_judge_card", ["judge_card/sample.json"])
        add("ask_judge_card", ["judge_card/judgments.jsonl"], [sample])
    data = [corpus, pairs, reference, *prompts]
    _add_documents(graph, study, list(runs.values()), frontier, scores, data)
    return graph.jobs


class _Graph:
    """Jobs while they are being listed."""

    def __init__(self):
        self.jobs: dict[str, Job] = {}

    def add(
        self, rule: str, outputs: Iterable[str], needs: Iterable[str] = (), place: str = "", **about: str
    ) -> str:
        """Add a job whose log lies at a place of its rule's folder; its log."""
        log = f"logs/{rule}/{place}.log" if place else _name_log(rule)
        self.jobs[log] = Job(rule, log, tuple(outputs), tuple(needs), **about)
        return log


def _add_judging(
    graph: _Graph, study: Study, evaluation: str, answers: dict[str, str], prompts: list[str]
) -> list[str]:
    """The jobs of an evaluation; the logs of those that score."""
    scores = []
    for number, runs in enumerate(list_shards(study, list(answers))):
        opponents = [SFT] if study.is_compared_with_sft(evaluation) else []
        judging = graph.add(
            "judge_responses",
            [f"judgments/{evaluation}/shard~{number}.jsonl"],
            [*prompts, *(answers[run] for run in dict.fromkeys([*runs, *opponents]))],
            f"{evaluation}/shard~{number}",
            evaluation=evaluation,
        )
        scores += [
            graph.add(
                "score_judgments",
                [f"{run}/scores/{evaluation}.jsonl"],
                [judging],
                f"{run}/{evaluation}",
                run=run,
                evaluation=evaluation,
            )
            for run in runs
        ]
    return scores


def _list_primary(study: Study, scores: dict[str, list[str]]) -> list[str]:
    """What the primary metric of a study without a reward is read from."""
    evaluation = get_primary_evaluation(study.model_dump())
    return [_name_log("collect_leaderboard")] if evaluation == "alpaca_eval" else scores.get(evaluation, [])


def _add_documents(
    graph: _Graph,
    study: Study,
    runs: list[str],
    frontier: list[str],
    scores: dict[str, list[str]],
    data: list[str],
) -> None:
    """What readers open: tables, figures, cards and pages."""
    documents = list_documents(study)
    judged = [log for logs in scores.values() for log in logs]
    audit, cells, judge = map(_name_log, ("audit_objectives", "collect_results", "collect_judge"))
    leaderboard = [_name_log("collect_leaderboard")] if "alpaca_eval" in scores else []
    measured = [cells, *frontier, *judged, *leaderboard]
    scored = [_name_log(rule) for rule in _SCORE_RULES if rule in documents]
    claims = [_name_log("evaluate_claims")] if study.claims else []
    card = _name_log("ask_judge_card")
    tables = [_name_log(rule) for rule in list_table_rules(study)]
    needs = {
        "audit_objectives": [],
        "describe_data": data,
        "collect_results": [*runs, *frontier, *_list_primary(study, scores)],
        "compare_predictions": [audit, cells],
        "collect_mt_bench": scores.get("mt_bench"),
        "collect_leaderboard": scores.get("alpaca_eval"),
        "collect_summaries": scores.get("summaries"),
        "collect_judge": [*judged, *([card] if study.judge_card else [])],
        "compare_cells": measured,
        "evaluate_claims": measured,
        "collect_costs": [cells, *judged, *([card] if study.judge_card else [])],
        "write_numbers": [cells, *scored, _name_log("compare_cells"), *claims],
        "plot_loss_shapes": [audit],
        "plot_length_differences": [_name_log("describe_data")],
        "plot_differences": [cells, _name_log("compare_cells")],
        "plot_mt_bench": [cells, _name_log("collect_mt_bench")],
        "plot_win_rates": [cells, _name_log("collect_leaderboard")],
        "collect_judge_card": [card],
        "plot_judge_card": [card, _name_log("collect_judge_card")],
        "write_cards": [cells, *scored, *([judge] if judged else []), *runs],
        "make_explorer": runs,
        "make_report": [*tables, *runs, *frontier, *judged],
    }
    for rule, files in documents.items():
        graph.add(rule, files, needs.get(rule, [cells]))


def _name_log(rule: str) -> str:
    """The log of a rule that has one job."""
    return f"logs/{rule}.log"
