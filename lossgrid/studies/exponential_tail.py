"""The closed form that says which settings of a modulated loss have an exponentially growing gradient.

For ρ→−∞ the mix m falls like exp(β_mix·ρ/τ) and the exponential branch grows like exp(−β_kl·ρ), so that their
product goes like exp(β_kl(r−1)ρ) with r = β_mix/(τβ_kl): it grows without bound where r < 1.
"""

import math
import sys
from collections.abc import Collection, Sequence
from fractions import Fraction

from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.objectives.specification import Setting
from lossgrid.studies.spelling import spell_number


def describe_exponential_tail(
    objective: str, settings: Sequence[Setting], named: Collection[str]
) -> tuple[str, float, str] | None:
    """Say which setting of a block has the smallest r < 1, and the number that would mend the whole block.

    Args:
        objective: Name of the objective.
        settings: All settings of the block.
        named: The keys that the block names; a hyper-parameter among them is blamed.

    Returns:
        The hyper-parameter that is blamed, its value and the sentence; None where every r is at least 1.
    """
    ratios = [(get_ratio(objective, setting), setting) for setting in settings]
    growing = [(ratio, setting) for ratio, setting in ratios if ratio is not None and ratio < 1]
    if not growing:
        return None
    ratio, setting = min(growing, key=lambda pair: pair[0])
    key = next((name for name in ("beta_mix", "tau", "beta_kl") if name in named), "tau")
    more = f" ({len(growing)} settings of this block have r < 1)" if len(growing) > 1 else ""
    message = (
        f"gives r={ratio:.4g} < 1{more}, the gradient grows exponentially for ρ→−∞; "
        f"{describe_fix(settings)} or set allow_exponential_tail: true"
    )
    return key, setting[key], message


def get_ratio(objective: str, setting: Setting) -> float | None:
    ratio = CATALOGUE[objective].get_mix_ratio(setting)
    try:
        return None if ratio is None else float(ratio)
    except OverflowError:
        # Above the largest float, so certainly not below 1.
        return math.inf


def describe_fix(settings: Sequence[Setting]) -> str:
    if "beta_mix" not in settings[0]:
        # With one β in both places, r = 1/τ.
        return "lower tau to at most 1"
    smallest = max(
        Fraction(repr(setting["tau"])) * Fraction(repr(setting["beta_kl"])) for setting in settings
    )
    if smallest > Fraction(sys.float_info.max):
        return "lower tau"
    enough = float(smallest)
    while Fraction(repr(enough)) < smallest:
        enough = math.nextafter(enough, math.inf)
    return f"raise beta_mix to at least {spell_number(enough)}"
