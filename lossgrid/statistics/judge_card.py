"""The judge card as a table: how far a judge agrees with another one, and each one's biases on the same items."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from lossgrid.statistics.rater_agreement import (
    Measured,
    measure_correlation,
    measure_kappa,
    measure_mean,
    measure_share,
)

COLUMNS = ("judge", "stored_judge", "about", "measure", "of", "value", "low", "high", "n", "clusters", "unit")
STATES = ("ok", "parse_error", "api_error")
# What a number is of: the study's judge, the stored one, the first minus the second, or the two together.
JUDGE, STORED, DIFFERENCE, BOTH = "judge", "stored", "difference", "both"
# Within so many points two ratings are near.
NEAR = 1
# Beyond what floating point leaves of a difference of ratings.
ROUNDING = 1e-9


def describe_card(
    rows: Sequence[Mapping[str, Any]], files: Mapping[str, Mapping[str, Any]], judge: str
) -> pd.DataFrame:
    """Measure a judge against a stored one.

    Args:
        rows: Written by `ask_card`.
        files: What was read, by kind (`single`, `pairs`): whose judgments (`judge`), `lines`, `superseded` and
            `unreadable`.
        judge: Name of the judge that was asked.

    Returns:
        A row a number, with the columns `COLUMNS`: who is compared, what it is `about` (`ratings`, `pairs`), the
        `measure`, whose it is (`of`), the `value` with its 95 % interval, clustered by question, the `n` and
        `clusters` behind it, and its `unit`. Counts have neither interval nor n. What cannot be told is NaN.

        Ratings: `mean_rating`; its `difference` is the leniency; `spearman`, `pearson`; `exact` and `within_1`
        (shares); `mean_absolute_difference`. Pairs: `agreement` and `kappa` with ties, to which verdicts that change
        with the order belong (the MT-Bench paper's setup S1), and `agreement_without_ties` and `kappa_without_ties`
        over the pairs in which neither judge has one (S2); `ties` and `inconsistent` (shares of verdicts),
        `first_place` (of the inconsistent ones, the share that leans to what is shown first), `longer_preferred`
        (share of preferences for the longer of two answers, half of one for a tie). Both: `same_again` and
        `mean_absolute_difference_again`, of what the judge was asked twice.

    References: Zheng et al. 2023, arXiv:2306.05685, for the setups and the biases.
    """
    found = []
    for kind, about, describe in (
        ("single", "ratings", _describe_ratings),
        ("pairs", "pairs", _describe_pairs),
    ):
        own = [row for row in rows if row["kind"] == kind]
        if kind in files:
            names = {"judge": judge, "stored_judge": files[kind]["judge"], "about": about}
            found += [{**names, **each} for each in (*_count(own, files[kind]), *describe(own))]
    return pd.DataFrame(found, columns=list(COLUMNS))


def pick_judged(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the first questions that both judges have answered."""
    return [row for row in rows if row["repeat"] == 0 and row["state"] == "ok"]


def combine_orders(verdicts: Sequence[str]) -> str:
    """The verdict of both orders, `A`, `B` or `tie` for the answers of the first one; verdicts that differ are a tie.

    Args:
        verdicts: In the order in which the first model's answer is shown first, and in the other.
    """
    first, second = verdicts
    return first if first == _turn(second) else "tie"


def is_inconsistent(verdicts: Sequence[str]) -> bool:
    """Whether the verdict changes with the order."""
    return verdicts[0] != _turn(verdicts[1])


def _count(rows: Sequence[Mapping], file: Mapping[str, Any]) -> Iterator[dict]:
    for name in ("lines", "superseded", "unreadable"):
        yield _name(name, STORED, file[name], "judgments")
    for measure, repeat in (("asked", 0), ("asked_again", 1)):
        states = Counter(row["state"] for row in rows if row["repeat"] == repeat)
        yield _name(measure, JUDGE, states.total(), "judgments")
        for state in STATES:
            yield _name(f"{measure}_{state}", JUDGE, states[state], "judgments")


def _describe_ratings(rows: Sequence[Mapping]) -> Iterator[dict]:
    judged = pick_judged(rows)
    clusters = [row["question_id"] for row in judged]
    ours, theirs = (np.array([row[key][0] for row in judged], float) for key in ("judged", "stored"))
    distances = np.abs(ours - theirs)
    for of, values in ((JUDGE, ours), (STORED, theirs), (DIFFERENCE, ours - theirs)):
        yield _name("mean_rating", of, measure_mean(values, clusters), "points")
    yield _name("spearman", BOTH, measure_correlation(ours, theirs, clusters, ranks=True), "correlation")
    yield _name("pearson", BOTH, measure_correlation(ours, theirs, clusters), "correlation")
    yield _name("exact", BOTH, measure_share(distances < ROUNDING, clusters), "share")
    yield _name("within_1", BOTH, measure_share(distances < NEAR + ROUNDING, clusters), "share")
    yield _name("mean_absolute_difference", BOTH, measure_mean(distances, clusters), "points")
    yield from _describe_again(rows, lambda row: row["judged"][0])


def _describe_pairs(rows: Sequence[Mapping]) -> Iterator[dict]:
    judged = pick_judged(rows)
    clusters = [row["question_id"] for row in judged]
    verdicts = {of: [combine_orders(row[key]) for row in judged] for of, key in _KEYS.items()}
    yield from _describe_agreement(verdicts[JUDGE], verdicts[STORED], clusters)
    decided = [
        place for place in range(len(judged)) if all(each[place] != "tie" for each in verdicts.values())
    ]
    yield from _describe_agreement(
        [verdicts[JUDGE][place] for place in decided],
        [verdicts[STORED][place] for place in decided],
        [clusters[place] for place in decided],
        "_without_ties",
    )
    for of, own in verdicts.items():
        yield _name("ties", of, measure_share([verdict == "tie" for verdict in own], clusters), "share")
    yield from _describe_position(judged, clusters)
    yield from _describe_length(judged, verdicts)
    yield from _describe_again(rows, lambda row: combine_orders(row["judged"]))


def _describe_agreement(ours: list, theirs: list, clusters: list, ending: str = "") -> Iterator[dict]:
    equal = [one == other for one, other in zip(ours, theirs, strict=True)]
    yield _name(f"agreement{ending}", BOTH, measure_share(equal, clusters), "share")
    yield _name(f"kappa{ending}", BOTH, measure_kappa(ours, theirs, clusters), "kappa")


def _describe_position(judged: Sequence[Mapping], clusters: list) -> Iterator[dict]:
    changes = {
        of: np.array([is_inconsistent(row[key]) for row in judged], float) for of, key in _KEYS.items()
    }
    for of, own in changes.items():
        yield _name("inconsistent", of, measure_share(own, clusters), "share")
    difference = measure_mean(changes[JUDGE] - changes[STORED], clusters)
    yield _name("inconsistent", DIFFERENCE, difference, "share")
    for of, key in _KEYS.items():
        leaning = [(row["question_id"], row[key]) for row in judged if is_inconsistent(row[key])]
        # A verdict that changes with the order names the first place more often than the second, or less often.
        first = [verdicts.count("A") > verdicts.count("B") for _, verdicts in leaning]
        yield _name("first_place", of, measure_share(first, [question for question, _ in leaning]), "share")


def _describe_length(judged: Sequence[Mapping], verdicts: Mapping[str, list[str]]) -> Iterator[dict]:
    known = [place for place, row in enumerate(judged) if row["lengths"]]
    unlike = [place for place in known if len(set(judged[place]["lengths"])) == 2]
    yield _name("length_unknown", BOTH, len(judged) - len(known), "pairs")
    yield _name("length_equal", BOTH, len(known) - len(unlike), "pairs")
    clusters = [judged[place]["question_id"] for place in unlike]
    longer = ["AB"[int(np.argmax(judged[place]["lengths"]))] for place in unlike]
    shares = {
        of: np.array(
            [
                0.5 if own[place] == "tie" else own[place] == name
                for place, name in zip(unlike, longer, strict=True)
            ],
            float,
        )
        for of, own in verdicts.items()
    }
    for of, values in (*shares.items(), (DIFFERENCE, shares[JUDGE] - shares[STORED])):
        yield _name("longer_preferred", of, measure_mean(values, clusters), "share")


def _describe_again(rows: Sequence[Mapping], read) -> Iterator[dict]:
    """What the judge said when it was asked the same twice; of verdicts, how far apart they are says nothing."""
    first = {_identify(row): row for row in pick_judged(rows)}
    again = [row for row in rows if row["repeat"] == 1 and row["state"] == "ok"]
    pairs = [(first[_identify(row)], row) for row in again if _identify(row) in first]
    clusters = [row["question_id"] for _, row in pairs]
    values = [(read(one), read(other)) for one, other in pairs]
    same = [one == other for one, other in values]
    yield _name("same_again", JUDGE, measure_share(same, clusters), "share")
    if rows and rows[0]["kind"] == "single":
        distances = [abs(one - other) for one, other in values]
        yield _name("mean_absolute_difference_again", JUDGE, measure_mean(distances, clusters), "points")


def _identify(row: Mapping) -> tuple:
    return row["kind"], row["question_id"], row["turn"], *row["models"]


def _name(measure: str, of: str, value: Measured | int, unit: str) -> dict[str, Any]:
    numbers = {"value": value} if isinstance(value, int) else asdict(value)
    return {"measure": measure, "of": of, **numbers, "unit": unit}


def _turn(verdict: str) -> str:
    """A verdict for the opposite order."""
    return {"A": "B", "B": "A"}.get(verdict, verdict)


_KEYS = {JUDGE: "judged", STORED: "stored"}
