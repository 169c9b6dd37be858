"""Templates: a page holds all that it needs, and no text of a policy becomes a part of it."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.pages.template import fill_template, spell_data

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_data_comes_back_and_ends_no_script(value):
    """A policy says what it likes, `</script>` and `<!--` among it."""
    text = spell_data(value)
    assert json.loads(text) == value
    assert not re.search("[<\u2028\u2029]", text)


def test_what_is_not_finite_is_empty():
    """JSON has no NaN; a browser would refuse the whole page."""
    data = {"loss": [0.5, float("nan"), float("inf")], "pair": (-float("inf"),)}
    assert json.loads(spell_data(data)) == {"loss": [0.5, None, None], "pair": [None]}


def test_a_template_takes_in_its_files(tmp_path):
    """Whoever gets the page gets one file."""
    (tmp_path / "look.css").write_text("p { margin: 0 }")
    (tmp_path / "page.html").write_text(
        "<title>{{title}}</title><style>{{include look.css}}</style><script>{{scripts}};D={{data}}</script>"
    )
    page = fill_template(tmp_path / "page.html", "a < b", {"x": 1}, "'</script>'")
    assert page == (
        "<title>a &lt; b</title><style>p { margin: 0 }</style><script>'<\\/script>';D={\"x\":1}</script>"
    )


def test_data_are_not_filled_in_turn(tmp_path):
    """A text with braces is a text."""
    (tmp_path / "page.html").write_text("{{data}}")
    assert json.loads(fill_template(tmp_path / "page.html", "t", "{{title}}")) == "{{title}}"


def test_a_placeholder_that_nobody_fills_is_named(tmp_path):
    """It would stand on the page."""
    (tmp_path / "page.html").write_text("{{titel}}")
    with pytest.raises(ValueError, match=r"page\.html: nothing fills \{\{titel\}\}; there are title, data"):
        fill_template(tmp_path / "page.html", "t", {})


def test_a_missing_file_is_named(tmp_path):
    """The page would have no styles."""
    (tmp_path / "page.html").write_text("{{include look.css}}")
    with pytest.raises(FileNotFoundError, match=r"look\.css"):
        fill_template(tmp_path / "page.html", "t", {})
