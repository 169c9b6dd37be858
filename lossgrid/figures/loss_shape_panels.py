"""Which losses share a panel of the figure of shapes, and how many nats of margin it shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import log

import numpy as np
import pandas as pd

from lossgrid.figures.setting_labels import split_labels

# An objective with more settings has a panel for each value of all its hyper-parameters but the last.
SETTINGS = 6
# As many as there are dashes that tell lines apart.
LINES = 8
# A slope below this, relative to the largest within |z| ≤ SHOWN, is flat: its sign is that of a rounding error.
SHOWN, FLAT = 3.0, 1e-6
# A panel reaches so many times as far as its furthest extremum, but no further than so many nats, where training
# does not get, unless the extremum lies there.
BEYOND, NATS, AT_LEAST = 4.0, 30.0, 1.5
# Settings whose extrema are further apart than this ratio do not share a panel.
APART = 20.0


@dataclass(frozen=True)
class Panel:
    """One panel: the samples of each setting by its label, and the margins shown, from −reach to reach nats."""

    heading: str
    objective: str
    settings: dict[str, pd.DataFrame]
    reach: float


def split_into_panels(shapes: pd.DataFrame) -> list[Panel]:
    """Give every objective its panels.

    Margins are on linear axes, on which a loss whose extrema lie at a hundredth of a nat is a step beside one whose
    extrema lie at ten. Such settings have panels of their own, with their reach in the heading.

    Args:
        shapes: Samples as `plot_loss_shapes` takes them.
    """
    panels = []
    for objective, group in shapes.groupby("objective", sort=False):
        settings, title = _merge_evaluations(group), group["title"].iloc[0]
        for shared, labels, own in split_labels(settings, SETTINGS, LINES):
            heading = f"{title}, {shared}" if shared else title
            parts = _split_by_scale({name: settings[label] for label, name in zip(labels, own, strict=True)})
            for part in parts:
                reach = choose_reach(list(part.values()))
                name = heading if len(parts) == 1 else f"{heading}, ±{reach:.2g} nats"
                panels.append(Panel(name, objective, part, reach))
    return panels


def choose_reach(settings: list[pd.DataFrame]) -> float:
    """How far to the left and to the right of ρ=0 a panel shows its settings, in nats.

    Four times the furthest extremum, at most 30 nats or one and a half times that extremum; without extrema 3/β of
    the median setting, where tails begin to show.
    """
    furthest = max(filter(None, map(_get_scale, settings)), default=0.0)
    sampled = min(rows["rho"].max() for rows in settings)
    if not furthest:
        return min(SHOWN * float(np.median([_get_unit(rows) for rows in settings])), sampled)
    return max(min(BEYOND * furthest, NATS, sampled), AT_LEAST * furthest)


def find_extrema(rows: pd.DataFrame) -> Iterator[tuple[float, bool]]:
    """Where the slope changes its sign, in nats, and whether the loss has a minimum there."""
    rho, slope, signs = rows["rho"].to_numpy(float), rows["slope"].to_numpy(float), get_signs(rows)
    for left, right in pairwise(np.flatnonzero(signs)):
        if signs[left] != signs[right]:
            share = slope[left] / (slope[left] - slope[right])
            yield rho[left] + share * (rho[right] - rho[left]), signs[left] < 0


def get_signs(rows: pd.DataFrame) -> np.ndarray:
    """Signs of the slope: −1, 0 or 1 a sample; 0 where the loss is flat or not finite."""
    slope = rows["slope"].to_numpy(float)
    largest = np.nanmax(np.abs(slope[rows["z"].abs() <= SHOWN]))
    return np.sign(np.where(np.abs(slope) > FLAT * largest, slope, 0))


def _split_by_scale(settings: dict[str, pd.DataFrame]) -> list[dict[str, pd.DataFrame]]:
    """The settings in groups whose extrema lie within a ratio of APART, the furthest first."""
    scales = {label: _get_scale(rows) for label, rows in settings.items()}
    ordered = sorted(scale for scale in scales.values() if scale)
    groups = _cut(ordered)[::-1]
    if len(groups) < 2:
        return [settings]
    parts: list[dict] = [{} for _ in groups]
    for label, rows in settings.items():
        # A loss without extrema goes where it can be seen best.
        scale = scales[label] or SHOWN / BEYOND * _get_unit(rows)
        nearest = min(
            range(len(groups)), key=lambda n, s=scale: min(abs(log(s / other)) for other in groups[n])
        )
        parts[nearest][label] = rows
    return parts


def _cut(ordered: list[float]) -> list[list[float]]:
    """Cut ascending scales at their widest gaps, of equal gaps at the one nearest to the middle."""
    if not ordered or ordered[-1] <= APART * ordered[0]:
        return [ordered]
    gaps = [round(log(right / left), 2) for left, right in pairwise(ordered)]
    middle = (len(ordered) - 2) / 2
    cut = 1 + max(range(len(gaps)), key=lambda place: (gaps[place], -abs(place - middle)))
    return [*_cut(ordered[:cut]), *_cut(ordered[cut:])]


def _get_scale(rows: pd.DataFrame) -> float | None:
    """The distance from ρ=0 of the furthest extremum, if there is one."""
    return max((abs(place) for place, _ in find_extrema(rows)), default=None) or None


def _get_unit(rows: pd.DataFrame) -> float:
    """Nats in one unit of z."""
    return rows["rho"].max() / rows["z"].max()


def _merge_evaluations(group: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The samples of each setting by its label, a setting in two evaluations once."""
    samples = dict(list(group.groupby("label", sort=False)))
    merged = {}
    for label, rows in samples.items():
        plain = label.removesuffix(f", {rows['evaluation'].iloc[0]}")
        # The published evaluation alone keeps its name.
        merged[plain if plain in samples else label] = samples.get(plain, rows)
    return merged
