"""A real run under the watch: what the user reads of a failure, and what `status` finds of it."""

import re

from tiny_workflow import LOG, MAKE, OUTPUT

FAIL = """\
if [ -e ok ]; then echo made > {output}; exit; fi; touch ok; echo half > {output}; \
printf 'Traceback (most recent call last):\\n  File "train.py", line 1\\n%s\\n' \
"OSError: [Errno 28] No space left on device" > {log}; exit 1\
"""


def test_failure_is_told_by_kind_and_written_down(tiny):
    """A hundred cells fail at night: nobody reads a hundred logs, and `status` must count them."""
    tiny.write(FAIL)
    process = tiny.run("--retries", "1")
    assert process.returncode == 0, process.stdout
    assert f"{LOG}: full disk: OSError: [Errno 28] No space left on device\n" in process.stdout
    assert "Free space or raise the quota first" in process.stdout
    assert tiny.output.read_text() == "made\n"
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
