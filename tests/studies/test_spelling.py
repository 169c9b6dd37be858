"""Each setting has one spelling in paths, and the spelling reads back as the setting."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.objectives.catalogue import CATALOGUE, OBJECTIVES
from lossgrid.objectives.specification import Hyperparameter
from lossgrid.studies import (
    Cell,
    StudyError,
    parse_cell,
    parse_number,
    parse_setting,
    spell_number,
    spell_setting,
)
from lossgrid.studies.spelling import SETTING

positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)


@st.composite
def cells(draw) -> Cell:
    objective = draw(st.sampled_from(OBJECTIVES))
    # Five numbers of 23 characters each would not fit into a path.
    numbers = positive if len(objective.hyperparameters) < 5 else st.sampled_from([1e-05, 0.05, 0.25, 2.0])
    setting = {
        parameter.name: draw(
            st.sampled_from(parameter.choices)
            if parameter.choices
            else numbers.filter(lambda value, limit=parameter.below: value < limit)
        )
        for parameter in objective.hyperparameters
    }
    return Cell("small", objective.name, setting, draw(st.integers(0, 2**32 - 1)))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (1, "1"),
        (0.2, "0.2"),
        (0.1 + 0.2, "0.30000000000000004"),
        (5e-7, "5e-7"),
        (1e-05, "1e-5"),
        (0.0001, "0.0001"),
        (1e16, "1e16"),
        (1.5e300, "1.5e300"),
        (123456.0, "123456"),
    ],
)
def test_numbers_have_the_shortest_spelling(value, text):
    """`1` and `1.0` would be two folders for one cell, and a `+` would break a pattern of the workflow."""
    assert spell_number(value) == text
    assert parse_number(text) == value


@given(positive)
def test_a_number_reads_back_as_itself(value):
    """A job would train with another β than the study asks for."""
    assert parse_number(spell_number(value)) == value


@pytest.mark.parametrize("text", ["1.0", "+1", "01", "1e05", "1e-05", ".5", "1_0", "5E-7", "0.20", " 1"])
def test_another_spelling_of_a_number_is_refused_with_the_right_one(text):
    """A path typed as `beta~0.20` would train the same cell a second time."""
    with pytest.raises(StudyError, match="not the only spelling of this number; write ") as caught:
        parse_number(text)
    assert str(caught.value).endswith(f"write {spell_number(float(text))}")


@given(cells())
def test_a_cell_reads_back_from_its_path(cell):
    """A target typed by hand would be another cell than the one whose path it is."""
    assert parse_cell("small", cell.path) == cell
    assert parse_setting(CATALOGUE[cell.objective], cell.setting_path) == cell.setting


@given(cells())
def test_a_path_holds_only_what_a_wildcard_may(cell):
    """A comma in a wildcard makes every Slurm job fail."""
    assert SETTING.fullmatch(cell.setting_path)
    assert cell.path == f"{cell.objective}/{cell.setting_path}/seed~{cell.seed}"


def test_a_choice_is_spelled_only_where_it_is_not_the_default():
    """Every path would say `evaluation~log_space`, and a new choice would rename all folders."""
    setting = {"beta_kl": 0.05, "beta_mix": 0.2, "tau": 0.05, "evaluation": "log_space"}
    plain = "beta_kl~0.05__beta_mix~0.2__tau~0.05"
    assert spell_setting(CATALOGUE["dlrml"], setting) == plain
    published = {**setting, "evaluation": "published"}
    assert spell_setting(CATALOGUE["dlrml"], published) == f"{plain}__evaluation~published"


def test_an_objective_without_hyperparameters_is_spelled_default():
    """A folder without a name would merge the levels of the path."""
    bare = replace(CATALOGUE["dpo"], name="bare", hyperparameters=())
    assert spell_setting(bare, {}) == "default"
    assert parse_setting(bare, "default") == {}


def test_a_spelling_too_long_for_a_path_is_refused():
    """A file system takes 255 bytes a name, and the workflow promises 120."""
    names = [f"hyperparameter_of_a_long_name_{i}" for i in range(4)]
    parameters = tuple(Hyperparameter(name, "", 0.1) for name in names)
    long = replace(CATALOGUE["dpo"], name="long", hyperparameters=parameters)
    with pytest.raises(
        StudyError, match=r"objective long: setting .* has 146 characters and must be 1 to 120"
    ):
        spell_setting(long, long.defaults())


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("dpo/beta~0.050/seed~1", "'0.050' is not the only spelling of this number; write 0.05"),
        ("dpo/beta~x/seed~1", "'x' is not a number"),
        ("dpo/beta~nan/seed~1", "beta must be a finite number above 0"),
        ("dpo/beta~-1/seed~1", "beta must be a finite number above 0"),
        ("dpo/default/seed~1", "not how a setting is spelled; write dpo/beta~0.1"),
        ("dpo/beta~0.05__gamma~1/seed~1", "not how a setting is spelled; write dpo/beta~0.05"),
        ("discopop/tau~0.05__beta~0.05/seed~1", "write discopop/beta~0.05__tau~0.05"),
        (
            "discopop/beta~5__tau~0.05__evaluation~fast/seed~1",
            "evaluation must be one of log_space, published",
        ),
        ("discopop/beta~5__tau~0.05__evaluation~log_space/seed~1", "write discopop/beta~5__tau~0.05"),
        ("ppo/beta~0.05/seed~1", "ppo: unknown objective; known: dpo, cdpo"),
        ("dpo/beta~0.05/seed~01", "write objective/setting/seed~1"),
        ("dpo/beta~0.05", "write objective/setting/seed~1"),
        ("dpo/beta~0.05/1", "write objective/setting/seed~1"),
        ("dpo/beta~0.05/seed~1/policy", "write objective/setting/seed~1"),
    ],
)
def test_a_path_that_spells_no_cell_is_refused(path, message):
    """A mistyped target would be trained as something nobody asked for."""
    with pytest.raises(StudyError) as caught:
        parse_cell("small", path)
    assert message in str(caught.value)
