"""The Batch service's files: out with the ledger's gaps, in with the answers, and nothing lost between."""

import json
import re
from dataclasses import replace

import pytest
from faulty_server import complete

from lossgrid.judging.asking import batch
from lossgrid.judging.asking.batch import UnknownAnswers, export_batch, import_batch
from lossgrid.judging.asking.client import Endpoint, judge_requests
from lossgrid.judging.asking.ledger import Ledger
from lossgrid.judging.asking.prices import Prices
from lossgrid.judging.asking.request import JudgeRequest, UnreadableReply

# Nobody listens there: a call would be an api_error with a ConnectError.
ENDPOINT = Endpoint(
    "http://127.0.0.1:9/v1", "paid", "judge", attempts=1, prices=Prices(input=1000.0, output=10_000.0)
)


def parse_rating(reply):
    rating = re.search(r"\[\[(\d+)\]\]", reply.text)
    if rating is None:
        raise UnreadableReply("no rating")
    return int(rating[1])


def ask(question):
    messages = [{"role": "user", "content": question}]
    return JudgeRequest({"model": "judge", "messages": messages, "max_tokens": 10}, parse_rating)


REQUESTS = [ask(f"rate {number}") for number in range(6)]
KEYS = [request.get_key("paid") for request in REQUESTS]


def silent(line):
    """Where a test does not read the report."""


def answer(line, **response):
    """The output line that the service makes of an input line."""
    body = complete(line["body"], line["body"]["messages"][-1]["content"])
    whole = {"status_code": 200, "request_id": "req", "body": body, **response}
    return {"id": "batch_req", "custom_id": line["custom_id"], "response": whole, "error": None}


def write_lines(path, lines):
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def export(folder, ledger):
    files = export_batch(REQUESTS, ENDPOINT, ledger, folder / "batch", silent)
    return [[json.loads(line) for line in file.read_text().splitlines()] for file in files]


def test_there_and_back(tmp_path):
    """What the service answers is in the ledger as if it had been called, at half the price, and needs no call."""
    ledger = Ledger(tmp_path / "ledger")
    ((*lines,),) = export(tmp_path, ledger)
    assert lines[2] == {
        "custom_id": KEYS[2],
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": REQUESTS[2].body,
    }
    output = write_lines(tmp_path / "output.jsonl", [answer(line) for line in reversed(lines)])
    assert import_batch([output], REQUESTS, ENDPOINT, ledger) == {"ok": 6}
    judged = judge_requests(REQUESTS, ENDPOINT, Ledger(tmp_path / "ledger"), silent)
    assert [(record.state, record.value) for record in judged.values()] == [("ok", n) for n in range(6)]
    # 2 words and 3 tokens: 2 × $0.001 + 3 × $0.01 = $0.032, halved.
    assert ledger.spent == pytest.approx(6 * 0.016, rel=1e-9)


