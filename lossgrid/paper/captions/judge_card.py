"""The caption of the judge card."""

import pandas as pd

from lossgrid.paper.captions.sentences import count, join
from lossgrid.statistics.judge_card import BOTH, DIFFERENCE, JUDGE, STORED

MINUS = "−"


def describe_judge_card(card: pd.DataFrame, judge: str, stored: str) -> str:
    """The caption of the judge card; the table as the figure takes it, and who judged."""
    numbers = {(row.about, row.measure, row.of): row for row in card.itertuples()}
    kinds = [kind for kind in ("ratings", "pairs") if (kind, "asked", JUDGE) in numbers]
    return join(
        f"The judge {judge} beside {stored}, whose judgments of MT-Bench are stored: both were asked the same.",
        *[_describe_counts(numbers, kind) for kind in kinds],
        _describe_ratings(numbers) if "ratings" in kinds else "",
        _describe_pairs(numbers) if "pairs" in kinds else "",
        "Counts on the diagonals are agreements; ratings that are no whole numbers are rounded. Bars are 95 % "
        "intervals clustered by question.",
    )


def _describe_counts(numbers: dict, kind: str) -> str:
    asked, unread, failed, lost = (
        int(numbers[kind, name, of].value)
        for name, of in (
            ("asked", JUDGE), ("asked_parse_error", JUDGE), ("asked_api_error", JUDGE), ("unreadable", STORED),
        )
    )  # fmt: skip
    what = "rating" if kind == "ratings" else "pair"
    return (
        f"Of {count(asked, what)}, {unread:,} could not be read and {failed:,} could not be had from the judge; "
        f"these are left out, as are {lost:,} stored ones without a verdict."
    )


def _describe_ratings(numbers: dict) -> str:
    leniency = numbers["ratings", "mean_rating", DIFFERENCE]
    spearman = numbers["ratings", "spearman", BOTH]
    return (
        f"Ratings: Spearman's correlation {_say(spearman)}; the judge's are {_say(leniency)} points higher "
        "on average."
    )


def _describe_pairs(numbers: dict) -> str:
    kappa = numbers["pairs", "kappa", BOTH]
    return (
        "Pairs were shown in both orders, and a verdict that changes with the order is a tie: Cohen's kappa "
        f"{_say(kappa)} with ties. Of the longer answer's preferences ties count half."
    )


def _say(row) -> str:
    """A number with its interval."""
    value, low, high = (f"{number:.2f}".replace("-", MINUS) for number in (row.value, row.low, row.high))
    return f"{value} ({low} to {high})" if row.low == row.low else value
