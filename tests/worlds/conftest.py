"""Stand-ins for the hub, and studies on them."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import constants

from lossgrid.studies import Study, load_study
from lossgrid.studies.lock import get_lock_file, spell_lock
from lossgrid.worlds.hub.locking import lock_study
from lossgrid.worlds.hub.shrunk.cache import write_shrunk_hub

HUB_STUDY = """\
title: A study on stand-ins
world:
  kind: hub
  model:
    name: shrunk/mistral-instruct
    shape: {layers: 2, hidden_size: 32, intermediate_size: 64, heads: 4, key_value_heads: 2, vocabulary: 512}
  data: {name: shrunk/dpo-mix}
  heldout_chats: 8
training: {learning_rate: 1e-3, epochs: 1, batch_size: 16, max_length: 256}
objectives: {dpo: null}
"""


@pytest.fixture(scope="session")
def shrunk_hub(tmp_path_factory) -> Path:
    """A folder for HF_HOME with all stand-ins."""
    folder = tmp_path_factory.mktemp("shrunk")
    write_shrunk_hub(folder)
    return folder


@pytest.fixture
def offline_hub(shrunk_hub, monkeypatch) -> Path:
    """The stand-ins as the hub's cache of this process, without a network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(shrunk_hub / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return shrunk_hub


@pytest.fixture
def load_hub_study(tmp_path) -> Callable[..., Study]:
    """A function that reads a study on the stand-ins, with some of its text replaced."""

    def load(*replacements: tuple[str, str], added: str = "", lock: bool = True) -> Study:
        text = HUB_STUDY
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / "stand_in.yaml"
        file.write_text(text + textwrap.dedent(added))
        if lock:
            get_lock_file(file).unlink(missing_ok=True)
            get_lock_file(file).write_text(spell_lock(lock_study(load_study(file))[0], "For a test."))
        return load_study(file)

    return load
