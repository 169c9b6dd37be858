"""Answer two-turn chats with a policy and weigh every answer by policy and reference."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from lossgrid.generation.sampling import Response, sample_responses
from lossgrid.training.logps import get_sequence_logps


def generate_responses(
    policy: Path, reference: Path, chats: Sequence[dict], output: Path, settings, threads: int
) -> int:
    """Write a policy's answers to a set of chats, a line an answer.

    Every chat's first turn is answered, then its second turn with the first answer in the context. The model is
    loaded once; the reference is loaded after it is done with.

    Args:
        policy: Folder of the policy and its tokenizer.
        reference: Folder of the reference model.
        chats: Each with `id` and `turns`, the user's messages; further keys are copied to every line.
        output: JSON lines to write, beside and renamed. Each line has the chat's keys but `turns`, and `turn`
            (from 1), `prompt` (messages), `response`, `tokens` (response tokens, end token included),
            `finished`, `policy_logp` and `reference_logp` (nats, summed over response tokens).
        settings: `Evaluation` of the study.
        threads: CPU threads; another number gives other last bits.

    Returns:
        The number of lines.
    """
    torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    tokenizer = AutoTokenizer.from_pretrained(policy)

    model = AutoModelForCausalLM.from_pretrained(policy, dtype=dtype).to(device)
    lines, responses = [], []
    for chat_turns in _answer_turns(model, tokenizer, chats, settings):
        lines += chat_turns[0]
        responses += chat_turns[1]
    sequences = [(response.prompt_ids, response.response_ids) for response in responses]
    policy_logps = get_sequence_logps(model, tokenizer.pad_token_id, sequences, settings.batch_size)
    del model
    model = AutoModelForCausalLM.from_pretrained(reference, dtype=dtype).to(device)
    reference_logps = get_sequence_logps(model, tokenizer.pad_token_id, sequences, settings.batch_size)

    output.parent.mkdir(parents=True, exist_ok=True)
    beside = output.with_suffix(".beside")
    with beside.open("w") as file:
        for line, policy_logp, reference_logp in zip(
            lines, policy_logps.tolist(), reference_logps.tolist(), strict=True
        ):
            file.write(
                json.dumps({**line, "policy_logp": policy_logp, "reference_logp": reference_logp}) + "\n"
            )
    beside.rename(output)
    return len(lines)


def _answer_turns(model, tokenizer, chats: Sequence[dict], settings):
    """Yield, a turn at a time, the lines and the responses of all chats."""
    conversations = [[] for _ in chats]
    for turn in range(max(len(chat["turns"]) for chat in chats)):
        asked = [index for index, chat in enumerate(chats) if turn < len(chat["turns"])]
        for index in asked:
            conversations[index].append({"role": "user", "content": chats[index]["turns"][turn]})
        prompts = [list(conversations[index]) for index in asked]
        responses: list[Response] = sample_responses(
            model,
            tokenizer,
            prompts,
            max_new_tokens=settings.max_new_tokens,
            temperature=settings.temperature,
            batch_size=settings.batch_size,
            seed=settings.seed + turn,
        )
        lines = []
        for index, prompt, response in zip(asked, prompts, responses, strict=True):
            conversations[index].append({"role": "assistant", "content": response.text})
            lines.append(
                {
                    **{key: value for key, value in chats[index].items() if key != "turns"},
                    "turn": turn + 1,
                    "prompt": prompt,
                    "response": response.text,
                    "tokens": len(response.response_ids),
                    "finished": response.finished,
                }
            )
        yield lines, responses
