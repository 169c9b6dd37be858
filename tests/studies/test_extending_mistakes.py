"""Mistakes in studies that extend others: each is said once, and in the file where its value stands."""

import re
from pathlib import Path

import pytest

from lossgrid.studies import StudyError, load_studies, load_study

CHILD = Path("studies/child.yaml")


def get_lines(call) -> list[str]:
    with pytest.raises(StudyError) as caught:
        call()
    return list(caught.value.lines)


@pytest.mark.parametrize(
    ("base", "overlay", "child", "expected"),
    [
        pytest.param(
            "training: {epochs: 0}",
            "seeds: [1]",
            "title: x",
            "studies/base.yaml:2: training.epochs: 0: must be a number above 0 (passes) "
            "(extended by studies/child.yaml)",
            id="a value of the base",
        ),
        pytest.param(
            "seeds: [2]",
            "title: y\nworld:\n  pairs: many",
            "title: x",
            "studies/overlays/over.yaml:3: world.pairs: 'many': must be a whole number of at least 2 (pairs) "
            "(extended by studies/child.yaml)",
            id="a value of the overlay",
        ),
        pytest.param(
            "seeds: [2]",
            "title: y",
            "sft:\n  epochz: 2",
            "studies/child.yaml:3: sft.epochz: 2: unknown key; did you mean 'epochs'? known: ",
            id="a key of the study itself",
        ),
        pytest.param(
            "training: {batch_size: 32}",
            "training:\n  micro_batch_size: 5",
            "training: {batch_size: 16}",
            "studies/overlays/over.yaml:2: training.micro_batch_size: 5: does not divide batch_size 16; "
            "the nearest size that does is 4 (extended by studies/child.yaml)",
            id="values that do not fit each other",
        ),
        pytest.param(
            "seeds: [2]",
            "title: y",
            "objectives: {dpo: {beta: 0.5}}",
            "studies/small.yaml:29: claims[0].cell: 'dpo/beta~0.05': no such cell in the grid; "
            "the nearest is 'dpo/beta~0.5' (extended by studies/base.yaml, by studies/child.yaml)",
            id="a claim of a base about a cell that its extension replaces",
        ),
        pytest.param(
            "seeds: [2]",
            "objectives:\n  hinges: null",
            "title: x",
            "studies/overlays/over.yaml:2: objectives.hinges: null: removes an objective that nothing below has; "
            "did you mean 'hinge'? write {} for one with its defaults (extended by studies/child.yaml)",
            id="null for an objective that is not there",
        ),
        pytest.param(
            "sft: {epochs: 2, epochs: 3}",
            "title: y",
            "title: x",
            "studies/base.yaml:2: sft.epochs: 3: the key is already given in line 2; keep one of the two "
            "(extended by studies/child.yaml)",
            id="a key given twice in the base",
        ),
        pytest.param(
            "- x\nsft: 1",
            "title: y",
            "title: x",
            "studies/base.yaml:2: not YAML: ",
            id="a base that is no YAML",
        ),
        pytest.param(
            "seeds: [2]",
            "- dpo",
            "title: x",
            "studies/overlays/over.yaml:1: ['dpo']: the top level must be a mapping",
            id="an overlay that is no mapping",
        ),
        pytest.param(
            "seeds: [2]",
            "extends: smal",
            "title: x",
            "studies/overlays/over.yaml:1: extends: 'smal': no such study or overlay in studies/; the nearest is "
            "small; known: base, child, small, overlays/over (extended by studies/child.yaml)",
            id="a name that is not there",
        ),
        pytest.param(
            "seeds: [2]",
            "extends: child",
            "title: x",
            "studies/overlays/over.yaml:1: extends: 'child': extends itself: "
            "child → overlays/over → child; remove one of these (extended by studies/child.yaml)",
            id="a cycle",
        ),
    ],
)
def test_a_mistake_is_in_the_file_where_its_value_stands(base, overlay, child, expected, write):
    """Somebody would search the four lines of a study for what is wrong in the file that it extends."""
    write(
        base=f"extends: small\n{base}\n",
        overlays__over=f"{overlay}\n",
        child=f"extends: [base, overlays/over]\n{child}\n",
    )
    lines = get_lines(lambda: load_study(CHILD))
    assert len(lines) == 1
    assert lines[0].startswith(expected)


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        ("", "1: extends: null: is no name of a study or overlay; write extends: mini, or a list such as"),
        ("3", "1: extends: 3: is no name of a study"),
        ("[]", "1: extends: []: names nothing; write extends: mini"),
        ("[small, {a: 1}]", "1: extends[1]: {a: …}: is no name of a study"),
        ("\n- small\n- small", "3: extends[1]: 'small': stands in this list twice; keep one"),
        ("[middle, small]", "1: extends[1]: 'small': already lies below what stands to its left"),
        (
            "small.yaml",
            "1: extends: 'small.yaml': no such study or overlay in studies/; the nearest is small;",
        ),
        ("../small", "1: extends: '../small': no such study or overlay"),
        ("child", "1: extends: 'child': extends itself: child → child; remove one of these"),
    ],
)
def test_names_that_cannot_be_extended_are_refused(extends, message, write):
    """A traceback of the path library, or a study without what it should have extended."""
    write(middle="extends: small\n", child=f"extends: {extends}\ntitle: x\n")
    lines = get_lines(lambda: load_study(CHILD))
    assert len(lines) == 1
    assert lines[0].startswith(f"studies/child.yaml:{message}")


