"""A real run: guarded at its start, and watched to its end by the user and by `status`."""

import re
import signal
from dataclasses import replace

from fake_slurm import write_job
from tiny_workflow import LOG, MAKE, OUTPUT, TIMEOUT, WAIT, wait_until

from execution.local_processes import MARKER, find_left
from execution.main_process import FOLDER, describe_this_process, read_record, write_record
from execution.start import EXECUTOR

FAIL = """\
printenv {EXECUTOR} {MARKER} > inherited; \
if [ -e ok ]; then echo made > {output}; exit; fi; \
touch ok; echo half > {output}; \
printf 'Traceback (most recent call last):\\n  File "train.py", line 1\\n%s\\n' \
"OSError: [Errno 28] No space left on device" > {log}; exit 1\
""".replace("{EXECUTOR}", EXECUTOR).replace("{MARKER}", MARKER)


def test_failure_is_told_by_kind_and_written_down(tiny):
    """A hundred cells fail at night: nobody reads a hundred logs, and `status` must count them."""
    tiny.write(FAIL)
    process = tiny.run("--retries", "1")
    assert process.returncode == 0, process.stdout
    assert f"{LOG}: full disk: OSError: [Errno 28] No space left on device\n" in process.stdout
    assert "Free space or raise the quota first" in process.stdout
    assert tiny.output.read_text() == "made\n"
    # What jobs know of the run that they belong to: their place on a cluster, and whose they are.
    assert (tiny.folder / "inherited").read_text() == f"local\n{tiny.folder}\n"
    assert not tiny.is_incomplete()

    began, first, failed, second, finished, ended = tiny.read_journal()
    assert [line["event"] for line in (began, first, failed, second, finished, ended)] == [
        *("began", "submitted", "failed", "submitted", "finished", "ended")
    ]
    assert (began["executor"], ended["success"]) == ("local", True)
    assert [line["attempt"] for line in (first, failed, second, finished)] == [1, 1, 2, 2]
    assert (failed["rule"], failed["log"], failed["state"]) == ("make", LOG, None)
    assert len({line["main"] for line in (began, first, failed, second, finished, ended)}) == 1


def test_file_of_a_failed_job_is_not_taken_for_finished(tiny):
    """What its file is made from is known from its start on: that alone must not make it look finished."""
    tiny.write(f"{MAKE}; echo 'something is wrong' > {{log}}; exit 3")
    process = tiny.run()
    assert process.returncode != 0
    assert re.search(rf"{LOG}: error: .*something is wrong", process.stdout)
    assert not tiny.output.exists()
    assert not tiny.is_incomplete()
    failed, ended = tiny.read_journal()[-2:]
    assert (failed["event"], ended["event"], ended["success"]) == ("failed", "ended", False)
    assert "Missing output files" in tiny.run("--dry-run").stdout
    assert OUTPUT in process.stdout


def test_second_main_process_is_refused_and_the_first_goes_on(tiny):
    """Two at once would write the same files; but who only looks at a running study must not be sent away."""
    tiny.write(WAIT + MAKE)
    with tiny.start() as main:
        wait_until(tiny.is_running)
        second = tiny.run()
        assert second.returncode != 0
        assert f"another main process of Snakemake (process {main.pid} on " in second.stdout
        assert "Traceback" not in second.stdout
        assert "Building DAG" not in second.stdout
        looked = tiny.run("--dry-run")
        assert looked.returncode == 0, looked.stdout
        assert tiny.is_incomplete()
        tiny.let_go()
        assert main.wait(TIMEOUT) == 0, tiny.read_said()
    assert tiny.output.read_text() == "one\n"
    assert [line["event"] for line in tiny.read_journal()] == ["began", "submitted", "finished", "ended"]


def test_same_command_goes_on_after_the_main_process_was_killed(tiny):
    """After a power cut at night, nobody must have to know of locks and of processes that still run."""
    tiny.write(WAIT + MAKE)
    with tiny.start("--rerun-incomplete") as main:
        wait_until(tiny.is_running)
        main.kill()
        main.wait()
        # A shell, and most of the time the sleep that it is in.
        assert find_left(tiny.folder)
        # The job that is left waits for another sign than the one that is started now.
        tiny.write(MAKE)
        again = tiny.run("--rerun-incomplete")
        assert find_left(tiny.folder) == []
    assert again.returncode == 0, again.stdout
    assert re.search(
        r"ending \d process(es)? that an earlier main process left on this machine", again.stdout
    )
    assert f"removed the lock of an earlier main process (process {main.pid}, since " in again.stdout
    assert tiny.output.read_text() == "one\n"
    events = [line["event"] for line in tiny.read_journal()]
    assert events == ["began", "submitted", "began", "submitted", "finished", "ended"]


def test_wait_for_orphans_is_interrupted_without_a_traceback(tiny, slurm):
    """The message itself says to interrupt: forty lines of a traceback look as if something were broken by it."""
    tiny.write(MAKE)
    slurm.set_queue(write_job(1, tiny.folder))
    records = tiny.folder / FOLDER
    records.mkdir(parents=True)
    earlier = replace(describe_this_process("slurm"), pid=99999999)
    write_record(earlier, records)
    with tiny.start() as main:
        wait_until(lambda: "waiting for 1 job (1 running" in tiny.read_said())
        main.send_signal(signal.SIGINT)
        assert main.wait(TIMEOUT) == 1
    assert "interrupted before any job was submitted" in tiny.read_said()
    assert "Traceback" not in tiny.read_said()
    # The next start has to wait for them as well.
    assert read_record(records) == earlier
