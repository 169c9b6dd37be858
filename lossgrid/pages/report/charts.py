"""The interactive charts of the report, as Vega-Lite made by Altair; the page lends them its data by name."""

from collections.abc import Mapping
from typing import Any

import altair as alt

from lossgrid.studies.start_warnings import BOUNDED_FROM, MONOTONE_UP_TO

# Names of the page's data.
ROWS, CATEGORIES, TIMELINES, WEDGE = "rows", "categories", "timelines", "wedge"
# Measures that say how far a policy moved, and not how good it is.
DIVERGENCES = {"kl", "kl_reference"}
# Beside the measures, what an axis may show.
LENGTH = {"length": "length of an answer, characters"}
DIVERGED = "diverged"
# Pixels of a loss in a category.
ROW = 11
# r of the borders of the safe wedge, drawn over this range of β_kl at the usual τ.
BORDERS, REACH, TAU = (BOUNDED_FROM, MONOTONE_UP_TO), (1e-3, 1e2), 0.05


def make_charts(
    looks: Mapping[str, str],
    measures: Mapping[str, str],
    timelines: Mapping[str, str],
    planes: bool,
    categories: int,
) -> dict[str, dict[str, Any]]:
    """The charts that a study has data for.

    Args:
        looks: The colour of every loss, by its title.
        measures: What rows may hold, by key: its name with its unit.
        timelines: What timelines may hold, by key: its name.
        planes: Whether the study has modulated losses.
        categories: How many categories of questions there are.

    Returns:
        Vega-Lite specifications by the name of the chart. Each reads data that the page gives it; a datum with a
        ``cell`` is one to click on.
    """
    charts = {}
    if measures:
        charts["outcome"] = make_outcome(looks, measures)
        if planes:
            charts["plane"] = make_plane(measures)
    if timelines:
        charts["curves"] = make_curves(looks, timelines)
    if categories:
        charts["categories"] = make_categories(looks, categories)
    # As wide as its place on the page; as high as it says.
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    return {name: chart.properties(autosize=fit).to_dict() for name, chart in charts.items()}


def make_outcome(looks: Mapping[str, str], measures: Mapping[str, str]) -> alt.LayerChart:
    """Every cell by two measures with their intervals; diverged cells are crosses."""
    names = {**measures, **LENGTH}
    across = make_choice("across", names, "kl" if "kl" in measures else "length")
    up = make_choice(
        "up", names, next((key for key in measures if key not in DIVERGENCES), next(iter(measures)))
    )
    focus = alt.selection_point(name="focus", fields=["title"], bind="legend")
    base = (
        alt.Chart(alt.NamedData(name=ROWS))
        .transform_calculate(
            **{
                f"{axis}{ending}": f"isObject(datum[{name}]) ? datum[{name}].{part} : {otherwise}"
                for axis, name in (("x", "across"), ("y", "up"))
                for ending, part, otherwise in (
                    ("", "value", f"datum[{name}]"),
                    ("_low", "low", "null"),
                    ("_high", "high", "null"),
                )
            }
        )
        .transform_filter("isValid(datum.x) && isValid(datum.y)")
        .encode(
            color=colour_by_title(looks),
            opacity=alt.when(focus).then(alt.value(1)).otherwise(alt.value(0.12)),
        )
    )
    x = alt.X("x:Q").title(None).scale(zero=False)
    y = alt.Y("y:Q").title(None).scale(zero=False)
    upright = (
        base.transform_filter("isValid(datum.y_low)")
        .mark_rule()
        .encode(x=x, y=alt.Y("y_low:Q").title(None), y2="y_high:Q")
    )
    level = (
        base.transform_filter("isValid(datum.x_low)")
        .mark_rule()
        .encode(x=alt.X("x_low:Q").title(None), x2="x_high:Q", y=y)
    )
    points = (
        base.mark_point(filled=True, size=90, stroke="white", strokeWidth=0.6)
        .encode(
            x=x,
            y=y,
            shape=alt.Shape("health:N")
            .scale(domain=["finished", DIVERGED], range=["circle", "cross"])
            .title("training"),
            tooltip=describe_cell(
                alt.Tooltip("x:Q", title="across", format=".4~g"),
                alt.Tooltip("y:Q", title="up", format=".4~g"),
                alt.Tooltip("y_low:Q", title="from, 95 %", format=".4~g"),
                alt.Tooltip("y_high:Q", title="to, 95 %", format=".4~g"),
                alt.Tooltip("training:N", title="training"),
            ),
        )
        .transform_calculate(
            training="datum.health", health=f"datum.status == '{DIVERGED}' ? '{DIVERGED}' : 'finished'"
        )
    )
    return (
        alt.layer(upright, level, points)
        .add_params(across, up, focus)
        .properties(width="container", height=380)
    )


