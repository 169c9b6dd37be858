"""Set the audit of a study's losses beside its trained cells."""

from pathlib import Path

import tyro


def main(study: Path, audit: Path, cells: Path, results: Path, predictions: Path) -> None:
    """Write the table.

    Args:
        study: Study file.
        audit: Table written by audit_objectives.
        cells: Table written by collect_results.
        results: Results folder of the study.
        predictions: Table to write.
    """
    import pandas as pd

    from lossgrid.statistics.predictions import compare_predictions
    from lossgrid.statistics.quality import get_quality
    from lossgrid.studies import get_trained_cells, load_study
    from lossgrid.training.training_log import read_records

    loaded = load_study(study)
    logs = {
        cell.path: read_records(results / "cells" / cell.path / "training.jsonl")
        for cell in get_trained_cells(loaded)
    }
    table = compare_predictions(pd.read_csv(audit), pd.read_csv(cells), logs, get_quality(loaded))
    table.to_csv(predictions, index=False, float_format="%.6g")


if __name__ == "__main__":
    tyro.cli(main)
