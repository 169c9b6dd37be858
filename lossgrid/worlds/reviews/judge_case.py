"""What a judge of the reviews world finds in a prompt: the aspect asked about and the replies to compare."""

import re
from dataclasses import dataclass
from typing import Literal

from lossgrid.worlds.reviews.lexicon import ASPECTS

_SECTION = re.compile(r"^== (.+) ==$", re.MULTILINE)
_FIELD = re.compile(r'"(instruction|post|output|summary)"\s*:\s*"""(.*?)"""', re.DOTALL)
# Sections of `judge_prompts`: what is asked, and what was replied. Where there are two turns the second counts.
_SHAPES = (
    ("Second question", ("Second reply",)),
    ("Second question", ("Second reply of assistant A", "Second reply of assistant B")),
    ("Question", ("Reply",)),
    ("Question", ("Reply of assistant A", "Reply of assistant B")),
)
_ASPECTS = frozenset(ASPECTS)


class UnreadablePromptError(ValueError):
    """A prompt that this judge does not understand; the message says what is missing."""


@dataclass(frozen=True)
class Case:
    """What a judge is to judge.

    Attributes:
        form: How to answer: with a rating of one reply, a verdict on two, or the one token that names one of two.
        aspect: The aspect of a film that the replies should be about.
        replies: One reply or two, in the order shown, without white space around them.
    """

    form: Literal["rating", "verdict", "choice"]
    aspect: str
    replies: tuple[str, ...]


def read_case(prompt: str) -> Case:
    """Find question and replies in a judge's prompt.

    Understood are the prompts of `get_judge_prompts`, and prompts that show texts in AlpacaEval's way, as the name of
    a field in quotes, a colon and the text between three quotes on either side: once `instruction` or `post`, twice
    `output` or `summary`.

    Args:
        prompt: The text of the user's message.

    Raises:
        UnreadablePromptError: If there is no question with one or two replies, or the question names no aspect.
    """
    fields = _FIELD.findall(prompt)
    if fields:
        questions = [text for name, text in fields if name in ("instruction", "post")]
        replies = tuple(text.strip() for name, text in fields if name in ("output", "summary"))
        if len(questions) != 1 or len(replies) != 2:
            raise UnreadablePromptError(
                f'{len(questions)} fields "instruction" or "post" and {len(replies)} fields "output" or "summary"; '
                "needs one of the former and two of the latter"
            )
        return Case("choice", find_aspect(questions[0]), replies)
    _, *parts = _SECTION.split(prompt)
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    for question, titles in _SHAPES:
        if question in sections and all(title in sections for title in titles):
            replies = tuple(sections[title].strip() for title in titles)
            form = "rating" if len(titles) == 1 else "verdict"
            return Case(form, find_aspect(sections[question]), replies)
    raise UnreadablePromptError(
        f"no question with its replies in the prompt, which begins with {prompt[:60]!r}; send one of the reviews "
        "world's own judge prompts, or AlpacaEval's"
    )


def find_aspect(question: str) -> str:
    """The aspect that a question, or a chat that ends in a question, asks about: the last one it names.

    Raises:
        UnreadablePromptError: If it names none.
    """
    for word in reversed(question.split()):
        if word in _ASPECTS:
            return word
    raise UnreadablePromptError(f"the question {question.strip()[:60]!r} names none of {', '.join(ASPECTS)}")
