"""Serving commands for real: ready when they answer, on a port of their own, gone on every way out."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import openai
import pytest

from lossgrid.judging.serving import server as server_module
from lossgrid.judging.serving.ports import find_open_addresses, is_taken, reserve_port
from lossgrid.judging.serving.server import ServerError, serve
from lossgrid.worlds.reviews.policy import build_policy
from lossgrid.worlds.reviews.tokenizer import build_tokenizer

ROOT = Path(__file__).resolve().parents[2]

# A server with what goes wrong in real ones: workers, also in sessions of their own; deaf to SIGTERM.
SERVER = """
import http.server, os, signal, subprocess, sys, time
port, host, ways = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
if "deaf" in ways:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
pids = [os.getpid()]
if "workers" in ways:
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    pids += [subprocess.Popen(sleep, start_new_session=own).pid for own in (False, True)]
with open("pids", "w") as file:
    file.write(" ".join(map(str, pids)) + "\\n")
if "slow" in ways:
    time.sleep(600)
if "broken" in ways:
    sys.exit("the model is not there")

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        locked = [int(way) for way in ways if way.isdigit()]
        self.send_response((locked or [200])[0] if self.path == "/v1/models" else 404)
        self.end_headers()
        if self.path == "/v1/stop":
            os._exit(3)

print(os.environ.get("GREETING"), flush=True)
http.server.ThreadingHTTPServer((host, port), Handler).serve_forever()
"""

PARENT = """
import os, signal, sys, time
from pathlib import Path
from lossgrid.judging.serving.server import serve
# A shell starts what runs in its background deaf to Ctrl-C, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
with serve(sys.argv[1], Path("server.log")):
    child = os.fork() if "fork" in sys.argv else 0
    if child or "fork" not in sys.argv:
        Path("ready").write_text(str(child))
    time.sleep(600)
"""


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Makes commands of the little server; the pids of what they started lie in `pids`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "serve it.py").write_text(SERVER)

    def make(*ways: str, host: str = "127.0.0.1") -> str:
        return f"{sys.executable} '{tmp_path}/serve it.py' {{port}} {host} {' '.join(ways)}"

    return make


def get(url: str) -> int:
    """Status of the answer to GET."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request("GET", f"/{path}")
        return connection.getresponse().status
    finally:
        connection.close()


def read_pids(folder: Path) -> list[int]:
    """The server and its workers."""
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def runs(pid: int) -> bool:
    """Whether a process exists and is more than an entry that nobody has reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def get_parent(pid: int) -> int:
    """Pid of a process's parent."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def wait_until(condition, what: str) -> None:
    """Wait for what must come, however slow the machine."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def test_a_server_answers_inside_the_block_and_is_gone_behind_it(command, tmp_path):
    """A server that outlives its job holds a GPU that the next job waits for."""
    lines = []
    log = tmp_path / "logs" / "server.log"
    with serve(command("workers"), log, environment={"GREETING": "good morning"}, report=lines.append) as url:
        assert get(f"{url}/models") == 200
        pids = read_pids(tmp_path)
        assert len(pids) == 3
        assert all(runs(pid) for pid in pids)
        # A signal to the caller's group, as Ctrl-C sends one, must not reach the server first.
        assert os.getpgid(pids[0]) not in (os.getpgid(0), os.getpgid(os.getppid()))
        assert os.getsid(pids[0]) != os.getsid(0)
    assert not any(runs(pid) for pid in pids)
    assert "good morning" in log.read_text()
    assert [line.split()[:2] for line in lines] == [
        ["starting", "a"],
        ["server", "ready"],
        ["server", "stopped:"],
    ]


@pytest.mark.parametrize("status", ["401", "403"])
def test_a_server_that_asks_for_a_key_is_up(command, tmp_path, status):
    """`vllm serve --api-key` refuses a look without it, and would be waited for until the time is over."""
    with serve(command(status), tmp_path / "log", ready_timeout=60) as url:
        assert get(f"{url}/models") == int(status)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_server_is_gone_when_the_block_fails(command, tmp_path, error):
    """A failed or interrupted job must leave nothing behind either."""
    with pytest.raises(error), serve(command("workers"), tmp_path / "log"):  # noqa: PT012
        pids = read_pids(tmp_path)
        raise error
    assert not any(runs(pid) for pid in pids)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_server_is_gone_when_its_parent_is_killed(command, tmp_path, number):
    """Nothing in a process that gets SIGKILL can clean up: somebody else has to."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, command("workers")], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    wait_until((tmp_path / "ready").exists, "the server became ready")
    pids = read_pids(tmp_path)
    assert all(runs(pid) for pid in pids)
    parent.send_signal(number)
    assert parent.wait(60) != 0
    wait_until(lambda: not any(runs(pid) for pid in pids), "server and workers are gone")


