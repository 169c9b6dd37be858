"""What is written for LaTeX is what LaTeX reads, as far as that can be told without one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.mathtext import MathTextParser

from lossgrid.paper.latex import MATHS, to_latex, wrap
from lossgrid.paper.numbers_file import typeset


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_no_sign_of_a_text_is_a_command(text):
    """A title with a % would end a caption in its middle, and one with an _ would stop LaTeX."""
    plain = re.sub(r"\\text\w+\{\}|\\[%&#$_{}]|\$[<>]\$", "", to_latex(text))
    assert not set(plain) & set("\\%&#$_{}^")


@pytest.mark.parametrize("symbol", MATHS)
def test_every_symbol_is_mathematics_that_can_be_set(symbol):
    """A misspelt command would stop LaTeX at the first caption with the symbol."""
    written = to_latex(symbol)
    assert written.startswith("$")
    # matplotlib's own reading of LaTeX's mathematics knows these commands.
    assert MathTextParser("agg").parse(written).width > 0


def test_subscripts_stay_with_their_symbols():
    """β_kl as a lone β and an escaped _ would not be the symbol of the text."""
    assert to_latex("r = β_mix/(τβ_kl)") == r"r = $\beta_{\mathrm{mix}}$/($\tau$$\beta_{\mathrm{kl}}$)"


def test_a_percentage_is_in_one_line():
    """Read as text too, a number belongs to its sign."""
    assert "95~\\%" in wrap(to_latex("word " * 30 + "95 % of all"), 40)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.43", "1.43"),
        ("-1.43", r"\ensuremath{-1.43}"),
        ("1.9e-11", r"\ensuremath{1.9\times10^{-11}}"),
        ("n/a", "n/a"),
    ],
)
def test_numbers_are_right_in_text_and_in_mathematics(text, expected):
    """A hyphen is no minus."""
    assert typeset(text) == expected