def make_plane(measures: Mapping[str, str]) -> alt.LayerChart:
    """The modulated cells in the plane of β_kl and β_mix with the borders of the safe wedge."""
    shown = make_choice("shown", measures, next(iter(measures)))
    cells = (
        alt.Chart(alt.NamedData(name=ROWS))
        .transform_calculate(value="isObject(datum[shown]) ? datum[shown].value : null")
        .transform_filter("isValid(datum.beta_kl) && isValid(datum.value)")
    )
    x = alt.X("beta_kl:Q").scale(type="log", nice=False, padding=24).title("β_kl, 1/nat").axis(format=".3~g")
    y = (
        alt.Y("beta_mix:Q")
        .scale(type="log", nice=False, padding=24)
        .title("β_mix, 1/nat")
        .axis(format=".3~g")
    )
    points = cells.mark_point(filled=True, size=320, stroke="gray", strokeWidth=1).encode(
        x=x,
        y=y,
        color=alt.Color("value:Q").scale(scheme="viridis").title(None),
        shape=alt.Shape("status:N")
        .scale(domain=["finished", DIVERGED], range=["circle", "cross"])
        .title("training"),
        tooltip=describe_cell(
            alt.Tooltip("value:Q", title="value", format=".4~g"), alt.Tooltip("r:Q", title="r", format=".4~g")
        ),
    )
    borders = (
        alt.Chart(alt.NamedData(name=WEDGE))
        .mark_line(strokeDash=[5, 4], color="gray", clip=True)
        .encode(x=x, y=y, detail="r:N", tooltip=[alt.Tooltip("r:Q", title="r")])
    )
    return alt.layer(borders, points).add_params(shown).properties(width="container", height=340)


def get_wedge() -> list[dict[str, float]]:
    """The points of the borders of the safe wedge, as the plane reads them."""
    return [{"r": r, "beta_kl": beta, "beta_mix": r * TAU * beta} for r in BORDERS for beta in REACH]


def make_curves(looks: Mapping[str, str], timelines: Mapping[str, str]) -> alt.LayerChart:
    """What every training logged, by step."""
    shown = make_choice(
        "shown", timelines, "rho_median" if "rho_median" in timelines else next(iter(timelines))
    )
    focus = alt.selection_point(name="focus", fields=["title"], bind="legend")
    base = (
        alt.Chart(alt.NamedData(name=TIMELINES))
        .transform_calculate(value="datum[shown]")
        .transform_filter("isValid(datum.value)")
        .encode(
            x=alt.X("step:Q").title("step"),
            y=alt.Y("value:Q").title(None).scale(zero=False),
            color=colour_by_title(looks),
            detail="cell:N",
        )
    )
    visible = alt.when(focus).then(alt.value(0.85)).otherwise(alt.value(0.06))
    lines = base.mark_line(strokeWidth=1.6, clip=True).encode(opacity=visible)
    # Wide and without ink: what the pointer hits.
    targets = base.mark_point(size=90, opacity=0).encode(
        tooltip=describe_cell(
            alt.Tooltip("step:Q", title="step"), alt.Tooltip("value:Q", title="value", format=".4~g")
        )
    )
    return alt.layer(lines, targets).add_params(shown, focus).properties(width="container", height=320)


def make_categories(looks: Mapping[str, str], count: int) -> alt.LayerChart:
    """The scores of every cell by category of question, with their intervals."""
    focus = alt.selection_point(name="focus", fields=["title"], bind="legend")
    base = alt.Chart(alt.NamedData(name=CATEGORIES)).encode(
        y=alt.Y("category:N").title(None),
        yOffset=alt.YOffset("title:N").sort(list(looks)),
        color=colour_by_title(looks),
        opacity=alt.when(focus).then(alt.value(0.9)).otherwise(alt.value(0.08)),
    )
    rules = base.mark_rule().encode(x=alt.X("low:Q").title("MT-Bench score, points of 10"), x2="high:Q")
    points = base.mark_point(filled=True, size=45).encode(
        x="value:Q",
        tooltip=describe_cell(
            alt.Tooltip("category:N", title="category"),
            alt.Tooltip("value:Q", title="score", format=".3~g"),
            alt.Tooltip("low:Q", title="from, 95 %", format=".3~g"),
            alt.Tooltip("high:Q", title="to, 95 %", format=".3~g"),
            alt.Tooltip("n:Q", title="judgments"),
        ),
    )
    return (
        alt.layer(rules, points)
        .add_params(focus)
        .properties(width="container", height=count * (ROW * len(looks) + ROW))
    )


def make_choice(name: str, names: Mapping[str, str], value: str) -> alt.Parameter:
    """A list to choose from, above a chart."""
    binding = alt.binding_select(options=list(names), labels=list(names.values()), name=f"{name} ")
    return alt.param(name=name, value=value, bind=binding)


def colour_by_title(looks: Mapping[str, str]) -> alt.Color:
    """One colour a loss, as in all figures."""
    return alt.Color("title:N").scale(domain=list(looks), range=list(looks.values())).title("loss")


def describe_cell(*more: alt.Tooltip) -> list[alt.Tooltip]:
    """What the pointer shows of a cell."""
    named = {"title": "loss", "label": "setting", "seed": "seed"}
    return [*(alt.Tooltip(f"{field}:N", title=title) for field, title in named.items()), *more]
