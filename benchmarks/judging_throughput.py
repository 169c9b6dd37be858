"""How fast judgments come in at 64 in flight from a server that takes 50 ms for each.

`python benchmarks/judging_throughput.py [--rounds 3]`

All clients ask the same server, which runs in a process of its own, one after the other and several times around;
each runs in a process of its own too, and the clock starts after its imports. What they do beside the call is part of
them: ours writes and syncs its ledger, FastChat appends to its file, alpaca_eval builds its data frames.

- `lossgrid`: `judge_requests`.
- `FastChat`: `play_a_match_single` in a pool of 64 threads, as its `gen_judgment` does. Its `chat_completion_openai`
  does not work with this openai version (`openai.ChatCompletion` is gone) and is replaced by the smallest call that
  does, on one client that all threads share.
- `alpaca_eval`: `PairwiseAnnotator` with the configuration `weighted_alpaca_eval_gpt4_turbo`, no cache, and
  OPENAI_MAX_CONCURRENCY=64 (its default is 5). It makes a client for every call, hence asks fewer questions here.
- `sockets`: bytes over 64 open connections, without HTTP library or JSON: what the server can give.
"""

import argparse
import asyncio
import contextlib
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IN_FLIGHT = 64
LATENCY = 0.05
IDEAL = IN_FLIGHT / LATENCY
QUESTIONS = {"sockets": 4000, "lossgrid": 4000, "FastChat": 4000, "alpaca_eval": 640}
PROMPT = "Judge the answer.\n[Question]\n{question}\n[Answer]\n{answer}\n"
SYSTEM = "You are a judge."
ANSWER = "A sentence of an answer that is neither short nor long. " * 30
MODEL = "gpt-4"


def main() -> None:
    """Run every client in turn, or the one that is named with its server."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--client", choices=QUESTIONS)
    parser.add_argument("--url")
    arguments = parser.parse_args()
    if arguments.client:
        print(json.dumps(measure(arguments.client, arguments.url)))
    else:
        compare(arguments.rounds)


def compare(rounds: int) -> None:
    """Print a table of all clients, the median round each."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "judging")]
    from faulty_server import run_server

    measured = {client: [] for client in QUESTIONS}
    with run_server(latency=LATENCY) as server:
        for _ in range(rounds):
            for client, runs in measured.items():
                command = [sys.executable, __file__, "--client", client, "--url", server.url]
                environment = {
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "OPENAI_MAX_CONCURRENCY": str(IN_FLIGHT),
                }
                output = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment).stdout
                runs.append(json.loads(output.splitlines()[-1]))
    versions = ", ".join(f"{name} {version(name)}" for name in ("openai", "fschat", "alpaca_eval"))
    print(f"{IN_FLIGHT} in flight, {LATENCY * 1000:.0f} ms a call: ideal {IDEAL:.0f}/s; {versions}")
    print(
        f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; median of {rounds} rounds (lowest to highest)"
    )
    print(f"{'client':12} {'questions':>9} {'calls/s':>24} {'share of ideal':>15} {'CPU ms/call':>12}")
    for client, runs in measured.items():
        rates = sorted(QUESTIONS[client] / run["seconds"] for run in runs)
        cpu = statistics.median(1000 * run["cpu"] / QUESTIONS[client] for run in runs)
        spread = f"{statistics.median(rates):.0f} ({rates[0]:.0f} to {rates[-1]:.0f})"
        share = f"{statistics.median(rates) / IDEAL:.1%}"
        print(f"{client:12} {QUESTIONS[client]:9,} {spread:>24} {share:>15} {cpu:12.2f}")


def measure(client: str, url: str) -> dict[str, float]:
    """Seconds on the clock and of this process's CPU."""
    prepare = {
        "sockets": prepare_sockets,
        "lossgrid": prepare_lossgrid,
        "FastChat": prepare_fastchat,
        "alpaca_eval": prepare_alpaca_eval,
    }[client]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        ask = prepare(url, QUESTIONS[client], Path(folder))
        started, cpu = time.perf_counter(), time.process_time()
        answered = ask()
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    if answered != QUESTIONS[client]:
        raise RuntimeError(f"{client}: {answered} of {QUESTIONS[client]} questions were answered")
    return {"seconds": seconds, "cpu": cpu}


