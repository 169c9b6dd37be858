"""Repositories of the Hugging Face Hub: fetched where there is a network, found where there is none."""

import errno
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from lossgrid.worlds.catalogue import WorldError

# What transformers reads of a model, apart from its weights; no code.
_CONFIGURATION = ["*.json", "*.txt", "*.model", "*.jinja"]
# The same weights in other formats lie in many repositories.
_FORMATS = (["*.safetensors"], ["*.bin"])
_IGNORED = ["*/*", "consolidated*", "training_args.bin"]
_UNREACHED = "not on this machine, and the hub cannot be reached; check the network and HF_ENDPOINT"


class HubError(WorldError):
    """Something of the hub that cannot be had, and what to do about it."""


def fetch_model(name: str, revision: str | None) -> Path:
    """Download a model without what is not needed of it, or find it where there is no network.

    Args:
        name: Repository.
        revision: Branch, tag or commit; None is the default branch.

    Returns:
        Folder of the snapshot, whose name is the commit.

    Raises:
        HubError: It cannot be had.
    """
    with _explain(name, revision):
        try:
            files = [each.rfilename for each in HfApi().model_info(name, revision=revision).siblings]
        except OfflineModeIsEnabled:
            return find_snapshot(name, "models", revision)
        weights = next((kind for kind in _FORMATS if any(file.endswith(kind[0][1:]) for file in files)), None)
        if weights is None:
            raise HubError(
                f"{name}: holds neither safetensors nor PyTorch weights; name another repository or revision"
            )
        return Path(
            snapshot_download(
                name, revision=revision, allow_patterns=_CONFIGURATION + weights, ignore_patterns=_IGNORED
            )
        )


def fetch_dataset(name: str, revision: str | None) -> Path:
    """Download a data set, or find it where there is no network; as `fetch_model`."""
    with _explain(name, revision):
        try:
            # Where the hub refuses, this says why; the download alone would only look on this machine then.
            HfApi().dataset_info(name, revision=revision)
        except OfflineModeIsEnabled:
            return find_snapshot(name, "datasets", revision)
        return Path(snapshot_download(name, repo_type="dataset", revision=revision))


def fetch_file(name: str, file: str) -> Path:
    """Download one file of a data set at its default branch, or find it where there is no network.

    Returns:
        The file, in a folder whose name is the commit.

    Raises:
        HubError: It cannot be had.
    """
    with _explain(name, None):
        try:
            return Path(hf_hub_download(name, file, repo_type="dataset"))
        except EntryNotFoundError:
            raise HubError(
                f"{name}: has no file {file} any more; fetch it from elsewhere and name its path"
            ) from None


def find_snapshot(name: str, kind: str, revision: str | None) -> Path:
    """The folder of a repository that was fetched before, without a network.

    Args:
        name: Repository.
        kind: `models` or `datasets`.
        revision: Commit, or the branch or tag that it was fetched as; None is the default branch.

    Raises:
        HubError: It is not there.
    """
    try:
        return Path(
            snapshot_download(
                name, repo_type=kind.removesuffix("s"), revision=revision, local_files_only=True
            )
        )
    except LocalEntryNotFoundError:
        raise HubError(
            f"{name} at {revision or 'its default branch'}: not on this machine, and the hub is out of reach; run "
            "`snakemake prepare` where there is a network, with the same HF_HOME"
        ) from None


@contextmanager
def _explain(name: str, revision: str | None):
    """Errors of the hub as sentences that say what to do."""
    shown = revision or "its default branch"
    try:
        yield
    except GatedRepoError:
        raise HubError(
            f"{name}: access is granted one by one; accept its terms on its page of the hub, then export HF_TOKEN or "
            "run `hf auth login` with a token of that account"
        ) from None
    except RevisionNotFoundError:
        raise HubError(
            f"{name}: has no revision {shown}; correct it in the study, or leave it empty"
        ) from None
    except RepositoryNotFoundError:
        raise HubError(
            f"{name}: no such repository, or one that this account may not see; check the name, or export HF_TOKEN "
            "or run `hf auth login`"
        ) from None
    except LocalEntryNotFoundError:
        raise HubError(f"{name} at {shown}: {_UNREACHED}") from None
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", "no status")
        raise HubError(f"{name}: the hub answered {status}; try again later") from error
    except HTTPError:
        raise HubError(f"{name} at {shown}: {_UNREACHED}") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise HubError(
                f"{name}: the disk is full ({error.filename or 'HF_HOME'}); free some space or move HF_HOME, and run "
                "the same command: what is complete is not downloaded again"
            ) from error
        raise
