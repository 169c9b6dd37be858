"""Comparisons of a run's texts with an opponent's: which questions they make, and the score rows they become."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lossgrid.judging.asking.request import JudgeRequest, repeat_request
from lossgrid.judging.preference import DRAW, get_preference, is_swapped, read_logprobs

SAME_ORDER = 1
OPPOSITE_ORDER = 2


@dataclass(frozen=True)
class Pair:
    """Two texts that answer one question.

    Attributes:
        columns: What the score row says about the question, `id` among it.
        question: The instruction, or the post; it decides the order.
        baseline: The opponent's text.
        model: The run's text.
    """

    columns: Mapping[str, Any]
    question: str
    baseline: str
    model: str


@dataclass(frozen=True)
class Comparison:
    """A pair of a run in the order in which a judge reads it.

    Attributes:
        run: Folder of the run below the results.
        pair: The two texts.
        swapped: Whether the judge reads the run's text first.
        request: The question to the judge; None where the two texts are the same, which is a draw unasked.
        repeat: 0 for the comparison itself, 1 for the same question again, 2 for the opposite order.
    """

    run: str
    pair: Pair
    swapped: bool
    request: JudgeRequest | None = field(compare=False)
    repeat: int = 0

    @property
    def requests(self) -> tuple[JudgeRequest, ...]:
        """What to ask: the request, or nothing for a draw."""
        return () if self.request is None else (self.request,)


def compare_run(
    run: str, pairs: Sequence[Pair], ask: Callable[[str, str, str], dict[str, Any]], consistency: int
) -> list[Comparison]:
    """What to ask about a run.

    Args:
        run: Folder of the run.
        pairs: Its pairs, in order.
        ask: Makes the body of a request from the question, the text shown first and the one shown second.
        consistency: So many evenly spaced pairs are asked about twice more: the same question again (`repeat` 1)
            and the two texts in the opposite order (`repeat` 2). They are the same pairs for every run; one whose
            texts are the same is not asked about.

    Returns:
        A comparison a pair, then the second questions.
    """

    def compare(pair: Pair, swapped: bool) -> Comparison:
        shown = (pair.model, pair.baseline) if swapped else (pair.baseline, pair.model)
        # As upstream: nobody is paid to compare a text with itself, and no position bias decides it.
        if pair.model == pair.baseline:
            return Comparison(run, pair, swapped, None)
        return Comparison(run, pair, swapped, JudgeRequest(ask(pair.question, *shown), read_logprobs))

    comparisons = [compare(pair, is_swapped(pair.question)) for pair in pairs]
    for position in _choose_evenly(len(pairs), consistency):
        first = comparisons[position]
        opposite = compare(pairs[position], not first.swapped)
        for again, repeat in ((first, SAME_ORDER), (opposite, OPPOSITE_ORDER)):
            if again.request is not None:
                request = repeat_request(again.request, repeat)
                comparisons.append(replace(again, request=request, repeat=repeat))
    return comparisons


def collect_comparisons(
    comparisons: Iterable[Comparison], records: Mapping[str, Any], server: str
) -> dict[str, list[dict[str, Any]]]:
    """Cut the judgments into score rows.

    Args:
        comparisons: What was asked.
        records: Records of the ledger by key, one for every request.
        server: The server's name in the keys.

    Returns:
        By run, its rows in order of the comparisons: the pair's columns, `swapped`, `repeat`, `state` (`ok`,
        `parse_error`, `api_error`), `preference` (1 for the opponent to 2 for the run, None unless ok),
        `logprob_m` and `logprob_M` (nats, None for a token that the judge did not list), `len_baseline` and
        `len_model` (characters), `error` and `key` (None where nothing was asked).

    Raises:
        ValueError: A request has no record.
    """
    scores: dict[str, list[dict[str, Any]]] = {}
    for comparison in comparisons:
        row = {
            **comparison.pair.columns,
            "swapped": comparison.swapped,
            "repeat": comparison.repeat,
            **_describe_judgment(comparison, records, server),
            "len_baseline": len(comparison.pair.baseline),
            "len_model": len(comparison.pair.model),
        }
        scores.setdefault(comparison.run, []).append(row)
    return scores


def index_responses(rows: Iterable[Mapping[str, Any]], whose: str) -> dict[Any, str]:
    """The first-turn responses by id.

    Raises:
        ValueError: A question has two.
    """
    texts: dict[Any, str] = {}
    for row in rows:
        if row.get("turn", 1) != 1:
            continue
        if row["id"] in texts:
            raise ValueError(f"{whose}: two responses to {row['id']!r}; generate its responses anew")
        texts[row["id"]] = row["response"]
    return texts


def get_text(texts: Mapping[Any, str], question: Any, whose: str) -> str:
    """The text that answers a question.

    Raises:
        ValueError: There is none; left out unsaid, it would shift this run's mean alone.
    """
    if question not in texts:
        raise ValueError(f"{whose}: no text for {question!r}; generate or fetch its texts anew")
    return texts[question]


def _choose_evenly(total: int, wanted: int) -> list[int]:
    wanted = min(wanted, total)
    return [position * total // wanted for position in range(wanted)]


def _describe_judgment(comparison: Comparison, records: Mapping[str, Any], server: str) -> dict[str, Any]:
    unknown = {"preference": None, "logprob_m": None, "logprob_M": None}
    if comparison.request is None:
        return {**unknown, "state": "ok", "preference": DRAW, "error": None, "key": None}
    key = comparison.request.get_key(server)
    if key not in records:
        question = comparison.pair.columns["id"]
        raise ValueError(
            f"{comparison.run}: nothing recorded for {question!r} (repeat {comparison.repeat}) on server "
            f"{server!r}; judge it before its scores are cut"
        )
    record = records[key]
    described = {**unknown, "state": record.state, "error": record.error, "key": key}
    if record.state == "ok":
        preference = get_preference(**record.value, swapped=comparison.swapped)
        described |= {**record.value, "preference": preference}
    return described
