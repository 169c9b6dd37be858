"""Experiment trackers that get a run's steps beside TensorBoard: W&B and trackio.

Both packages are optional and imported by name, where a study's config.yaml asks for one.
"""

import os
import re
from hashlib import sha256
from importlib import import_module
from typing import Any

from lossgrid.studies import parse_cell
from lossgrid.training.live.places import LivePlace

# W&B takes ids of up to 128 characters, and a cell's path can have more.
LONGEST = 100


def get_run_id(place: LivePlace) -> str:
    """The id under which a retry finds its run.

    Returns:
        The cell's path with the start of the run's identity: a cell that is trained anew by other settings or other
        code is another run, because a tracker takes back no step that it has. Letters, digits and `._~-` only.
    """
    path = re.sub(r"[^\w.~-]", "-", place.cell.replace("/", "--"), flags=re.ASCII)
    if len(path) > LONGEST:
        path = f"{path[:LONGEST]}--{sha256(path.encode()).hexdigest()[:8]}"
    return f"{path}--{place.identity[:8]}"


def describe_run(place: LivePlace) -> dict:
    """What a run is, for the tracker's table: study, objective, hyper-parameters, seed, identity."""
    cell = parse_cell(place.study, place.cell)
    return {
        "study": place.study,
        "objective": cell.objective,
        **cell.setting,
        "seed": cell.seed,
        "identity": place.identity,
    }


def open_tracker(name: str, place: LivePlace) -> "Tracker":
    """Open the run of a cell in a tracker, continuing it where it is there.

    Args:
        name: `wandb` or `trackio`.
        place: Of the run.

    Raises:
        Exception: Whatever the tracker raises.
    """
    place.folder.mkdir(parents=True, exist_ok=True)
    start = {"wandb": start_wandb, "trackio": start_trackio}[name]
    told = {"group": place.cell.rpartition("/")[0], "config": describe_run(place), "resume": "allow"}
    return Tracker(start(place, project=f"lossgrid-{place.study}", **told))


def start_wandb(place: LivePlace, **told: Any) -> Any:
    """A run of W&B; its folder is `wandb` below the study's live views."""
    wandb = import_module("wandb")
    return wandb.init(
        id=get_run_id(place),
        name=place.cell,
        dir=str(place.folder),
        # Without it W&B asks for an account, and waits for a network that compute nodes do not have.
        mode=os.environ.get("WANDB_MODE", "offline"),
        settings=wandb.Settings(console="off", silent=True),
        **told,
    )


def start_trackio(place: LivePlace, **told: Any) -> Any:
    """A run of trackio, in the folder `trackio` below the study's live views."""
    # Read when trackio is imported.
    os.environ.setdefault("TRACKIO_DIR", str((place.folder / "trackio").absolute()))
    trackio = import_module("trackio")
    return trackio.init(name=get_run_id(place), embed=False, auto_log_cpu=False, auto_log_gpu=False, **told)


class Tracker:
    """Steps for a run of a tracker, as `EventFiles` takes them for TensorBoard.

    Args:
        run: What the tracker's `init` has given.
    """

    def __init__(self, run: Any):
        self.run = run

    def add(self, record: dict, at: float) -> None:
        """Log a step under its number."""
        values = {name: value for name, value in record.items() if name != "step"}
        self.run.log(values, step=record["step"])

    def flush(self) -> None:
        """Trackers write by themselves."""

    def close(self) -> None:
        """Let the tracker finish its files, or its upload."""
        self.run.finish()
