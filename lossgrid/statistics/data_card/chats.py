"""The chats of a study beside its pairs: those of the SFT model, and those that every run answers."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from datasets import load_from_disk

from lossgrid.statistics.data_card.rows import Row, count, mean, statistic
from lossgrid.statistics.overlap import USER, WORDS, find_prompt_overlaps

Messages = list[dict[str, str]]
SFT_CHATS, HELDOUT = "sft_chats", "heldout"
# What a set of training prompts is called in a sentence.
TRAINING = {"pairs": "the pairs", SFT_CHATS: "the SFT chats"}


def read_sft_chats(corpus: Path) -> list[Messages]:
    """The chats that the SFT model is trained on; none where the corpus has none, because the model is brought along.

    Args:
        corpus: Folder with a data set `chats`, column `messages`.
    """
    folder = corpus / "chats"
    return list(load_from_disk(folder)["messages"]) if folder.is_dir() else []


def read_evaluations(corpus: Path, prompts: Path | None) -> dict[str, list[Messages]]:
    """What runs are asked, as messages without answers, by set: held-out chats, then those that a judge sees.

    Args:
        corpus: Folder with a data set `heldout`, columns `turns` and, where a chat has one, `history`.
        prompts: Folder with `chats.jsonl`; None for a study without a judge.
    """
    sets = {HELDOUT: [_join(chat) for chat in load_from_disk(corpus / "heldout")]}
    if prompts is not None:
        for line in (prompts / "chats.jsonl").read_text(encoding="utf-8").split("\n"):
            if line:
                chat = json.loads(line)
                sets.setdefault(chat["set"], []).append(_join(chat))
    return sets


def describe_chats(part: str, chats: Sequence[Messages]) -> Iterator[Row]:
    """How many, with how many turns, and how long the user's messages are."""
    turns = [[message["content"] for message in chat if message["role"] == USER] for chat in chats]
    openings = [each[0] if each else "" for each in turns]
    lengths = [len(text) for each in turns for text in each]
    owners = [place for place, each in enumerate(turns) for _ in each]
    n, distinct = len(chats), len(set(openings))
    yield count(part, "chats", n, "chats", "chats")
    yield count(part, "distinct_openings", distinct, "chats", "first messages of the user that differ", n)
    yield count(part, "user_messages", len(lengths), "messages", "messages of the user", n)
    yield mean(part, "characters_mean", lengths, owners, "characters", "mean length of a message of the user")
    yield statistic(
        part, "characters_longest", lengths, max, "characters", "largest length of a message of the user"
    )


def describe_overlaps(
    part: str, chats: Sequence[Messages], training: str, prompts: Sequence[Messages]
) -> Iterator[Row]:
    """How many chats of an evaluation are in a training set, and how many of its prompts that concerns.

    Args:
        part: The evaluation.
        chats: Its chats.
        training: The training set, a key of `TRAINING`.
        prompts: Its distinct prompts.
    """
    found, name = find_prompt_overlaps(prompts, chats), TRAINING[training]
    n = len(chats)
    yield count(
        part, f"same_as_{training}", len(found.evaluation_same), "chats",
        f"chats that open with the same question as a prompt of {name}", n,
    )  # fmt: skip
    yield count(
        part, f"shares_words_with_{training}", len(found.evaluation_shared), "chats",
        f"chats that share {WORDS} words in a row with a prompt of {name}", n,
    )  # fmt: skip
    yield count(
        part, f"{training}_concerned", len(found.training), "prompts",
        f"prompts of {name} that do one of the two", len(prompts),
    )  # fmt: skip


def _join(chat: dict) -> Messages:
    return [*(chat.get("history") or ()), *({"role": USER, "content": turn} for turn in chat["turns"])]
