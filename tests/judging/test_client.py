"""The client against a real server that fails in every way, in a process of its own."""

import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import traceback
from dataclasses import replace
from pathlib import Path

import pytest
from faulty_server import INJECTED, run_server

from lossgrid.judging.asking import workers
from lossgrid.judging.asking.client import (
    AuthenticationFailed,
    Endpoint,
    MissingKeyError,
    NothingReadable,
    ServerGone,
    SpendLimitReached,
    WrongAddress,
    judge_requests,
)
from lossgrid.judging.asking.ledger import Ledger
from lossgrid.judging.asking.prices import Prices, get_worst_case
from lossgrid.judging.asking.request import JudgeRequest, UnreadableReply

KEY = "sk-not-to-be-seen/0123456789"
FOLDER = Path(__file__).parent
CLIENT = """
import signal, sys
from pathlib import Path
from test_client import PRICES, ask, ask_many, judge
# A shell starts what runs in its background deaf to Ctrl-C, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
requests = [*ask_many(20), ask("fault truncate")][-4:]
judge(requests, sys.argv[1], Path(sys.argv[2]), prices=PRICES, spend_limit=1e6, attempts=1000, timeout=600.0)
"""


def parse_rating(reply):
    rating = re.search(r"\[\[(\d+)\]\]", reply.text)
    if rating is None:
        raise UnreadableReply(f"no rating in {reply.text!r}")
    return int(rating[1])


def ask(question, parse=parse_rating, **changes):
    messages = [{"role": "user", "content": question}]
    return JudgeRequest({"model": "judge", "messages": messages, "max_tokens": 10, **changes}, parse)


def ask_many(count):
    return [ask(f"rate {number}") for number in range(count)]


def make_endpoint(url, **changes):
    return Endpoint(**{"base_url": url, "server": "here", "model": "judge", "timeout": 5.0, **changes})


def silent(line):
    """Where a test does not read the report."""


def judge(requests, url, folder, **changes):
    return judge_requests(requests, make_endpoint(url, **changes), Ledger(folder), silent)


@pytest.fixture(scope="module")
def server():
    """A server that fails only where the question says so."""
    with run_server() as running:
        yield running


def count_calls(server):
    return server.get_stats()["calls"]


def test_a_second_run_makes_no_call(server, tmp_path):
    """Neither does it need the key."""
    requests = [*ask_many(5), ask("silence")]
    first = judge(requests, server.url, tmp_path)
    before = count_calls(server)
    assert judge(requests, server.url, tmp_path, key_variable="LOSSGRID_NO_SUCH_VARIABLE") == first
    assert count_calls(server) == before
    assert [record.value for record in first.values()] == [0, 1, 2, 3, 4, None]
    assert [record.state for record in first.values()] == ["ok"] * 5 + ["parse_error"]
    assert list(first) == [request.get_key("here") for request in requests]


def test_the_same_question_twice_is_asked_once(server, tmp_path):
    before = count_calls(server)
    assert len(judge(ask_many(4) * 3, server.url, tmp_path)) == 4
    assert count_calls(server) == before + 4


def test_records_hold_what_a_parse_needs(server, tmp_path):
    """The reply as the server sent it, with counts of tokens and the log-probabilities that were asked for."""
    (record,) = judge([ask("rate 7", logprobs=True)], server.url, tmp_path).values()
    assert record.reply == {
        "text": "Rating: [[7]]",
        "finish_reason": "stop",
        "top_logprobs": [["m", -0.1], ["M", -2.5], ["x", -9999.0]],
        "prompt_tokens": 2,
        "completion_tokens": 3,
    }
    assert (record.model, record.server, record.repeat, record.attempts) == ("judge", "here", 0, 1)
    assert Ledger(tmp_path).read() == {record.key: record}


