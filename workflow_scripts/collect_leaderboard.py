"""Gather AlpacaEval's win rates of every run in one leaderboard."""

from pathlib import Path

import tyro


def main(study: Path, results: Path, leaderboard: Path, questions: Path) -> None:
    """Write the leaderboard, and every run's wins by question.

    Args:
        study: Study file.
        results: Results folder of the study.
        leaderboard: Table to write, a row a run.
        questions: Table to write, a row a run and question.
    """
    from lossgrid.statistics.leaderboard import collect_leaderboard
    from lossgrid.statistics.names import get_run_names, read_score_rows
    from lossgrid.statistics.official_questions import read_official_questions
    from lossgrid.studies import load_study

    settings = load_study(study)
    names = get_run_names(settings)
    scores = {
        names[run]["cell"]: rows for run, rows in read_score_rows(settings, results, "alpaca_eval").items()
    }
    difficulties = settings.alpaca_eval.difficulties
    table, by_question = collect_leaderboard(
        list(names.values()),
        scores,
        official=read_official_questions(Path(difficulties)) if difficulties else None,
        baseline="sft" if settings.alpaca_eval.baseline == "sft" else None,
        C=settings.alpaca_eval.inverse_regularisation,
        alignment=settings.alpaca_eval.alignment,
    )
    table.to_csv(leaderboard, index=False, float_format="%.6g")
    by_question.to_csv(questions, index=False, float_format="%.9g")
    print(table.to_string(max_colwidth=40))


if __name__ == "__main__":
    tyro.cli(main)
