"""Audit the losses of a study: what to expect before training, and their curves for the figure."""

from pathlib import Path

import tyro

THREADS = 1


def main(study: Path, audit: Path, shapes: Path) -> None:
    """Write the audit and the curves.

    Args:
        study: Study file.
        audit: Table to write, one row for each distinct setting.
        shapes: Table to write, the loss and its slope along the margin.
    """
    import torch

    from lossgrid.audit import audit_study, get_shapes
    from lossgrid.studies import load_study

    torch.set_num_threads(THREADS)
    loaded = load_study(study)
    table = audit_study(loaded)
    table.to_csv(audit, index=False, float_format="%.9g")
    get_shapes(loaded).to_csv(shapes, index=False, float_format="%.9g")
    for row in table.itertuples():
        print(f"{row.objective}/{row.setting}: {row.verdict}")


if __name__ == "__main__":
    tyro.cli(main)
