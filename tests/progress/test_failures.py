"""Why a job failed, from Slurm's state and the ends of its logs."""

import subprocess
import sys
from pathlib import Path

import pytest

from lossgrid.judging.asking import endpoint
from lossgrid.judging.shards import JudgingError
from lossgrid.progress.failures import JUDGE_ERRORS, NO_ERROR, Kind, explain_failure
from lossgrid.progress.logs import TAIL_BYTES, read_failure

TRACEBACK = (
    'Traceback (most recent call last):\n  File "workflow_scripts/train_cell.py", line 92, in <module>\n'
)
STEPD = "slurmstepd: error: *** JOB 4711 ON node07 CANCELLED AT 2026-03-04T05:06:07"
LAUNCHER = (
    "Traceback (most recent call last):\n"
    '  File "bin/accelerate", line 10, in <module>\n'
    "    sys.exit(main())\n"
    "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n"
    "============================================================\n"
    "workflow_scripts/train_cell.py FAILED\n"
    "Root Cause (first observed failure):\n"
    "[0]:\n"
    "  time      : 2026-03-04_05:06:07\n"
    "  rank      : {rank} (local_rank: {rank})\n"
    "  exitcode  : {exit} (pid: 99)\n"
    "  error_file: <N/A>\n"
    "  traceback : {cause}\n"
    "============================================================\n"
)
NO_TRACE = "To enable traceback see: https://pytorch.org/docs/stable/elastic/errors.html"
CUDA = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has 79.15 GiB"


