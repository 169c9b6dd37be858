"""Ask the judge of a study what another judge was asked."""

import sys
from pathlib import Path

import tyro


def main(study: Path, sample: Path, ledger: Path, judgments: Path, server_log: Path) -> None:
    """Ask the judge what its ledger does not hold, and write the judgments.

    Args:
        study: Study file.
        sample: JSON written by sample_judge_card.
        ledger: Folder of the card's ledger.
        judgments: JSON lines to write.
        server_log: Log of the judge's server, where the job starts one.
    """
    from lossgrid.judging.asking.client import JudgingStopped
    from lossgrid.judging.judge_card.asking import ask_card
    from lossgrid.judging.serving.server import ServerError
    from lossgrid.judging.shards import JudgingError
    from lossgrid.studies import load_study

    try:
        ask_card(load_study(study), sample, ledger=ledger, judgments=judgments, server_log=server_log)
    except (JudgingStopped, JudgingError, ServerError) as error:
        # What went wrong lies with the judge, which a traceback of this program would only hide.
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    tyro.cli(main)