def test_a_better_parser_needs_no_call(server, tmp_path):
    request = ask("seven, I say")
    (record,) = judge([request], server.url, tmp_path).values()
    assert (record.state, record.error) == ("parse_error", "no rating in 'seven, I say'")
    before = count_calls(server)
    better = replace(request, parse=lambda reply: 7 if "seven" in reply.text else None)
    (record,) = judge([better], server.url, tmp_path).values()
    assert (record.state, record.value) == ("ok", 7)
    assert count_calls(server) == before


def test_a_mistake_in_a_parser_loses_no_reply(server, tmp_path):
    """It stops the run, for it is no judgment; what was paid for is in the ledger."""

    def parse_wrongly(reply):
        return {}[reply.text]

    requests = ask_many(20)
    wrong = [replace(request, parse=parse_wrongly) for request in requests]
    before = count_calls(server)
    with pytest.raises(KeyError) as caught:
        judge(wrong, server.url, tmp_path, concurrency=1)
    assert "whose reply is in the ledger" in caught.value.__notes__[0]
    assert len(Ledger(tmp_path).read()) == 1
    judged = judge(requests, server.url, tmp_path)
    assert [record.value for record in judged.values()] == list(range(20))
    assert count_calls(server) == before + 20


@pytest.mark.parametrize("kind", ["400", "413", "422"])
def test_a_refused_request_is_asked_once_and_never_again(server, tmp_path, kind):
    before = count_calls(server)
    (record,) = judge([ask(f"fault {kind}")], server.url, tmp_path).values()
    assert (record.state, record.permanent, record.attempts) == ("api_error", True, 1)
    assert f"HTTP {kind}: " in record.error
    judge([ask(f"fault {kind}")], server.url, tmp_path)
    assert count_calls(server) == before + 1


def test_a_request_that_is_no_text_is_refused_by_itself(server, tmp_path):
    """Half of a surrogate pair, as a model may write it, cannot be sent; the others are judged all the same."""
    requests = [ask("rate 1"), ask("the end \ud83d of it"), ask("rate 2")]
    before = count_calls(server)
    good, bad, other = judge(requests, server.url, tmp_path).values()
    assert (good.value, other.value) == (1, 2)
    assert (bad.state, bad.permanent, bad.cost) == ("api_error", True, 0.0)
    assert r"holds '\ud83d', which is no character, near '" in bad.error
    assert r"the end \ud83d of it" in bad.error
    assert judge(requests, server.url, tmp_path)[bad.key] == bad
    assert count_calls(server) == before + 2


TRANSIENT = [*INJECTED, "408", "409", "503", "drip", "empty", "nested"]


def test_what_may_pass_is_asked_again(server, tmp_path):
    """Every kind of failure twice in a row, the third call is answered; one slow byte a moment is a stall too."""
    requests = [ask(f"fault {kind} 2") for kind in TRANSIENT]
    judged = judge(requests, server.url, tmp_path, timeout=1.0)
    assert [record.state for record in judged.values()] == ["parse_error"] * len(TRANSIENT)
    assert [record.attempts for record in judged.values()] == [3] * len(TRANSIENT)
    injected = server.get_stats()["injected"]
    assert {kind for kind in TRANSIENT if injected[kind] < 2} == set()


def test_what_never_passes_ends_explained_and_is_asked_by_the_next_run(server, tmp_path):
    requests = [ask(f"fault {kind}") for kind in TRANSIENT]
    judged = judge(requests, server.url, tmp_path, timeout=0.3, attempts=2)
    assert {record.state for record in judged.values()} == {"api_error"}
    assert {record.permanent for record in judged.values()} == {False}
    errors = dict(zip(TRANSIENT, (record.error for record in judged.values()), strict=True))
    for kind in ("429", "500", "408", "409", "503"):
        assert errors[kind].startswith(f"HTTP {kind}: ")
    assert errors["stall"].startswith("no whole answer within 0.3 s")
    assert errors["drip"].startswith("no whole answer within 0.3 s")
    assert "peer closed connection without sending complete message body" in errors["truncate"]
    # How it shows depends on whether the reset or the end arrives first.
    assert errors["close"].startswith("broken connection: ")
    for kind in ("garbage", "empty", "nested"):
        assert errors[kind].startswith("HTTP 200 without a chat completion: ")
    before = count_calls(server)
    judge(requests[:2], server.url, tmp_path, timeout=0.3, attempts=1)
    assert count_calls(server) == before + 2


