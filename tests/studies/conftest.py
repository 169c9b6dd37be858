"""A small valid study, and the means to load variations of it."""

from pathlib import Path

import pytest

from lossgrid.studies import load_study

STUDY = """\
title: A small study
world:
  kind: reviews
  corpus_chats: 100
  pairs: 20
  heldout_chats: 10
sft:
  learning_rate: 3e-3
  epochs: 3
  batch_size: 8
  max_length: 64
training:
  learning_rate: 5e-7
  epochs: 2
  batch_size: 32
  max_length: 64
seeds: [1, 2]
objectives:
  dpo: {beta: [0.05, 0.25]}
  hinge:
  discopop:
    - {beta: 0.05, seeds: [1]}
    - {beta: 5.0, evaluation: [log_space, published], seeds: [1]}
  dlrml: {beta_kl: 0.05, beta_mix: [0.01, 0.2]}
claims:
  - id: first
    kind: paired_difference
    statement: DPO beats SFT.
    cell: dpo/beta~0.05
    baseline: sft
    metric: reward
  - id: second
    kind: proportion_of_runs
    statement: Some published runs diverge.
    cells: "discopop/*published"
    event: diverged
    relation: above
    threshold: 0.5
  - id: third
    kind: bound
    statement: Gradients stay small.
    cells: "dlrml/*"
    metric: grad_norm
    at_most: 100
"""


@pytest.fixture
def study_path(tmp_path, monkeypatch) -> Path:
    """Where a test's study is written, named as from the repository's root."""
    monkeypatch.chdir(tmp_path)
    Path("studies").mkdir()
    return Path("studies/small.yaml")


@pytest.fixture
def load_changed(study_path):
    """A function that loads the small study with pieces of its text replaced, once each."""

    def load(*replacements: tuple[str, str]):
        text = STUDY
        for old, new in replacements:
            assert text.count(old) == 1, f"{old!r} must occur once in the study"
            text = text.replace(old, new)
        study_path.write_text(text, encoding="utf-8")
        return load_study(study_path)

    return load


@pytest.fixture
def write(load_changed):
    """A function that writes files below studies/, where the small study lies; `__` in a name stands for `/`."""
    load_changed()

    def write_files(**files: str) -> None:
        for name, text in files.items():
            path = Path("studies", f"{name.replace('__', '/')}.yaml")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")

    return write_files


@pytest.fixture
def small(write, study_path) -> str:
    """The text of the small study."""
    return study_path.read_text(encoding="utf-8")
