"""docs/add-a-loss.md, followed to the letter in a copy of the repository."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.working_copy import ROOT, get_environment
from tests.workflow.workflow_copy import copy_repository

PAGE = (ROOT / "docs/add-a-loss.md").read_text(encoding="utf-8")
STUDY = Path("studies/soft_hinge.yaml")
NEW_CELL = "soft_hinge/beta~0.1__temperature~0.5/seed~1"

# Stands for `python` in the workflow's shell commands: it makes whatever files and folders a script is told to write.
INSTANT_PYTHON = """\
#!/bin/sh
for argument in "$@"; do
    case "$argument" in
        results/*)
            case "${argument##*/}" in
                *.*) mkdir -p "${argument%/*}" && touch -a "$argument" ;;
                *) mkdir -p "$argument" ;;
            esac ;;
    esac
done
"""


@dataclass(frozen=True)
class Step:
    """One code block of the page: a file to create, lines to insert before its last one, or commands to run."""

    code: str
    file: Path | None
    last_line: str | None


def read_steps(page: str) -> list[Step]:
    """The code blocks of the page in order, each with what the sentence before it says to do with it."""
    steps = []
    for before, language, code in re.findall(
        r"([^\n`](?:[^\n]|\n(?!\n))*)\n\n```(\w+)\n(.*?)```", page, re.S
    ):
        instruction = before.replace("\n", " ")
        create = re.search(r"Create `([^`]+)`:$", instruction)
        insert = re.search(r"In `([^`]+)`, before the last line `([^`]+)`, insert:$", instruction)
        named = create or insert
        assert (language == "sh") == (named is None), f"the page does not say what to do with:\n{code}"
        steps.append(Step(code, Path(named[1]) if named else None, insert[2] if insert else None))
    return steps


STEPS = read_steps(PAGE)
EDITS = [step for step in STEPS if step.file]
COMMANDS = [step.code for step in STEPS if not step.file]


def apply(step: Step, folder: Path) -> None:
    """Create a file or insert lines, as a reader would."""
    file = folder / step.file
    if step.last_line is None:
        assert not file.exists()
        file.write_text(step.code, encoding="utf-8")
        return
    text = file.read_text(encoding="utf-8")
    end = f"\n{step.last_line}\n"
    assert text.endswith(end)
    file.write_text(f"{text.removesuffix(end)}\n{step.code}{end[1:]}", encoding="utf-8")


def run(command: str, folder: Path, path: str = "") -> str:
    """Run commands of the page; what they print."""
    environment = get_environment()
    environment["PATH"] = os.pathsep.join(filter(None, [path, environment["PATH"]]))
    process = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.returncode == 0, process.stdout[-6000:]
    return process.stdout


def link_environment(folder: Path) -> None:
    """The environment that `make` would install, so that `make docs` finds it up to date."""
    environment = folder / ".venv"
    environment.mkdir()
    for name in ("bin", "lib", "lib64", "pyvenv.cfg"):
        if (Path(sys.prefix) / name).exists():
            (environment / name).symlink_to(Path(sys.prefix) / name)
    (environment / "installed").touch()


def get_jobs(plan: str) -> dict[str, int]:
    """Jobs of a dry run by rule."""
    table = plan.partition("\njob ")[2].partition("\ntotal")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}


def test_the_page_edits_two_files_of_the_library():
    """A third place to edit, such as a list of colours, would be one that people forget."""
    library = [str(step.file) for step in EDITS if step.file.parts[0] == "lossgrid"]
    assert library == ["lossgrid/objectives/soft_hinge.py", "lossgrid/objectives/catalogue/logistic.py"]
    assert [str(step.file) for step in EDITS if str(step.file) not in library] == [str(STUDY)]
    assert len(COMMANDS) == 4


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """The repository with the page's study, finished without the new loss by scripts that take no time."""
    folder = copy_repository(tmp_path_factory.mktemp("loss") / "repository").folder
    link_environment(folder)
    (study,) = (step for step in EDITS if step.file == STUDY)
    kept = [line for line in study.code.splitlines(keepends=True) if not line.startswith("  soft_hinge:")]
    (folder / STUDY).write_text("".join(kept), encoding="utf-8")
    instant = tmp_path_factory.mktemp("instant")
    (instant / "python").write_text(INSTANT_PYTHON)
    (instant / "python").chmod(0o755)
    run(COMMANDS[-1], folder, path=str(instant))
    assert "Nothing to be done" in run(COMMANDS[-2], folder)
    return folder


@pytest.fixture(scope="module")
def after(before, tmp_path_factory):
    """The same with the loss added as the page says."""
    folder = tmp_path_factory.mktemp("added") / "repository"
    shutil.copytree(before, folder, symlinks=True)
    (folder / STUDY).unlink()
    for step in EDITS:
        apply(step, folder)
    return folder


def test_the_new_loss_passes_the_tests_of_every_loss(after):
    """The page's function would be refused by the tests that it promises, or by a list that it does not mention."""
    output = run(COMMANDS[0], after)
    passed = int(re.search(r"(\d+) passed", output).group(1))
    assert passed >= 10
    assert "failed" not in output


def test_the_pages_hold_the_new_loss(after):
    """`make docs` would not be the step that is left after the two edits."""
    run(COMMANDS[1], after)
    assert "### `soft_hinge`: Soft hinge" in (after / "docs/losses.md").read_text(encoding="utf-8")
    assert "`temperature`" in (after / "docs/study-reference.md").read_text(encoding="utf-8")
    assert "soft_hinge" in (after / "docs/study.schema.json").read_text(encoding="utf-8")


def test_only_the_new_cell_is_trained(after):
    """A new loss would cost a finished study all its cells, or be left out of it."""
    plan = run(COMMANDS[2], after)
    jobs = get_jobs(plan)
    assert [jobs[rule] for rule in ("train_cell", "generate_responses", "score_frontier")] == [1, 1, 1]
    assert not {"make_corpus", "train_sft", "make_pairs", "compute_reference_logps"} & jobs.keys()
    assert set(re.findall(r"\w+/[^/\s]+/seed~\d+", plan)) == {NEW_CELL}


@pytest.mark.slow
def test_the_study_runs_to_its_figure(after, tmp_path):
    """The last command of the page would end in an error, or its figure lack the new loss."""
    folder = tmp_path / "repository"
    shutil.copytree(after, folder, symlinks=True, ignore=shutil.ignore_patterns("results", ".snakemake"))
    run(COMMANDS[3], folder)
    assert "Soft hinge" in (folder / "results/soft_hinge/figures/frontier.svg").read_text(encoding="utf-8")
    health = json.loads((folder / f"results/soft_hinge/cells/{NEW_CELL}/health.json").read_text())
    assert health["status"] == "finished"
    assert health["healthy"]
