"""Which live view belongs to a training run: read off the place of its checkpoints."""

from dataclasses import dataclass
from pathlib import Path

LIVE = "live"
# Of `results/{study}/cells/{objective}/{setting}/seed~1/checkpoints/{identity}`, from the end.
_DEPTH = 6


@dataclass(frozen=True)
class LivePlace:
    """Where a cell's live view lies, outside of what Snakemake removes when a job fails.

    Attributes:
        folder: Of all live views of the study, `results/{study}/live`.
        study: Name of the study.
        cell: The cell's path, such as `dpo/beta~0.1/seed~1`.
        identity: Of the run: hash of its settings, inputs and code.
    """

    folder: Path
    study: str
    cell: str
    identity: str

    @property
    def events(self) -> Path:
        """Folder of the cell's event files for TensorBoard."""
        return self.folder / self.cell


def find_place(run_folder: Path) -> LivePlace | None:
    """The live view of a run.

    Args:
        run_folder: Folder of the run's checkpoints and training log.

    Returns:
        None for a run that lies elsewhere than the workflow's cells: whoever trains by hand gets no files that they
        did not ask for.
    """
    parts = run_folder.parts
    if len(parts) < _DEPTH + 1 or parts[-_DEPTH] != "cells" or parts[-2] != "checkpoints":
        return None
    study = Path(*parts[:-_DEPTH])
    return LivePlace(study / LIVE, study.name, "/".join(parts[-_DEPTH + 1 : -2]), parts[-1])
