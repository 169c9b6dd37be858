"""The training log: JSON lines, one a step, that a resumed run continues."""

import json
import math
import os
from pathlib import Path

TRAINING_LOG = "training.jsonl"


def append_record(log: Path, record: dict) -> None:
    """Add the record of a step. JSON has no NaN: numbers that are not finite are written as words."""
    line = json.dumps({key: spell_number(value) for key, value in record.items()}, allow_nan=False)
    with log.open("a") as file:
        file.write(line + "\n")


def read_records(log: Path) -> list[dict]:
    """The records of a training log, with NaN and infinities as floats again."""
    if not log.exists():
        return []
    return [
        {key: _read_number(value) for key, value in json.loads(line).items()}
        for line in log.read_text().splitlines()
    ]


def read_record(line: str) -> dict:
    """The record of one whole line, with NaN and infinities as floats again.

    Raises:
        json.JSONDecodeError: The line is broken.
    """
    return {key: _read_number(value) for key, value in json.loads(line).items()}


def cut_training_log(log: Path, last_step: int) -> None:
    """Keep the lines up to `last_step`; a line broken off by a kill is dropped."""
    if not log.exists():
        return
    kept = []
    for line in log.read_text().splitlines():
        try:
            step = json.loads(line)["step"]
        except json.JSONDecodeError:
            break
        if step > last_step:
            break
        kept.append(line + "\n")
    beside = log.with_suffix(".cut")
    beside.write_text("".join(kept))
    os.replace(beside, log)


def spell_number(value):
    """The value itself, or `nan`, `inf`, `-inf` as a word for a float that JSON cannot write."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _read_number(value):
    return float(value) if value in ("nan", "inf", "-inf") else value
