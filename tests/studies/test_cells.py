"""A study's grids become cells; cells that are the same function are trained once."""

import pytest

from lossgrid.studies import Cell, StudyError, find_aliases, get_cell, get_cells, get_trained_cells

DISCOPOP = "  discopop:\n    - {beta: 0.05, seeds: [1]}\n"


def test_cells_come_in_the_order_of_the_file(load_changed):
    """Tables and legends would be in another order than the author wrote."""
    assert [cell.path for cell in get_cells(load_changed())] == [
        "dpo/beta~0.05/seed~1",
        "dpo/beta~0.05/seed~2",
        "dpo/beta~0.25/seed~1",
        "dpo/beta~0.25/seed~2",
        "hinge/beta~0.1/seed~1",
        "hinge/beta~0.1/seed~2",
        "discopop/beta~0.05__tau~0.05/seed~1",
        "discopop/beta~5__tau~0.05/seed~1",
        "discopop/beta~5__tau~0.05__evaluation~published/seed~1",
        "dlrml/beta_kl~0.05__beta_mix~0.01__tau~0.05/seed~1",
        "dlrml/beta_kl~0.05__beta_mix~0.01__tau~0.05/seed~2",
        "dlrml/beta_kl~0.05__beta_mix~0.2__tau~0.05/seed~1",
        "dlrml/beta_kl~0.05__beta_mix~0.2__tau~0.05/seed~2",
    ]


def test_objectives_keep_the_order_of_the_file_and_not_of_the_catalogue(load_changed):
    """Pydantic sorts fields as its model declares them."""
    study = load_changed(("  dpo: {beta: [0.05, 0.25]}\n", ""), ("claims:", "  dpo: {beta: 0.05}\nclaims:"))
    assert [name for name, _, _ in study.objectives.iterate()] == [
        "hinge",
        "discopop",
        "discopop",
        "dlrml",
        "dpo",
    ]


@pytest.mark.parametrize("empty", ["", " {}", " null", " [null]", " [{}]"])
def test_an_empty_block_is_the_setting_of_all_defaults(empty, load_changed):
    """`hinge:` would be no cell at all, and silently missing from the figures."""
    study = load_changed(("  hinge:", f"  hinge:{empty}"))
    hinges = [cell.path for cell in get_cells(study) if cell.objective == "hinge"]
    assert hinges == ["hinge/beta~0.1/seed~1", "hinge/beta~0.1/seed~2"]


def test_whole_numbers_are_the_same_cells_as_floats(load_changed):
    """`beta: 1` and `beta: 1.0` would be two identities of one cell."""
    one = get_cells(load_changed(("  hinge:", "  hinge: {beta: 1}")))
    same = get_cells(load_changed(("  hinge:", "  hinge: {beta: 1.0}")))
    assert one == same
    assert isinstance(one[4].setting["beta"], float)


@pytest.mark.parametrize(
    ("objective", "setting", "label"),
    [
        ("dpo", {"beta": 0.05}, "β 0.05"),
        ("discopop", {"beta": 5.0, "tau": 0.05, "evaluation": "published"}, "β 5, published"),
        (
            "dlrml",
            {"beta_kl": 0.05, "beta_mix": 0.2, "tau": 0.05, "evaluation": "log_space"},
            "β_kl 0.05, β_mix 0.2",
        ),
        (
            "dlrml",
            {"beta_kl": 0.05, "beta_mix": 0.2, "tau": 1.0, "evaluation": "log_space"},
            "β_kl 0.05, β_mix 0.2, τ 1",
        ),
    ],
)
def test_labels_say_what_differs(objective, setting, label):
    """Two cells of a figure would have the same label, or every label the same τ."""
    assert Cell("small", objective, setting, 1).label == label


def test_a_cell_is_found_by_its_path(load_changed):
    """The workflow asks for cells by the wildcards of a path."""
    study = load_changed()
    assert get_cell(study, "dpo/beta~0.25/seed~2") == Cell("small", "dpo", {"beta": 0.25}, 2)


def test_a_cell_that_is_not_in_the_study_is_refused_with_the_nearest(load_changed):
    """A mistyped target would end in a missing input many rules further down."""
    with pytest.raises(StudyError) as caught:
        get_cell(load_changed(), "dpo/beta~0.25/seed~3")
    assert str(caught.value) == (
        "study small: dpo/beta~0.25/seed~3: no such cell; the nearest is dpo/beta~0.25/seed~2, or add it to "
        "studies/small.yaml"
    )


@pytest.mark.parametrize(
    ("dlrml", "discopop"),
    [
        ("{beta_kl: 0.05, beta_mix: 0.05}", "{beta: 0.05}"),
        ("{beta_kl: 0.3, beta_mix: 0.3, tau: 0.7}", "{beta: 0.3, tau: 0.7}"),
        ("{beta_kl: 0.05, beta_mix: 0.2, tau: 0.05}", "{beta: 0.05, tau: 0.0125}"),
        ("{beta_kl: 5, beta_mix: 5, evaluation: published}", "{beta: 5, evaluation: published}"),
    ],
    ids=["equal β", "equal β and τ", "equal β_mix/τ", "published"],
)
def test_dlrml_is_an_alias_of_the_discopop_that_is_the_same_function(dlrml, discopop, load_changed):
    """The same function would be trained twice a seed and shown as two results."""
    study = load_changed(
        (DISCOPOP, f"  discopop:\n    - {discopop}\n"),
        ("    - {beta: 5.0, evaluation: [log_space, published], seeds: [1]}\n", ""),
        ("{beta_kl: 0.05, beta_mix: [0.01, 0.2]}", dlrml),
        ('"discopop/*published"', '"discopop/*"'),
    )
    cells = get_cells(study)
    originals = [cell.path for cell in cells if cell.objective == "discopop"]
    aliases = [cell.path for cell in cells if cell.objective == "dlrml"]
    assert len(originals) == 2
    assert find_aliases(cells) == dict(zip(aliases, originals, strict=True))
    assert get_trained_cells(study) == [cell for cell in cells if cell.objective != "dlrml"]


@pytest.mark.parametrize(
    "dlrml",
    [
        "{beta_kl: 0.05, beta_mix: 0.05, evaluation: published, seeds: [1]}",
        "{beta_kl: 0.05, beta_mix: 0.05, seeds: [2]}",
        "{beta_kl: 0.05, beta_mix: 0.05, tau: 0.0500001, seeds: [1]}",
        "{beta_kl: 0.25, beta_mix: 0.25, seeds: [1]}",
    ],
    ids=["other evaluation", "other seed", "other τ", "other β"],
)
def test_another_function_evaluation_or_seed_is_no_alias(dlrml, load_changed):
    """A result would be shown for a run that never took place."""
    study = load_changed(("{beta_kl: 0.05, beta_mix: [0.01, 0.2]}", dlrml))
    assert find_aliases(get_cells(study)) == {}
    assert get_trained_cells(study) == get_cells(study)
