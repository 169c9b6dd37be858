"""The reviews world on disk, in the formats that a hub study has."""

import json
from collections import Counter
from pathlib import Path
from random import Random

import torch
from datasets import Dataset, load_from_disk
from transformers import AutoModelForCausalLM, AutoTokenizer

from lossgrid.generation.sampling import sample_responses
from lossgrid.worlds.reviews.corpus import make_chats, make_heldout_chats, make_preference_prompts
from lossgrid.worlds.reviews.preferences import label_pair
from lossgrid.worlds.reviews.tokenizer import build_tokenizer

SUMMARY = "summary.json"


def write_corpus(study, folder: Path) -> None:
    """Write what does not depend on any model.

    Args:
        study: The study, of the world `reviews`.
        folder: Gets the data sets `chats`, `preference_prompts` and `heldout` and the tokenizer `tokenizer`.
    """
    world = study.world
    Dataset.from_list(make_chats(world.seed, world.corpus_chats)).save_to_disk(folder / "chats")
    prompts = make_preference_prompts(world.seed, world.pairs)
    Dataset.from_list(prompts).save_to_disk(folder / "preference_prompts")
    Dataset.from_list(make_heldout_chats(world.seed, world.heldout_chats)).save_to_disk(folder / "heldout")
    build_tokenizer().save_pretrained(folder / "tokenizer")


def write_pairs(study, corpus: Path, policy: Path, prompts: Path | None, folder: Path, threads: int) -> dict:
    """Sample two replies to every prompt and let the true reward choose, with Bradley–Terry noise.

    Args:
        study: The study, of the world `reviews`; its `evaluation` says how the policy is sampled.
        corpus: Folder written by `write_corpus`.
        policy: Folder of the model that is sampled.
        prompts: Unused: what a judge asks begins with questions that no pair asks.
        folder: Gets a data set with `id`, `aspect`, `prompt`, `chosen`, `rejected` (messages),
            `reward_chosen` and `reward_rejected` (points), and `summary.json`.
        threads: CPU threads; another number gives other last bits.

    Returns:
        What `summary.json` holds: prompts, pairs, ties (identical replies, left out), labels against the true
        reward, and mean rewards and lengths.
    """
    world, evaluation = study.world, study.evaluation
    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(policy)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(policy, dtype=dtype).to(device)
    asked = load_from_disk(corpus / "preference_prompts").to_list()
    replies = [
        sample_responses(
            model,
            tokenizer,
            [prompt["prompt"] for prompt in asked],
            max_new_tokens=evaluation.max_new_tokens,
            temperature=1.0,
            batch_size=evaluation.batch_size,
            seed=seed,
        )
        for seed in (2 * world.seed, 2 * world.seed + 1)
    ]

    rng = Random(f"{world.seed}/preference labels")
    rows = []
    for prompt, first, second in zip(asked, *replies, strict=True):
        label = label_pair(rng, first.text, second.text, prompt["aspect"], world.label_temperature)
        if label is None:
            continue
        chosen, rejected, reward_chosen, reward_rejected = label
        rows.append(
            {
                **prompt,
                "chosen": [{"role": "assistant", "content": chosen}],
                "rejected": [{"role": "assistant", "content": rejected}],
                "reward_chosen": reward_chosen,
                "reward_rejected": reward_rejected,
            }
        )
    Dataset.from_list(rows).save_to_disk(folder)
    summary = _summarise(rows, len(asked))
    (folder / SUMMARY).write_text(json.dumps(summary, indent=1) + "\n")
    return summary


def _summarise(rows: list[dict], prompts: int) -> dict:
    sums = Counter()
    for row in rows:
        sums["against_reward"] += row["reward_chosen"] < row["reward_rejected"]
        for side in ("chosen", "rejected"):
            sums[f"reward_{side}"] += row[f"reward_{side}"]
            sums[f"words_{side}"] += len(row[side][0]["content"].split())
    means = {name: total / len(rows) for name, total in sums.items() if name != "against_reward"}
    return {
        "prompts": prompts,
        "pairs": len(rows),
        "ties": prompts - len(rows),
        "labels_against_reward": sums["against_reward"],
        **{f"mean_{name}": value for name, value in means.items()},
    }
