"""Captions of the figures that are drawn from the table of cells: the frontier and the plane."""

import numpy as np
import pandas as pd

from lossgrid.figures.frontier import LINEAR_BELOW, NAMED, RIGHT_START_UP_TO, choose_labels
from lossgrid.figures.plane import MODULATED, SAFE_RATIO, TAU, WRONG_SIGN_RATIO
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

PUBLISHED = (
    "Right: published numbers ({source}), open markers with a dot, means with 95 % intervals over the runs of the "
    "published file (Student's t). Their divergence is KL(reference ‖ policy) per token, their reward another one: "
    "the two panels share no axis and no mean."
)


def describe_frontier(cells: pd.DataFrame, source: str | None = None) -> str:
    """The caption of the frontier; cells as the figure takes them, and the source of a published one beside it."""
    trained = get_trained(cells)
    scored = np.isfinite(trained[["kl", "reward"]].astype(float)).all(axis=1)
    by_title, dense = choose_labels(trained)
    labels = ""
    if by_title:
        labels = "The titles of the losses stand beside their points."
    elif dense:
        labels = (
            f"The {NAMED} settings of the highest and the {NAMED} of the lowest mean reward are labelled; pale "
            f"settings start by lowering the margin (r > {RIGHT_START_UP_TO:.4g})."
        )
    return join(
        "True reward of a response over the KL divergence of the policy from the reference, for "
        f"{count_runs(cells)}.",
        "Large markers are means over seeds, small ones single seeds; curves join settings of one loss, of one "
        "r = β_mix/(τβ_kl) for the modulated losses, that differ in their regularisation.",
        "Bars are 95 % intervals of each run (±1.96 standard errors) clustered by chat, over "
        f"{say_range(trained['n'])} responses to {say_range(trained['chats'])} chats.",
        f"Star and dashed line: the SFT model, which is the reference. The KL axis is linear below {LINEAR_BELOW:g}.",
        labels,
        say_diverged(cells),
        PUBLISHED.format(source=source) if source else "",
        say_left_out("for want of finite scores", [name_run(row) for row in trained[~scored].itertuples()]),
    )


def describe_plane(cells: pd.DataFrame) -> str:
    """The caption of the plane; cells as the figure takes them."""
    modulated = cells[(cells["objective"] == "sft") | cells["objective"].isin(MODULATED)]
    trained = get_trained(modulated)
    if trained.empty:
        return "The study has no modulated cell."
    low, high = SAFE_RATIO
    return join(
        f"The modulated losses over β_kl and β_mix (at τ = {TAU:g}): {count_runs(modulated)}; DiscoPOP lies where "
        "β_mix = β_kl.",
        "Mean true reward over seeds (white: the SFT model), share of steps with a non-finite loss or gradient, and "
        "largest finite gradient norm before clipping.",
        "Intervals of the reward are 95 % intervals of each run (±1.96 standard errors) clustered by chat, over "
        f"{say_range(trained['n'])} responses to {say_range(trained['chats'])} chats; shares and norms are "
        f"counts and maxima over {say_range(trained['steps'])} steps and have none.",
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
