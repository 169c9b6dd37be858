"""Whatever stands where, a study loads or says in our words what is wrong."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lossgrid.studies import StudyError, get_cells, load_study
from lossgrid.studies.document import read_document

ODD_VALUES = [
    None,
    True,
    -1,
    0,
    2.5,
    1e308,
    10**400,
    "",
    "x",
    "sft",
    "1e-3",
    [],
    [[]],
    [None],
    [1, 1],
    {},
    {"kind": "x"},
]
LEAKS = ("Input should", "pydantic", "validation error", "https://", "{message}", "Traceback")


def find_places(value, place=()) -> Iterator[tuple]:
    """Keys and indices of every value, from the top."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in pairs:
        yield (*place, key)
        yield from find_places(child, (*place, key))


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
def test_an_odd_value_anywhere_is_refused_in_our_words(data, load_changed, study_path):
    """A value of an unforeseen type would show a traceback or a sentence of pydantic's."""
    if not study_path.exists():
        load_changed()
        study_path.rename("studies/original.yaml")
    content = copy.deepcopy(read_document(Path("studies/original.yaml")).data)
    place = data.draw(st.sampled_from(list(find_places(content))))
    holder = content
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = data.draw(st.sampled_from(ODD_VALUES))
    # JSON is YAML, all on one line.
    study_path.write_text(json.dumps(content), encoding="utf-8")
    lines = get_lines(study_path)
    study_path.unlink()
    assert all(line.startswith("studies/small.yaml:1: ") for line in lines)
    assert not [leak for leak in LEAKS for line in lines if leak in line]


def get_lines(path: Path) -> tuple[str, ...]:
    """What is wrong with a study, nothing where it loads; any other exception than ours is a failure."""
    try:
        load_study(path)
    except StudyError as error:
        return error.lines
    return ()


@pytest.mark.parametrize(
    ("dlrml", "fix"),
    [
        ("{beta_mix: 1.0e-10, tau: 1e308, beta_kl: 1e10}", "gives r=0 < 1, the gradient grows exponentially"),
        ("{beta_mix: 1.0, tau: 3.0, beta_kl: 1.0}", "raise beta_mix to at least 3 or set"),
        ("{beta_mix: 0.001, tau: 0.3, beta_kl: 0.1}", "raise beta_mix to at least 0.03 or set"),
    ],
)
def test_extreme_ratios_are_refused_with_a_fix(dlrml, fix, load_changed):
    """The arithmetic of the advice itself would overflow, or round the advised number below the bound."""
    with pytest.raises(StudyError) as caught:
        load_changed(("{beta_kl: 0.05, beta_mix: [0.01, 0.2]}", dlrml))
    assert len(caught.value.lines) == 1
    assert fix in caught.value.lines[0]


def test_a_ratio_beyond_the_largest_float_is_accepted(load_changed):
    """R = 4e309 is far above 1, but no float."""
    study = load_changed(("beta_mix: [0.01, 0.2]", "beta_mix: 1e307"))
    assert get_cells(study)[-1].setting_path == "beta_kl~0.05__beta_mix~1e307__tau~0.05"


def test_a_problem_in_every_section_is_found_together(load_changed):
    """One broken section would hide the mistakes of the others."""
    with pytest.raises(StudyError) as caught:
        load_changed(
            ("title: A small study", "title: 1"),
            ("corpus_chats: 100", "corpus_chats: 0"),
            ("learning_rate: 3e-3", "learning_rate: 0"),
            ("learning_rate: 5e-7", "learning_rate: -1"),
            ("seeds: [1, 2]\n", "seeds: 3\n"),
            ("{beta: [0.05, 0.25]}", "{beta: 0}"),
            ("at_most: 100", "at_most: x"),
            ("claims:", "evaluation: {seed: -1}\nclaims:"),
        )
    keys = [line.split(": ")[1] for line in caught.value.lines]
    assert keys == [
        "title",
        "world.corpus_chats",
        "sft.learning_rate",
        "training.learning_rate",
        "seeds",
        "objectives.dpo.beta",
        "evaluation.seed",
        "claims[2].at_most",
    ]
