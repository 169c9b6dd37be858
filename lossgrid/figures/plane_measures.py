"""What the plane shows of its cells: three measures, their colours and how their values are written."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm, Normalize, TwoSlopeNorm

from lossgrid.figures.frontier import INTERVAL
from lossgrid.statistics.quality import Quality


@dataclass(frozen=True)
class Measure:
    """What a panel of the plane shows.

    Attributes:
        column: Column of the cells.
        join: How the seeds of a cell become one value: mean or max.
        title: Of the panel.
        bar: Of its colour bar.
        colours: Name of a colour map.
        norm: From values to the colour map.
        say_seeds: The cells of one place in words, each seed by itself.
        say_value: The joined value in a few letters.
        intervals: How wide the 95 % intervals are, where the values are estimates.
    """

    column: str
    join: str
    title: str
    bar: str
    colours: str
    norm: Normalize
    say_seeds: Callable[[pd.DataFrame], str]
    say_value: Callable[[float], str]
    intervals: str = ""


def get_measures(modulated: pd.DataFrame, quality: Quality | None, sft: float) -> list[Measure]:
    """Primary metric, share of non-finite steps and largest gradient norm, with colours that span the cells' values.

    Args:
        modulated: The cells, with columns share and max_grad_norm, and the metric's with its error.
        quality: The primary metric; None where there is none.
        sft: Its value that is neither better nor worse than no training.
    """
    measured = [_get_quality_measure(modulated, quality, sft)] if quality else []
    norms = modulated["max_grad_norm"].replace(0, np.nan).dropna()
    low, high = (norms.min(), norms.max()) if len(norms) else (1.0, 1.0)
    return [
        *measured,
        Measure(
            column="share",
            join="mean",
            title="steps with a non-finite loss or gradient",
            bar="mean share of non-finite steps",
            colours="Greys",
            norm=Normalize(0, max(modulated["share"].max(), 0.01)),
            say_seeds=_say_steps,
            # Where every step is finite there is nothing to say.
            say_value=lambda share: f"{100 * share:.2g}%" if share > 0 else "",
        ),
        Measure(
            column="max_grad_norm",
            join="max",
            title="largest gradient norm before clipping",
            bar="largest gradient norm (of finite ones)",
            colours="YlOrBr",
            norm=LogNorm(low / 1.05, high * 1.05),
            say_seeds=lambda seeds: " / ".join(map(say_norm, seeds["max_grad_norm"])),
            say_value=say_norm,
        ),
    ]


def _get_quality_measure(modulated: pd.DataFrame, quality: Quality, sft: float) -> Measure:
    values = modulated[quality.metric].astype(float)
    spread = np.nanmax([*abs(values - sft), 1e-9])
    # Over one another, the opponent would make a title longer than its panel.
    name = quality.name.partition(" over ")[0]
    short = f"reward, {quality.unit}" if quality.is_reward else "over seeds"
    return Measure(
        column=quality.metric,
        join="mean",
        title=f"{name}, {quality.unit}",
        bar=f"mean {short} (white: SFT, {sft:.2f})",
        colours="PuOr_r",
        norm=TwoSlopeNorm(sft, sft - spread, sft + spread),
        say_seeds=lambda seeds: " / ".join(map(_say_estimate, seeds[quality.metric], seeds[quality.error])),
        say_value=_say_short,
        intervals=_say_range(INTERVAL * modulated[quality.error].astype(float)),
    )


def say_norm(value: float) -> str:
    """A gradient norm in two or three digits."""
    if math.isnan(value):
        return "none finite"
    if value >= 1e4:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}"


def _say_score(value: float) -> str:
    # Adding 0 turns −0 into 0.
    return "no finite score" if math.isnan(value) else f"{round(value, 2) + 0:.2f}".replace("-", "−")


def _say_estimate(value: float, error: float) -> str:
    has_interval = math.isfinite(value) and math.isfinite(error)
    return _say_score(value) + (f" ± {INTERVAL * error:.2f}" if has_interval else "")


def _say_short(value: float) -> str:
    if math.isnan(value):
        return "no score"
    return _say_score(value).replace("0.", ".", 1) if abs(value) < 1 else _say_score(value)


def _say_range(halves: pd.Series) -> str:
    """The least and the largest half-width of the seeds' intervals."""
    least, most = halves.min(), halves.max()
    if math.isnan(most):
        return ""
    same = f"{least:.2f}" == f"{most:.2f}"
    return f"95 %: ±{most:.2f}" if same else f"95 %: ±{least:.2f} to ±{most:.2f}"


def _say_steps(seeds: pd.DataFrame) -> str:
    said = [
        f"{bad:.0f}/{made:.0f}" for bad, made in zip(seeds["nonfinite_steps"], seeds["steps"], strict=True)
    ]
    if len(said) > 1 and len(set(said)) == 1:
        return f"{len(said)} × {said[0]}"
    return ", ".join(said)
