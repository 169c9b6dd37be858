"""Cut one run's scores out of the judgments of its shard."""

from pathlib import Path

import tyro


def main(judgments: Path, run: str, scores: Path) -> None:
    """Write the score rows of one run.

    Args:
        judgments: JSON lines of the shard that holds the run.
        run: Folder of the run below the results.
        scores: JSON lines to write.
    """
    from lossgrid.judging.scores import cut_scores

    print(f"{cut_scores(judgments, run, scores)} judgments of {run}")


if __name__ == "__main__":
    tyro.cli(main)
