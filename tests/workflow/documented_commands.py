"""The commands and study files of the documentation, read off its pages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.working_copy import ROOT

PAGES = [ROOT / "README.md", ROOT / "results/README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = "snakemake|make|python|pip|tensorboard|hf|sbatch"


@dataclass(frozen=True)
class Documented:
    """A command as a page gives it.

    Attributes:
        page: The page's name from the repository's root.
        command: Without its comment.
    """

    page: str
    command: str


def list_commands() -> list[Documented]:
    """Every command of every page: lines of blocks that are fenced as `sh`, and commands within sentences."""
    return [
        Documented(str(page.relative_to(ROOT)), command)
        for page in PAGES
        for command in dict.fromkeys(read_commands(page.read_text(encoding="utf-8")))
    ]


def read_commands(text: str) -> Iterator[str]:
    """The commands of a page in their order, blocks first."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S):
        for line in block.splitlines():
            if command := re.sub(r"(^| +)# .*", "", line).strip():
                yield command
    sentences = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    for code in re.findall(r"`([^`]+)`", sentences):
        command = " ".join(code.split())
        if re.match(rf"(?:{PROGRAMS}) [\w.-]", command):
            yield command


def read_study(page: Path, name: str) -> str:
    """The study file that a page has its readers create."""
    text = page.read_text(encoding="utf-8")
    return re.search(rf"Create `studies/{name}\.yaml`:\n\n```yaml\n(.*?)^```", text, re.M | re.S)[1]


def find_bare_fences(text: str) -> list[str]:
    """Blocks whose language is not said, so that nobody knows what is to be typed: their first lines."""
    fences = re.findall(r"^```(.*)\n(.*)", text, re.M)
    return [line for language, line in fences[::2] if not language]
