"""Start a server for as long as a block of code needs it, and stop it on every way out."""

import http.client
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lossgrid.judging.serving import server_guard
from lossgrid.judging.serving.ports import LOOPBACK, find_open_addresses, is_taken, reserve_port

GRACE_SECONDS = 10.0
POLL_SECONDS = 0.1
REPORT_SECONDS = 15.0
# A port can only be lost to a program that asks for this very number.
PORT_ATTEMPTS = 5
LOG_LINES = 20


class ServerError(RuntimeError):
    """A server that did not come up; the message holds its command, exit code and last lines."""


class _PortTakenError(ServerError):
    """Another program listens where the server was to."""


@contextmanager
def serve(
    command: str,
    log: Path,
    ready_timeout: float = 600.0,
    environment: Mapping[str, str] | None = None,
    report: Callable[[str], None] = print,
) -> Iterator[str]:
    """Serve a model, or a judge, while the block runs.

    The server is a grandchild: a guard process between it and this one stops it, and every worker it started,
    when the block is left (normally, by an exception, by Ctrl-C) and when this process ends in any other way,
    SIGTERM and SIGKILL included. It is asked to end first and killed after `GRACE_SECONDS`.

    >>> with serve("vllm serve a/model --host 127.0.0.1 --port {port}", log) as url:  # doctest: +SKIP
    ...     client = OpenAI(base_url=url)

    Args:
        command: The command line, split as a shell would but run without one. `{port}` stands for a port of
            the loopback interface that no other server started here gets.
        log: File for the server's output; what it held is replaced.
        ready_timeout: Seconds until the server must answer `GET /v1/models`.
        environment: Variables added to those of this process.
        report: Gets a line when the server starts, waits, is ready and has stopped.

    Yields:
        The base URL, `http://127.0.0.1:PORT/v1`.

    Raises:
        ServerError: If the server ends or the time is over before it answers, or if it listens on more than
            the loopback interface.
        ValueError: If the command has no `{port}`.
    """
    words = shlex.split(command)
    if not any("{port}" in word for word in words):
        raise ValueError(f"command: {command!r} names no {{port}}; add --port {{port}}")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    guard, port = _start_until_ready(words, log, ready_timeout, environment, report)
    try:
        yield f"http://{LOOPBACK}:{port}/v1"
    finally:
        ended = guard.poll()
        _stop(guard)
        if ended is None:
            report(f"server stopped: {words[0]}")
        else:
            report(_describe(words, f"ended by itself with exit code {ended}, before it was stopped", log))


def _start_until_ready(
    words: list[str], log: Path, ready_timeout: float, environment: Mapping[str, str] | None, report
) -> tuple[subprocess.Popen, int]:
    for attempt in range(1, PORT_ATTEMPTS + 1):
        with reserve_port() as holder:
            port = holder.getsockname()[1]
            numbered = [word.replace("{port}", str(port)) for word in words]
            report(f"starting a server on port {port}: {shlex.join(numbered)}")
            guard = _start(numbered, log, environment)
            try:
                _wait_until_ready(guard, numbered, port, log, ready_timeout, report)
                return guard, port
            except _PortTakenError as error:
                if attempt == PORT_ATTEMPTS:
                    raise
                report(str(error).splitlines()[0])
            except BaseException:
                _stop(guard)
                raise
    raise AssertionError("the last attempt returns or raises")


def _start(words: list[str], log: Path, environment: Mapping[str, str] | None) -> subprocess.Popen:
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-I", server_guard.__file__, str(os.getpid()), str(GRACE_SECONDS), *words],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            # Ctrl-C in a terminal goes to the whole session: the server would end before its last answers.
            start_new_session=True,
        )


def _wait_until_ready(
    guard: subprocess.Popen, words: list[str], port: int, log: Path, ready_timeout: float, report
) -> None:
    start = time.monotonic()
    next_report = start + REPORT_SECONDS
    while not _is_ready(port):
        if guard.poll() is not None:
            ended = f"ended with exit code {guard.returncode}"
            if is_taken(port):
                raise _PortTakenError(_describe(words, f"{ended}: port {port} was taken meanwhile", log))
            raise ServerError(_describe(words, ended, log))
        waited = time.monotonic() - start
        if waited > ready_timeout:
            raise ServerError(
                _describe(words, f"did not answer GET /v1/models within {ready_timeout:g} s", log)
            )
        if time.monotonic() >= next_report:
            report(f"waiting for the server: {waited:.0f} s of at most {ready_timeout:g} s; its log: {log}")
            next_report += REPORT_SECONDS
        time.sleep(POLL_SECONDS)
    open_to_others = find_open_addresses(port)
    if open_to_others:
        raise ServerError(
            _describe(
                words,
                f"listens on {', '.join(open_to_others)}, open to other machines; add --host {LOOPBACK}",
                log,
            )
        )
    report(f"server ready after {time.monotonic() - start:.1f} s")


def _is_ready(port: int) -> bool:
    status = _get_status(port, "/v1/models")
    # `transformers serve` lists a download cache here, beside the model it serves, and fails where there is none.
    if status == 500:
        return _get_status(port, "/health") == 200
    # A server that asks for a key is up; the calls bring theirs.
    return status in (200, 401, 403)


def _get_status(port: int, path: str) -> int | None:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _stop(guard: subprocess.Popen) -> None:
    guard.stdin.close()
    # A process forked from this one may hold the pipe open too.
    guard.terminate()
    try:
        guard.wait(GRACE_SECONDS + 30)
    except subprocess.TimeoutExpired:
        # A process that even SIGKILL does not end (stuck in the kernel) must not hold up the program.
        guard.kill()
        guard.wait()


def _describe(words: list[str], what: str, log: Path) -> str:
    last = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
    return "\n".join(
        [f"server {shlex.join(words)}: {what}; last lines of {log}:", *(f"    {line}" for line in last)]
    )
