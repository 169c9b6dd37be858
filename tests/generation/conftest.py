"""A tiny policy of the reviews world, on disk."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import pytest
import torch
from transformers import AutoModelForCausalLM

from lossgrid.worlds.reviews.policy import build_policy
from lossgrid.worlds.reviews.tokenizer import build_tokenizer


@pytest.fixture(scope="session")
def tokenizer():
    """The tokenizer of the reviews world."""
    return build_tokenizer()


@pytest.fixture(scope="session")
def folders(tokenizer, tmp_path_factory):
    """Two model folders, of the same size and with different random weights."""
    torch.set_num_threads(1)
    folders = []
    for seed in (1, 2):
        policy = build_policy(
            tokenizer,
            layers=1,
            hidden_size=32,
            heads=2,
            intermediate_size=64,
            seed=seed,
            max_position=256,
        )
        folder = tmp_path_factory.mktemp(f"policy_{seed}")
        policy.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        folders.append(folder)
    return folders


@pytest.fixture
def model(folders):
    """The first of the two, freshly loaded."""
    return AutoModelForCausalLM.from_pretrained(folders[0], dtype=torch.float32)


@pytest.fixture(scope="session")
def prompts():
    """Questions of quite different lengths, the longest four times the shortest."""
    from lossgrid.worlds.reviews.corpus import make_heldout_chats

    chats = make_heldout_chats(1, 6)
    prompts = [[{"role": "user", "content": chat["turns"][0]}] for chat in chats]
    answer = {"role": "assistant", "content": " ".join(prompt[0]["content"] for prompt in prompts[:3])}
    return [*prompts, [*prompts[0], answer, *prompts[1]], [*prompts[2], answer, *prompts[3]]]
