"""Plain text as LaTeX: symbols as mathematics, and nothing that LaTeX would read as a command."""

import re
from collections.abc import Iterable

MATHS = {
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon", "λ": r"\lambda",
    "π": r"\pi", "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau", "≤": r"\leq", "≥": r"\geq", "±": r"\pm",
    "×": r"\times", "‖": r"\|", "−": "-", "<": "<", ">": ">", "→": r"\to",
}  # fmt: skip
ESCAPED = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\u00a0": "~", "…": r"\dots{}",
    "–": "--", "—": "---", "“": "``", "”": "''", **{sign: f"\\{sign}" for sign in "%&#$_{}"},
}  # fmt: skip
# A symbol with what stands below it (β_kl, β_mix), or one of the signs above.
TOKEN = re.compile(
    "(?P<symbol>[α-ω])_(?P<below>[a-z]+)|(?P<sign>[" + "".join(map(re.escape, (*MATHS, *ESCAPED))) + "])"
)


def to_latex(text: str) -> str:
    r"""Write a text for LaTeX's text mode; letters of other alphabets are left to the engine.

    Examples:
        >>> to_latex("β_kl 0.05, τ ≤ −1, 95 %")
        '$\\beta_{\\mathrm{kl}}$ 0.05, $\\tau$ $\\leq$ $-$1, 95~\\%'
        >>> to_latex("mix_learning_rate ~ {a}")
        'mix\\_learning\\_rate \\textasciitilde{} \\{a\\}'
    """
    # No line ends between a number and its sign.
    return TOKEN.sub(_translate, text.replace(" %", "\u00a0%"))


def wrap(text: str, width: int = 100) -> str:
    """The text in lines that an editor shows whole; LaTeX reads a line's end as a space."""
    lines: list[list[str]] = [[]]
    for word in text.split(" "):
        if lines[-1] and len(" ".join([*lines[-1], word])) > width:
            lines.append([])
        lines[-1].append(word)
    return "\n".join(" ".join(line) for line in lines)


def comment(lines: Iterable[str]) -> str:
    """Lines that LaTeX passes over."""
    return "".join(f"% {line}\n" for line in lines)


def _translate(found: re.Match) -> str:
    if found["symbol"]:
        return f"${MATHS.get(found['symbol'], found['symbol'])}_{{\\mathrm{{{found['below']}}}}}$"
    sign = found["sign"]
    return f"${MATHS[sign]}$" if sign in MATHS else ESCAPED[sign]
