"""A copy of the repository with a tiny study, and Snakemake run in it."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.working_copy import copy_tracked_files, get_environment

# Seconds, much longer than anything here takes on a busy machine.
TIMEOUT = 120

TINY_STUDY = """\
title: A tiny study
world:
  kind: reviews
  corpus_chats: 64
  pairs: 64
  heldout_chats: 8
  policy: {layers: 1, hidden_size: 16, heads: 2, intermediate_size: 32}
sft: {learning_rate: 1e-2, epochs: 1, batch_size: 16, max_length: 128}
training: {learning_rate: 1e-2, epochs: 1, batch_size: 16, max_length: 160, checkpoint_steps: 2}
judge:
  model: oracle
  command: python workflow_scripts/serve_oracle.py --port {port}
mt_bench: {consistency: 2}
alpaca_eval: {prompts: 10, consistency: 2}
summaries: {rows: 10}
shard_size: 3
objectives:
  dpo: {beta: 0.1}
  discopop:
    - {beta: 0.1}
    - {beta: 1e6, evaluation: published}
  dlrml:
    - {beta_kl: 0.1, beta_mix: 0.02}
    - {beta_kl: 0.1, beta_mix: 0.1}
  dlrml_learned: {beta_kl: 0.1, beta_mix: 0.02, mix_learning_rate: 0.1}
claims:
  - id: published-diverges
    kind: proportion_of_runs
    statement: The published formula overflows at a huge β.
    cells: "discopop/*published"
    event: diverged
    relation: above
    threshold: 0.5
  - id: discopop-above-dpo
    kind: paired_difference
    statement: DiscoPOP is rated higher than DPO.
    cell: discopop/beta~0.1__tau~0.05
    baseline: dpo/beta~0.1
    metric: mt_bench
evaluation: {max_new_tokens: 8, batch_size: 16}
"""
STUDY_FILE = Path("studies", "tiny.yaml")


@dataclass(frozen=True)
class Workflow:
    """One copy of the repository."""

    folder: Path

    def get_command(self, *arguments: str) -> list[str]:
        """The command line of a run of the tiny study."""
        snakemake = [sys.executable, "-m", "snakemake", "--profile", "profiles/local"]
        return [*snakemake, *arguments, "--config", "studies=[tiny]"]

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run Snakemake on the tiny study."""
        process = subprocess.run(
            self.get_command(*arguments),
            cwd=self.folder,
            env=get_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if check and process.returncode:
            raise AssertionError(process.stdout[-6000:])
        return process

    @contextmanager
    def start(self, *arguments: str) -> Iterator[subprocess.Popen]:
        """Run Snakemake on the tiny study beside the block, and end it where the block leaves it running."""
        process = subprocess.Popen(
            self.get_command(*arguments),
            cwd=self.folder,
            env=get_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate()

    def find_processes(self, text: str) -> set[int]:
        """Ids of the Python processes that work in this copy and whose command line holds a text."""
        found = set()
        for entry in Path("/proc").iterdir():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
                is_python = command[0].endswith(b"python") and text.encode() in b" ".join(command)
                if is_python and (entry / "cwd").resolve() == self.folder.resolve():
                    found.add(int(entry.name))
            except OSError:
                continue
        return found

    def plan(self, *arguments: str) -> dict[str, int]:
        """How many jobs of each rule a run would make now, without `all`."""
        output = self.run(*arguments, "--dry-run", "--quiet", "rules").stdout
        table = output.partition("-------")[2].partition("total")[0]
        return {
            rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.M) if rule != "all"
        }

    def copy(self, folder: Path) -> "Workflow":
        """The same state in another folder, times of files included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Workflow(folder)

    def edit(self, file: str | Path, old: str, new: str) -> None:
        """Replace a text that stands in a file exactly once."""
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file} holds {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new))

    @property
    def results(self) -> Path:
        """The results folder of the tiny study."""
        return self.folder / "results" / "tiny"

    def get_cell(self, name: str) -> Path:
        """The folder of a cell of the tiny study."""
        return self.results / "cells" / name


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition holds; what the error says when it does not come."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, f"after {TIMEOUT} s still not: {what}"
        time.sleep(0.05)


def copy_repository(folder: Path) -> Workflow:
    """Copy what git would commit, with the tiny study as the only one."""
    copy_tracked_files(folder)
    for study in (folder / "studies").glob("*.yaml"):
        study.unlink()
    (folder / STUDY_FILE).write_text(TINY_STUDY)
    return Workflow(folder)
