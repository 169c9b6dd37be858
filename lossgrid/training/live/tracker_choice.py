"""Which experiment tracker is fed, and whether it is there. Imports none of them."""

import re
from importlib.util import find_spec
from pathlib import Path

# The environment variable that trainings inherit.
CHOICE = "LOSSGRID_TRACKER"
NONE = "none"
TRACKERS = ("wandb", "trackio")


def check_tracker(choice: str, environment: Path | None) -> str:
    """Check the setting `tracker` of config.yaml before any job.

    Args:
        choice: What stands there.
        environment: File of the conda environment that training jobs run in; None where they run in this one.

    Returns:
        The choice.

    Raises:
        ValueError: It is unknown, or its package is not there; the message says what to install where.
    """
    if choice == NONE:
        return NONE
    if choice not in TRACKERS:
        raise ValueError(f"tracker: {choice}: unknown tracker; known: {NONE}, {', '.join(TRACKERS)}")
    if environment and not re.search(rf"^ *- {choice}\b", environment.read_text(), re.MULTILINE):
        raise ValueError(
            f"tracker: {choice}: training jobs run in the conda environment of {environment}, which does not hold "
            f"{choice}; add it to the pip section there, or write tracker: {NONE}"
        )
    if environment is None and find_spec(choice) is None:
        raise ValueError(
            f"tracker: {choice}: the package is not installed; python -m pip install {choice}, or write "
            f"tracker: {NONE}"
        )
    return choice
