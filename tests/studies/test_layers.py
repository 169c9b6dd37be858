"""Laying one file on another, for any content: what stays, what counts, and what is printed of it."""

import json
import string
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lossgrid.studies import load_study
from lossgrid.studies.document import Document
from lossgrid.studies.layers import Layer, lay, merge
from lossgrid.studies.showing import spell_study
from lossgrid.studies.yaml_core import build, compose

LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from("xyz")
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def parse(data):
    # JSON is YAML.
    return compose(json.dumps(data), "file")


def lay_data(*files):
    """What files amount to, the lowest first, as plain data."""
    node = parse(files[0])
    for data in files[1:]:
        node = lay(node, parse(data))
    return build(node, "", (), [])


def list_leaves(value, place=()):
    """Place and value of everything that is no mapping, and of empty mappings."""
    if not isinstance(value, dict) or not value:
        return {place: value}
    found = {}
    for key, child in value.items():
        found |= list_leaves(child, (*place, key))
    return found


@given(data=MAPPINGS)
def test_an_empty_file_changes_nothing_above_or_below(data):
    """An overlay without keys would lose or reorder what it is laid on."""
    assert lay_data(data, {}) == lay_data({}, data) == lay_data(data, data) == data
    assert list(lay_data(data, {})) == list(data)


@given(below=MAPPINGS, above=MAPPINGS)
def test_what_lies_above_counts_and_the_rest_stays(below, above):
    """A value of the base would win over the overlay's, or vanish though the overlay leaves it alone."""
    merged = list_leaves(lay_data(below, above))
    upper = list_leaves(above)
    for place, value in upper.items():
        # Only an empty mapping leaves the keys of the mapping below it.
        if value != {}:
            assert (place, value) in merged.items()
    for place, value in list_leaves(below).items():
        if value != {} and not any(is_beginning(each, place) for each in upper if upper[each] != {}):
            covers = any(is_beginning(place, each) for each in upper)
            assert covers or (place, value) in merged.items()
    assert all(place in upper or place in list_leaves(below) for place in merged)


def is_beginning(first, place):
    return place[: len(first)] == first


def test_a_mapping_of_another_kind_is_replaced_as_a_whole():
    """A world would keep keys that only the other kind of world has."""
    below = {"world": {"kind": "reviews", "pairs": 3, "policy": {"layers": 2}}}
    assert lay_data(below, {"world": {"kind": "hub", "rows": 4}}) == {"world": {"kind": "hub", "rows": 4}}
    same = lay_data(below, {"world": {"kind": "reviews", "pairs": 4}})
    assert same == lay_data(below, {"world": {"pairs": 4}})
    assert same["world"]["policy"] == {"layers": 2}


def test_a_judge_of_another_model_is_replaced_as_a_whole():
    """An address beside the command and the GPUs of another judge is none."""

    def merge_data(*files):
        layers = [Layer(Document(data, parse(data), ()), amends=True) for data in files]
        return build(merge(layers)[0], "", (), [])

    below = {"judge": {"model": "large", "command": "serve", "gpus": 4}}
    other = {"judge": {"model": "small", "base_url": "http://127.0.0.1/v1"}}
    assert merge_data(below, other) == other
    same = merge_data(below, {"judge": {"model": "large", "gpus": 2}})
    assert same == merge_data(below, {"judge": {"gpus": 2}})
    assert same["judge"] == {"model": "large", "command": "serve", "gpus": 2}


# Whatever YAML could take for something else: numbers, words, marks, folded lines.
TEXTS = st.text(string.ascii_letters + string.digits + " \n\t.:#-'\"{}[],&*!|>%@`~\\βé\u2028", min_size=1) | (
    st.sampled_from(["null", "5e-7", "no", "1:30", "true", "~", "<<", "=", ".inf", "2024-01-01", " x "])
)


@given(
    title=TEXTS,
    description=TEXTS,
    pairs=st.integers(2, 10**9),
    rate=st.floats(1e-300, 1e300),
    seeds=st.lists(st.integers(0, 9), min_size=1, unique=True),
    removed=st.sampled_from([{}, {"hinge": None}]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
def test_what_is_shown_of_a_study_loads_as_the_same_study(
    title, description, pairs, rate, seeds, removed, load_changed, study_path
):
    """The printed study would train by other numbers than the one that it explains."""
    if not study_path.exists():
        load_changed()
    child = {
        "extends": "small",
        "title": title,
        "description": description,
        "world": {"pairs": pairs},
        "training": {"learning_rate": rate},
        "seeds": [*seeds, 11],
        "objectives": {"dpo": [{"beta": 0.05}, {"beta": [0.5], "seeds": seeds}], **removed},
    }
    Path("studies/child.yaml").write_text(json.dumps(child), encoding="utf-8")
    extended = load_study(Path("studies/child.yaml"))
    assert (extended.title, extended.description) == (title, description)
    Path("shown").mkdir(exist_ok=True)
    Path("shown/child.yaml").write_text(spell_study(Path("studies/child.yaml")), encoding="utf-8")
    assert load_study(Path("shown/child.yaml")) == extended