def test_importing_twice_changes_nothing(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    (lines,) = export(tmp_path, ledger)
    answers = [answer(line) for line in lines]
    answers[0]["response"]["status_code"] = 500
    output = write_lines(tmp_path / "output.jsonl", answers)
    import_batch([output], REQUESTS, ENDPOINT, ledger)
    before = ledger.read(), ledger.spent
    assert import_batch([output], REQUESTS, ENDPOINT, ledger) == {"known": 6}
    assert (ledger.read(), ledger.spent) == before


def test_a_late_failure_does_not_unsettle_an_answer(tmp_path):
    """The error file of a batch whose requests were answered another way brings nothing new."""
    ledger = Ledger(tmp_path / "ledger")
    (lines,) = export(tmp_path, ledger)
    import_batch([write_lines(tmp_path / "o", [answer(line) for line in lines])], REQUESTS, ENDPOINT, ledger)
    before = [file.read_bytes() for file in ledger.folder.iterdir()]
    failed = write_lines(tmp_path / "e", [answer(line, status_code=500) for line in lines])
    assert import_batch([failed], REQUESTS, ENDPOINT, ledger) == {"known": 6}
    assert [file.read_bytes() for file in ledger.folder.iterdir()] == before


def test_only_what_the_ledger_lacks_goes_out_and_each_question_once(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    (lines,) = export(tmp_path, ledger)
    output = write_lines(tmp_path / "output.jsonl", [answer(line) for line in lines[:4]])
    import_batch([output], REQUESTS, ENDPOINT, ledger)
    reports = []
    (file,) = export_batch(REQUESTS * 2, ENDPOINT, ledger, tmp_path / "second", reports.append)
    assert [json.loads(line)["custom_id"] for line in file.open()] == KEYS[4:]
    # 89 bytes and 10 tokens at half the prices: 2 × (89 × $0.0005 + 10 × $0.005) = $0.19.
    assert reports == [
        "batch for judge judge on paid: 2 calls for 6 requests (4 in the ledger), at most 178 + 20 tokens, "
        "$0.19 at most"
    ]


def test_files_keep_the_limits_of_the_service(tmp_path, monkeypatch):
    """By lines and by bytes; a request too many and the service refuses the file."""
    monkeypatch.setattr(batch, "MOST_LINES", 4)
    by_lines = export(tmp_path / "a", Ledger(tmp_path / "ledger"))
    assert [len(lines) for lines in by_lines] == [4, 2]
    size = len(json.dumps(by_lines[0][0])) + 1
    monkeypatch.setattr(batch, "MOST_BYTES", 3 * size)
    by_bytes = export(tmp_path / "b", Ledger(tmp_path / "ledger"))
    assert [len(lines) for lines in by_bytes] == [3, 3]
    assert [line["custom_id"] for lines in by_bytes for line in lines] == KEYS


def test_a_batch_that_may_have_been_sent_is_not_written_over(tmp_path):
    export(tmp_path, Ledger(tmp_path / "ledger"))
    with pytest.raises(FileExistsError, match=r"batch-001\.jsonl may have been sent"):
        export(tmp_path, Ledger(tmp_path / "ledger"))


def test_failed_lines_are_api_errors(tmp_path):
    """All in one file: a refusal, a failure of the server, an expired line, a reply that is none, an unreadable
    judgment, a good one.
    """
    ledger = Ledger(tmp_path / "ledger")
    (lines,) = export(tmp_path, ledger)
    answers = [answer(line) for line in lines]
    answers[0] = answer(lines[0], status_code=400, body={"error": {"message": "too long"}})
    answers[1] = answer(lines[1], status_code=500, body={"error": {"message": "our fault"}})
    answers[2] |= {"response": None, "error": {"code": "batch_expired", "message": "too late"}}
    answers[3] = answer(lines[3], body={"choices": []})
    answers[4]["response"]["body"]["choices"][0]["message"]["content"] = "I like it"
    counts = import_batch([write_lines(tmp_path / "o.jsonl", answers)], REQUESTS, ENDPOINT, ledger)
    assert counts == {"api_error": 4, "parse_error": 1, "ok": 1}
    records = [ledger.get(key) for key in KEYS]
    assert [record.permanent for record in records] == [True, False, False, False, False, False]
    for record, words in zip(
        records, ["HTTP 400.*too long", "HTTP 500.*our fault", "too late", "no choices"], strict=False
    ):
        assert re.search(words, record.error)
    assert [record.cost > 0 for record in records] == [False] * 4 + [True] * 2
    (again,) = export_batch(REQUESTS, ENDPOINT, ledger, tmp_path / "again", silent)
    assert [json.loads(line)["custom_id"] for line in again.open()] == KEYS[1:4]


def test_strange_lines_are_an_error_that_loses_nothing(tmp_path):
    """A torn line, a foreign one, a line without an id, and one whose id is no text, between good ones."""
    ledger = Ledger(tmp_path / "ledger")
    (lines,) = export(tmp_path, ledger)
    good = [answer(line) for line in lines]
    strange = ['{"custom_id": "', {**good[0], "custom_id": "foreign"}, {}, {"custom_id": [1]}, "7"]
    mixed = [line for pair in zip(strange, good, strict=False) for line in pair]
    output = write_lines(tmp_path / "output.jsonl", [*mixed, "", good[5]])
    with pytest.raises(
        UnknownAnswers, match=r"5 lines belong to none of the 6 requests .*'foreign'.*6 other"
    ):
        import_batch([output], REQUESTS, ENDPOINT, ledger)
    assert {record.state for record in Ledger(tmp_path / "ledger").read().values()} == {"ok"}
    assert sorted(ledger.read()) == sorted(KEYS)


def test_one_bad_line_keeps_no_other_file_out(tmp_path):
    """Answers in a file that was never opened would be paid for again by the next run."""
    ledger = Ledger(tmp_path / "ledger")
    (lines,) = export(tmp_path, ledger)
    torn = write_lines(tmp_path / "a.jsonl", [answer(lines[0]), '{"custom_id": "'])
    whole = write_lines(tmp_path / "b.jsonl", [answer(line) for line in lines[1:]])
    with pytest.raises(UnknownAnswers, match=r"1 lines .*a\.jsonl: line 2 \(custom_id None\).*6 other"):
        import_batch([torn, whole], REQUESTS, ENDPOINT, ledger)
    assert sorted(ledger.read()) == sorted(KEYS)


def test_a_file_that_is_not_there_is_said_before_any_import(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    (lines,) = export(tmp_path, ledger)
    output = write_lines(tmp_path / "a.jsonl", [answer(line) for line in lines])
    with pytest.raises(FileNotFoundError, match=r"b\.jsonl: no such file; give the output and error files"):
        import_batch([output, tmp_path / "b.jsonl"], REQUESTS, ENDPOINT, ledger)
    assert ledger.read() == {}


def test_a_mistake_in_a_parser_loses_no_line(tmp_path):
    def parse_wrongly(reply):
        return {}[reply.text]

    ledger = Ledger(tmp_path / "ledger")
    (lines,) = export(tmp_path, ledger)
    output = write_lines(tmp_path / "output.jsonl", [answer(line) for line in lines])
    wrong = [replace(request, parse=parse_wrongly) for request in REQUESTS]
    with pytest.raises(KeyError):
        import_batch([output], wrong, ENDPOINT, ledger)
    judged = judge_requests(REQUESTS, ENDPOINT, ledger, silent)
    assert [record.value for record in judged.values()] == list(range(6))
