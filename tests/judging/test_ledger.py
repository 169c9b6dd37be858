"""The ledger: nothing that was paid for is lost, whoever wrote it and however they ended."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossgrid.judging.asking.ledger import Ledger, Record, get_time, parse_again, store_reply
from lossgrid.judging.asking.request import JudgeRequest, Reply, UnreadableReply

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import sys
from pathlib import Path
from lossgrid.judging.asking.ledger import Ledger, Record, get_time
ledger = Ledger(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(int(sys.argv[2])):
    reply = {"text": "word " * 400}
    ledger.append(Record(f"{sys.argv[3]}{number}", "ok", number, reply, None, False, 0.5, 1, "m", "s", 0, get_time()))
    print(number, flush=True)
"""


def make_record(key="k", state="ok", value=7, when="2026-01-01T00:00:00.000000+00:00", **changes):
    record = Record(key, state, value, None, None, False, 0.25, 1, "m", "s", 0, when)
    return replace(record, **changes)


def start_writer(folder, lines, name):
    command = [sys.executable, "-c", WRITER, str(folder), str(lines), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_gives_back_what_was_appended(tmp_path):
    ledger = Ledger(tmp_path / "new" / "folder")
    reply = store_reply(Reply("é\n\ud800", "stop", (("m", -0.5),), 3, 4))
    record = make_record(reply=reply, value={"score": [1, 2.5, None]}, time=get_time())
    ledger.append(record)
    ledger.sync()
    assert ledger.get("k") == record
    assert Ledger(tmp_path / "new" / "folder").read() == {"k": record}


def test_an_absent_folder_is_an_empty_ledger(tmp_path):
    """Reading must not create folders: a look at a study changes nothing."""
    ledger = Ledger(tmp_path / "absent")
    assert ledger.read() == {}
    assert ledger.spent == 0.0
    assert not (tmp_path / "absent").exists()


records = st.builds(
    make_record,
    key=st.sampled_from("abc"),
    state=st.sampled_from(["ok", "parse_error", "api_error"]),
    value=st.integers(0, 99),
    when=st.sampled_from([f"2026-01-01T00:00:0{second}.000000+00:00" for second in range(4)]),
    permanent=st.booleans(),
)


@given(st.lists(st.lists(records, max_size=6), max_size=4), st.randoms())
def test_the_record_that_counts_depends_on_no_order(written, shuffle):
    """Two readers of one folder must agree, also one who met the files in another order."""
    with tempfile.TemporaryDirectory() as folder:
        at_once, step_by_step = Ledger(Path(folder)), Ledger(Path(folder))
        writers = [Ledger(Path(folder)) for _ in written]
        lines = [(writer, record) for writer, some in zip(writers, written, strict=True) for record in some]
        shuffle.shuffle(lines)
        for writer, record in lines:
            writer.append(record)
            if shuffle.random() < 0.5:
                step_by_step.refresh()
        step_by_step.refresh()
        counting = at_once.read()
        assert {key: step_by_step.get(key) for key in counting} == counting
        assert at_once.spent == step_by_step.spent == 0.25 * len(lines)
        for key, record in counting.items():
            rivals = [each for _, each in lines if each.key == key]
            answers = [each for each in rivals if each.state != "api_error"]
            if answers:
                assert record.state != "api_error"
                assert record.time == min(each.time for each in answers)
            else:
                assert record.time == max(each.time for each in rivals)
        for writer in writers:
            writer.close()


@pytest.mark.parametrize(
    ("state", "permanent", "settled"),
    [
        ("ok", False, True),
        ("parse_error", False, True),
        ("api_error", True, True),
        ("api_error", False, False),
    ],
)
def test_what_needs_no_call(tmp_path, state, permanent, settled):
    ledger = Ledger(tmp_path)
    assert not ledger.is_settled("k")
    ledger.append(make_record(state=state, permanent=permanent))
    assert ledger.is_settled("k") == settled


@settings(max_examples=60)
@given(st.integers(1, 5), st.data())
def test_a_file_torn_at_any_byte_gives_its_whole_lines(count, data):
    """A kill or a full disk can end a file anywhere; what stands before must stay readable, and count once."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder))
        for number in range(count):
            ledger.append(make_record(key=str(number), error="é|" * number))
        ledger.close()
        (file,) = Path(folder).iterdir()
        content = file.read_bytes()
        kept = content[: data.draw(st.integers(0, len(content)))]
        file.write_bytes(kept)
        whole = kept.count(b"\n")
        torn = Ledger(Path(folder))
        assert list(torn.read()) == [str(number) for number in range(whole)]
        assert torn.unreadable == (not kept.endswith(b"\n") and kept != b"")
        assert torn.spent == 0.25 * whole
        # The rest of the line arrives: the writer was only slow.
        file.write_bytes(content)
        assert sorted(torn.refresh()) == [str(number) for number in range(whole, count)]
        assert torn.unreadable == 0


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\0\0\0\0", b"\xff\xfe", b"[1, 2]", b"{}", b'{"key": "k", "state": "ok"}', b'{"key": "k', b"7"],
)
def test_a_garbled_line_costs_itself_alone(tmp_path, garbage):
    ledger = Ledger(tmp_path)
    for key in "ab":
        ledger.append(make_record(key=key))
    (file,) = tmp_path.iterdir()
    first, second = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + garbage + b"\n" + second)
    reader = Ledger(tmp_path)
    assert sorted(reader.read()) == ["a", "b"]
    assert reader.unreadable == 1


def test_an_unknown_state_is_no_judgment(tmp_path):
    (tmp_path / "x.jsonl").write_text(json.dumps({**vars(make_record()), "state": "maybe"}) + "\n")
    ledger = Ledger(tmp_path)
    assert ledger.read() == {}
    assert ledger.unreadable == 1


def test_a_writer_killed_in_the_middle_loses_no_whole_line(tmp_path):
    """The writer says which lines it has appended; kill -9 at a random moment must leave at least these."""
    for name in "abc":
        writer = start_writer(tmp_path, 100_000, name)
        assert writer.stdout.readline() == "ready\n"
        said = [writer.stdout.readline() for _ in range(10)]
        time.sleep(random.uniform(0.0, 0.2))
        os.kill(writer.pid, signal.SIGKILL)
        said += writer.stdout.readlines()
        writer.wait()
        found = [key for key in Ledger(tmp_path).read() if key.startswith(name)]
        assert len(found) in (len(said), len(said) + 1)


def test_two_processes_at_once(tmp_path):
    """Each line of both is there, in a file of its writer alone; a third one sees them come, each once."""
    watcher, seen = Ledger(tmp_path), []
    writers = [start_writer(tmp_path, 300, name) for name in "ab"]
    while any(writer.poll() is None for writer in writers):
        seen += watcher.refresh()
    seen += watcher.refresh()
    for writer in writers:
        writer.stdout.close()
    wanted = sorted(f"{name}{number}" for name in "ab" for number in range(300))
    assert sorted(seen) == sorted(Ledger(tmp_path).read()) == wanted
    assert len(list(tmp_path.iterdir())) == 2
    assert watcher.spent == 0.5 * 600
    assert watcher.unreadable == 0


def test_refresh_leaves_out_what_this_process_wrote(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.append(make_record())
    assert ledger.refresh() == {}
    assert ledger.spent == 0.25


FULL_DISK = """
import resource, sys
from pathlib import Path
from lossgrid.judging.asking.ledger import Ledger, Record, get_time
def append(key, size):
    ledger.append(Record(key, "ok", 1, {"text": "x" * size}, None, False, 0.0, 1, "m", "s", 0, get_time()))
ledger = Ledger(Path(sys.argv[1]))
append("before", 100)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
try:
    append("torn", 5000)
except OSError:
    print("refused")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
append("after", 100)
"""


def test_a_full_disk_tears_only_the_line_it_refused(tmp_path):
    """What comes after a torn line must not be appended to it: both would be unreadable."""
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    assert run.stdout == "refused\n"
    ledger = Ledger(tmp_path)
    assert sorted(ledger.read()) == ["after", "before"]
    assert ledger.unreadable == 1


def test_a_record_that_json_does_not_know_is_refused_whole(tmp_path):
    ledger = Ledger(tmp_path)
    with pytest.raises(ValueError, match="JSON compliant"):
        ledger.append(make_record(value=float("nan")))
    ledger.append(make_record())
    assert Ledger(tmp_path).read() == {"k": make_record()}


def parse_length(reply):
    if reply.top_logprobs != (("m", -0.5),):
        raise UnreadableReply("no log-probabilities")
    return len(reply.text)


@pytest.mark.parametrize("state", ["ok", "parse_error"])
def test_parsing_again_forgets_the_old_judgment(tmp_path, state):
    """A corrected parser must decide, whatever the one before it made of the reply."""
    reply = store_reply(Reply("four", "stop", (("m", -0.5),), 3, 4))
    ledger = Ledger(tmp_path)
    ledger.append(make_record(state=state, value=None, error="old words", reply=reply))
    request = JudgeRequest({"model": "m"}, parse_length)
    again = parse_again(Ledger(tmp_path).get("k"), request)
    assert (again.state, again.value, again.error) == ("ok", 4, None)
    assert again.reply == reply
    without = replace(again, reply={**reply, "top_logprobs": None})
    assert parse_again(without, request).error == "no log-probabilities"


def test_parsing_again_leaves_an_unanswered_question():
    record = make_record(state="api_error", value=None, error="HTTP 500")
    assert parse_again(record, JudgeRequest({"model": "m"}, parse_length)) == record
