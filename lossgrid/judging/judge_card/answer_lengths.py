"""How long the answers are that a stored prompt shows to a judge."""

import re
from functools import cache
from string import Formatter

# Placeholders of what is judged, by the kind of template: of two turns the second.
_JUDGED = (("answer_2",), ("answer",), ("answer_a_2", "answer_b_2"), ("answer_a", "answer_b"))


def measure_answers(prompt: str, template: str) -> list[int] | None:
    r"""The lengths of the judged answers, read back from the prompt that they were put into.

    Args:
        prompt: A whole prompt.
        template: The template that it was made from, with FastChat's placeholders.

    Returns:
        Characters of the answer, or of both in the order shown; None where the prompt is not made from the template,
        as one of another release of FastChat.

    Examples:
        >>> measure_answers("Q: why?\nA: so.\nB: because.", "Q: {question}\nA: {answer_a}\nB: {answer_b}")
        [3, 8]
    """
    pattern, fields = _compile(template)
    found = pattern.fullmatch(prompt)
    if found is None:
        return None
    names = next((names for names in _JUDGED if fields.issuperset(names)), ())
    return [len(found[name]) for name in names] or None


@cache
def _compile(template: str) -> tuple[re.Pattern, frozenset[str]]:
    """The template as a pattern, each placeholder as a group of its name; one that comes twice is the same text."""
    parts, fields = [], []
    for literal, field, _, _ in Formatter().parse(template):
        parts.append(re.escape(literal))
        if field is not None:
            parts.append(f"(?P={field})" if field in fields else f"(?P<{field}>.*?)")
            fields.append(field)
    return re.compile("".join(parts), re.DOTALL), frozenset(fields)
