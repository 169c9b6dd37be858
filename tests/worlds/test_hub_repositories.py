"""Fetching from the hub, from a server that answers as it does: what is had, and what is said when it is not."""

import errno

import pytest
from huggingface_hub import constants

from lossgrid.worlds.hub import repositories
from lossgrid.worlds.hub.repositories import HubError, fetch_dataset, fetch_model, find_snapshot
from tests.worlds.hub_server import COMMIT, serve_hub


@pytest.fixture(scope="module")
def endpoint():
    """Address of a hub."""
    with serve_hub() as address:
        yield address


@pytest.fixture
def hub(endpoint, monkeypatch, tmp_path):
    """The server as this process's hub, with an empty cache."""
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.partition("/{repo_id}")
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "".join(template[1:]))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return tmp_path


def test_what_was_fetched_is_found_without_a_network(hub, monkeypatch):
    """The login node fetches, and compute nodes find."""
    folder = fetch_dataset("open/data", None)
    assert folder.name == COMMIT
    assert (folder / "train.jsonl").read_text().startswith('{"prompt"')
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert find_snapshot("open/data", "datasets", COMMIT) == folder
    # By the default branch too, as a second `prepare` without a network does.
    assert fetch_dataset("open/data", None) == folder


@pytest.mark.parametrize(
    ("name", "revision", "message"),
    [
        ("gated/data", None, "gated/data: access is granted one by one; accept its terms .* HF_TOKEN"),
        ("private/data", None, "private/data: no such repository, or one that .* HF_TOKEN"),
        ("moved/data", "v9", "moved/data: has no revision v9; correct it"),
        ("broken/data", None, "broken/data: the hub answered 500; try again later"),
    ],
)
@pytest.mark.parametrize("fetch", [fetch_dataset, fetch_model])
def test_a_refusal_says_what_to_do(fetch, name, revision, message, hub):
    with pytest.raises(HubError, match=message):
        fetch(name, revision)


def test_a_model_without_weights_is_refused(hub):
    with pytest.raises(HubError, match="open/data: holds neither safetensors nor PyTorch weights"):
        fetch_model("open/data", None)


def test_a_hub_out_of_reach_is_no_missing_repository(hub, monkeypatch):
    # A port of the loopback interface on which nobody listens.
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match="open/data at its default branch: not on this machine"):
        fetch_dataset("open/data", None)


@pytest.mark.parametrize("fetch", [fetch_dataset, fetch_model])
def test_offline_and_not_there(fetch, hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match=r"open/data .*not on this machine.*`snakemake prepare`"):
        fetch("open/data", None)


def test_a_full_disk_is_named(hub, monkeypatch):
    def fail(*_arguments, **_keywords):
        raise OSError(errno.ENOSPC, "No space left on device", str(hub / "blob"))

    monkeypatch.setattr(repositories, "snapshot_download", fail)
    with pytest.raises(
        HubError, match=r"open/data: the disk is full \(.*blob\); free some space or move HF_HOME"
    ):
        fetch_dataset("open/data", None)
