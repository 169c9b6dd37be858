"""What only a fresh process can show: light imports, and the same data under any hash seed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

PRINT_DIGEST = """
import hashlib, json
from random import Random
from lossgrid.worlds.reviews.corpus import make_chats, make_heldout_chats, make_preference_prompts
from lossgrid.worlds.reviews.language import ASPECTS, sample_question, sample_reply, vocabulary
from lossgrid.worlds.reviews.preferences import label_pair
from lossgrid.worlds.reviews.reward import score_reply
chats = make_chats(11, 50)
replies = [m["content"] for chat in chats for m in chat["messages"][1::2]]
labels = [label_pair(Random(i), *replies[i:i + 2], "plot", 1.0) for i in range(60)]
data = [
    chats, make_preference_prompts(11, 50), make_heldout_chats(11, 50), vocabulary(), labels,
    [sample_question(Random(i), aspect, 1 + i % 2) for i, aspect in enumerate(ASPECTS)],
    [score_reply(reply, "music").total for reply in replies],
]
print(hashlib.sha256(json.dumps(data).encode()).hexdigest())
"""

PRINT_HEAVY = """
import sys
import lossgrid.worlds.reviews.language, lossgrid.worlds.reviews.reward
import lossgrid.worlds.reviews.corpus, lossgrid.worlds.reviews.preferences
print(sorted({"torch", "transformers", "tokenizers", "numpy", "datasets"} & set(sys.modules)))
"""


def run(code, hash_seed="0"):
    """Standard output of a Python process of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def digest():
    """The digest of the data under hash seed 0."""
    return run(PRINT_DIGEST)


@pytest.mark.parametrize("hash_seed", ["1", "4242", "random"])
def test_data_are_the_same_in_every_process(digest, hash_seed):
    """Iterating over a set of words would give each Slurm job a corpus of its own."""
    assert len(digest) == 64
    assert run(PRINT_DIGEST, hash_seed) == digest


def test_language_reward_and_corpus_import_nothing_heavy():
    """The Snakefile is parsed twice a Slurm job: importing torch there costs seconds each time."""
    assert run(PRINT_HEAVY) == "[]"
