"""Score files: what was judged of one run."""

import json
from pathlib import Path


def cut_scores(judgments: Path, run: str, scores: Path) -> int:
    """Write the score rows of one run.

    Args:
        judgments: JSON lines written by `judge_runs` for several runs.
        run: The run.
        scores: JSON lines to write, beside and renamed.

    Returns:
        The number of rows; a run that is its own baseline has none.
    """
    with judgments.open() as file:
        rows = [row for row in map(json.loads, file) if row.pop("run") == run]
    scores.parent.mkdir(parents=True, exist_ok=True)
    beside = scores.with_suffix(".beside")
    with beside.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    beside.rename(scores)
    return len(rows)
