"""Arrays of jobs: a cell that is offered must be submitted, with the memory and GPUs that it needs itself."""

import random
import re
import string
from dataclasses import replace

import pytest
import snakemake_executor_plugin_slurm as plugin
import yaml
from plugin_executor import make_executor, make_job

from execution.arrays import correct_arrays, group_alike

# As many as slurm/config.yaml has in the queue at once.
OFFERED = 100


@pytest.fixture
def corrected(slurm, monkeypatch):
    """The plugin with the correction."""
    monkeypatch.setattr(plugin, "pending_jobs_for_rule", plugin.pending_jobs_for_rule)
    monkeypatch.setattr(plugin.Executor, "run_jobs", plugin.Executor.run_jobs)
    monkeypatch.setattr(plugin, "validate_account", lambda account, logger: account)
    correct_arrays(plugin)
    return slurm


def make_study(number: int) -> list:
    """Ready jobs, of which two of three ask for more."""
    requests = [{"mem_mb": 4000, "gpu": 1}, {"mem_mb": 8000, "gpu": 4, "constraint": "big"}]
    return [make_job(place, **requests[bool(place % 3)]) for place in range(1, number + 1)]


def test_every_ready_job_is_submitted_with_its_own_request(corrected, folder):
    """Of 150 ready cells the plugin submits 100 at first, and then none until its run is ended by hand."""
    ready = make_study(150)
    executor, told = make_executor(folder, ready, {"train_cell"})
    jobs = {job.jobid: job for job in ready}
    executor.run_jobs(ready[:OFFERED])
    # Snakemake offers the rest in small batches, as jobs end; the last one alone.
    for start, end in ((100, 102), (102, 149), (149, 150)):
        executor.run_jobs(ready[start:end])
    executor._job_submission_executor.shutdown()
    assert told.failed == {}
    assert told.submitted.keys() == jobs.keys()
    calls = corrected.get_calls("sbatch")
    # Two kinds in each of three batches, and one job.
    assert len(calls) <= 7
    tasks = 0
    for call in calls:
        array = re.search(r"--array=(\d+)-(\d+)", call)
        tasks += int(array[2]) - int(array[1]) + 1 if array else 1
        # An array has a little more, for its own list of commands.
        memory, gpus = int(re.search(r"--mem (\d+)", call)[1]), re.search(r"--gpus=(\d+)", call)[1]
        assert (memory // 4000, gpus, "-C big" in call) in [(1, "1", False), (2, "4", True)]
    assert tasks == 150
    assert len(set(told.submitted.values())) == 150
    # All of an array get what its first job asks for.
    asked = {}
    for number, task in told.submitted.items():
        asked.setdefault(task.partition("_")[0], set()).add(jobs[number].resources.mem_mb)
    assert all(len(memory) == 1 for memory in asked.values())


def test_what_is_not_to_be_an_array_is_submitted_one_by_one(corrected, folder):
    """The default: another job's end must not be waited for."""
    ready = [*make_study(3), make_job(4, "make_pairs")]
    executor, told = make_executor(folder, ready, {"make_pairs"})
    executor.run_jobs(ready)
    executor._job_submission_executor.shutdown()
    assert told.submitted.keys() == {1, 2, 3, 4}
    assert not any("--array" in call for call in corrected.get_calls("sbatch"))


def test_temporary_files_and_disk_do_not_divide_an_array():
    """Snakemake guesses the disk of each job from its inputs: each array would hold one."""
    jobs = [make_job(place, disk_mb=place, tmpdir=f"/tmp/{place}") for place in range(3)]
    assert group_alike(jobs) == [jobs]
    assert len(group_alike([*jobs, make_job(3, runtime=61), make_job(4, "make_pairs")])) == 3


def test_jobs_of_several_nodes_are_no_array(corrected, folder):
    """The plugin's part inside of a job would train the first cell in all tasks, and none of the others."""
    ready = [make_job(number, mpi="srun", tasks=2) for number in range(1, 4)]
    executor, told = make_executor(folder, ready, {"train_cell"})
    executor.run_jobs(ready)
    executor._job_submission_executor.shutdown()
    assert told.submitted.keys() == {1, 2, 3}
    calls = corrected.get_calls("sbatch")
    assert len(calls) == 3
    assert not any("--array" in call for call in calls)


def test_commands_of_the_largest_array_fit_into_one_argument(corrected, folder, pytestconfig):
    """Linux takes 128 KiB: with more, every task of the array would fail at its start, at each attempt."""
    limit = yaml.safe_load((pytestconfig.rootpath / "slurm/config.yaml").read_text())["slurm-array-limit"]
    ready = [make_job(number) for number in range(limit)]
    executor, told = make_executor(folder, ready, {"train_cell"})
    draw = random.Random(0)
    # What cannot be compressed of a job's command, and more of it than there is: the longest name of a setting in two
    # places, and three folders. The rest is the same words in all of them.
    names = {job: "".join(draw.choices(string.ascii_letters, k=500)) for job in ready}
    executor.format_job_exec = lambda job: f"{'python -m snakemake --mode remote ' * 30}{names[job]}"
    executor.workflow.executor_settings = replace(executor.workflow.executor_settings, array_limit=limit)
    executor.run_jobs(ready)
    executor._job_submission_executor.shutdown()
    assert told.failed == {}
    (call,) = corrected.get_calls("sbatch")
    assert f"--array=1-{limit}" in call
    assert len(call) < 128 * 1024
