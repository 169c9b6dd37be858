"""How long `python -m lossgrid status` takes for a study of many cells.

`python benchmarks/status_many_cells.py [--cells 1000] [--rounds 5] [--keep FOLDER]`

Writes a study and a results folder with all files of its cells (outputs of every stage, logs, benchmark files, the
journal of jobs) in which most is done, some runs, some has failed, and prints the wall time of the whole command.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SEEDS = 10
LOG = "starting afresh\n" + "".join(f"{{'loss': '0.{step}', 'epoch': '0.{step}'}}\n" for step in range(60))
TRACEBACK = 'Traceback (most recent call last):\n  File "train_cell.py", line 92\nValueError: made up\n'
TABLES = tuple(
    f"logs/{verb}_" for verb in ("collect", "compare_cells", "compare_predictions", "evaluate", "plot")
)


def main() -> None:
    """Write the results and time the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="write into this folder and leave it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.keep or Path(folder)
        root.mkdir(parents=True, exist_ok=True)
        jobs, files = write_results(root, arguments.cells)
        print(f"{arguments.cells:,} cells, {jobs:,} jobs, {files:,} files; {os.cpu_count()} cores")
        for options in ([], ["--failed"], ["--all"]):
            measured = [measure(root, options) for _ in range(arguments.rounds)]
            wall, cpu = (sorted(each) for each in zip(*measured, strict=True))
            name = " ".join(["status many", *options])
            print(
                f"{name:22} {statistics.median(wall):.2f} s ({wall[0]:.2f} to {wall[-1]:.2f}), "
                f"{statistics.median(cpu):.2f} s of CPU"
            )


def measure(root: Path, options: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of the whole command."""
    command = [sys.executable, "-m", "lossgrid", "status", "many", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    start, before = time.monotonic(), get_cpu_seconds()
    subprocess.run(command, cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start, get_cpu_seconds() - before


def get_cpu_seconds() -> float:
    """CPU seconds of all commands so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def write_results(root: Path, cells: int) -> tuple[int, int]:
    """Write a study with so many cells and what it has made so far; how many jobs and files there are."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "progress")]
    from made_up_results import MadeUpResults, write_study

    settings = max(1, cells // SEEDS // 4)
    values = ", ".join(f"{0.01 * (number + 1):.2f}" for number in range(settings))
    seeds = ", ".join(map(str, range(1, SEEDS + 1)))
    objectives = "\n  ".join(
        [
            f"dpo: {{beta: [{values}], seeds: [{seeds}]}}",
            f"ipo: {{beta: [{values}], seeds: [{seeds}]}}",
            f"hinge: {{beta: [{values}], seeds: [{seeds}]}}",
            f"dlrml: {{beta_kl: 0.003, beta_mix: [{values}], seeds: [{seeds}]}}",
        ]
    )
    judge = (
        "judge: {model: oracle, base_url: http://127.0.0.1:9/v1}\n"
        "mt_bench: {}\nalpaca_eval: {}\nsummaries: {rows: 10}\n"
    )
    made_up = MadeUpResults(write_study(root, objectives, judge, "many"), root)
    now = time.time()
    made_up.begin(at=now - 90000)
    runs = list(dict.fromkeys(job.run for job in made_up.jobs.values()))
    numbers = {run: number for number, run in enumerate(runs)}
    for job in made_up.jobs.values():
        if not job.log.startswith(TABLES):
            write_job(made_up, job, numbers[job.run], now)
    return len(made_up.jobs), sum(len(files) for _, _, files in os.walk(root))


def write_job(made_up, job, number: int, now: float) -> None:
    """Write what one job leaves: most finish, some fail, diverge or still run."""
    began = now - 80000 + 20 * number
    made_up.say(began, "submitted", job, attempt=1)
    if job.rule == "train_cell" and number % 50 == 7:
        made_up.train(job, step=90, at=began + 300, began=began, checkpoint=80)
        made_up.fail(job, began + 310, LOG + TRACEBACK)
    elif job.rule == "train_cell" and number % 50 == 9:
        made_up.train(job, step=47, at=now - 5, began=now - 100)
        made_up.write(job.log, LOG, now - 5)
    elif number % 50 in (7, 9):
        return
    else:
        made_up.write(job.log, LOG, began + 300)
        made_up.write(job.log.replace("logs/", "benchmarks/").replace(".log", ".tsv"), "s\n1\n", began + 300)
        made_up.finish(
            job,
            at=began + 300,
            status="diverged" if number % 25 == 3 else "finished",
            first_nonfinite_step=47,
        )
        made_up.say(began + 301, "finished", job)


if __name__ == "__main__":
    main()
