"""A whole campaign of judging against a server that fails one call in five, its client killed again and again.

Run as `python test_campaign.py URL FOLDER COUNT` the file is that client.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from faulty_server import INJECTED, run_server

from lossgrid.judging.asking.client import Endpoint, judge_requests
from lossgrid.judging.asking.ledger import Ledger
from lossgrid.judging.asking.prices import Prices
from lossgrid.judging.asking.request import JudgeRequest, UnreadableReply

ROOT = Path(__file__).resolve().parents[2]
CONCURRENCY = 64
TIMEOUT = 1.5
KEY = "sk-campaign-0123456789"


def parse_rating(reply):
    rating = re.search(r"\[\[(\d+)\]\]", reply.text)
    if rating is None:
        raise UnreadableReply("no rating")
    return int(rating[1])


def run_client(url, folder, count):
    """Ask all; returns the judgments in order."""
    requests = [
        JudgeRequest(
            {
                "model": "judge",
                "messages": [{"role": "user", "content": f"rate {number}"}],
                "max_tokens": 10,
            },
            parse_rating,
        )
        for number in range(count)
    ]
    endpoint = Endpoint(
        url,
        "campaign",
        "judge",
        key_variable="LOSSGRID_TEST_KEY",
        concurrency=CONCURRENCY,
        timeout=TIMEOUT,
        prices=Prices(input=1.0, output=1.0),
        spend_limit=100.0,
    )
    return list(judge_requests(requests, endpoint, Ledger(folder)).values())


@pytest.mark.parametrize(
    ("count", "kills"), [(600, 2), pytest.param(10_000, 5, marks=pytest.mark.slow)], ids=["600", "10000"]
)
def test_every_judgment_survives(tmp_path, monkeypatch, count, kills):
    """Every request ends as one judgment or an explained error, and is paid once unless a kill caught its answer."""
    monkeypatch.setenv("LOSSGRID_TEST_KEY", KEY)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ledger, started, caught = tmp_path / "ledger", time.monotonic(), [0]
    with run_server(faults=0.2, latency=0.01) as server, (tmp_path / "log").open("w") as log:
        command = [sys.executable, __file__, server.url, str(ledger), str(count)]
        for kill in range(1, kills + 1):
            client = subprocess.Popen(command, stdout=log, stderr=log)
            while server.get_stats()["answered"] < kill * count / (kills + 1):
                assert client.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.005)
            os.kill(client.pid, signal.SIGKILL)
            client.wait()
            while server.get_stats()["in_flight"]:
                time.sleep(0.005)
            # Answers that the server gave and that no ledger holds.
            caught.append(server.get_stats()["answered"] - count_answers(ledger).total())
        subprocess.run(command, stdout=log, stderr=log, check=True)
        stats = server.get_stats()
        judged = run_client(server.url, ledger, count)
        assert server.get_stats()["calls"] == stats["calls"], "a further run must make no call"

    states = Counter(record.state for record in judged)
    print(
        f"\n{count:,} judgments, {kills} kills, {time.monotonic() - started:.0f} s: {dict(states)}; "
        f"{stats['calls']:,} calls, injected {stats['injected']}; most calls for one request: "
        f"{max(record.attempts for record in judged)}; answers caught by the kills, all in all: {caught[1:]}, "
        f"paid twice: {stats['answered_again']}"
    )
    assert len(judged) == count
    for number, record in enumerate(judged):
        assert (record.state, record.value, record.error) == ("ok", number, None) or (
            record.state == "api_error" and re.search(r"HTTP|whole answer|connection", record.error)
        )
    # A request fails eight times in a row with probability 0.2⁸, once in 400,000.
    assert states["ok"] >= count - 2
    assert set(count_answers(ledger).values()) == {1}
    assert all(0 <= after - before <= CONCURRENCY for before, after in pairwise(caught))
    assert stats["answered_again"] <= caught[-1]
    assert set(INJECTED) <= set(stats["injected"])
    assert 0.15 * stats["calls"] < sum(stats["injected"].values()) < 0.25 * stats["calls"]
    written = (tmp_path / "log").read_text() + "".join(f.read_text() for f in ledger.iterdir())
    assert KEY not in written


def count_answers(folder: Path) -> Counter:
    """How many answers the files hold for every key; torn lines are left out."""
    answers = Counter()
    for file in folder.iterdir():
        for line in file.read_text().splitlines(keepends=True):
            if line.endswith("\n") and (record := json.loads(line))["state"] != "api_error":
                answers[record["key"]] += 1
    return answers


if __name__ == "__main__":
    run_client(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
