"""FastChat's own MT-Bench code with the call to the judge taken out of it.

FastChat builds a prompt, calls the judge and parses the reply inside one function. Such a function is played twice
here: once up to the call, to learn what would be sent, and once with a reply in place of the call, for the parser.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from types import ModuleType
from typing import Any

# FastChat's functions are module-level, so that only one reply can stand in for the call at a time.
_PLAYING = threading.Lock()


@dataclass(frozen=True)
class Game:
    """One call that FastChat would make.

    Attributes:
        judge_model: Name of the judge.
        play: FastChat's `run_judge_single` or `run_judge_pair`, bound to all its arguments.
    """

    judge_model: str
    play: Callable[[], tuple] = field(repr=False)

    def get_body(self) -> dict[str, Any]:
        """The body of the chat-completions call: `model`, `messages`, `temperature` and `max_tokens`."""

        def note(model, conversation, temperature, max_tokens):
            messages = conversation.to_openai_api_messages()
            raise _CallReached(
                {"model": model, "messages": messages, "temperature": temperature, "max_tokens": max_tokens}
            )

        try:
            with _replace_call(self.judge_model, note):
                self.play()
        except _CallReached as reached:
            return reached.body
        raise RuntimeError(
            "FastChat came to a verdict without a call; fschat 0.2.36 is the version that is known"
        )

    def read(self, text: str) -> Any:
        """What FastChat's parser makes of a reply: a rating or −1; `A`, `B`, `tie` or `error`.

        Raises:
            SyntaxError: FastChat took for a rating what is no number, such as `[[08]]`.
            ValueError: The same, for other texts.
        """
        with _replace_call(self.judge_model, lambda *_, **__: text):
            return self.play()[0]


def make_matches(
    questions: Sequence[dict],
    answers: Mapping[str, Mapping[Any, dict]],
    prompts: Mapping[str, dict],
    references: Mapping[Any, dict],
    judge_model: str,
    baseline: str | None,
) -> list:
    """FastChat's matches of both turns, with references where the category needs them.

    Args:
        questions: Lines of FastChat's `question.jsonl`.
        answers: FastChat's answer of each question, by run.
        prompts: FastChat's judge prompts by name.
        references: FastChat's reference answers by question.
        judge_model: Name of the judge.
        baseline: The run that others are compared with; None asks for a score of each answer.
    """
    common, generation = import_fastchat()
    if baseline is None:
        judges, make = generation.make_judge_single(judge_model, prompts), generation.make_match_single
    else:
        judges, make = generation.make_judge_pairwise(judge_model, prompts), generation.make_match
    with_reference = [each for each in questions if each["category"] in common.NEED_REF_CATS]
    others = [each for each in questions if each["category"] not in common.NEED_REF_CATS]
    matches = []
    for suffix, multi_turn in (("", False), ("-mt", True)):
        matches += make(
            others, list(answers), answers, judges[f"default{suffix}"], baseline, multi_turn=multi_turn
        )
        matches += make(
            with_reference, list(answers), answers, judges[f"math{suffix}"], baseline, {judge_model: references},
            multi_turn=multi_turn,
        )  # fmt: skip
    return matches


def get_games(match: Any) -> tuple[Game, ...]:
    """The calls of a match: one for a score; two for a comparison, the second with the answers swapped."""
    common, _ = import_fastchat()
    if isinstance(match, common.MatchPair):
        orders = [(match.answer_1, match.answer_2), (match.answer_2, match.answer_1)]
        run = common.run_judge_pair
    else:
        orders, run = [(match.answer,)], common.run_judge_single
    return tuple(
        Game(
            match.judge.model_name,
            partial(run, match.question, *order, match.judge, match.ref_answer, multi_turn=match.multi_turn),
        )
        for order in orders
    )


def make_bare_game(output_format: str) -> Game:
    """A game about nothing, for reading replies that were stored without what was asked.

    Args:
        output_format: `[[rating]]` for a score; `[[A]]` or `[[rating_a,rating_b]]` for a comparison.
    """
    common, _ = import_fastchat()
    prompt = {"prompt_template": "", "system_prompt": "", "output_format": output_format}
    empty = {"choices": [{"turns": [""]}]}
    question, judge = {"turns": [""]}, common.Judge("stored", prompt)
    if output_format == "[[rating]]":
        return Game("stored", partial(common.run_judge_single, question, empty, judge, None))
    return Game("stored", partial(common.run_judge_pair, question, empty, empty, judge, None))


@cache
def import_fastchat() -> tuple[ModuleType, ModuleType]:
    """FastChat's `common` and `gen_judgment`. The first call takes seconds."""
    from fastchat.llm_judge import common, gen_judgment

    return common, gen_judgment


class _CallReached(Exception):  # noqa: N818
    """FastChat has come to its call."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__("FastChat has come to its call")
        self.body = body


@contextmanager
def _replace_call(judge_model: str, call: Callable) -> Iterator[None]:
    from fastchat.conversation import get_conv_template

    common, _ = import_fastchat()
    replacements = {
        "chat_completion_openai": call,
        "OPENAI_MODEL_LIST": (*common.OPENAI_MODEL_LIST, judge_model),
        # By the name FastChat takes a judge for a local model: it looks for the adapter of one called `peft`, and
        # the template of others is theirs.
        "get_conversation_template": lambda _: get_conv_template("chatgpt"),
    }
    with _PLAYING:
        originals = {name: getattr(common, name) for name in replacements}
        vars(common).update(replacements)
        try:
            yield
        finally:
            vars(common).update(originals)
