"""Captions of the figures that are drawn from the table of cells: the frontier and the plane."""

from collections.abc import Iterable

import pandas as pd

from lossgrid.figures.frontier import (
    LINEAR_BELOW,
    NAMED,
    NOTHING,
    RIGHT_START_UP_TO,
    choose_labels,
    select_scored,
)
from lossgrid.figures.plane import MODULATED, SAFE_RATIO, TAU, WRONG_SIGN_RATIO
from lossgrid.figures.published import PublishedFrontier
from lossgrid.paper.captions.sentences import (
    count,
    count_runs,
    get_trained,
    join,
    name_run,
    say_diverged,
    say_left_out,
    say_range,
)
from lossgrid.statistics.quality import TRUE_REWARD, Quality

PUBLISHED = (
    "Right: published numbers ({source}), open markers with a dot, means with 95 % intervals over the rows of the "
    "published file (Student's t); those of one training differ in the seed of the sampling alone."
)
APART = (
    "Their divergence is KL(reference ‖ policy) per token, their reward another one: the two panels share no axis "
    "and no mean."
)
SHARED = (
    "Among them our settings, filled, means over seeds with the 95 % intervals of each run, on the same axes: "
    "KL(reference ‖ policy) of the next token, a mean over the positions of prompt and response, and the same "
    "classifier's probability. No mean holds both."
)


def describe_frontier(
    cells: pd.DataFrame,
    published: PublishedFrontier | None = None,
    quality: Quality | None = TRUE_REWARD,
) -> str:
    """The caption of the frontier; its arguments as the figure takes them."""
    if quality is None:
        return f"No frontier: {NOTHING}."
    _, trained, scored = select_scored(cells, quality)
    by_title, dense = choose_labels(trained)
    short = "reward" if quality.is_reward else quality.name
    labels = ""
    if by_title:
        labels = "The titles of the losses stand beside their points."
    elif dense:
        labels = (
            f"The {NAMED} settings of the highest and the {NAMED} of the lowest mean {short} are labelled; pale "
            f"settings start by lowering the margin (r > {RIGHT_START_UP_TO:.4g})."
        )
    return join(
        f"{say_quality(quality)} over the KL divergence of the policy from the reference, for "
        f"{count_runs(cells)}.",
        "Large markers are means over seeds, small ones single seeds; curves join settings of one loss, of one "
        "r = β_mix/(τβ_kl) for the modulated losses, that differ in their regularisation.",
        say_intervals("Bars", trained, quality),
        f"Star and dashed line: the SFT model, which is the reference. The KL axis is linear below {LINEAR_BELOW:g}.",
        labels,
        say_diverged(cells),
        _say_published(published, trained["objective"].unique()) if published else "",
        say_left_out("for want of finite scores", [name_run(row) for row in trained[~scored].itertuples()]),
    )


def say_quality(quality: Quality) -> str:
    """The primary metric at the beginning of a sentence."""
    if not quality.is_reward:
        return f"{quality.name[0].upper()}{quality.name[1:]} ({quality.unit})"
    unit = "" if quality.unit == TRUE_REWARD.unit else f" ({quality.unit})"
    return f"{quality.name.capitalize()} of a response{unit}"


def say_intervals(what: str, trained: pd.DataFrame, quality: Quality, divergence: bool = True) -> str:
    """What the intervals of each run are, of the metric and perhaps of the divergence, and over how many."""
    chats = (
        f"clustered by chat, over {say_range(trained['n'])} responses to {say_range(trained['chats'])} chats"
    )
    bars = f"{what} are 95 % intervals of each run (±1.96 standard errors)"
    if quality.is_reward:
        return f"{bars} {chats}."
    judged = f"{say_range(trained[quality.n])} judged {quality.items} to {say_range(trained[quality.count])}"
    own = f"{bars} clustered by {quality.clusters.removesuffix('s')}, over {judged} {quality.clusters} a run"
    return f"{own}, and of the divergence {chats}." if divergence else f"{own}."


def _say_published(published: PublishedFrontier, objectives: Iterable[str]) -> str:
    failed = published.list_failed(objectives)
    return join(
        PUBLISHED.format(source=published.source),
        SHARED if published.shared else APART,
        f"Published without numbers, and not drawn: {'; '.join(failed)}." if failed else "",
    )


def describe_plane(cells: pd.DataFrame, quality: Quality | None = TRUE_REWARD) -> str:
    """The caption of the plane; its arguments as the figure takes them."""
    modulated = cells[(cells["objective"] == "sft") | cells["objective"].isin(MODULATED)]
    trained = get_trained(modulated)
    if trained.empty:
        return "The study has no modulated cell."
    low, high = SAFE_RATIO
    counts = f"counts and maxima over {say_range(trained['steps'])} steps and have none"
    shown, intervals = "The ", f"They are {counts.replace('none', 'no intervals')}."
    if quality:
        named = quality.name if quality.unit == TRUE_REWARD.unit else f"{quality.name} ({quality.unit})"
        shown = f"Mean {named} over seeds (white: the SFT model), "
        short = "reward" if quality.is_reward else quality.name
        intervals = say_intervals(f"Intervals of the {short}", trained, quality, divergence=False)
        intervals = f"{intervals[:-1]}; shares and norms are {counts}."
    return join(
        f"The modulated losses over β_kl and β_mix (at τ = {TAU:g}): {count_runs(modulated)}; DiscoPOP lies where "
        "β_mix = β_kl.",
        f"{shown}share of steps with a non-finite loss or gradient, and largest finite gradient norm before "
        "clipping.",
        intervals,
        f"Green: the loss is monotone without an exponential tail ({low:.4g} ≤ r ≤ {high:.4g}, r = β_mix/(τβ_kl)); "
        f"red: training starts by lowering the margin (r > {WRONG_SIGN_RATIO:.4g}).",
        say_diverged(modulated),
        say_left_out(
            "the runs of other losses",
            [count(len(get_trained(cells)) - len(trained), "run")]
            if len(get_trained(cells)) > len(trained)
            else [],
        ),
    )
