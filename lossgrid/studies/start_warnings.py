"""Which settings of a study start in the wrong direction, in closed form: no torch, at every parse.

As a function of z = β_kl·ρ, only r = β_mix/(τβ_kl) shapes a modulated loss. What `lossgrid.audit` measures on the
loss itself follows from r:

- At ρ=0 the mix is ½, both branches have the slopes −½ and −1, and they differ by 1 − ln 2, so that
  dL/dz = −¾ + r(1 − ln 2)/4. It is positive where r > 3/(1 − ln 2) = 9.776674: training first *lowers* the margin.
- From r = 9.109096 on the slope is positive somewhere, first at z = −0.0610: a local minimum lies to the left of
  the fall. That ratio solves max_z dL/dz = 0, which has no closed form.
"""

from math import log

from lossgrid.studies.cells import get_cells
from lossgrid.studies.exponential_tail import get_ratio
from lossgrid.studies.schema import Study

# Below this ratio the gradient grows exponentially for ρ→−∞ (see exponential_tail).
BOUNDED_FROM = 1.0
# The largest ratio without a trap, to 7 digits; tests/audit recovers it from the loss.
MONOTONE_UP_TO = 9.109096
# The largest ratio whose slope at ρ=0 has the right sign.
RIGHT_START_UP_TO = 3 / (1 - log(2))
# A line names at most as many settings.
NAMED = 4


def describe_starts(study: Study) -> list[str]:
    """Warn of the modulated settings that a study starts in the wrong direction, or beside a trap.

    Args:
        study: The study.

    Returns:
        At most one line for either, naming how many distinct settings (whatever their seeds) and which; empty where
        there is none. Of a trained β_mix the first value counts.
    """
    ratios = {cell.reference: get_ratio(cell.objective, cell.setting) for cell in get_cells(study)}
    modulated = {name: ratio for name, ratio in ratios.items() if ratio is not None}
    wrong = {name: ratio for name, ratio in modulated.items() if ratio > RIGHT_START_UP_TO}
    beside = {name: r for name, r in modulated.items() if MONOTONE_UP_TO < r <= RIGHT_START_UP_TO}
    lines = []
    if wrong:
        lines.append(
            f"study {study.name}: {count(wrong, ratios)} wrong sign of the slope at the start, r > "
            f"{RIGHT_START_UP_TO:.4g}: training first lowers the margin: {spell(wrong)}"
        )
    if beside:
        lines.append(
            f"study {study.name}: {count(beside, ratios)} trap to the left of the start, {MONOTONE_UP_TO:.4g} < r ≤ "
            f"{RIGHT_START_UP_TO:.4g}, though the start is right: {spell(beside)}"
        )
    return lines


def count(found: dict[str, float], of: dict[str, float | None]) -> str:
    verb = "has a" if len(found) == 1 else "have a"
    return f"{len(found)} of {len(of)} settings {verb}"


def spell(found: dict[str, float]) -> str:
    """The first settings by name, with their ratios."""
    named = [f"{name} (r={ratio:.4g})" for name, ratio in list(found.items())[:NAMED]]
    more = [f"{len(found) - NAMED} more"] if len(found) > NAMED else []
    return ", ".join([*named, *more])
