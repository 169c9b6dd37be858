"""The jobs that make a study: what each writes, and which others it waits for."""

from collections.abc import Iterable
from dataclasses import dataclass

from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.studies import Study, get_cells, get_trained_cells

SFT = "sft"
SHARED = {
    "make_corpus": "corpus",
    "train_sft": SFT,
    "make_pairs": "pairs",
    "compute_reference_logps": "reference",
    "make_prompts": "prompts",
}


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
    audit = add("audit_objectives", ["tables/audit.csv", "tables/shapes.csv"])

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
    tables = _add_tables(graph, study, audit, [*runs.values(), *frontier], frontier, scores)
    _add_figures(graph, study, audit, tables)
    return graph.jobs


def get_shards(study: Study, runs: Iterable[str]) -> list[list[str]]:
    """The runs of every judging job."""
    runs, size = list(runs), study.shard_size
    return [runs[start : start + size] for start in range(0, len(runs), size)]


class _Graph:
    """Jobs while they are being listed."""

    def __init__(self):
        self.jobs: dict[str, Job] = {}

    def add(
        self, rule: str, outputs: Iterable[str], needs: Iterable[str] = (), place: str = "", **about: str
    ) -> str:
        """Add a job whose log lies at a place of its rule's folder; its log."""
        log = f"logs/{rule}/{place}.log" if place else f"logs/{rule}.log"
        self.jobs[log] = Job(rule, log, tuple(outputs), tuple(needs), **about)
        return log

    def add_table(self, rule: str, tables: list[str], needs: list[str]) -> str:
        """Add a job that writes tables."""
        return self.add(rule, [f"tables/{name}.csv" for name in tables], needs)


def _add_judging(
    graph: _Graph, study: Study, evaluation: str, answers: dict[str, str], prompts: list[str]
) -> list[str]:
    """The jobs of an evaluation; the logs of those that score."""
    scores = []
    for number, runs in enumerate(get_shards(study, answers)):
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


def _add_tables(
    graph: _Graph,
    study: Study,
    audit: str,
    runs: list[str],
    frontier: list[str],
    scores: dict[str, list[str]],
) -> dict[str, str]:
    """The tables over all runs; the logs of those that figures are drawn from, by figure."""
    judged = [log for logs in scores.values() for log in logs]
    cells = graph.add_table("collect_results", ["cells"], runs)
    graph.add_table("compare_predictions", ["predictions"], [audit, cells])
    measured, tables = [cells, *frontier, *judged], {"frontier": cells}
    if "mt_bench" in scores:
        tables["mt_bench"] = graph.add_table("collect_mt_bench", ["mt_bench"], scores["mt_bench"])
    if "alpaca_eval" in scores:
        names = ["leaderboard", "alpaca_eval_questions"]
        tables["win_rates"] = graph.add_table("collect_leaderboard", names, scores["alpaca_eval"])
        measured.append(tables["win_rates"])
    if "summaries" in scores:
        graph.add_table("collect_summaries", ["summaries"], scores["summaries"])
    if judged:
        graph.add_table("collect_judge", ["judge", "judge_costs"], judged)
    tables["differences"] = graph.add_table("compare_cells", ["comparisons"], measured)
    if study.claims:
        graph.add_table("evaluate_claims", ["claims"], measured)
    graph.add_table("collect_costs", ["costs"], [cells, *judged])
    return tables


def _add_figures(graph: _Graph, study: Study, audit: str, tables: dict[str, str]) -> None:
    cells = tables["frontier"]
    objectives = [CATALOGUE[name] for name in {cell.objective for cell in get_cells(study)}]
    figures = {"loss_shapes": [audit], "training_curves": [cells]}
    figures |= {name: list(dict.fromkeys([cells, table])) for name, table in tables.items()}
    if any(objective.modulation for objective in objectives):
        figures["plane"] = [cells]
    if any(objective.learned for objective in objectives):
        figures["learned_mix"] = [cells]
    for name, needs in figures.items():
        graph.add(f"plot_{name}", [f"figures/{name}.{ending}" for ending in ("pdf", "svg", "png")], needs)
