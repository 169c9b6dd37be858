r"""Numbers as macros of LaTeX: a text asks for `\lossgrid{mini/dpo/beta~0.05/reward}` and never types a digit."""

import re
from collections.abc import Iterable
from pathlib import Path

from lossgrid.paper.latex import comment, to_latex
from lossgrid.paper.quoted import Quoted

# Keys hold ~ and _, which mean something to LaTeX: \detokenize takes that from them. Nothing here has an @, so that
# the file can be read anywhere, and more than one study's in one paper.
MACROS = r"""\providecommand*{\lossgridset}[2]{%
  \expandafter\gdef\csname lossgrid/\detokenize{#1}\endcsname{#2}}
\DeclareRobustCommand*{\lossgridunknown}[1]{%
  \PackageError{lossgrid}{No number has the key \detokenize{#1}}{%
    The keys are those of the \string\lossgridset\space lines in tables/numbers.tex.}%
  \textbf{??}}
\providecommand*{\lossgrid}[1]{%
  \ifcsname lossgrid/\detokenize{#1}\endcsname
    \csname lossgrid/\detokenize{#1}\expandafter\endcsname
  \else
    \expandafter\lossgridunknown\expandafter{\detokenize{#1}}%
  \fi}
\providecommand*{\lossgridse}[1]{\lossgrid{#1} $\pm$ \lossgrid{#1/se}}
\providecommand*{\lossgridinterval}[1]{[\lossgrid{#1/low}, \lossgrid{#1/high}]}
\providecommand*{\lossgridn}[1]{\lossgrid{#1/n}}
"""
USE = (
    r"\lossgrid{KEY}          a number or a word",
    r"\lossgridse{KEY}        a number and its clustered standard error",
    r"\lossgridinterval{KEY}  the ends of its 95 % interval",
    r"\lossgridn{KEY}         how many observations it is made of",
)
NUMBER = re.compile(r"(?P<minus>-?)(?P<digits>[\d.]+)(?:e(?P<exponent>-?\d+))?")


def write_numbers(numbers: Iterable[Quoted], study: str, path: Path) -> None:
    """Write the file that defines every number.

    Args:
        numbers: The numbers of a study.
        study: Its name.
        path: File to write.

    Raises:
        ValueError: Two numbers have one key.
    """
    spelled: dict[str, str] = {}
    for number in numbers:
        for key, text in number.spell().items():
            if key in spelled:
                raise ValueError(
                    f"{key}: two numbers have this key; rename a claim or a category of the study"
                )
            spelled[key] = text
    head = comment(
        [
            f"Numbers of the study {study}, made from its tables by the workflow, which overwrites changes.",
            r"In the preamble of a paper: \input{results/"
            + study
            + "/tables/numbers.tex}. Then, in its text:",
            *USE,
            "Values have the decimals of their standard errors' first two digits; n/a: the tables have no number.",
        ]
    )
    lines = [f"\\lossgridset{{{key}}}{{{typeset(text)}}}\n" for key, text in spelled.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + MACROS + "".join(lines), encoding="utf-8")


def typeset(text: str) -> str:
    r"""A plain number or word as LaTeX, in text and in mathematics.

    Examples:
        >>> typeset("0.50"), typeset("-0.14"), typeset("1.2e-9"), typeset("diverged")
        ('0.50', '\\ensuremath{-0.14}', '\\ensuremath{1.2\\times10^{-9}}', 'diverged')
    """
    number = NUMBER.fullmatch(text)
    if number is None:
        return to_latex(text)
    if number["exponent"] is not None:
        return f"\\ensuremath{{{number['minus']}{number['digits']}\\times10^{{{number['exponent']}}}}}"
    return f"\\ensuremath{{{text}}}" if number["minus"] else text