def test_nobody_listens(tmp_path):
    with run_server() as gone:
        url = gone.url
    (record,) = judge(ask_many(1), url, tmp_path, attempts=2).values()
    assert record.state == "api_error"
    assert record.error.startswith("broken connection: ConnectError")


def test_in_flight_is_what_was_allowed_and_no_more(tmp_path):
    with run_server(latency=0.05) as server:
        judge(ask_many(100), server.url, tmp_path, concurrency=7)
        assert server.get_stats()["most_in_flight"] == 7


def test_a_pause_that_the_server_asks_for_is_kept_by_all(tmp_path):
    """While one 429 asks for a second of peace, only calls that were on their way arrive, not the other 40."""
    with run_server(retry_after=1.0, latency=0.02) as server:
        requests = [ask("fault 429 1"), *ask_many(80)]
        judged = judge(requests, server.url, tmp_path, concurrency=4)
        assert len(judged) == 81
        stats = server.get_stats()
        assert stats["injected"] == {"429": 1}
        assert stats["calls_in_pause"] <= 2 * 4


def test_a_busy_server_is_not_given_up(tmp_path):
    """A server that takes 50 calls a second refuses most of 16 callers most of the time, some far more often than
    they have attempts; as others are answered meanwhile, nobody gives up.
    """
    with run_server(rate=50, retry_after=0.01) as server:
        judged = judge(ask_many(100), server.url, tmp_path, attempts=3, concurrency=16)
    assert {record.state for record in judged.values()} == {"ok"}
    assert max(record.attempts for record in judged.values()) > 3


ECHOING = ["400", "429", "500", "garbage", "empty", "leak", "rate 3"]


def test_the_key_is_nowhere_to_be_seen(tmp_path, monkeypatch, caplog):
    """The server repeats the Authorization header in every error, and in a reply."""
    monkeypatch.setenv("LOSSGRID_TEST_KEY", f" {KEY}\n")
    caplog.set_level(logging.DEBUG)
    lines = []
    requests = [ask(kind if " " in kind else f"fault {kind}") for kind in ECHOING]
    with run_server(key=KEY) as server:
        endpoint = make_endpoint(server.url, key_variable="LOSSGRID_TEST_KEY", attempts=2)
        judged = judge_requests(requests, endpoint, Ledger(tmp_path), lines.append)
        assert server.get_stats()["headers"]["authorization"] == f"Bearer {KEY}"
    errors = [record.error for record in judged.values() if record.error]
    assert len([error for error in errors if "[key]" in error]) == 6
    ratings = [record.value for record in judged.values() if record.state == "ok"]
    assert ratings == [3]
    written = "".join(file.read_text() for file in tmp_path.iterdir())
    assert "[key]" in written
    for place in (written, repr(judged), "\n".join(lines), caplog.text, repr(endpoint)):
        assert KEY not in place
        assert "0123456789" not in place


def test_whose_key_it_is_goes_to_servers_with_keys_alone(tmp_path, monkeypatch):
    """The SDK sends the organisation of the environment to everybody, a stranger's free server too."""
    monkeypatch.setenv("LOSSGRID_TEST_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-ours")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-ours")
    sent = []
    with run_server() as server:
        for number, variable in enumerate([None, "LOSSGRID_TEST_KEY"]):
            judge([ask(f"rate {number}")], server.url, tmp_path, key_variable=variable)
            sent.append(server.get_stats()["headers"])
    assert not {"openai-organization", "openai-project"} & set(sent[0])
    assert (sent[1]["openai-organization"], sent[1]["openai-project"]) == ("org-ours", "proj-ours")