@pytest.mark.parametrize(
    ("state", "slurm_log", "rule_log", "kind", "line"),
    [
        ("OUT_OF_MEMORY", "", "", Kind.OUT_OF_MEMORY, "Slurm ended the job: OUT_OF_MEMORY"),
        (
            "FAILED",
            "slurmstepd: error: Detected 1 oom_kill event in StepId=4711.0. Some tasks have been OOM Killed.",
            "",
            Kind.OUT_OF_MEMORY,
            "slurmstepd: error: Detected 1 oom_kill event in StepId=4711.0. Some tasks have been OOM Killed.",
        ),
        (
            None,
            "slurmstepd: error: Exceeded job memory limit at some point.",
            "",
            Kind.OUT_OF_MEMORY,
            "slurmstepd: error: Exceeded job memory limit at some point.",
        ),
        (
            None,
            "Command 'python …' died with <Signals.SIGKILL: 9>.",
            "starting afresh\n",
            Kind.KILLED,
            "killed by signal 9, and nothing says by whom",
        ),
        (
            "FAILED",
            "srun: error: node07: task 0: Killed\n(exit code 137)",
            "",
            Kind.KILLED,
            "killed by signal 9, and nothing says by whom",
        ),
        ("FAILED", "", TRACEBACK + "MemoryError\n", Kind.OUT_OF_MEMORY, "MemoryError"),
        ("FAILED", "", TRACEBACK + CUDA + "\n", Kind.OUT_OF_GPU_MEMORY, CUDA),
        ("TIMEOUT", "", TRACEBACK + "KeyboardInterrupt\n", Kind.TIMEOUT, "Slurm ended the job: TIMEOUT"),
        (None, f"{STEPD} DUE TO TIME LIMIT ***", "", Kind.TIMEOUT, f"{STEPD} DUE TO TIME LIMIT ***"),
        ("DEADLINE", "", "", Kind.TIMEOUT, "Slurm ended the job: DEADLINE"),
        ("NODE_FAIL", "", "", Kind.NODE_FAILURE, "Slurm ended the job: NODE_FAIL"),
        ("BOOT_FAIL", "", "", Kind.NODE_FAILURE, "Slurm ended the job: BOOT_FAIL"),
        (
            "CANCELLED",
            f"{STEPD} DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS ***",
            "",
            Kind.NODE_FAILURE,
            f"{STEPD} DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS ***",
        ),
        ("PREEMPTED", "", "", Kind.PREEMPTED, "Slurm ended the job: PREEMPTED"),
        ("CANCELLED", f"{STEPD} DUE TO PREEMPTION ***", "", Kind.PREEMPTED, f"{STEPD} DUE TO PREEMPTION ***"),
        ("CANCELLED by 1000", f"{STEPD} ***", "", Kind.CANCELLED, f"{STEPD} ***"),
        (
            "CANCELLED",
            "",
            TRACEBACK + "KeyboardInterrupt\n",
            Kind.CANCELLED,
            "Slurm ended the job: CANCELLED",
        ),
        (None, "", TRACEBACK + "KeyboardInterrupt\n", Kind.CANCELLED, "KeyboardInterrupt"),
        (
            "FAILED",
            "",
            TRACEBACK
            + "huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder\n"
            "\nThe above exception was the direct cause of the following exception:\n\n"
            + TRACEBACK
            + "OSError: meta/llama-9: nothing to load\nCheck your internet connection.\n",
            Kind.MISSING_MODEL,
            "OSError: meta/llama-9: nothing to load",
        ),
        (
            "FAILED",
            "",
            TRACEBACK
            + "OSError: no/model is not a local folder and is not a valid model identifier listed on …\n",
            Kind.MISSING_MODEL,
            "OSError: no/model is not a local folder and is not a valid model identifier listed on …",
        ),
        (
            "FAILED",
            "",
            TRACEBACK + "OSError: You are trying to access a gated repo.\nMake sure to have access to it.\n",
            Kind.MISSING_MODEL,
            "OSError: You are trying to access a gated repo.",
        ),
        (
            "FAILED",
            "",
            TRACEBACK + "OSError: [Errno 28] No space left on device: 'policy.beside/model.safetensors'\n",
            Kind.FULL_DISK,
            "OSError: [Errno 28] No space left on device: 'policy.beside/model.safetensors'",
        ),
        (
            "FAILED",
            "",
            TRACEBACK + "OSError: [Errno 122] Disk quota exceeded\n",
            Kind.FULL_DISK,
            "OSError: [Errno 122] Disk quota exceeded",
        ),
        (
            # What torch.save says on a full disk: nothing of a disk.
            None,
            "",
            TRACEBACK
            + "RuntimeError: [enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534\n",
            Kind.FULL_DISK,
            "RuntimeError: [enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534",
        ),
        (
            None,
            "",
            "judge gpt-4 on api: 10 of 10; 0 unreadable, 10 failed; 0 calls repeated\n10 api_error\n"
            "JudgingError: 10 of 10 judgments ended as api_error; the first says: No space left on device\n",
            Kind.JUDGE,
            "JudgingError: 10 of 10 judgments ended as api_error; the first says: No space left on device",
        ),
        (
            None,
            "",
            "MissingKeyError: judge gpt-4 on api: the environment variable KEY is not set; set it\n",
            Kind.JUDGE,
            "MissingKeyError: judge gpt-4 on api: the environment variable KEY is not set; set it",
        ),
        (
            None,
            "",
            TRACEBACK
            + "lossgrid.judging.serving.server.ServerError: server vllm serve: ended with exit code 1; "
            "last lines of a.log:\n    Traceback (most recent call last):\n    ValueError: no such option\n",
            Kind.SERVER,
            "lossgrid.judging.serving.server.ServerError: server vllm serve: ended with exit code 1; "
            "last lines of a.log:",
        ),
        (
            # The server's own trouble is the more useful word.
            None,
            "",
            f"ServerError: server vllm serve: ended with exit code 1; last lines of a.log:\n    {CUDA}\n",
            Kind.OUT_OF_GPU_MEMORY,
            "ServerError: server vllm serve: ended with exit code 1; last lines of a.log:",
        ),
        ("FAILED", "", TRACEBACK + "ValueError: no\n", Kind.ERROR, "ValueError: no"),
        ("FAILED", "", "step 1\nstep 2\n", Kind.ERROR, f"{NO_ERROR}; its last line: step 2"),
        (
            "FAILED",
            "bash: accelerate: command not found",
            "",
            Kind.ERROR,
            "bash: accelerate: command not found",
        ),
        (None, "", "", Kind.ERROR, NO_ERROR),
    ],
)
def test_kind_and_line(state, slurm_log, rule_log, kind, line):
    """A wrong kind sends people to free memory that was never short, or lets a job fail in the same way all night."""
    failure = explain_failure(state, slurm_log, rule_log)
    assert (failure.kind, failure.line) == (kind, line)


def test_warnings_and_clean_up_after_the_error_are_passed_over():
    """What is printed last is seldom what went wrong."""
    log = (
        "\rWriting model shards: 100%|███| 1/1\n"
        + TRACEBACK
        + "\x1b[31mRuntimeError: expected\x1b[0m\nsecond line of the message\n"
        "lib/multiprocessing/resource_tracker.py:254: UserWarning: there appear to be 1 leaked objects\n"
        "  warnings.warn('leaked')\n"
        "Exception ignored in: <function A.__del__ at 0x7f>\n"
        + TRACEBACK
        + "AttributeError: on the way out\n"
        "[rank0]:[W304 05:06:07 ProcessGroup.cpp:1] Warning: destroy_process_group() was not called\n"
    )
    assert explain_failure(None, "", log).line == "RuntimeError: expected"


