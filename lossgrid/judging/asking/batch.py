"""Judging by OpenAI's Batch service: requests out to files, answers in from files.

A batch costs half of the prices of single calls and may take a day. Its input has a line a request: `custom_id`
(here the key of the judgment), `method`, `url` and `body`; its output and error files have a line a request with
`custom_id` and either `response` (`status_code` and `body`) or `error`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from lossgrid.judging.asking.client import index_requests, list_missing
from lossgrid.judging.asking.endpoint import Endpoint
from lossgrid.judging.asking.ledger import Ledger
from lossgrid.judging.asking.outcome import Failure, get_cost, make_record
from lossgrid.judging.asking.prices import Prices, estimate_cost
from lossgrid.judging.asking.request import JudgeRequest, Reply, read_reply

PRICE_SHARE = 0.5
# The service's limits for one input file.
MOST_LINES = 50_000
MOST_BYTES = 200_000_000
QUOTED_CHARACTERS = 300


class UnknownAnswers(ValueError):  # noqa: N818
    """Lines of a batch that belong to no request or cannot be read; all others have been imported."""


def export_batch(
    requests: Iterable[JudgeRequest],
    endpoint: Endpoint,
    ledger: Ledger,
    folder: Path,
    report: Callable[[str], None] = print,
) -> list[Path]:
    """Write the requests that the ledger lacks as input files of the Batch service.

    Args:
        requests: What to ask.
        endpoint: Whom; its prices are those of single calls.
        ledger: What is answered there is left out.
        folder: For `batch-001.jsonl` and so on, as many as the service's limits ask for.
        report: Gets the estimate.

    Returns:
        The files; none where nothing is missing.

    Raises:
        FileExistsError: The folder holds a batch already, which may have been sent and paid.
        ValueError: A request for another model than the endpoint's.
    """
    by_key = index_requests(requests, endpoint)
    missing = list_missing(by_key, ledger)
    prices = _discount(endpoint.prices)
    estimate = estimate_cost((by_key[key] for key in missing), prices, len(by_key) - len(missing))
    report(f"batch for judge {endpoint.model} on {endpoint.name}: {estimate.describe()}")
    if not missing:
        return []
    if present := sorted(folder.glob("batch-*.jsonl")):
        raise FileExistsError(
            f"{present[0]} may have been sent already; import its answers and remove it first"
        )
    folder.mkdir(parents=True, exist_ok=True)
    files, lines, size = [], 0, 0
    file = None
    try:
        for key in missing:
            line = _write_line(key, by_key[key].body)
            if file is None or lines == MOST_LINES or size + len(line) > MOST_BYTES:
                if file is not None:
                    file.close()
                files.append(folder / f"batch-{len(files) + 1:03d}.jsonl")
                file, lines, size = files[-1].open("xb"), 0, 0
            file.write(line)
            lines, size = lines + 1, size + len(line)
    finally:
        if file is not None:
            file.close()
    return files


def import_batch(
    files: Iterable[Path],
    requests: Iterable[JudgeRequest],
    endpoint: Endpoint,
    ledger: Ledger,
) -> Counter[str]:
    """Take the answers of output and error files into the ledger.

    A failed line becomes an `api_error`, permanent where the service refused the request as such. A line whose
    request has been answered before is left out, so that importing twice changes nothing.

    Args:
        files: Of the service.
        requests: Those that were exported, or more.
        endpoint: As for the export.
        ledger: Gets the answers.

    Returns:
        How many lines gave which state; `known` counts those left out.

    Raises:
        UnknownAnswers: After the import of all others, from all files.
        FileNotFoundError: A file is missing; nothing has been imported.
    """
    files = list(files)
    for file in files:
        if not file.is_file():
            raise FileNotFoundError(f"{file}: no such file; give the output and error files of the batch")
    by_key, prices = index_requests(requests, endpoint), _discount(endpoint.prices)
    ledger.refresh()
    counts: Counter[str] = Counter()
    unknown: list[str] = []
    mistakes: list[Exception] = []
    for place, line in _read_lines(files):
        answer = _read_line(line)
        key = answer.get("custom_id")
        if not isinstance(key, str) or key not in by_key:
            unknown.append(f"{place} (custom_id {key!r})")
            continue
        if ledger.is_settled(key):
            counts["known"] += 1
            continue
        outcome = _read_outcome(answer)
        cost = get_cost(outcome, by_key[key], prices) if isinstance(outcome, Reply) else 0.0
        record, mistake = make_record(key, by_key[key], endpoint, outcome, cost, calls=1)
        mistakes += [mistake] if mistake else []
        present = ledger.get(key)
        if present is not None and present.error == record.error:
            counts["known"] += 1
            continue
        ledger.append(record)
        counts[record.state] += 1
    ledger.sync()
    if mistakes:
        raise mistakes[0]
    if unknown:
        raise UnknownAnswers(
            f"{len(unknown)} lines belong to none of the {len(by_key)} requests or cannot be read: "
            f"{', '.join(unknown[:5])}; import them with the requests that they were exported from "
            f"({sum(counts.values())} other lines are in the ledger)"
        )
    return counts


def _read_lines(files: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """The lines of all files that are not empty, each with its place."""
    for path in files:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield f"{path}: line {number}", line


def _discount(prices: Prices | None) -> Prices | None:
    return prices and Prices(input=prices.input * PRICE_SHARE, output=prices.output * PRICE_SHARE)


def _write_line(key: str, body: dict[str, Any]) -> bytes:
    line = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}
    return json.dumps(line, allow_nan=False).encode("ascii") + b"\n"


def _read_line(line: bytes) -> dict[str, Any]:
    """An answer; one without anything where the line cannot be read."""
    try:
        answer = json.loads(line)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _read_outcome(answer: dict[str, Any]) -> Reply | Failure:
    response = answer.get("response")
    if answer.get("error") or not isinstance(response, dict):
        return Failure(f"batch: {json.dumps(answer.get('error'))[:QUOTED_CHARACTERS]}")
    status, body = response.get("status_code"), response.get("body")
    quoted = json.dumps(body)[:QUOTED_CHARACTERS]
    if status != 200:
        return Failure(f"batch: HTTP {status}: {quoted}", status)
    try:
        return read_reply(body)
    except ValueError as error:
        return Failure(f"batch: HTTP 200 without a chat completion: {error}; body: {quoted}", status)
