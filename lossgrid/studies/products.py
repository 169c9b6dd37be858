"""What a study comes to beside its cells: the jobs that judge them, and all that readers open."""

from collections.abc import Sequence
from typing import TypeVar

from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.studies.claims import get_primary_evaluation
from lossgrid.studies.schema import Study

Run = TypeVar("Run")
# The last one is the caption, for a paper.
FIGURE_ENDINGS = ("pdf", "svg", "png", "tex")
_JUDGED_TABLES = {
    "mt_bench": {"collect_mt_bench": ("mt_bench",)},
    "alpaca_eval": {"collect_leaderboard": ("leaderboard", "alpaca_eval_questions")},
    "summaries": {"collect_summaries": ("summaries",)},
}
_JUDGED_FIGURES = {"mt_bench": "mt_bench", "alpaca_eval": "win_rates"}


def list_shards(study: Study, runs: Sequence[Run]) -> list[list[Run]]:
    """The runs of every judging job, fixed by the study's grid.

    Args:
        study: The study.
        runs: The SFT model and every trained cell, in the order of the file.
    """
    return [list(runs[start : start + study.shard_size]) for start in range(0, len(runs), study.shard_size)]


def list_table_rules(study: Study) -> dict[str, tuple[str, ...]]:
    """The tables that each rule writes, each rule after those whose tables it reads."""
    evaluations, rules = study.get_evaluations(), {}
    rules["audit_objectives"] = ("audit", "shapes")
    rules["describe_data"] = ("data", "pair_lengths")
    if get_primary_evaluation(study.model_dump()) == "alpaca_eval":
        # Without a reward, the table of cells has win rates by question.
        rules |= _JUDGED_TABLES["alpaca_eval"]
    rules["collect_results"] = ("cells",)
    rules["compare_predictions"] = ("predictions",)
    for evaluation, written in _JUDGED_TABLES.items():
        rules |= written if evaluation in evaluations else {}
    if evaluations:
        rules["collect_judge"] = ("judge", "judge_costs")
    if study.judge_card:
        rules["collect_judge_card"] = ("judge_card",)
    rules["compare_cells"] = ("comparisons",)
    if study.claims:
        rules["evaluate_claims"] = ("claims",)
    rules["collect_costs"] = ("costs",)
    return rules


def list_tables(study: Study) -> list[str]:
    """The tables, by name."""
    return [table for tables in list_table_rules(study).values() for table in tables]


def list_figures(study: Study) -> list[str]:
    """The figures, by name; each is drawn by the rule `plot_` and its name."""
    objectives = [CATALOGUE[name] for name, _, _ in study.objectives.iterate()]
    return [
        "loss_shapes",
        "length_differences",
        "frontier",
        *(["plane"] if any(objective.modulation for objective in objectives) else []),
        "training_curves",
        *(["learned_mix"] if any(objective.learned for objective in objectives) else []),
        "differences",
        *[figure for name, figure in _JUDGED_FIGURES.items() if name in study.get_evaluations()],
        *(["judge_card"] if study.judge_card else []),
    ]


def list_documents(study: Study) -> dict[str, tuple[str, ...]]:
    """What each rule writes for readers: tables, numbers to quote, figures, cards and pages.

    Returns:
        Files, or a folder, below the study's results, by rule.
    """
    tables = list_table_rules(study).items()
    return {
        **{rule: tuple(f"tables/{table}.csv" for table in written) for rule, written in tables},
        "write_numbers": ("tables/numbers.tex",),
        **{
            f"plot_{figure}": tuple(f"figures/{figure}.{ending}" for ending in FIGURE_ENDINGS)
            for figure in list_figures(study)
        },
        "write_cards": ("cards",),
        "make_explorer": ("report/explorer.html",),
        "make_report": ("report/index.html",),
    }
