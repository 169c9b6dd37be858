"""Chats, prompts and held-out questions of the reviews world, each a function of a seed.

Every first question (film, aspect, wording) belongs to one of three sets, whatever the seed: no first
question of a held-out chat occurs in training, and none of a preference prompt in the chats. Each set
draws from random streams of its own name, and the first n items do not depend on how many follow.
"""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from lossgrid.worlds.reviews.language import ASPECTS, FIRST_WORDINGS, SECOND_WORDINGS, sample_reply
from lossgrid.worlds.reviews.lexicon import FILMS

# Preference prompts get the most because half of them are a first question alone and must still differ.
_SHARES = {"heldout": 1, "chats": 2, "preference": 5}


class _FirstQuestion(NamedTuple):
    film: str
    aspect: str
    wording: str

    @property
    def text(self) -> str:
        return self.wording.format(aspect=self.aspect, film=self.film)


def make_chats(seed: int, count: int) -> list[dict]:
    """Two-turn chats for supervised fine-tuning.

    Args:
        seed: seed of the study's data.
        count: number of chats, at most 107,520.

    Returns:
        Per chat `id`, `messages` (user, assistant, user, assistant; each a dict of role and content) and
        `aspects` (the two asked about). No two chats ask the same two questions.

    Raises:
        ValueError: if there are not that many different chats.
    """
    chats = []
    for index, (first, aspect, question) in enumerate(_two_turns(seed, "chats", count)):
        rng = Random(f"{seed}/chats/replies/{index}")
        messages = [
            _message("user", first.text),
            _message("assistant", sample_reply(rng, first.aspect)),
            _message("user", question),
            _message("assistant", sample_reply(rng, aspect)),
        ]
        chats.append({"id": f"chat-{index:06d}", "messages": messages, "aspects": [first.aspect, aspect]})
    return chats


def make_preference_prompts(seed: int, count: int) -> list[dict]:
    """Prompts whose replies are sampled from a policy and compared.

    Args:
        seed: seed of the study's data.
        count: number of prompts, at most 9,600.

    Returns:
        Per prompt `id`, `prompt` (messages, the last one the user's) and `aspect` (what the last message
        asks about). Even ones are one user turn; odd ones are user, assistant, user, with a reply of the
        corpus in between. No two prompts ask the same questions.

    Raises:
        ValueError: if there are not that many different prompts.
    """
    single = _first_questions("preference")
    _require("preference prompts", count, 2 * len(single))
    Random(f"{seed}/preference/single").shuffle(single)
    double = iter(_two_turns(seed, "preference", count // 2))
    prompts = []
    for index in range(count):
        if index % 2 == 0:
            first = single[index // 2]
            aspect, messages = first.aspect, [_message("user", first.text)]
        else:
            first, aspect, question = next(double)
            reply = sample_reply(Random(f"{seed}/preference/replies/{index}"), first.aspect)
            messages = [
                _message("user", first.text),
                _message("assistant", reply),
                _message("user", question),
            ]
        prompts.append({"id": f"preference-{index:06d}", "prompt": messages, "aspect": aspect})
    return prompts


def make_heldout_chats(seed: int, count: int) -> list[dict]:
    """Questions for evaluation, of which no first question occurs in training at any seed.

    Args:
        seed: seed of the study's data.
        count: number of chats, at most 53,760.

    Returns:
        Per chat `id`, `turns` (two questions) and `aspects` (the two asked about).

    Raises:
        ValueError: if there are not that many different chats.
    """
    return [
        {"id": f"heldout-{index:06d}", "turns": [first.text, question], "aspects": [first.aspect, aspect]}
        for index, (first, aspect, question) in enumerate(_two_turns(seed, "heldout", count))
    ]


def _two_turns(seed: int, name: str, count: int) -> Iterator[tuple[_FirstQuestion, str, str]]:
    firsts = _first_questions(name)
    _require(f"{name} with two turns", count, len(firsts) * (len(ASPECTS) - 1) * len(SECOND_WORDINGS))
    rng = Random(f"{seed}/{name}/questions")
    seen = set()
    while len(seen) < count:
        first = rng.choice(firsts)
        aspect = rng.choice([other for other in ASPECTS if other != first.aspect])
        turns = (first, aspect, rng.choice(SECOND_WORDINGS).format(aspect=aspect))
        if turns not in seen:
            seen.add(turns)
            yield turns


def _first_questions(name: str) -> list[_FirstQuestion]:
    questions = [
        _FirstQuestion(film, aspect, wording)
        for film in FILMS
        for aspect in ASPECTS
        for wording in FIRST_WORDINGS
    ]
    # The split is part of the world, not of a study: two seeds in one study still never overlap.
    Random("reviews/split of first questions").shuffle(questions)
    start = 0
    for other, share in _SHARES.items():
        stop = start + len(questions) * share // sum(_SHARES.values())
        if other == name:
            return questions[start:stop]
        start = stop
    raise KeyError(name)


def _require(what: str, count: int, available: int) -> None:
    if not 0 <= count <= available:
        raise ValueError(
            f"count: {count} {what} asked for; the reviews world has 0 to {available} different ones"
        )


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
