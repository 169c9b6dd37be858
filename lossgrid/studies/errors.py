"""The one exception of this package, and the pieces of its sentences."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Mistake:
    """One line of an error's message.

    Attributes:
        line: Where the mistake is, what it is and how to fix it.
        readers: Where another file is being read than the one with the mistake: the file that extends this one,
            the file that extends that, and so on to the study being read.
    """

    line: str
    readers: tuple[str, ...] = ()

    def describe(self) -> str:
        """The line, with the files that lead to it."""
        return self.line + (f" (extended by {', by '.join(self.readers)})" if self.readers else "")


class StudyError(ValueError):
    """One or more mistakes in a study, one line each, saying where it is and how to fix it.

    Attributes:
        mistakes: The mistakes.
        lines: The lines of the message.
    """

    def __init__(self, *mistakes: str | Mistake):
        self.mistakes = tuple(Mistake(each) if isinstance(each, str) else each for each in mistakes)
        self.lines = tuple(mistake.describe() for mistake in self.mistakes)
        super().__init__("\n".join(self.lines))


@dataclass(frozen=True)
class Problem:
    """One mistake of a study file.

    Attributes:
        file: Path of the file in which the offending value stands.
        line: Line of the offending key, counted from 1.
        key: Dotted path of the key, empty for the file as a whole.
        value: The value as the file spells it, empty where the key is missing.
        message: What is wrong and how to fix it.
    """

    file: str
    line: int
    key: str
    value: str
    message: str

    def describe(self) -> str:
        """The problem as one line, with the file's name in front."""
        # A judge's key, written where the name of its variable belongs, must not reach a log.
        is_secret = self.key.startswith("judge.") and "key" in self.key
        value = "[hidden]" if is_secret and self.value else self.value
        return ": ".join(part for part in (f"{self.file}:{self.line}", self.key, value, self.message) if part)


def suggest(word: str, known: Iterable[str]) -> str:
    """A question that names the closest of the known words, or nothing where none is close."""
    match = find_close(word, known)
    return f"did you mean '{match}'? " if match else ""


def find_close(word: str, known: Iterable[str]) -> str | None:
    """The known word that the given one seems to be a misspelling of."""
    matches = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def find_nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is most like the given one, however unlike; empty only where none is known."""
    matches = get_close_matches(word, list(known), n=1, cutoff=0.0)
    return matches[0] if matches else ""
