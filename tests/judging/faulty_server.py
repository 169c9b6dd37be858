"""A judge's server that fails as real ones do: `python faulty_server.py --faults 0.2`. Prints its port first.

A question answers itself: content `rate 7` is answered with `Rating: [[7]]`, and `fault KIND [N]` fails with that
kind (N times, then it is answered; without N always). Every body of an error repeats the Authorization header, as
servers do that show the request they could not serve. GET /stats tells what happened.
"""

import argparse
import asyncio
import hashlib
import json
import random
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

INJECTED = ("429", "500", "stall", "truncate", "garbage", "close")
RETRY_AFTER = ("0", "0.1", "0.3", "1")
STALL_SECONDS = 30.0


@dataclass(frozen=True)
class RunningServer:
    """A server in a process of its own."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def get_stats(self) -> dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats") as answer:
            return json.load(answer)


@contextmanager
def run_server(**options) -> Iterator[RunningServer]:
    """Start the server with its command-line options, and end it."""
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    process = subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        yield RunningServer(int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Server:
    """What all connections share."""

    def __init__(self, faults: float, rate: float, latency: float, key: str | None, retry_after: str | None):
        self.faults, self.rate, self.latency = faults, rate, latency
        self.key, self.retry_after = key, retry_after
        self.next_call = 0.0
        self.random = random.Random(0)
        self.injected, self.answered, self.asked = Counter(), Counter(), Counter()
        self.in_flight = self.most_in_flight = 0
        self.pause_ends, self.calls_in_pause = 0.0, 0
        self.headers: dict[str, str] = {}

    def refuse(self) -> str:
        """Choose for how many seconds nobody should call."""
        seconds = self.retry_after or self.random.choice(RETRY_AFTER)
        self.pause_ends = max(self.pause_ends, time.monotonic() + float(seconds))
        return seconds

    def choose_fault(self, question: str, identity: str) -> str | None:
        kind, *times = question.removeprefix("fault ").split() if question.startswith("fault ") else [None]
        if kind and (not times or self.asked[identity] <= int(times[0])):
            return kind
        now = time.monotonic()
        if now < self.next_call:
            return "429"
        self.next_call = now + 1 / self.rate
        return self.random.choice(INJECTED) if self.random.random() < self.faults else None

    def describe(self) -> dict:
        return {
            "calls": self.asked.total(),
            "distinct": len(self.asked),
            "injected": dict(self.injected),
            "answered": self.answered.total(),
            "answered_again": self.answered.total() - len(self.answered),
            "most_in_flight": self.most_in_flight,
            "in_flight": self.in_flight,
            "calls_in_pause": self.calls_in_pause,
            "headers": self.headers,
        }


class Connection(asyncio.Protocol):
    """One connection of HTTP/1.1, by hand: a library would not let us break its rules."""

    def __init__(self, server: Server):
        self.server, self.buffer, self.task = server, b"", None

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        if self.task is not None:
            self.task.cancel()

    def data_received(self, data):
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        if first.startswith("GET /stats"):
            self.send(200, json.dumps(self.server.describe()).encode())
        elif first.startswith("POST /v1/chat/completions"):
            self.task = asyncio.ensure_future(self.serve(headers, rest[:length]))
        else:
            self.send(404, b"no such path")

    async def serve(self, headers: dict[str, str], body: bytes) -> None:
        server = self.server
        server.in_flight += 1
        server.most_in_flight = max(server.most_in_flight, server.in_flight)
        try:
            await self.answer(headers, body)
        finally:
            server.in_flight -= 1

    async def answer(self, headers: dict[str, str], body: bytes) -> None:
        server, identity = self.server, hashlib.sha256(body).hexdigest()
        server.headers = headers
        server.asked[identity] += 1
        server.calls_in_pause += time.monotonic() < server.pause_ends
        request = json.loads(body)
        question = request["messages"][-1]["content"]
        authorization = headers.get("authorization", "")
        fault = server.choose_fault(question, identity)
        if server.key is not None and authorization != f"Bearer {server.key}":
            fault = "401"
        if fault is None:
            await asyncio.sleep(server.latency)
            whole = json.dumps(complete(request, question)).encode()
            server.answered[identity] += 1
            self.send(200, whole)
            return
        server.injected[fault] += 1
        shown = f"cannot serve {question!r} with {authorization}"
        if fault == "stall":
            await asyncio.sleep(STALL_SECONDS)
        elif fault == "truncate":
            whole = json.dumps(complete(request, question)).encode()
            self.send(200, whole[:40], length=len(whole))
        elif fault == "drip":
            self.send(200, b"{", length=1000)
            for _ in range(999):
                await asyncio.sleep(0.1)
                self.transport.write(b" ")
        elif fault == "garbage":
            self.send(200, b"<html>\xff\x00 " + shown.encode())
        elif fault == "nested":
            self.send(200, b"[" * 100_000)
        elif fault == "empty":
            self.send(200, json.dumps({"choices": [], "error": {"message": shown}}).encode())
        elif fault == "leak":
            self.send(200, json.dumps(complete(request, f"rate 7 {authorization}")).encode())
        elif fault == "close":
            self.transport.abort()
            return
        elif fault == "429":
            self.send(429, shown.encode(), extra=f"Retry-After: {server.refuse()}\r\n")
        elif fault == "quota":
            self.send(429, json.dumps({"error": {"code": "insufficient_quota", "message": shown}}).encode())
        else:
            self.send(int(fault), json.dumps({"error": {"message": shown}}).encode())
        if fault in ("stall", "truncate", "drip"):
            self.transport.close()

    def send(self, status: int, body: bytes, length: int | None = None, extra: str = "") -> None:
        head = f"HTTP/1.1 {status} Said So\r\nContent-Type: application/json\r\n{extra}"
        self.transport.write(f"{head}Content-Length: {length or len(body)}\r\n\r\n".encode() + body)


def complete(request: dict, question: str) -> dict:
    """A chat completion; its usage counts words."""
    text = f"Rating: [[{question.removeprefix('rate ')}]]" if question.startswith("rate ") else question
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    if request.get("logprobs"):
        first = {"token": "m", "logprob": -0.1, "bytes": [109]}
        top = [
            first,
            {"token": "M", "logprob": -2.5, "bytes": [77]},
            {"token": "x", "logprob": float("-inf")},
        ]
        choice["logprobs"] = {"content": [{**first, "top_logprobs": top}]}
    usage = {"prompt_tokens": len(question.split()), "completion_tokens": 3, "total_tokens": 0}
    usage["total_tokens"] = usage["prompt_tokens"] + 3
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": request["model"],
        "choices": [choice],
        "usage": usage,
    }


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=float, default=0.0, help="share of calls that fail by chance")
    parser.add_argument("--rate", type=float, default=1e9, help="calls a second; more are refused with 429")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before a good answer")
    parser.add_argument("--key", help="the only key that is accepted; any if left out")
    parser.add_argument("--retry-after", help="seconds that a 429 asks to wait; drawn if left out")
    arguments = parser.parse_args()
    server = Server(**vars(arguments))
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Connection(server), "127.0.0.1", 0, backlog=512)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