def test_what_python_really_prints(tmp_path):
    """The texts above are made up; this one is not."""
    program = (
        "import sys\n"
        "class Unclean:\n"
        "    def __del__(self): raise RuntimeError('on the way out')\n"
        "kept = Unclean()\n"
        "try:\n"
        "    with open('/dev/full', 'w') as file: file.write('x')\n"
        "except OSError as error:\n"
        "    raise ValueError('cannot write the checkpoint\\nnor anything else') from error\n"
    )
    log = tmp_path / "job.log"
    with log.open("w") as file:
        subprocess.run([sys.executable, "-c", program], stdout=file, stderr=file)
    assert log.read_text().rstrip().endswith("RuntimeError: on the way out")
    failure = read_failure(log)
    assert (failure.kind, failure.line) == (Kind.FULL_DISK, "ValueError: cannot write the checkpoint")


def test_of_several_processes_the_first_to_fail_counts():
    """The others fail because they lost it, and their errors come last; the launcher only counts the dead."""
    log = (
        "[rank1]: Traceback (most recent call last):\n"
        "[rank0]: Traceback (most recent call last):\n"
        '[rank1]:   File "train_cell.py", line 1, in <module>\n'
        '[rank0]:   File "train_cell.py", line 1, in <module>\n'
        f"[rank1]: {CUDA}\n"
        "[rank0]: RuntimeError: Connection closed by peer\n"
    )
    failure = explain_failure("FAILED", "", log + LAUNCHER.format(rank=1, exit=1, cause=NO_TRACE))
    assert (failure.kind, failure.line) == (Kind.OUT_OF_GPU_MEMORY, CUDA)


def test_process_that_was_killed_under_a_launcher():
    """Its own log says nothing; the launcher's table does."""
    log = LAUNCHER.format(rank=0, exit=-9, cause="Signal 9 (SIGKILL) received by PID 99")
    assert explain_failure("FAILED", "", log).kind == Kind.KILLED
    segfault = LAUNCHER.format(rank=0, exit=-11, cause="Signal 11 (SIGSEGV) received by PID 99")
    failure = explain_failure("FAILED", "", segfault)
    assert failure.kind == Kind.ERROR
    assert failure.line == "training process 0: Signal 11 (SIGSEGV) received by PID 99"


def test_error_of_an_earlier_try_does_not_count():
    """A job that caught an error, went on and was killed later was not ended by that error."""
    log = TRACEBACK + "OSError: [Errno 28] No space left on device\n" + TRACEBACK + "ValueError: no\n"
    assert explain_failure(None, "", log).kind == Kind.ERROR


def test_only_the_end_of_a_log_is_read(tmp_path):
    """A log of gigabytes must not hold up the screen, and a character cut in two not break it."""
    log = tmp_path / "job.log"
    log.write_bytes("é".encode() * TAIL_BYTES + b"\n" + TRACEBACK.encode() + b"ValueError: at the end\n")
    assert read_failure(log).line == "ValueError: at the end"
    assert read_failure(tmp_path / "none.log").line == NO_ERROR
    assert read_failure(None, None, "TIMEOUT").kind == Kind.TIMEOUT


def test_what_slurm_says_is_read_from_its_own_log_and_from_the_executor(tmp_path):
    """A job may fail before its command has written anything."""
    slurm_log = tmp_path / "4711.log"
    slurm_log.write_text(f"{STEPD} DUE TO TIME LIMIT ***\n")
    assert read_failure(tmp_path / "none.log", slurm_log).kind == Kind.TIMEOUT
    message = "Command 'bash …' returned non-zero exit status 137."
    assert read_failure(tmp_path / "none.log", message=message).kind == Kind.KILLED


def test_every_kind_has_a_remedy():
    """A kind without a remedy leaves the reader with a word."""
    assert all(kind.remedy.endswith(".") and kind.remedy.count(".") < 4 for kind in Kind)


def test_judge_errors_are_all_known():
    """A new way to stop judging would be called an error of the program."""
    stopped = {endpoint.JudgingStopped, *endpoint.JudgingStopped.__subclasses__(), JudgingError}
    assert {each.__name__ for each in stopped} == set(JUDGE_ERRORS)


def test_memory_limit_in_the_words_of_a_named_node():
    """Where several daemons share a host, each says its node, and the cancellation that follows says no reason."""
    log = (
        "slurmstepd-g1: error: StepId=1.batch exceeded memory limit (167616512 > 157286400), being killed\n"
        "slurmstepd-g1: error: Exceeded job memory limit\n"
        "slurmstepd-g1: error: *** JOB 1 ON g1 CANCELLED AT 2026-11-21T21:58:01 ***\n"
    )
    assert explain_failure("FAILED", log, "").kind == Kind.OUT_OF_MEMORY


def test_a_missing_model_is_to_be_fetched_by_what_can_fetch_it():
    """`snakemake prepare` is offline as all else of the workflow, and fetches no model."""
    remedy = Kind.MISSING_MODEL.remedy
    assert "prepare" not in remedy
    assert "`hf download NAME`" in remedy
    assert "HF_HOME" in remedy
    assert Path(sys.executable).with_name("hf").is_file()
