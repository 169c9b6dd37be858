"""What a cell is trained on, noted beside its live view: no result, and what a reader of the results asks for."""

import json
import os
import platform
from pathlib import Path

from lossgrid.training.launch import count_launched

MACHINE = "machine.json"


def note_machine(folder: Path, gpu: str = "") -> None:
    """Write down what this training runs on.

    Args:
        folder: Of the cell's live view; made where it is missing.
        gpu: Name of the GPU that this process trains on; empty where it is the processor.

    Raises:
        OSError: The file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    note = {"processes": count_launched(), "device": gpu or describe_processor()}
    (folder / MACHINE).write_text(json.dumps(note) + "\n")


def read_machine(folder: Path) -> dict | None:
    """What `note_machine` wrote: `processes` and `device`; None where nothing is noted or the note is broken."""
    try:
        return json.loads((folder / MACHINE).read_text())
    except (OSError, ValueError):
        return None


def describe_processor() -> str:
    """Cores and model of this machine's processor."""
    model = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{os.cpu_count()} × {model or platform.machine()}"
