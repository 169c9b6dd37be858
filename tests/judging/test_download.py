"""The published files of MT-Bench, from a server that has them, has others, or fails."""

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from lossgrid.judging.mt_bench import download
from lossgrid.judging.mt_bench.download import DATA, RELEASE, DownloadError, download_mt_bench

NAMES = ("question.jsonl", "judge_prompts.jsonl", "reference_answer.jsonl")
QUESTIONS = f"/{RELEASE}/{DATA}/mt_bench/question.jsonl"


class Host:
    """A host of files by path.

    Attributes:
        files: What it serves.
        faults: By path, what it does instead, one fault a call: a status, or `cut` for half of a file.
        asked: Paths in the order of the calls.
    """

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list] = {}
        self.asked: list[str] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                host.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        faults = self.faults.get(handler.path)
        fault = faults.pop(0) if faults else None
        content = self.files.get(handler.path, b"")
        handler.send_response(fault if isinstance(fault, int) else 200 if handler.path in self.files else 404)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2] if fault == "cut" else content)


@pytest.fixture
def host(monkeypatch) -> Iterator[Host]:
    """A host without files."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    host = Host()
    thread = Thread(target=host.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield host
    host.server.shutdown()
    thread.join()
    host.server.server_close()


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    """Seconds that would have been waited."""
    waits = []
    monkeypatch.setattr(download.time, "sleep", waits.append)
    return waits


@pytest.fixture
def published(fixtures) -> dict[str, bytes]:
    """The files as FastChat publishes them, by path."""
    names = {
        download.QUESTIONS: "question.jsonl",
        download.JUDGE_PROMPTS: "judge_prompts.jsonl",
        download.REFERENCES["original"]: "reference_gpt-4.jsonl",
        download.REFERENCES["corrected"]: "reference_gpt-4-0125-preview_PR3158.jsonl",
    }
    return {
        f"/{file.commit}/{DATA}/{file.path}": (fixtures / "mt_bench" / name).read_bytes()
        for file, name in names.items()
    }


def test_files_are_accepted_by_their_hashes(host, published, tmp_path):
    """A hash mistyped here would refuse the very files that a study needs; a mixture of both sets helps nobody."""
    host.files = published
    paths = list(published)
    for references, place in (("original", 2), ("corrected", 3)):
        host.asked.clear()
        folder = tmp_path / references
        download_mt_bench(tmp_path / f"kept-{references}", folder, references, host.url)
        assert host.asked == [paths[0], paths[1], paths[place]]
        assert {file.name: file.read_bytes() for file in folder.iterdir()} == dict(
            zip(NAMES, (published[path] for path in host.asked), strict=True)
        )


def test_what_is_kept_needs_no_network(host, published, tmp_path):
    """Compute nodes are offline: a folder filled once, or by hand, must do. Other references need one file more."""
    host.files = published
    kept = tmp_path / "kept"
    download_mt_bench(kept, tmp_path / "first", "original", host.url)
    host.asked.clear()
    download_mt_bench(kept, tmp_path / "second", "original", host.url)
    assert host.asked == []
    assert {file.name for file in (tmp_path / "second").iterdir()} == set(NAMES)
    download_mt_bench(kept, tmp_path / "third", "corrected", host.url)
    assert host.asked == list(published)[3:]
    assert (tmp_path / "third" / "reference_answer.jsonl").read_bytes() == published[host.asked[0]]
    assert {file.name for file in kept.iterdir()} == {path.rsplit("/", 1)[1] for path in published}


def test_a_file_that_was_changed_by_hand_is_fetched_again(host, published, tmp_path):
    """An edited question would make the numbers look like MT-Bench's."""
    host.files = published
    download_mt_bench(tmp_path, tmp_path / "out", "original", host.url)
    questions = tmp_path / "question.jsonl"
    questions.write_bytes(questions.read_bytes().replace(b"Hawaii", b"Hawaai"))
    host.asked.clear()
    download_mt_bench(tmp_path, tmp_path / "out", "original", host.url)
    assert host.asked == [QUESTIONS]
    assert questions.read_bytes() == published[QUESTIONS]


def test_other_bytes_are_refused_with_both_hashes(host, waits, tmp_path):
    """A page of a captive portal, with status 200, would become the questions."""
    host.files = {QUESTIONS: b"<html>log in</html>"}
    with pytest.raises(DownloadError) as caught:
        download_mt_bench(tmp_path, tmp_path / "out", "original", host.url)
    found = hashlib.sha256(b"<html>log in</html>").hexdigest()
    assert str(caught.value) == (
        f"{host.url}{QUESTIONS}: SHA-256 is {found} and should be {download.QUESTIONS.sha256}; this is another file"
    )
    assert ([*tmp_path.glob("*.jsonl"), *tmp_path.glob("out/*")], waits, host.asked) == ([], [], [QUESTIONS])


def test_a_file_that_is_not_there_is_asked_for_once(host, waits, tmp_path):
    """A commit that is gone stays gone; the message must say what else can be done."""
    with pytest.raises(DownloadError) as caught:
        download_mt_bench(tmp_path / "new", tmp_path / "out", "original", host.url)
    assert str(caught.value) == (
        f"{host.url}{QUESTIONS}: HTTP Error 404: Not Found; run this step where the network is, or put the file at "
        f"{tmp_path / 'new' / 'question.jsonl'}"
    )
    assert (waits, host.asked) == ([], [QUESTIONS])


@pytest.mark.parametrize("fault", [503, 429, "cut"])
def test_what_fails_for_a_moment_is_tried_again(host, waits, published, tmp_path, fault):
    """A busy host, or a connection that broke in the middle of a file, would end a study at its first step."""
    host.files = published
    host.faults = {QUESTIONS: [fault, fault]}
    download_mt_bench(tmp_path, tmp_path / "out", "original", host.url)
    assert host.asked.count(QUESTIONS) == 3
    assert waits == [1, 2]
    assert (tmp_path / "question.jsonl").read_bytes() == published[QUESTIONS]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(503, "HTTP Error 503"), ("cut", r"IncompleteRead\(5 bytes read, 5 more expected\)")],
)
def test_what_fails_for_long_ends_with_the_reason(host, waits, tmp_path, fault, reason):
    """A traceback of urllib names neither the file nor what to do."""
    host.files = {QUESTIONS: b"0123456789"}
    host.faults = {QUESTIONS: [fault] * 10}
    with pytest.raises(DownloadError, match=rf"question\.jsonl: {reason}.*put the file at"):
        download_mt_bench(tmp_path, tmp_path / "out", "original", host.url)
    assert len(host.asked) == download.ATTEMPTS
    assert len(waits) == download.ATTEMPTS - 1
    assert [*tmp_path.glob("*.jsonl"), *tmp_path.glob("out/*")] == []


def test_a_host_that_cannot_be_reached_is_an_error_of_ours(host, waits, tmp_path):
    """An offline node is the commonest reason: nobody listens, or the name is unknown."""
    host.server.socket.close()
    with pytest.raises(DownloadError, match=r"Connection refused.*run this step where the network is"):
        download_mt_bench(tmp_path, tmp_path / "out", "original", host.url)
    assert len(waits) == download.ATTEMPTS - 1