def test_a_process_forked_from_the_parent_does_not_keep_the_server(command, tmp_path):
    """It inherits the pipe whose end tells the guard that the parent is gone, as a worker of a data loader does."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, command(), "fork"], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    wait_until(lambda: (tmp_path / "ready").exists() and (tmp_path / "ready").read_text(), "ready")
    child = int((tmp_path / "ready").read_text())
    (server,) = read_pids(tmp_path)
    try:
        parent.kill()
        parent.wait(60)
        wait_until(lambda: not runs(server), "the server is gone")
        assert runs(child)
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_server_is_gone_when_its_guard_is_killed(command, tmp_path):
    """The guard is one process more that can be killed."""
    with serve(command(), tmp_path / "log"):
        server = read_pids(tmp_path)[0]
        guard = get_parent(server)
        assert guard != os.getpid()
        os.kill(guard, signal.SIGKILL)
        wait_until(lambda: not runs(server), "the server is gone")


def test_a_server_that_ignores_sigterm_is_killed(command, tmp_path, monkeypatch):
    """A server stuck in a kernel of its GPU does not listen to polite requests."""
    monkeypatch.setattr(server_module, "GRACE_SECONDS", 0.3)
    with serve(command("deaf", "workers"), tmp_path / "log"):
        pids = read_pids(tmp_path)
    assert not any(runs(pid) for pid in pids)


def test_a_server_that_ends_before_it_answers_is_explained(command, tmp_path):
    """Without its last lines a user reads that a connection was refused, after ten minutes of waiting."""
    with (
        pytest.raises(ServerError, match=r"ended with exit code 1; last lines") as caught,
        serve(command("broken", "workers"), tmp_path / "log"),
    ):
        pytest.fail("it never answered")
    assert "serve it.py" in str(caught.value)
    assert "    the model is not there" in str(caught.value)
    assert not any(runs(pid) for pid in read_pids(tmp_path))


def test_a_server_that_never_answers_is_stopped(command, tmp_path, monkeypatch):
    """A job that waits for ever costs its whole allocation."""
    monkeypatch.setattr(server_module, "REPORT_SECONDS", 0.2)
    lines = []
    with (
        pytest.raises(ServerError, match=r"did not answer GET /v1/models within 1 s"),
        serve(command("slow", "workers"), tmp_path / "log", ready_timeout=1, report=lines.append),
    ):
        pytest.fail("it never answered")
    assert not any(runs(pid) for pid in read_pids(tmp_path))
    assert any(line.startswith("waiting for the server: ") and "of at most 1 s" in line for line in lines)


def test_a_program_that_does_not_exist_is_named(tmp_path):
    """Programs such as vLLM live in environments of their own: the commonest mistake is to call them elsewhere."""
    with (
        pytest.raises(ServerError, match=r"exit code 127(.|\n)*vlllm: cannot be started: .*No such file"),
        serve("vlllm serve a/model --port {port}", tmp_path / "log"),
    ):
        pytest.fail("there is no such program")


def test_a_command_without_a_port_is_refused(tmp_path):
    """With a port of its own, a second job on the node would talk to the first one's server."""
    with pytest.raises(ValueError, match=r"names no \{port\}; add --port \{port\}"), serve("a b", tmp_path):
        pytest.fail("it was started")


