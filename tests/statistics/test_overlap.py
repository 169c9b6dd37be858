"""Overlaps of a training set with an evaluation: what a person calls the same text is found, and nothing else."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.statistics.overlap import find_overlaps, find_prompt_overlaps, normalise_text

WORD = st.sampled_from(list("abcde"))
TEXTS = st.lists(st.lists(WORD, max_size=9).map(" ".join), max_size=6)
# Blanks and punctuation of several scripts.
NOISE = st.text(" \t\n.,;:!?…—“”«»()[]*_#`\u00a0\u2003。、\u00ad\u200b", min_size=1)


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("  What’s a “ﬁne” day?\n\n* It's: fine! ", "what s a fine day it s fine"),
        ("ＳＴＲＡＳＳＥ", "strasse"),
        ("Straße", "strasse"),
        ("cafe\u0301", "café"),
        ("co\u00adoperate", "cooperate"),
        ("C++ and C#", "c++ and c"),
        ("?!… — \u200b", ""),
    ],
)
def test_texts_by_hand(text, normalised):
    """Copies of a question differ in case, quotation marks, ligatures and white space."""
    assert normalise_text(text) == normalised


@given(st.text())
def test_normalising_twice_is_normalising_once(text):
    """Else a text would differ from its own normalised copy."""
    once = normalise_text(text)
    assert normalise_text(once) == once
    assert "  " not in once
    assert once == once.strip()


@given(
    st.text(st.characters(categories=["L", "N"]), min_size=1), NOISE, st.sampled_from(["NFC", "NFD", "NFKD"])
)
def test_dress_makes_no_difference(word, noise, form):
    """Punctuation, blanks and the kind of Unicode around the same letters."""
    dressed = noise + unicodedata.normalize(form, word) + noise
    assert normalise_text(dressed) == normalise_text(word)


@given(TEXTS, TEXTS, st.integers(1, 4))
def test_overlaps_are_those_of_the_definition(training, evaluation, words):
    """Against two loops over all pairs of texts, written down as the definition reads."""

    def list_runs(text):
        split = text.split()
        return [split[start : start + words] for start in range(len(split) - words + 1)]

    equal = [
        (i, j) for i, one in enumerate(training) for j, other in enumerate(evaluation) if one == other != ""
    ]
    sharing = [
        (i, j)
        for i, one in enumerate(training)
        for j, other in enumerate(evaluation)
        if any(run in list_runs(other) for run in list_runs(one))
    ]
    found = find_overlaps(training, evaluation, words)
    assert found.same.items() <= set(equal)
    assert found.shared.items() <= set(sharing)
    assert set(found.same) == {i for i, _ in equal}
    assert set(found.shared) == {i for i, _ in sharing}
    assert found.evaluation_same == {j for _, j in equal}
    assert found.evaluation_shared == {j for _, j in sharing}
    assert found.training == {i for i, _ in equal + sharing}
    assert found.evaluation == {j for _, j in equal + sharing}


@given(TEXTS, TEXTS, st.integers(1, 4))
def test_without_what_overlaps_nothing_overlaps(training, evaluation, words):
    """The use that a world makes of it: leaving these texts out must suffice."""
    found = find_overlaps(training, evaluation, words)
    kept = [text for place, text in enumerate(training) if place not in found.training]
    again = find_overlaps(kept, evaluation, words)
    assert (again.training, again.evaluation) == (frozenset(), frozenset())


@given(TEXTS, TEXTS, st.integers(2, 4))
def test_longer_runs_find_no_more(training, evaluation, words):
    """A run of n words holds one of n − 1."""
    longer, shorter = (find_overlaps(training, evaluation, each) for each in (words, words - 1))
    assert longer.shared.keys() <= shorter.shared.keys()
    assert longer.same == shorter.same


def test_thirteen_words_overlap_and_twelve_do_not():
    """The default, with other words and punctuation around them."""
    words = [f"word{number}" for number in range(13)]
    question = f"please say: {' '.join(words)}. thank you"
    assert find_overlaps([f"HELLO!  {', '.join(words)}?"], [question]).shared == {0: 0}
    assert find_overlaps([f"HELLO!  {', '.join(words[:-1])}?"], [question]).training == frozenset()


def test_a_run_of_no_word_is_refused():
    """It would be in every text."""
    with pytest.raises(ValueError, match="words: 0: a run has at least 1 word"):
        find_overlaps(["a"], ["a"], 0)


def say(*contents: str, system: str = "You are kind.") -> list[dict[str, str]]:
    """A chat of so many turns of the user, answered in between."""
    turns = [
        message
        for content in contents
        for message in ({"role": "user", "content": content}, {"role": "assistant", "content": "Go on."})
    ]
    return [{"role": "system", "content": system}, *turns[:-1]]


def test_of_conversations_only_the_user_counts():
    """The same system message and the same answers are in all of them, and `go on` asks nothing."""
    training = [say("what is a loss?"), say("hello", "go on"), say("Who?", "tell me of a b c")]
    evaluation = [say("What is a LOSS", "go on"), say("then", "go on"), say("tell me of a b c")]
    found = find_prompt_overlaps(training, evaluation, words=6)
    # No run goes on from one message into the next.
    assert find_prompt_overlaps([say("a b", "c d")], [say("o a b", "c d e")], words=3).training == frozenset()
    assert found.same == {0: 0}
    assert found.shared == {2: 2}
    assert find_prompt_overlaps([[]], [[]]).training == frozenset()


def test_many_texts_take_seconds():
    """A preference data set beside AlpacaEval; comparing all pairs would take days."""
    vocabulary = [f"word{number}" for number in range(997)]

    def write(seed, length):
        return " ".join(
            vocabulary[(seed * 7919 + place * place * (seed % 89 + 1)) % 997] for place in range(length)
        )

    evaluation = [write(seed, 40) for seed in range(2_000)]
    training = [write(seed, 20) for seed in range(100_000, 120_000)] + evaluation[:3]
    start = time.monotonic()
    found = find_overlaps(training, evaluation)
    # 0.3 s on a quiet core.
    assert time.monotonic() - start < 20
    assert {20_000, 20_001, 20_002} <= set(found.same)