@pytest.mark.parametrize("kind", ["401", "403", "quota"])
def test_errors_that_stop_show_no_key(tmp_path, monkeypatch, server, kind):
    monkeypatch.setenv("LOSSGRID_TEST_KEY", KEY)
    before = count_calls(server)
    error = SpendLimitReached if kind == "quota" else AuthenticationFailed
    with pytest.raises(error, match=re.escape("[key]")) as caught:
        judge(
            [ask(f"fault {kind}"), *ask_many(5)],
            server.url,
            tmp_path,
            key_variable="LOSSGRID_TEST_KEY",
            concurrency=1,
        )
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown
    assert "0123456789" not in shown
    kept = Ledger(tmp_path).read()
    assert len(kept) == count_calls(server) - before == 1
    assert [record.permanent for record in kept.values() if record.state == "api_error"] == [False]


def test_a_wrong_key_stops_at_once(tmp_path, monkeypatch):
    """Not 40 calls, each of them refused."""
    monkeypatch.setenv("LOSSGRID_TEST_KEY", "sk-of-somebody-else")
    with run_server(key=KEY, latency=0.05) as server:
        with pytest.raises(AuthenticationFailed, match="check the key in LOSSGRID_TEST_KEY"):
            judge(ask_many(40), server.url, tmp_path, key_variable="LOSSGRID_TEST_KEY", concurrency=4)
        assert count_calls(server) <= 4


