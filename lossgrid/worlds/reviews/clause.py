"""The grammar of replies: ``the NOUN VERB [ADVERB] [not] ADJECTIVE``, joined, closed by a full stop."""

from dataclasses import dataclass

from lossgrid.worlds.reviews.lexicon import (
    ADJECTIVES,
    ADVERBS,
    ASPECT_OF_NOUN,
    JOINERS,
    NEGATION_FACTOR,
    VERBS,
)

_JOINING_WORDS = frozenset(joiner.split()[1] for joiner in JOINERS if joiner.startswith(", "))
_SINGLE_JOINERS = frozenset(joiner for joiner in JOINERS if " " not in joiner)


@dataclass(frozen=True)
class Clause:
    """One statement about one noun, such as ``the cast is rather not dull``."""

    noun: str
    verb: str
    adverb: str | None
    negated: bool
    adjective: str

    @property
    def aspect(self) -> str:
        """The aspect of a film that the noun belongs to."""
        return ASPECT_OF_NOUN[self.noun]

    @property
    def valence(self) -> float:
        """How favourable the clause is, in [-1, 1]: adjective × adverb × negation, clipped."""
        scale = ADVERBS.get(self.adverb, 1.0) * (NEGATION_FACTOR if self.negated else 1.0)
        return max(-1.0, min(1.0, ADJECTIVES[self.adjective] * scale))

    @property
    def text(self) -> str:
        """The clause as words separated by single spaces."""
        optional = ([self.adverb] if self.adverb else []) + (["not"] if self.negated else [])
        return " ".join(["the", self.noun, self.verb, *optional, self.adjective])


def parse_reply(reply: str) -> list[Clause | None]:
    """Read a reply as clauses.

    Args:
        reply: any text; only its words count, not how many spaces lie between them.

    Returns:
        One entry per clause in order of appearance, None where it is malformed: not of the grammar, of
        unknown words, empty between two joiners, or a tail without its closing full stop. Never empty:
        an empty reply is one malformed clause.
    """
    pieces: list[list[str]] = [[]]
    words = reply.split()
    position = 0
    while position < len(words):
        if words[position] in _SINGLE_JOINERS:
            pieces.append([])
        elif (
            words[position] == ","
            and words[position + 1 : position + 2]
            and words[position + 1] in _JOINING_WORDS
        ):
            pieces.append([])
            position += 1
        else:
            pieces[-1].append(words[position])
        position += 1
    clauses = [parse_clause(piece) for piece in pieces]
    if words and words[-1] == ".":
        return clauses[:-1]
    return [*clauses[:-1], None]


def parse_clause(words: list[str]) -> Clause | None:
    """Read the words of one clause; None if they are not one."""
    if len(words) < 4 or words[0] != "the" or words[1] not in ASPECT_OF_NOUN or words[2] not in VERBS:
        return None
    rest = words[3:]
    adverb = rest.pop(0) if rest[0] in ADVERBS else None
    negated = rest[:1] == ["not"]
    if negated:
        rest.pop(0)
    if len(rest) != 1 or rest[0] not in ADJECTIVES:
        return None
    return Clause(words[1], words[2], adverb, negated, rest[0])
