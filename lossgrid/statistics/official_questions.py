"""What AlpacaEval published about its own 805 questions: their difficulties and its gamed rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from lossgrid.statistics.length_control import GamedRows

COLUMNS = ["index", "std_delta_len", "instruction_difficulty", "preference"]


@dataclass(frozen=True)
class OfficialQuestions:
    """Difficulties and gamed rows.

    Attributes:
        difficulty: Of each question, in official order, shape (805,).
        gamed: The gamed rows, two a question.
    """

    difficulty: np.ndarray
    gamed: GamedRows

    def get_difficulty(self, ids: Sequence[int], alignment: Literal["question", "row"]) -> np.ndarray:
        """Difficulties of a run's questions, shape (n,).

        Args:
            ids: Each question's place in the official order, from 0.
            alignment: `question` looks a difficulty up by that place; `row` by the row's own number, as upstream
                does, so that a question without a row shifts all that follow. A failed judgment has a row, there as
                here, and shifts nothing.

        Raises:
            ValueError: A place is not one of the questions'.
        """
        ids = np.asarray(ids)
        if alignment == "row":
            return self.difficulty[: len(ids)]
        known = np.isin(ids, np.arange(len(self.difficulty)))
        if not known.all():
            raise ValueError(
                f"question {ids[~known][0]!s} is none of the {len(self.difficulty)} official ones, which are "
                "numbered from 0; give other prompts no official questions"
            )
        return self.difficulty[ids.astype(int)]


def read_official_questions(file: Path) -> OfficialQuestions:
    """Read the gamed rows as AlpacaEval publishes them.

    Args:
        file: `df_gamed.csv` of the data set tatsu-lab/alpaca_eval, with `index`, `std_delta_len`,
            `instruction_difficulty` and `preference` (from 0 to 1).

    Raises:
        ValueError: Columns or questions are missing.
    """
    rows = pd.read_csv(file)
    missing = [column for column in COLUMNS if column not in rows]
    if missing:
        raise ValueError(f"{file}: no column {missing[0]}; fetch df_gamed.csv anew")
    questions = rows.drop_duplicates("index")
    if questions["index"].tolist() != list(range(len(questions))):
        raise ValueError(f"{file}: its questions are not numbered from 0 in order; fetch df_gamed.csv anew")
    gamed = GamedRows(
        length=rows["std_delta_len"].to_numpy(float),
        difficulty=rows["instruction_difficulty"].to_numpy(float),
        preference=rows["preference"].to_numpy(float),
    )
    return OfficialQuestions(questions["instruction_difficulty"].to_numpy(float), gamed)
