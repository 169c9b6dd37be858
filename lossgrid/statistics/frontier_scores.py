"""The scores of every response to the held-out chats."""

from pathlib import Path

import pandas as pd


def read_scores(folder: Path) -> pd.DataFrame:
    """The per-response scores of a run, indexed by chat and turn."""
    scores = pd.read_json(folder / "scores" / "frontier.jsonl", lines=True)
    return scores.set_index(["id", "turn"], verify_integrity=True)
