"""A cache of the hub's format with the stand-ins, and the public files of the evaluations."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lossgrid.worlds.hub.shrunk.data import DATASETS, list_texts, write_dataset
from lossgrid.worlds.hub.shrunk.models import MODELS, write_model
from lossgrid.worlds.reviews.prompts import write_world_prompts

OWNER = "shrunk"
INSTRUCTIONS = 40


def write_shrunk_hub(folder: Path) -> list[str]:
    """Write what the shrunk studies need in place of the hub.

    Args:
        folder: Gets `hub/`, the cache of all stand-ins (`HF_HOME` is the folder), and `prompts/` with questions in
            MT-Bench's format and instructions in AlpacaEval's; what is there of an earlier call is replaced.

    Returns:
        The repositories, as `models/shrunk/…` and `datasets/shrunk/…`.
    """
    texts, written = list_texts(), []
    for name in MODELS:
        with _open_repository(folder, "models", name) as path:
            write_model(name, texts, path)
        written.append(f"models/{OWNER}/{name}")
    for name in DATASETS:
        with _open_repository(folder, "datasets", name) as path:
            write_dataset(name, path)
        written.append(f"datasets/{OWNER}/{name}")
    shutil.rmtree(folder / "prompts", ignore_errors=True)
    write_world_prompts(1, True, INSTRUCTIONS, None, folder / "prompts")
    return written


@contextmanager
def _open_repository(folder: Path, kind: str, name: str) -> Iterator[Path]:
    """A folder that becomes the one commit of a repository, for which its default branch stands."""
    repository = folder / "hub" / f"{kind}--{OWNER}--{name}"
    shutil.rmtree(repository, ignore_errors=True)
    beside = repository / "snapshots" / "beside"
    beside.mkdir(parents=True)
    yield beside
    commit = _hash_folder(beside)
    beside.rename(beside.with_name(commit))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)


def _hash_folder(folder: Path) -> str:
    """What stands for a commit: 40 hexadecimal digits of the content."""
    digest = hashlib.sha1(usedforsecurity=False)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(folder)}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
