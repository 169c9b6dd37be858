"""Sampling responses with transformers, in batches and in a fixed order."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import GenerationConfig


@dataclass(frozen=True)
class Response:
    """One sampled response.

    Attributes:
        prompt_ids: The rendered prompt, generation prompt included.
        response_ids: The response with its end token; without one where it was cut off.
        text: The response in words, special tokens left out.
        finished: Whether the end token came within the allowed length.
    """

    prompt_ids: list[int]
    response_ids: list[int]
    text: str
    finished: bool


@torch.no_grad()
def sample_responses(
    model,
    tokenizer,
    prompts: Sequence[list[dict]],
    *,
    max_new_tokens: int,
    temperature: float,
    batch_size: int,
    seed: int,
) -> list[Response]:
    """Sample one response to each prompt from the policy's own distribution (no top-k, no top-p).

    Args:
        model: A causal language model; it is put into evaluation mode and loses generation settings of its own.
        tokenizer: Its tokenizer, with a chat template.
        prompts: Lists of messages with `role` and `content`, the last one the user's.
        max_new_tokens: Tokens after which a response is cut off.
        temperature: 1 samples from the policy itself, 0 takes the likeliest token every time.
        batch_size: Prompts sampled together; part of the result.
        seed: Seed of the sampling.

    Returns:
        One response a prompt, in the order of the prompts.
    """
    model.eval()
    # A model may bring a repetition penalty or a min-p of its own, which would fill in for what is not set here.
    model.generation_config = GenerationConfig()
    torch.manual_seed(seed)
    rendered = tokenizer.apply_chat_template(
        list(prompts), add_generation_prompt=True, tokenize=True, return_dict=True
    )["input_ids"]
    sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    if not temperature:
        sampling = {"do_sample": False}
    responses = []
    for start in range(0, len(rendered), batch_size):
        batch = rendered[start : start + batch_size]
        padded = tokenizer.pad({"input_ids": batch}, padding_side="left", return_tensors="pt").to(
            model.device
        )
        output = model.generate(
            **padded,
            **sampling,
            max_new_tokens=max_new_tokens,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        new_tokens = output[:, padded["input_ids"].shape[1] :].tolist()
        responses += [_cut(tokenizer, prompt, ids) for prompt, ids in zip(batch, new_tokens, strict=True)]
    return responses


def _cut(tokenizer, prompt_ids: list[int], ids: list[int]) -> Response:
    finished = tokenizer.eos_token_id in ids
    if finished:
        ids = ids[: ids.index(tokenizer.eos_token_id) + 1]
    return Response(prompt_ids, ids, tokenizer.decode(ids, skip_special_tokens=True), finished)
