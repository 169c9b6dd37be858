"""Experiment trackers that get a run's steps beside TensorBoard: W&B and trackio.

Both packages are optional and imported by name, where a study's config.yaml asks for one.
"""

import os
import re
from hashlib import sha256
from importlib import import_module

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


def open_tracker(name: str, place: LivePlace) -> "Wandb | Trackio":
    """Open the run of a cell in a tracker, continuing it where it is there.

    Args:
        name: `wandb` or `trackio`.
        place: Of the run.

    Raises:
        Exception: Whatever the tracker raises.
    """
    place.folder.mkdir(parents=True, exist_ok=True)
    return {"wandb": Wandb, "trackio": Trackio}[name](place)


class Wandb:
    """A run of W&B; its folder is `wandb` below the study's live views."""

    def __init__(self, place: LivePlace):
        wandb = import_module("wandb")
        self.run = wandb.init(
            project=f"lossgrid-{place.study}",
            id=get_run_id(place),
            name=place.cell,
            group=place.cell.rpartition("/")[0],
            config=describe_run(place),
            dir=str(place.folder),
            resume="allow",
            # Without it W&B asks for an account, and waits for a network that compute nodes do not have.
            mode=os.environ.get("WANDB_MODE", "offline"),
            settings=wandb.Settings(console="off", silent=True),
        )

    def add(self, record: dict, at: float) -> None:
        """Log a step under its number."""
        values = {name: value for name, value in record.items() if name != "step"}
        self.run.log(values, step=record["step"])

    def flush(self) -> None:
        """W&B sends by itself."""

    def close(self) -> None:
        """Let W&B finish its files, or its upload."""
        self.run.finish()


class Trackio:
    """A run of trackio, in the folder `trackio` below the study's live views."""

    def __init__(self, place: LivePlace):
        # Read when trackio is imported.
        os.environ.setdefault("TRACKIO_DIR", str((place.folder / "trackio").absolute()))
        trackio = import_module("trackio")
        self.run = trackio.init(
            project=f"lossgrid-{place.study}",
            name=get_run_id(place),
            group=place.cell.rpartition("/")[0],
            config=describe_run(place),
            resume="allow",
            embed=False,
            auto_log_cpu=False,
            auto_log_gpu=False,
        )

    def add(self, record: dict, at: float) -> None:
        """Log a step under its number."""
        values = {name: value for name, value in record.items() if name != "step"}
        self.run.log(values, step=record["step"])

    def flush(self) -> None:
        """Trackio writes by itself, twice a second."""

    def close(self) -> None:
        """Write what is left."""
        self.run.finish()
