"""Reference log-probabilities, computed once per (model, pairs) and shared by every cell.

TRL's own cache keys them by a hash of the model that is empty under ZeRO-3 and then serves stale values; here
they are columns of a data set whose digest is part of every cell's identity.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import torch
from datasets import Dataset, load_from_disk
from transformers import AutoTokenizer

from lossgrid.training.loading import load_model, open_autocast
from lossgrid.training.logps import get_sequence_logps
from lossgrid.training.tokens import tokenise_pairs

SUMMARY = "summary.json"


def compute_reference_logps(
    pairs: Path,
    model: Path,
    output: Path,
    max_length: int,
    batch_size: int,
    threads: int,
    max_prompt_length: int | None = None,
    half_weights: bool = False,
    **loading: str | None,
) -> dict:
    """Tokenise the pairs and add the reference's log-probabilities.

    Args:
        pairs: A data set on disk with conversational columns `prompt`, `chosen`, `rejected`.
        model: Folder of the reference model and its tokenizer.
        output: Folder to write: the data set with columns `prompt_ids`, `chosen_ids`, `rejected_ids`,
            `ref_chosen_logps`, `ref_rejected_logps` (nats, summed over response tokens), and `summary.json`.
        max_length: Tokens that prompt and response may have together.
        batch_size: Sequences in one forward pass.
        threads: CPU threads; another number gives other last bits.
        max_prompt_length: Tokens that a prompt keeps where it is cut; see `tokenise_pairs`.
        half_weights: Whether DeepSpeed trains; see `load_model`.
        **loading: The other arguments of `load_model`. With an adapter the reference is the model without it.

    Returns:
        What `summary.json` holds: the counts of `TokenCounts` and the data set's digest.

    Raises:
        ValueError: A log-probability is not finite.
        RuntimeError: The model cannot be held as asked for.
    """
    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(model)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    policy = load_model(model, half_weights=half_weights, **loading).to(device)

    tokens, counts = tokenise_pairs(load_from_disk(pairs), tokenizer, max_length, max_prompt_length)
    columns = {}
    for response in ("chosen", "rejected"):
        sequences = list(zip(tokens["prompt_ids"], tokens[f"{response}_ids"], strict=True))
        with open_autocast(loading.get("precision"), half_weights):
            logps = get_sequence_logps(policy, tokenizer.pad_token_id, sequences, batch_size)
        if not torch.isfinite(logps).all():
            bad = (~torch.isfinite(logps)).sum().item()
            raise ValueError(f"{model}: the log-probabilities of {bad} {response} responses are not finite")
        columns[f"ref_{response}_logps"] = logps.tolist()
    reference = Dataset.from_dict({**tokens.to_dict(), **columns})

    summary = {**asdict(counts), "digest": get_digest(reference)}
    reference.save_to_disk(output)
    (output / SUMMARY).write_text(json.dumps(summary, indent=1) + "\n")
    return summary


def get_digest(reference: Dataset) -> str:
    """Hash of a reference data set's content (its files also hold a random fingerprint)."""
    content = json.dumps(reference.to_dict(), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
