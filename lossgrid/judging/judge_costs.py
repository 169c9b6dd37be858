"""The table of what asking a judge took: when, how many calls, how much money."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from lossgrid.judging.asking.ledger import Ledger
from lossgrid.statistics.names import read_score_rows
from lossgrid.studies import Study

# Its folders, as an evaluation has its own.
CARD = "judge_card"


def collect_judge_costs(study: Study, results: Path) -> pd.DataFrame:
    """Add up what the judgments of a study cost.

    Args:
        study: The study, with a judge.
        results: Its results folder, with the scores of every run and the ledgers.

    Returns:
        A row an evaluation, and one for the judge card: `model` and `server`; of the judgments that the tables
        count, second questions included, how many were `asked` (texts that are the same are not), the days
        `asked_from` and `asked_to` (UTC) of the answers, the `calls` behind them, `prompt_tokens`,
        `completion_tokens` and `cost` (USD, at most); and `ledger_calls` and `ledger_cost` of the whole ledger, with
        what other judges and earlier prompts took. These differ from run to run; no result depends on them.
    """
    asked = {
        evaluation: [row for rows in read_score_rows(study, results, evaluation).values() for row in rows]
        for evaluation in study.get_evaluations()
    }
    if study.judge_card:
        lines = (results / CARD / "judgments.jsonl").read_text(encoding="utf-8").splitlines()
        asked[CARD] = [json.loads(line) for line in lines]
    return pd.DataFrame(
        [
            {
                "evaluation": evaluation,
                "model": study.judge.model,
                "server": study.judge.get_server(),
                **_add_up(Ledger(results / "ledgers" / evaluation), rows),
            }
            for evaluation, rows in asked.items()
        ]
    )


def _add_up(ledger: Ledger, rows: list[dict]) -> dict[str, Any]:
    # A comparison of MT-Bench, as each row of the card, has a list; a draw that nobody was asked about has none.
    keys = {key for row in rows for key in (row["key"] if isinstance(row["key"], list) else [row["key"]])}
    records = [record for record in map(ledger.get, keys - {None}) if record is not None]
    replies = [record.reply for record in records if record.reply]
    days = [record.time[:10] for record in records]
    return {
        "asked": len(records),
        "asked_from": min(days, default=None),
        "asked_to": max(days, default=None),
        "calls": sum(record.attempts for record in records),
        **{name: sum(reply[name] for reply in replies) for name in ("prompt_tokens", "completion_tokens")},
        "cost": sum(record.cost for record in records),
        "ledger_calls": ledger.calls,
        "ledger_cost": ledger.spent,
    }
