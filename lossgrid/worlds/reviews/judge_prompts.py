"""Judge prompts of the reviews world, under the names and in the schema by which FastChat looks them up.

Texts to judge stand in sections, each under a line such as `== Reply ==`, which no text of the language holds; the
oracle finds them by these lines.
"""

_MERITS = (
    "A good reply keeps to what was asked, is favourable, says nothing twice and is made of whole sentences."
)
_REFERENCE = "A reply that could not be better is given to compare with; others can be as good."
_TASKS = {
    ("single", False): "You grade what an assistant replied to somebody who asked about a film.",
    ("single", True): "You grade an assistant's replies to somebody who asked twice about a film. "
    "Only the second reply counts; the first one shows what it followed.",
    (
        "pairwise",
        False,
    ): "Two assistants replied to somebody who asked about a film. Which of them did better?",
    (
        "pairwise",
        True,
    ): "Two assistants replied to somebody who asked twice about a film. Which of them did better "
    "the second time? The first replies show what it followed.",
}
_VERDICTS = {
    "single": "Explain in a sentence or two what speaks for the reply and what against it. Close with a whole number "
    'from 1, worthless, to 10, flawless, written exactly like this: "Rating: [[4]]".',
    "pairwise": "Explain in a sentence or two where the assistants differ. The order in which they appear, their "
    "names and the length of what they write are no merits. Close with exactly one of three marks: [[A]] if "
    "assistant A did better, [[B]] if assistant B did, [[C]] if neither did.",
}
_FORMATS = {"single": "[[rating]]", "pairwise": "[[A]]"}
_NAMES = {
    "single": {False: "single-v1", True: "single-math-v1"},
    "pairwise": {False: "pair-v2", True: "pair-math-v1"},
}

# Title of the section and placeholder, by number of turns.
_REFERENCE_SECTIONS = {
    False: [("Reference", "ref_answer_1")],
    True: [
        ("Reference, first question", "question_1"),
        ("Reference, first reply", "ref_answer_1"),
        ("Reference, second question", "question_2"),
        ("Reference, second reply", "ref_answer_2"),
    ],
}
_SECTIONS = {
    ("single", False): [("Question", "question"), ("Reply", "answer")],
    ("single", True): [
        ("First question", "question_1"),
        ("First reply", "answer_1"),
        ("Second question", "question_2"),
        ("Second reply", "answer_2"),
    ],
    ("pairwise", False): [
        ("Question", "question"),
        ("Reply of assistant A", "answer_a"),
        ("Reply of assistant B", "answer_b"),
    ],
    ("pairwise", True): [
        ("First question", "question_1"),
        ("First reply of assistant A", "answer_a_1"),
        ("First reply of assistant B", "answer_b_1"),
        ("Second question", "question_2"),
        ("Second reply of assistant A", "answer_a_2"),
        ("Second reply of assistant B", "answer_b_2"),
    ],
}


def get_judge_prompts() -> list[dict[str, str]]:
    """The eight prompts that MT-Bench asks a judge with.

    Returns:
        Each with `name`, `type` (`single` or `pairwise`), `system_prompt`, `prompt_template`, `description`,
        `category` and `output_format`, as FastChat's `load_judge_prompts` reads them.
    """
    return [
        _build(kind, multi_turn, reference)
        for kind in _NAMES
        for multi_turn in (False, True)
        for reference in (False, True)
    ]


def _build(kind: str, multi_turn: bool, reference: bool) -> dict[str, str]:
    sections = [*(_REFERENCE_SECTIONS[multi_turn] if reference else []), *_SECTIONS[kind, multi_turn]]
    task = [_TASKS[kind, multi_turn], _MERITS, *([_REFERENCE] if reference else []), _VERDICTS[kind]]
    return {
        "name": _NAMES[kind][reference] + ("-multi-turn" if multi_turn else ""),
        "type": kind,
        "system_prompt": " ".join(task),
        "prompt_template": "".join(f"== {title} ==\n{{{field}}}\n\n" for title, field in sections)
        + "== End ==",
        "description": f"Reviews world, {'second' if multi_turn else 'first'} turn"
        f"{', beside a reference' if reference else ''}",
        "category": "math" if reference else "general",
        "output_format": _FORMATS[kind],
    }
