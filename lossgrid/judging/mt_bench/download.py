"""The published files of MT-Bench: each from one commit, and accepted only with its hash."""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

HOST = "https://raw.githubusercontent.com/lm-sys/FastChat"
DATA = "fastchat/llm_judge/data"
# The commit of FastChat's release 0.2.36, and the head of its pull request 3158, with corrected references.
RELEASE = "b21d0f780ca4472a13714262a0790f2ee1ade659"
CORRECTED = "71aa329da2b17f387929ae6f5b3a453804e885cd"
ATTEMPTS = 4
TIMEOUT = 60.0


class DownloadError(RuntimeError):
    """A file that could not be had, or is not the one that was asked for."""


@dataclass(frozen=True)
class PublishedFile:
    """A file of a public repository at one commit.

    Attributes:
        commit: Commit, in full.
        path: Path below the data folder of FastChat's judge.
        sha256: Hash of its bytes, in hexadecimal.
    """

    commit: str
    path: str
    sha256: str


QUESTIONS = PublishedFile(
    RELEASE, "mt_bench/question.jsonl", "119565adbab82227089cefdb44c8d7e2cf04dc0a0ec233634c82e7d4e2a944f7"
)
JUDGE_PROMPTS = PublishedFile(
    RELEASE, "judge_prompts.jsonl", "fd283293406d024f44c174b094ef48031d0687a4682fd3a56b29b138f80281b6"
)
REFERENCES = {
    "original": PublishedFile(
        RELEASE,
        "mt_bench/reference_answer/gpt-4.jsonl",
        "f957a5bc977badb66885ec970e6cd08527845780313f0995764260e5777b9b3f",
    ),
    "corrected": PublishedFile(
        CORRECTED,
        "mt_bench/reference_answer/gpt-4-0125-preview.jsonl",
        "e484037da5cc14007dde1d821ef76046fccbd0b2f095237fad9ead2c4fc66800",
    ),
}


def download_mt_bench(kept: Path, folder: Path, references: str = "original", host: str = HOST) -> None:
    """Fetch the 80 questions, the judge prompts and the reference answers.

    Args:
        kept: Folder of the files under their published names. One that is there with the right hash is not fetched,
            so that a folder filled once, or by hand, needs no network.
        folder: Gets copies as `question.jsonl`, `judge_prompts.jsonl` and `reference_answer.jsonl`.
        references: `original` (GPT-4's) or `corrected`.
        host: Address below which the files lie by commit and path.

    Raises:
        DownloadError: A file cannot be reached or has other bytes.
    """
    kept.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {
        "question.jsonl": QUESTIONS,
        "judge_prompts.jsonl": JUDGE_PROMPTS,
        "reference_answer.jsonl": REFERENCES[references],
    }
    for name, file in wanted.items():
        (folder / name).write_bytes(_get(file, kept / Path(file.path).name, host))


def hash_bytes(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _get(file: PublishedFile, kept: Path, host: str) -> bytes:
    """The bytes of a file, fetched unless it is kept."""
    if kept.is_file() and hash_bytes(content := kept.read_bytes()) == file.sha256:
        return content
    url = f"{host}/{file.commit}/{DATA}/{file.path}"
    content = _fetch(url, kept)
    if hash_bytes(content) != file.sha256:
        raise DownloadError(
            f"{url}: SHA-256 is {hash_bytes(content)} and should be {file.sha256}; this is another file"
        )
    # Two studies may fetch at once: neither may read half of the other's file.
    beside = kept.with_suffix(f".{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(kept)
    return content


def _fetch(url: str, target: Path) -> bytes:
    for attempt in range(ATTEMPTS):
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
                return response.read()
        except (OSError, http.client.HTTPException) as error:
            final = isinstance(error, urllib.error.HTTPError) and error.code in (400, 401, 403, 404)
            if final or attempt == ATTEMPTS - 1:
                raise DownloadError(
                    f"{url}: {error}; run this step where the network is, or put the file at {target}"
                ) from None
            time.sleep(2**attempt)
    raise AssertionError("unreachable")
