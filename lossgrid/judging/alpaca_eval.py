"""AlpacaEval 2.0: a run's answers against a baseline's, with upstream's own prompt, order and request settings."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from lossgrid.judging.comparisons import (
    Comparison,
    Pair,
    compare_run,
    get_text,
    index_responses,
)
from lossgrid.judging.preference import FIRST_TOKEN, SECOND_TOKEN

ANNOTATOR = "weighted_alpaca_eval_gpt4_turbo"
_MESSAGE = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>", re.DOTALL)
_PLACE = re.compile(r"\{(instruction|output_1|output_2)\}")


def build_requests(
    instructions: Sequence[Mapping[str, Any]],
    baseline_outputs: Mapping[Any, str],
    answers: Mapping[str, Sequence[Mapping[str, Any]]],
    judge_model: str,
    consistency: int = 0,
) -> list[Comparison]:
    """What to ask a judge about several runs.

    Args:
        instructions: In order, each with `id`, `instruction` and, where it has one, `dataset`.
        baseline_outputs: The baseline's output by id.
        answers: By run, its responses with `id` and `response`; turns after the first are left out.
        judge_model: Name of the judge.
        consistency: So many instructions are asked about twice more; see `compare_run`.

    Returns:
        The comparisons, run by run in order of the instructions. An answer that is the baseline's own is not
        asked about: it is a draw, as upstream has it.

    Raises:
        ValueError: An output of the baseline or of a run is missing, or a run has two.
    """
    messages, settings = read_annotator()

    def ask(instruction: str, first: str, second: str) -> dict[str, Any]:
        filling = {"instruction": instruction, "output_1": first, "output_2": second}
        return {"model": judge_model, "messages": fill_messages(messages, filling), **settings}

    comparisons = []
    for run, responses in answers.items():
        texts = index_responses(responses, run)
        pairs = [
            Pair(
                columns={"id": row["id"], "dataset": row.get("dataset", "")},
                question=row["instruction"],
                baseline=get_text(baseline_outputs, row["id"], "the baseline"),
                model=get_text(texts, row["id"], run),
            )
            for row in instructions
        ]
        comparisons += compare_run(run, pairs, ask, consistency)
    return comparisons


@cache
def read_annotator() -> tuple[tuple[tuple[str, str], ...], dict[str, Any]]:
    """The prompt and the request's settings of the installed alpaca_eval.

    Its files are read without importing it, which takes seconds.

    Returns:
        The messages, each a role and a text with places to fill, and the body's further fields.

    Raises:
        ModuleNotFoundError: alpaca_eval is not installed.
        ValueError: Its annotator does not answer in the way that `read_logprobs` reads.
    """
    package = find_spec("alpaca_eval")
    if package is None:
        raise ModuleNotFoundError("alpaca_eval is not installed; install what requirements.lock names")
    folder = Path(package.submodule_search_locations[0]) / "evaluators_configs"
    config = yaml.safe_load((folder / ANNOTATOR / "configs.yaml").read_text(encoding="utf-8"))[ANNOTATOR]
    parser = config["completion_parser_kwargs"]
    expected = {
        "numerator_token": FIRST_TOKEN,
        "denominator_tokens": [FIRST_TOKEN, SECOND_TOKEN],
        "is_binarize": False,
    }
    if parser != expected:
        raise ValueError(
            f"{ANNOTATOR} of the installed alpaca_eval reads {parser}; install alpaca_eval 0.6.6"
        )
    template = (folder / config["prompt_template"]).read_text(encoding="utf-8")
    messages = tuple((role, text.strip()) for role, text in _MESSAGE.findall(template))
    settings = {name: value for name, value in config["completions_kwargs"].items() if name != "model_name"}
    return messages, settings


def fill_messages(messages: Sequence[tuple[str, str]], filling: Mapping[str, str]) -> list[dict[str, str]]:
    """The messages of a request, with all places filled at once.

    An output that holds `{output_2}` or a role marker stays what it is, where upstream would fill or cut it.
    """
    return [
        {"role": role, "content": _PLACE.sub(lambda place: filling[place[1]], text)}
        for role, text in messages
    ]