def prepare_lossgrid(url: str, count: int, folder: Path):
    """Our client, with its ledger on disk."""
    from lossgrid.judging.asking.client import Endpoint, judge_requests
    from lossgrid.judging.asking.ledger import Ledger
    from lossgrid.judging.asking.request import JudgeRequest

    def parse(reply):
        return re.search(r"rate|Rating", reply.text) is not None

    requests = [
        JudgeRequest(
            {
                "model": MODEL,
                "messages": [
                    {"role": "system", "content": SYSTEM},
                    {"role": "user", "content": PROMPT.format(question=number, answer=ANSWER)},
                ],
                "n": 1,
                "temperature": 0,
                "max_tokens": 2048,
            },
            parse,
        )
        for number in range(count)
    ]
    endpoint = Endpoint(url, "", MODEL, concurrency=IN_FLIGHT)

    def ask() -> int:
        records = judge_requests(requests, endpoint, Ledger(folder))
        return sum(record.state == "ok" for record in records.values())

    return ask


def prepare_fastchat(url: str, count: int, folder: Path):
    """FastChat's loop, with the call that its openai version used to make."""
    from concurrent.futures import ThreadPoolExecutor

    import openai
    from fastchat.llm_judge import common

    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)

    def complete(model, conv, temperature, max_tokens, api_dict=None):
        messages = conv.to_openai_api_messages()
        reply = client.chat.completions.create(
            model=model, messages=messages, n=1, temperature=temperature, max_tokens=max_tokens
        )
        return reply.choices[0].message.content

    common.chat_completion_openai = complete
    template = {
        "name": "single",
        "type": "single",
        "system_prompt": SYSTEM,
        "prompt_template": PROMPT,
        "output_format": "[[rating]]",
    }
    judge = common.Judge(MODEL, template)
    matches = [
        common.MatchSingle(
            {"question_id": number, "turns": [str(number)]},
            "model",
            {"choices": [{"turns": [ANSWER]}]},
            judge,
        )
        for number in range(count)
    ]
    output = folder / "judgments" / "single.jsonl"

    def ask() -> int:
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            list(pool.map(lambda match: common.play_a_match_single(match, str(output)), matches))
        return len(output.read_text().splitlines())

    return ask


def prepare_alpaca_eval(url: str, count: int, folder: Path):
    """alpaca_eval's annotator of the published leaderboard, at our server."""
    config = folder / "clients.yaml"
    config.write_text(json.dumps({"default": [{"api_key": "none", "base_url": url}]}))
    os.environ["OPENAI_CLIENT_CONFIG_PATH"] = str(config)
    from alpaca_eval.annotators import PairwiseAnnotator

    annotator = PairwiseAnnotator(annotators_config="weighted_alpaca_eval_gpt4_turbo", caching_path=None)
    rows = [
        {"instruction": str(number), "output_1": f"{ANSWER} One.", "output_2": f"{ANSWER} Two."}
        for number in range(count)
    ]

    def ask() -> int:
        annotated = annotator.annotate_pairs(rows)
        return sum(row["preference"] is not None for row in annotated)

    return ask


def prepare_sockets(url: str, count: int, folder: Path):
    """What remains when a client does nothing but send and receive."""
    host, port = url.removeprefix("http://").removesuffix("/v1").split(":")
    content = PROMPT.format(question=0, answer=ANSWER)
    body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": content}]}).encode()
    call = f"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    numbers = iter(range(count))

    async def work() -> int:
        reader, writer = await asyncio.open_connection(host, int(port))
        answered = 0
        for _ in numbers:
            writer.write(call)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.search(rb"Content-Length: (\d+)", head)[1]))
            answered += 1
        writer.close()
        return answered

    async def work_together() -> int:
        return sum(await asyncio.gather(*[work() for _ in range(IN_FLIGHT)]))

    return lambda: asyncio.run(work_together())


if __name__ == "__main__":
    main()
