"""What the tests of the audit share."""

from pathlib import Path

import pytest
import torch
from hypothesis import settings

from lossgrid.audit import Audit, audit_objective
from lossgrid.objectives.catalogue import CATALOGUE

# The first call into torch takes longer than Hypothesis allows an example.
settings.register_profile("without_deadline", deadline=None)
settings.load_profile("without_deadline")


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Tensors of a thousand numbers: waking a second thread takes longer than the work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def audit():
    """A function that audits an objective of the catalogue at its defaults or at changes of them."""
    done: dict[tuple, Audit] = {}

    def audit_changed(name: str, **changes: float | str) -> Audit:
        key = (name, *sorted(changes.items()))
        if key not in done:
            done[key] = audit_objective(CATALOGUE[name], CATALOGUE[name].defaults() | changes)
        return done[key]

    return audit_changed


STUDY = """\
title: A small study
world: {kind: reviews, corpus_chats: 100, pairs: 20, heldout_chats: 10}
sft: {learning_rate: 3e-3, epochs: 3, batch_size: 8, max_length: 64}
training: {learning_rate: 5e-7, epochs: 2, batch_size: 32, max_length: 64}
seeds: [1, 2]
objectives:
"""


@pytest.fixture
def write_study(tmp_path, monkeypatch):
    """A function that writes a study of these lines of objectives to studies/small.yaml, seen from the root."""
    monkeypatch.chdir(tmp_path)
    Path("studies").mkdir()

    def write(*objectives: str) -> Path:
        path = Path("studies/small.yaml")
        path.write_text(STUDY + "".join(f"  {line}\n" for line in objectives), encoding="utf-8")
        return path

    return write