@pytest.mark.parametrize("value", [None, "", "  ", "sk-ä", "two words"])
def test_a_missing_key_is_one_error_before_the_first_call(server, tmp_path, monkeypatch, value):
    monkeypatch.delenv("LOSSGRID_TEST_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("LOSSGRID_TEST_KEY", value)
    before = count_calls(server)
    with pytest.raises(MissingKeyError, match="LOSSGRID_TEST_KEY") as caught:
        judge(ask_many(3), server.url, tmp_path, key_variable="LOSSGRID_TEST_KEY")
    assert count_calls(server) == before
    assert Ledger(tmp_path).read() == {}
    assert value is None or not value.strip() or value not in str(caught.value)


def test_a_wrong_address_poisons_nothing(server, tmp_path):
    """404 for everybody says nothing about the requests: at the right address they are asked."""
    with pytest.raises(WrongAddress, match="check base_url and model"):
        judge(ask_many(5), server.url + "/v2", tmp_path)
    judged = judge(ask_many(5), server.url, tmp_path)
    assert [record.state for record in judged.values()] == ["ok"] * 5


def put_last(request):
    """A request behind 15 that are answered: one block, in whose order two workers have answers before its turn."""
    return [*ask_many(15), request]


def test_a_404_among_answers_passes(server, tmp_path):
    """Routers answer so while the server behind them restarts, and mean nothing by it."""
    *_, late = judge(put_last(ask("fault 404 2")), server.url, tmp_path, concurrency=2).values()
    assert (late.state, late.attempts) == ("parse_error", 3)


def test_a_404_that_does_not_pass_is_asked_again_by_the_next_run(server, tmp_path):
    """An error for good would leave a hole in every table until the ledger is deleted."""
    requests = put_last(ask("fault 404"))
    for _ in range(2):
        before = count_calls(server)
        *others, late = judge(requests, server.url, tmp_path, concurrency=2, attempts=2).values()
        assert {record.state for record in others} == {"ok"}
        assert (late.state, late.permanent, late.attempts) == ("api_error", False, 2)
        assert late.error.startswith("HTTP 404: ")
        assert count_calls(server) >= before + 2
        requests = [ask(f"rate {number}") for number in range(100, 115)] + requests[-1:]


def test_a_403_among_answers_is_about_the_request(server, tmp_path):
    """A prompt that a provider's moderation refuses must neither end the study nor be asked for ever."""
    requests = put_last(ask("fault 403"))
    *others, refused = judge(requests, server.url, tmp_path, concurrency=2).values()
    assert {record.state for record in others} == {"ok"}
    assert (refused.state, refused.permanent, refused.attempts) == ("api_error", True, 1)
    before = count_calls(server)
    judge(requests, server.url, tmp_path)
    assert count_calls(server) == before


def test_a_403_that_is_all_that_is_left_does_not_stop(server, tmp_path):
    """Nothing is answered in such a run, so that it may be the key: the request is asked once more by the next."""
    judge(ask_many(1), server.url, tmp_path)
    for _ in range(2):
        before = count_calls(server)
        _, refused = judge([*ask_many(1), ask("fault 403")], server.url, tmp_path).values()
        assert (refused.state, refused.permanent) == ("api_error", False)
        assert count_calls(server) == before + 1


def test_a_key_that_is_withdrawn_meanwhile_poisons_nothing(server, tmp_path, monkeypatch):
    """403 for everything that comes: else all the rest would be refused for good, and never be asked again."""
    monkeypatch.setattr(workers, "BLOCK", 1000)
    requests = [*ask_many(3), *(ask("fault 403", temperature=number) for number in range(100))]
    before = count_calls(server)
    with pytest.raises(AuthenticationFailed, match=r"the last 50 requests were all refused.*HTTP 403"):
        judge(requests, server.url, tmp_path, concurrency=1)
    assert count_calls(server) == before + 53
    ledger = Ledger(tmp_path)
    failed = [record for record in ledger.read().values() if record.state == "api_error"]
    assert len(failed) == 50
    assert not any(record.permanent for record in failed)
    assert ledger.calls == 53


def test_a_judge_that_cannot_be_read_is_not_paid_to_the_end(server, tmp_path):
    """A server without log-probabilities answers every request, at its price and for nothing."""
    requests = [ask(f"silence {number}") for number in range(90)]
    before = count_calls(server)
    with pytest.raises(NothingReadable) as caught:
        judge(requests, server.url, tmp_path, concurrency=4)
    made = count_calls(server) - before
    assert 50 <= made <= 53
    message = str(caught.value)
    assert "none of the first 50 replies could be read" in message
    assert "the parser says: no rating in 'silence " in message
    assert f"lie in {tmp_path}, and what lies there is not asked again: delete that folder" in message
    # A second run knows, and pays for not one reply more.
    with pytest.raises(NothingReadable, match=rf"none of the first {made} replies"):
        judge(requests, server.url, tmp_path, concurrency=4)
    assert count_calls(server) == before + made
    # A parser that reads them needs no other judge.
    better = [replace(request, parse=lambda reply: reply.text) for request in requests]
    assert {record.state for record in judge(better, server.url, tmp_path).values()} == {"ok"}
    shutil.rmtree(tmp_path)
    with pytest.raises(NothingReadable, match="none of the first 50 replies"):
        judge(requests, server.url, tmp_path, concurrency=1)


def test_a_judge_that_was_read_once_goes_on(server, tmp_path):
    """Runs whose texts nobody can rate are a finding, not a broken judge."""
    judge(ask_many(1), server.url, tmp_path)
    requests = [*ask_many(1), *(ask(f"silence {number}") for number in range(60))]
    judged = judge(requests, server.url, tmp_path)
    assert sorted({record.state for record in judged.values()}) == ["ok", "parse_error"]


PRICES = Prices(input=1000.0, output=10_000.0)


def test_spend_limit_holds_and_keeps_what_was_paid(tmp_path):
    """A call reserves at most 88 to 90 bytes × $0.001 and 10 tokens × $0.01, about $0.19, and costs 2 × $0.001 +
    3 × $0.01 = $0.032, so a limit of $1 ends between (1 − 0.19)/0.032 and 1/0.032 answers.
    """
    requests = ask_many(100)
    with run_server(latency=0.01) as server:
        with pytest.raises(SpendLimitReached, match=r"\$1\.00 .* raise spend_limit"):
            judge(requests, server.url, tmp_path, prices=PRICES, spend_limit=1.0, concurrency=8)
        ledger = Ledger(tmp_path)
        worst = max(get_worst_case(request.body, PRICES) for request in requests)
        assert 1.0 - worst - 0.032 < ledger.spent <= 1.0
        assert len(ledger.read()) == count_calls(server) == round(ledger.spent / 0.032)
        assert {record.state for record in ledger.read().values()} == {"ok"}
        judged = judge(requests, server.url, tmp_path, prices=PRICES, spend_limit=4.0, concurrency=8)
        assert count_calls(server) == 100
    assert sum(record.cost for record in judged.values()) == pytest.approx(3.2, rel=1e-9)


def test_a_lost_answer_may_have_been_paid_and_counts(server, tmp_path):
    """Two answers cut off, the third arrives: two worst cases and one real cost. A refusal (500) costs nothing."""
    requests = [ask("fault truncate 2", temperature=1), ask("fault 500 2", temperature=1)]
    cut, refused = judge(requests, server.url, tmp_path, prices=PRICES).values()
    real = PRICES.get_cost(3, 3)
    assert cut.cost == pytest.approx(2 * get_worst_case(requests[0].body, PRICES) + real, rel=1e-9)
    assert refused.cost == pytest.approx(real, rel=1e-9)


@pytest.mark.parametrize("status", ["502", "504", "524"])
def test_what_a_gateway_lost_may_have_been_paid_too(server, tmp_path, status):
    """The judge behind it goes on writing, and its provider charges for that."""
    request = ask(f"fault {status} 2")
    (record,) = judge([request], server.url, tmp_path, prices=PRICES).values()
    worst = get_worst_case(request.body, PRICES)
    assert record.cost == pytest.approx(2 * worst + PRICES.get_cost(3, 3), rel=1e-9)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143)])
