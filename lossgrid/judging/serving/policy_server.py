"""Sampling responses from a server that the job starts: vLLM where speed counts."""

import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from transformers import AutoTokenizer, GenerationConfig
from transformers.utils import GENERATION_CONFIG_NAME

from lossgrid.generation.sampling import Response
from lossgrid.judging.asking.client import Endpoint, judge_requests
from lossgrid.judging.asking.ledger import Ledger
from lossgrid.judging.asking.request import JudgeRequest, Reply
from lossgrid.judging.serving.server import serve
from lossgrid.training.policies import is_adapter, write_full_policy

CONCURRENCY = 64
TIMEOUT = 600.0


@contextmanager
def serve_policy(command: str, policy: Path, log: Path) -> Iterator[Callable[..., list[Response]]]:
    """Serve a policy for as long as the context lasts.

    What the policy's folder says about sampling is hidden from the server, which would fill in from there what a
    request leaves open: a top-k, a repetition penalty, with `transformers serve` even whether to sample at all.

    Args:
        command: Command of the server, with `{model}` and `{port}`.
        policy: Folder of the policy and its tokenizer, which counts what the server answers in text.
        log: File for what the server prints.

    Yields:
        A function of prompts, `max_new_tokens`, `temperature` and `seed` that returns a response a prompt, as
        `sample_responses` does. A server batches as requests come, so that its bits may differ from run to run. Of a
        response it tells the text and whether it was cut: special tokens inside are lost, and `transformers serve`
        calls an end token at the last place allowed a cut.

    Raises:
        RuntimeError: The server does not come up, or leaves a prompt without an answer.
    """
    tokenizer = AutoTokenizer.from_pretrained(policy)
    with (
        _link_without_settings(Path(policy), tokenizer) as folder,
        serve(command.replace("{model}", shlex.quote(folder)), log) as base_url,
    ):
        endpoint = Endpoint(
            base_url=base_url, server="policy", model=folder, key_variable=None, concurrency=CONCURRENCY,
            timeout=TIMEOUT, attempts=5, prices=None, spend_limit=None,
        )  # fmt: skip
        yield partial(_sample, endpoint, tokenizer)


@contextmanager
def _link_without_settings(policy: Path, tokenizer) -> Iterator[str]:
    """A folder with the policy's files, or with the model that its adapter makes, and neutral settings.

    By those every token is taken as the policy weighs it.
    """
    neutral = GenerationConfig(
        do_sample=True,
        top_k=0,
        top_p=1.0,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with tempfile.TemporaryDirectory() as folder:
        if is_adapter(policy):
            # Servers load whole models.
            write_full_policy(policy, folder)
        else:
            for file in policy.resolve().iterdir():
                if file.name != GENERATION_CONFIG_NAME:
                    (Path(folder) / file.name).symlink_to(file)
        neutral.save_pretrained(folder)
        yield folder


def _sample(
    endpoint: Endpoint,
    tokenizer,
    prompts: Sequence[list[dict]],
    *,
    max_new_tokens: int,
    temperature: float,
    seed: int,
) -> list[Response]:
    requests = [
        JudgeRequest(
            body={
                "model": endpoint.model,
                "messages": prompt,
                "max_tokens": max_new_tokens,
                "temperature": temperature,
                "top_p": 1.0,
                "seed": seed + index,
            },
            parse=_read,
        )
        for index, prompt in enumerate(prompts)
    ]
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder))
        records = judge_requests(requests, endpoint, ledger)
        ledger.close()
    responses = []
    for prompt, request in zip(prompts, requests, strict=True):
        record = records[request.get_key(endpoint.server)]
        if record.state != "ok":
            raise RuntimeError(f"the policy's server gave no response: {record.error}")
        text, finished = record.value
        rendered = tokenizer.apply_chat_template(
            prompt, add_generation_prompt=True, tokenize=True, return_dict=True
        )
        response_ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        end = [tokenizer.eos_token_id] if finished else []
        responses.append(Response(rendered["input_ids"], [*response_ids, *end], text, finished))
    return responses


def _read(reply: Reply) -> list:
    return [reply.text, reply.finish_reason == "stop"]
