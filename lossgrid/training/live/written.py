"""What a cell's live view holds already: the last step of each view, for the process that continues it."""

import json
import os
from pathlib import Path

WRITTEN = "written.json"


def read_written(folder: Path, identity: str) -> dict[str, int]:
    """The last step that each view has.

    Args:
        folder: The cell's live view.
        identity: Of the run; what another one has written does not count.

    Returns:
        By name of the view; empty where nothing can be read.
    """
    try:
        noted = json.loads((folder / WRITTEN).read_text())
        return {str(name): int(step) for name, step in noted[identity].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def note_written(folder: Path, identity: str, steps: dict[str, int]) -> None:
    """Write the last step of each view; a reader finds the old or the new, never a part.

    Raises:
        OSError: It cannot be written.
    """
    beside = folder / f"{WRITTEN}.beside"
    beside.write_text(json.dumps({identity: steps}))
    os.replace(beside, folder / WRITTEN)
