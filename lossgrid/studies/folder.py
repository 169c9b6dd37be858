"""What lies in a folder of studies: studies, overlays beside them, and lock files."""

from pathlib import Path

# Where studies lie, from the repository's root.
FOLDER = Path("studies")
# Below it: files that studies extend and that are no studies by themselves.
OVERLAYS = "overlays"


def list_study_files(folder: Path) -> list[Path]:
    """The studies of a folder, in alphabetical order; lock files are none."""
    return [path for path in sorted(Path(folder).glob("*.yaml")) if not path.name.endswith(".lock.yaml")]


def list_passed_over(folder: Path) -> list[Path]:
    """Files of a folder that look like studies or overlays and are not read as such."""
    return sorted([*Path(folder).glob("*.yml"), *Path(folder, OVERLAYS).glob("*.yml")])


def list_names(folder: Path) -> list[str]:
    """What a study of a folder may extend, as it names them: ``mini``, ``overlays/shrink``."""
    overlays = list_study_files(Path(folder, OVERLAYS))
    return [
        *(path.stem for path in list_study_files(folder)),
        *(f"{OVERLAYS}/{path.stem}" for path in overlays),
    ]


def is_overlay(path: Path) -> bool:
    """Whether a file lies among the overlays."""
    return path.parent.name == OVERLAYS