def test_what_an_interruption_leaves_unanswered_counts(tmp_path, number, code):
    """Three calls under way and one whose answers are cut off again and again, perhaps while it waits for its next:
    whatever was asked may be billed, and a study that is interrupted often must not pay without its limit.
    """
    ledger = tmp_path / "ledger"
    environment = {**os.environ, "PYTHONPATH": f"{FOLDER.parents[1]}:{FOLDER}"}
    with run_server(latency=600) as server, (tmp_path / "log").open("w") as log:
        command = [sys.executable, "-c", CLIENT, server.url, str(ledger)]
        client = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        while server.get_stats()["injected"].get("truncate", 0) < 2 or server.get_stats()["in_flight"] < 3:
            assert client.poll() is None, (tmp_path / "log").read_text()
        client.send_signal(number)
        assert client.wait(60) == code, (tmp_path / "log").read_text()
    requests = [*ask_many(20), ask("fault truncate")][-4:]
    worst = {request.get_key("here"): get_worst_case(request.body, PRICES) for request in requests}
    kept = Ledger(ledger)
    records = kept.read()
    assert set(records) == set(worst)
    for key, record in records.items():
        assert (record.state, record.permanent) == ("api_error", False)
        assert record.cost == pytest.approx(record.attempts * worst[key], rel=1e-9)
    assert sorted(record.attempts for record in records.values())[:3] == [1, 1, 1]
    assert kept.calls >= 5
    with run_server() as server:
        with pytest.raises(SpendLimitReached):
            judge(
                requests[:3],
                server.url,
                ledger,
                prices=PRICES,
                spend_limit=kept.spent + min(worst.values()) / 2,
            )
        assert count_calls(server) == 0


def test_lost_answers_reach_the_limit_too(server, tmp_path):
    """Otherwise a server that cuts every answer off could be paid without an end."""
    worst = get_worst_case(ask("fault truncate").body, PRICES)
    with pytest.raises(SpendLimitReached):
        judge([ask("fault truncate")], server.url, tmp_path, prices=PRICES, spend_limit=2.5 * worst)
    ledger = Ledger(tmp_path)
    (record,) = ledger.read().values()
    assert (record.state, record.attempts) == ("api_error", 2)
    assert ledger.spent == pytest.approx(2 * worst, rel=1e-9)