def test_a_server_open_to_other_machines_is_refused(command, tmp_path):
    """By default vLLM listens on all interfaces: anybody in the cluster's network could use the model."""
    with (
        pytest.raises(ServerError, match=r"listens on 0\.0\.0\.0, open to other machines; add --host 127"),
        serve(command(host="0.0.0.0"), tmp_path / "log"),
    ):
        pytest.fail("it was accepted")
    assert not any(runs(pid) for pid in read_pids(tmp_path))


def test_a_server_that_ends_inside_the_block_is_reported(command, tmp_path):
    """Else its last lines are never seen, and the errors of the calls have no cause."""
    lines = []
    with serve(command("workers"), tmp_path / "log", report=lines.append) as url:
        pids = read_pids(tmp_path)
        guard = get_parent(pids[0])
        get(f"{url}/stop")
        wait_until(lambda: not runs(guard), "the guard ends with its server")
        assert not any(runs(pid) for pid in pids)
    assert "ended by itself with exit code 3, before it was stopped" in lines[-1]


def test_servers_started_at_once_get_ports_of_their_own(command, tmp_path):
    """Two shards on one node would otherwise share a judge, or one of them would fail."""
    urls = []
    with ExitStack() as stack:

        def start(index: int) -> None:
            urls.append(stack.enter_context(serve(command(), tmp_path / f"{index}.log")))

        threads = [threading.Thread(target=start, args=(index,)) for index in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(urls)) == 4
        assert [get(f"{url}/models") for url in urls] == [200] * 4


def test_a_reserved_port_is_given_to_nobody_and_can_be_served():
    """Between choosing a port and listening on it a server loads for minutes."""
    holders = [reserve_port() for _ in range(300)]
    ports = [holder.getsockname()[1] for holder in holders]
    assert len(set(ports)) == 300
    with socket.create_server(("127.0.0.1", ports[0])):
        assert find_open_addresses(ports[0]) == []
        socket.create_connection(("127.0.0.1", ports[0])).close()
    for holder in holders:
        holder.close()


def test_a_port_that_was_taken_meanwhile_is_left_to_its_owner(command, tmp_path, monkeypatch):
    """Somebody else's program on the port must cost a second try, not the job."""
    taken = socket.create_server(("127.0.0.1", 0))

    def hang_up():
        while True:
            try:
                taken.accept()[0].close()
            except OSError:
                return

    threading.Thread(target=hang_up, daemon=True).start()
    reserved = iter([taken.dup()])
    monkeypatch.setattr(server_module, "reserve_port", lambda: next(reserved, None) or reserve_port())
    lines = []
    with serve(command(), tmp_path / "log", report=lines.append) as url:
        assert get(f"{url}/models") == 200
        assert f":{taken.getsockname()[1]}/" not in url
    taken.close()
    assert any("was taken meanwhile" in line for line in lines)
    assert "Address already in use" in (tmp_path / "log").read_text()


@pytest.mark.slow
def test_transformers_serves_a_model_and_is_stopped(tmp_path):
    """A server of somebody else's: imports for seconds, threads, a model, and its own ways to end."""
    tokenizer = build_tokenizer()
    policy = build_policy(
        tokenizer, layers=1, hidden_size=16, heads=2, intermediate_size=32, seed=1, max_position=256
    )
    model = tmp_path / "model"
    tokenizer.save_pretrained(model)
    policy.save_pretrained(model)
    program = Path(sys.executable).with_name("transformers")
    command = f"{program} serve {model} --host 127.0.0.1 --port {{port}} --device cpu"
    environment = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HOME": str(tmp_path / "hub")}
    with serve(command, tmp_path / "log", ready_timeout=200, environment=environment) as url:
        client = openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=120)
        completion = client.chat.completions.create(
            model=str(model),
            messages=[{"role": "user", "content": "what about the plot ?"}],
            max_tokens=8,
            temperature=0,
        )
        # An untrained model says anything, in words of its language.
        words = completion.choices[0].message.content.split()
        assert words
        assert set(words) <= {*tokenizer.get_vocab()}
        port = int(url.split(":")[2].split("/")[0])
        assert is_taken(port)
    assert not is_taken(port)
