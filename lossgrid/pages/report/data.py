"""Everything that the report of one study holds, as plain data."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from lossgrid.figures.looks import get_look
from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.pages.report.charts import get_wedge, make_charts
from lossgrid.pages.report.data_card import gather_data_card
from lossgrid.pages.report.leaderboard import gather_rows, get_measures
from lossgrid.pages.report.provenance import gather_provenance
from lossgrid.pages.report.samples import gather_samples
from lossgrid.pages.report.tables import get_interval, list_records, read_table
from lossgrid.pages.report.timelines import SHOWN, gather_timelines
from lossgrid.statistics.judged_metrics import METRICS
from lossgrid.statistics.quality import Quality, get_quality
from lossgrid.studies import Study

AUDIT = (
    "objective",
    "title",
    "setting",
    "label",
    "alias_of",
    "start",
    "r",
    "trap_rho",
    "barrier_height",
    "left_slope",
    "verdict",
)
# Whether the formula foretold what happened.
PREDICTIONS = (
    "cell", "title", "label", "seed", "predicted_start", "early_margin", "early_margin_low", "early_margin_high",
    "start_holds", "trap_rho", "late_margin", "late_margin_low", "late_margin_high", "left_limit", "rho_min",
    "nonfinite_steps", "overflow_holds",
)  # fmt: skip


def gather_report(study: Study, file: Path, results: Path, lock: Path) -> dict[str, Any]:
    """Read what a study has measured.

    Args:
        study: The study.
        file: Its file.
        results: Folder of its results, with its tables.
        lock: The list of versions that the environment was made of.

    Returns:
        What report/page/report.js reads; its parts are described where they are gathered.
    """
    tables, quality = results / "tables", get_quality(study)
    rows = gather_rows(tables)
    cells = [row["cell"] for row in rows]
    measures = [each for each in get_measures(study) if any(each[0] in row for row in rows)]
    looks = {row["title"]: get_look(row["objective"]).colour for row in rows}
    categories = gather_categories(tables)
    timelines = gather_timelines(results / "cells", [cell for cell in cells if cell != "sft"])
    logged = {name: text for name, text in SHOWN.items() if any(name in each for each in timelines.values())}
    return {
        "study": study.name,
        "title": study.title,
        "description": study.description or "",
        "measures": [dict(zip(("key", "name", "unit", "meaning"), each, strict=True)) for each in measures],
        "looks": looks,
        "charts": make_charts(
            looks,
            {key: f"{name}, {unit}" for key, name, unit, _ in measures},
            logged,
            planes=any(
                CATALOGUE[row["objective"]].modulation for row in rows if row["objective"] in CATALOGUE
            ),
            categories=len({each["category"] for each in categories}),
        ),
        "wedge": get_wedge(),
        "claims": list_records(read_table(tables, "claims")),
        "rows": rows,
        "settings": gather_settings(tables),
        "categories": categories,
        "timelines": timelines,
        "timeline_names": logged,
        "audit": list_records(pick(read_table(tables, "audit"), AUDIT)),
        "predictions": gather_predictions(tables, quality),
        "quality": METRICS[quality.metric].name if quality else "",
        "data_card": gather_data_card(tables),
        "samples": asdict(gather_samples(results, cells)),
        "provenance": gather_provenance(study, file, results, lock),
    }


def gather_settings(tables: Path) -> dict[str, dict[str, Any]]:
    """The hyper-parameters of every cell."""
    names = [each.name for objective in CATALOGUE.values() for each in objective.hyperparameters]
    shown = ("cell", *dict.fromkeys([*names, "evaluation"]), "final_beta_mix")
    return {record.pop("cell"): record for record in list_records(pick(read_table(tables, "cells"), shown))}


def gather_predictions(tables: Path, quality: Quality | None) -> list[dict[str, Any]]:
    """What the audit foretold of every cell and what came; ``against_sft`` is where its primary metric lies."""
    table = read_table(tables, "predictions")
    column = f"{quality.metric}_against_sft" if quality else ""
    known = table.rename(columns={column: "against_sft"})
    return list_records(pick(known, (*PREDICTIONS, "against_sft")))


def gather_categories(tables: Path) -> list[dict[str, Any]]:
    """The score of every cell in each category of MT-Bench, over both turns, with its 95 % interval."""
    scores = read_table(tables, "mt_bench")
    if not len(scores):
        return []
    shown = scores[(scores["category"] != "all") & (scores["turn"].astype(str) == "all")]
    return [
        {
            "cell": row.cell,
            "category": row.category,
            "n": int(row.n_ok),
            **{key: round(value, 3) for key, value in get_interval(row.score, row.score_se).items()},
        }
        for row in shown.itertuples()
        if not pd.isna(row.score)
    ]


def pick(table: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """Those of the columns that the table has."""
    return table[[column for column in columns if column in table]]