def test_a_cycle_and_what_leads_to_it_are_one_line_of_a_folder(write):
    """Three files would each tell the same circle from another end."""
    write(a="extends: b\n", b="extends: c\n", c="extends: [small, a]\n", d="extends: b\n")
    assert get_lines(lambda: load_studies(Path("studies"))) == [
        "studies/c.yaml:1: extends[1]: 'a': extends itself: a → b → c → a; remove one of these"
    ]


@pytest.mark.parametrize(
    ("broken", "count"),
    [("world: [", 1), ("- x", 1), ("", 1), ("extends: smal", 1), ("sft: {epochs: 0, epochs: 1}", 2)],
)
@pytest.mark.parametrize("name", ["base", "overlays__base"])
def test_a_folder_tells_the_mistake_of_a_base_once(name, broken, count, write):
    """Twenty studies that extend one broken file would bury its one line in twenty."""
    text = f"extends: small\n{broken}\n" if ":" in broken and "extends" not in broken else f"{broken}\n"
    write(**{name: text})
    extended = name.replace("__", "/")
    for child in "abc":
        Path(f"studies/{child}.yaml").write_text(f"extends: {extended}\n", encoding="utf-8")
    lines = get_lines(lambda: load_studies(Path("studies")))
    assert len(lines) == count, lines
    suffix = "" if name == "base" else " (extended by studies/a.yaml)"
    assert all(re.match(rf"studies/{extended}.yaml:\d+: .*?{re.escape(suffix)}$", line) for line in lines)
    assert suffix or not any("extended by" in line for line in lines)


def test_overlays_are_no_studies(write):
    """An incomplete file would stop the workflow, or appear among the studies to build."""
    write(overlays__shrink="world: {pairs: 4}\n", child="extends: [small, overlays/shrink]\n")
    assert list(load_studies(Path("studies"))) == ["child", "small"]
    assert get_lines(lambda: load_study(Path("studies/overlays/shrink.yaml"))) == [
        "studies/overlays/shrink.yaml: is an overlay and no study by itself; name it in a study, such as "
        "extends: [mini, overlays/shrink]"
    ]
    Path("studies/overlays/passed.yml").touch()
    assert get_lines(lambda: load_studies(Path("studies"))) == [
        "studies/overlays/passed.yml: would be passed over; rename it to .yaml"
    ]
