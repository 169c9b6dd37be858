"""Answer chats with a policy and weigh answers by policy and reference."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import groupby
from pathlib import Path

import torch
from transformers import AutoTokenizer

from lossgrid.generation.divergence import REFERENCE_KL
from lossgrid.generation.sampling import Response, sample_responses
from lossgrid.training.logps import get_sequence_logps
from lossgrid.training.policies import load_policy
from lossgrid.training.reference_divergence import get_reference_divergences

# What a chat says about how it is answered; its other keys are copied to every line.
ASKED = {"turns", "history", "temperature", "max_new_tokens"}


def generate_responses(
    policy: Path,
    reference: Path,
    heldout: Sequence[dict],
    judged: Sequence[dict],
    outputs: tuple[Path, Path],
    settings,
    threads: int,
    server: AbstractContextManager[Callable[..., list[Response]]] | None = None,
) -> tuple[int, int]:
    """Write a policy's answers to the held-out chats and to those that a judge will see, a line an answer.

    Every chat's first turn is answered, then its second turn with the first answer in the context. The model is
    loaded once; the reference is loaded after it is done with, or beside it for `reference_kl`.

    Args:
        policy: Folder of the policy and its tokenizer.
        reference: Folder of the reference model.
        heldout: Chats whose answers are weighed by both models. Each has `id` and `turns`, the user's messages, and
            may have a `history` (messages before them), a `temperature` (0 takes the likeliest token) and a
            `max_new_tokens` other than the settings'; further keys are copied to every line.
        judged: Chats whose answers are written only.
        outputs: JSON lines to write for either, beside and renamed. Each line has the chat's further keys and `turn`
            (from 1), `prompt` (messages), `response`, `tokens` (response tokens, end token included) and
            `finished`; for the held-out chats also `policy_logp` and `reference_logp` (nats, summed over response
            tokens), and where the settings ask for `reference_kl`, `kl_reference` and `kl_reference_tokens` (see
            `get_reference_divergences`).
        settings: `Evaluation` of the study.
        threads: CPU threads; another number gives other last bits.
        server: Context with a function that samples as `sample_responses` does, but for its first two arguments; None
            samples from the model in this process. It is left before the models that weigh are loaded.

    Returns:
        The number of lines of either.
    """
    torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    tokenizer = AutoTokenizer.from_pretrained(policy)

    load = partial(load_policy, dtype=dtype)
    model = None if server else load(policy).to(device)
    own = partial(sample_responses, model, tokenizer, batch_size=settings.batch_size)
    with server or nullcontext(own) as sample:
        weighed = list(_answer(sample, heldout, settings))
        judged_lines = [line for line, _ in _answer(sample, judged, settings)]

    lines = [line for line, _ in weighed]
    sequences = [(response.prompt_ids, response.response_ids) for _, response in weighed]
    model = model or load(policy).to(device)
    policy_logps = get_sequence_logps(model, tokenizer.pad_token_id, sequences, settings.batch_size)
    other = None
    if settings.reference_kl:
        other = load(reference).to(device)
        divergences = get_reference_divergences(model, other, tokenizer.eos_token_id, sequences)
        for line, *pair in zip(lines, *(values.tolist() for values in divergences), strict=True):
            line |= dict(zip(REFERENCE_KL, (pair[0], int(pair[1])), strict=True))
    del model, own, sample
    model = other or load(reference).to(device)
    reference_logps = get_sequence_logps(model, tokenizer.pad_token_id, sequences, settings.batch_size)

    for line, policy_logp, reference_logp in zip(
        lines, policy_logps.tolist(), reference_logps.tolist(), strict=True
    ):
        line |= {"policy_logp": policy_logp, "reference_logp": reference_logp}
    for output, written in zip(outputs, (lines, judged_lines), strict=True):
        _write_lines(output, written)
    return len(lines), len(judged_lines)


def _answer(sample: Callable, chats: Sequence[dict], settings) -> Iterator[tuple[dict, Response]]:
    """Yield a line and its response, first turns first."""
    conversations = [list(chat.get("history", ())) for chat in chats]
    for turn in range(max((len(chat["turns"]) for chat in chats), default=0)):
        asked = [index for index, chat in enumerate(chats) if turn < len(chat["turns"])]
        for index in asked:
            conversations[index].append({"role": "user", "content": chats[index]["turns"][turn]})
        responses = {}
        for (temperature, length), members in _group(chats, asked, settings):
            answers = sample(
                [list(conversations[index]) for index in members],
                max_new_tokens=length,
                temperature=temperature,
                seed=settings.seed + turn,
            )
            responses |= dict(zip(members, answers, strict=True))
        for index in asked:
            response = responses[index]
            line = {
                **{key: value for key, value in chats[index].items() if key not in ASKED},
                "turn": turn + 1,
                "prompt": list(conversations[index]),
                "response": response.text,
                "tokens": len(response.response_ids),
                "finished": response.finished,
            }
            conversations[index].append({"role": "assistant", "content": response.text})
            yield line, response


def _group(
    chats: Sequence[dict], asked: Sequence[int], settings
) -> Iterable[tuple[tuple[float, int], list[int]]]:
    """What is sampled alike, by temperature and length."""

    def get_way(index: int) -> tuple[float, int]:
        temperature, length = chats[index].get("temperature"), chats[index].get("max_new_tokens")
        return settings.temperature if temperature is None else temperature, length or settings.max_new_tokens

    return [(way, list(members)) for way, members in groupby(sorted(asked, key=get_way), get_way)]


def _write_lines(output: Path, lines: Sequence[dict]) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = output.with_suffix(".beside")
    with beside.open("w") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    beside.rename(output)
