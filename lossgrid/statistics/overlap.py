"""Which texts of a training set are also in an evaluation: the same question, or a long run of the same words."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

# Words in a row that two texts hardly share by chance: Brown et al. 2020, arXiv:2005.14165, appendix C.
WORDS = 13
USER = "user"


class _Replacing(dict):
    """What `str.translate` puts for the characters of some categories of Unicode; each is looked up once."""

    def __init__(self, categories: tuple[str, ...], replacement: str):
        super().__init__()
        self._categories, self._replacement = categories, replacement

    def __missing__(self, code: int) -> str:
        character = chr(code)
        is_replaced = unicodedata.category(character).startswith(self._categories)
        self[code] = self._replacement if is_replaced else character
        return self[code]


_FORMATTING = _Replacing(("Cf",), "")
# Punctuation, separators, control characters, and accents that stand alone, such as the grave one of Markdown.
_PUNCTUATION = _Replacing(("P", "Z", "Cc", "Sk"), " ")


@dataclass(frozen=True)
class Overlaps:
    """What a training set shares with an evaluation; texts are named by their places, from 0.

    Attributes:
        same: The first evaluation text that equals a training text, by the latter's place.
        shared: The first evaluation text, in the order of the training text's own words, with which it shares a run
            of words, by the training text's place.
        evaluation_same: Evaluation texts that some training text equals.
        evaluation_shared: Evaluation texts that share a run of words with some training text.
    """

    same: Mapping[int, int]
    shared: Mapping[int, int]
    evaluation_same: frozenset[int]
    evaluation_shared: frozenset[int]

    @property
    def training(self) -> frozenset[int]:
        """Training texts that overlap in either way: those to leave out."""
        return frozenset(self.same) | frozenset(self.shared)

    @property
    def evaluation(self) -> frozenset[int]:
        """Evaluation texts that overlap in either way."""
        return self.evaluation_same | self.evaluation_shared


def normalise_text(text: str) -> str:
    r"""The words of a text, whatever its letters' case, its punctuation, white space and kind of Unicode.

    Compatibility forms are resolved (NFKC after case folding, as Unicode's NFKC_Casefold does), characters that only
    format (soft hyphens, joiners) go, and runs of punctuation and white space become one blank. Signs that carry a
    meaning stay: C++ is not C. A text without a word becomes empty.

    Examples:
        >>> normalise_text("  What’s a “ﬁne” day?\n\n* It's: C++! ")
        'what s a fine day it s c++'
    """
    folded = unicodedata.normalize("NFD", text.translate(_FORMATTING)).casefold()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold())
    return " ".join(folded.translate(_PUNCTUATION).split())


def find_overlaps(
    training_texts: Iterable[str], evaluation_texts: Iterable[str], words: int = WORDS
) -> Overlaps:
    """Find the training texts that equal an evaluation text or share a run of words with one.

    Texts are compared normalised. One without a word overlaps with nothing; one of fewer words than a run can only
    be equal. Scripts that write no blanks are words as long as their sentences: there, too, only equals are found.

    Args:
        training_texts: Read once, in order, and not kept.
        evaluation_texts: Their runs of words are kept: about 300 bytes a word.
        words: Length of a run.

    Raises:
        ValueError: For runs of no word.
    """
    return _find(([text] for text in training_texts), [[text] for text in evaluation_texts], words)


def find_prompt_overlaps(
    training: Iterable[Sequence[Mapping[str, str]]],
    evaluation: Iterable[Sequence[Mapping[str, str]]],
    words: int = WORDS,
) -> Overlaps:
    """The same for conversations, of which only what the user says counts: a system message is common to all.

    Two are the same where they open with the same message of the user, because what follows may be as short as
    "go on"; runs of words are looked for within each of the user's messages.

    Args:
        training: Conversations as messages with `role` and `content`.
        evaluation: The same.
        words: Length of a run.

    Raises:
        ValueError: For runs of no word.
    """
    return _find(map(_read_user, training), map(_read_user, evaluation), words)


def _read_user(messages: Sequence[Mapping[str, str]]) -> list[str]:
    """What the user says in a conversation."""
    return [message["content"] for message in messages if message["role"] == USER]


def _find(training: Iterable[Sequence[str]], evaluation: Iterable[Sequence[str]], words: int) -> Overlaps:
    """Compare lists of texts, of which the first is to be equal, and each may share words."""
    if words < 1:
        raise ValueError(f"words: {words}: a run has at least 1 word")
    openings: dict[str, list[int]] = {}
    runs: dict[tuple[str, ...], list[int]] = {}
    for place, texts in enumerate(evaluation):
        said = list(map(normalise_text, texts))
        if said and said[0]:
            openings.setdefault(said[0], []).append(place)
        for run in set(_list_runs(said, words)):
            runs.setdefault(run, []).append(place)

    same, shared, evaluation_same, evaluation_shared = {}, {}, set(), set()
    known = frozenset(runs)
    for place, texts in enumerate(training):
        said = list(map(normalise_text, texts))
        if said and said[0] in openings:
            same[place] = openings[said[0]][0]
            evaluation_same.update(openings[said[0]])
        # Nearly all texts share nothing, which sets can tell by themselves.
        if not known.isdisjoint(_list_runs(said, words)):
            found = [run for run in _list_runs(said, words) if run in known]
            shared[place] = runs[found[0]][0]
            for run in found:
                evaluation_shared.update(runs[run])
    return Overlaps(same, shared, frozenset(evaluation_same), frozenset(evaluation_shared))


def _list_runs(texts: Iterable[str], words: int) -> Iterator[tuple[str, ...]]:
    """Every run of so many words within one of the normalised texts."""
    split = (text.split() for text in texts)
    return chain.from_iterable(zip(*(each[start:] for start in range(words)), strict=False) for each in split)
