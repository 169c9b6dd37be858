"""Have the responses of several runs judged in one evaluation."""

import sys
from pathlib import Path
from typing import Literal

import tyro


def main(
    study: Path,
    evaluation: Literal["mt_bench", "alpaca_eval", "summaries"],
    runs: list[str],
    results: Path,
    prompts: Path,
    ledger: Path,
    judgments: Path,
    server_log: Path,
) -> None:
    """Ask the judge what its ledger does not hold, and write the judgments.

    Args:
        study: Study file.
        evaluation: Which evaluation.
        runs: Folders of the runs below the results.
        results: Results folder of the study.
        prompts: Folder written by make_prompts.
        ledger: Folder of the ledger, which all jobs of this evaluation share.
        judgments: JSON lines to write.
        server_log: Log of the judge's server, where the job starts one.
    """
    from lossgrid.judging.asking.client import JudgingStopped
    from lossgrid.judging.serving.server import ServerError
    from lossgrid.judging.shards import JudgingError, judge_runs
    from lossgrid.studies import load_study

    try:
        judge_runs(
            load_study(study),
            evaluation,
            runs,
            results=results,
            prompts=prompts,
            ledger=ledger,
            judgments=judgments,
            server_log=server_log,
        )
    except (JudgingStopped, JudgingError, ServerError) as error:
        # What went wrong lies with the judge, which a traceback of this program would only hide.
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    tyro.cli(main)