@pytest.mark.parametrize(
    ("changes", "requests", "message"),
    [
        ({"spend_limit": 1.0, "prices": PRICES}, [ask("rate 1", max_tokens=None)], "max_tokens"),
        ({}, [ask("rate 1", model="another")], "another"),
    ],
)
def test_what_cannot_be_kept_is_an_error_before_the_first_call(server, tmp_path, changes, requests, message):
    before = count_calls(server)
    with pytest.raises(ValueError, match=message):
        judge(requests, server.url, tmp_path, **changes)
    assert count_calls(server) == before


def test_the_report_tells_the_estimate_and_the_end(server, tmp_path):
    lines = []
    endpoint = make_endpoint(server.url, prices=PRICES, spend_limit=10.0)
    requests = [*ask_many(3), ask("silence"), ask("fault 400")]
    judge_requests(requests[:2], endpoint, Ledger(tmp_path), lines.append)
    judge_requests(requests, endpoint, Ledger(tmp_path), lines.append)
    assert re.fullmatch(
        r"judge judge on here: 3 calls for 5 requests \(2 in the ledger\), at most \d+ \+ 30 tokens, "
        r"\$0\.\d\d at most",
        lines[2],
    )
    assert re.match(
        r"judge judge on here: 5 of 5; .*/s; 1 unreadable, 1 failed; 0 calls repeated; \$0\.1\d spent; "
        r"last failure: HTTP 400",
        lines[3],
    )
    assert len(lines) == 4


def test_what_another_process_answers_meanwhile_is_not_asked_again(tmp_path):
    """A slow run of 100 requests, one at a time, and a fast one beside it on the same ledger: each sees the
    other's records within about a second, in which the slow one makes at most some 20 calls.
    """
    with run_server(latency=0.05) as server:
        slow = {}

        def run_slowly():
            slow.update(judge(ask_many(100), server.url, tmp_path, concurrency=1))

        thread = threading.Thread(target=run_slowly)
        thread.start()
        while not count_calls(server):
            pass
        fast = judge(ask_many(100), server.url, tmp_path, concurrency=32)
        thread.join()
        assert count_calls(server) < 150
    assert slow == fast
    assert [record.value for record in fast.values()] == list(range(100))


def test_a_dead_server_ends_the_run_and_not_after_every_request_has_waited(tmp_path):
    """3,000 judgments that each wait out eight attempts would hold a job for hours; four in a row tell."""
    with run_server() as running:
        url = running.url
    with pytest.raises(
        ServerGone, match=r"the last 4 judgments got no answer in 1 attempts each.*server is up"
    ):
        judge(ask_many(100), url, tmp_path, concurrency=4, attempts=1)
    records = Ledger(tmp_path).read()
    assert 4 <= len(records) <= 8
    assert {(record.state, record.permanent) for record in records.values()} == {("api_error", False)}


def test_a_server_that_is_back_answers_the_rest(server, tmp_path):
    """What ended as an error because the server was down is asked again by the same command."""
    with run_server() as running:
        url = running.url
    requests = ask_many(20)
    with pytest.raises(ServerGone):
        judge(requests, url, tmp_path, concurrency=2, attempts=1)
    assert {record.state for record in judge(requests, server.url, tmp_path).values()} == {"ok"}


def test_requests_that_always_fail_do_not_end_the_run(server, tmp_path):
    """Three broken prompts in a row among good ones are their own trouble: the server answers the others."""
    faults = [ask("fault 500", temperature=number) for number in range(3)]
    records = judge([*faults, *ask_many(40)], server.url, tmp_path, concurrency=4, attempts=1)
    assert sorted(record.state for record in records.values()) == ["api_error"] * 3 + ["ok"] * 40
