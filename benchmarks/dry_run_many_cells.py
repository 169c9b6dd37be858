"""How long `snakemake -n` takes for a study of many cells, and where the time goes.

`python benchmarks/dry_run_many_cells.py [--cells 1000] [--rounds 3] [--profile]`

Copies what Git tracks of the repository, writes a study of so many cells with two evaluations by a judge, and prints
the wall and CPU time of the whole command; with --profile also the share of Snakemake and of this repository's code.
"""

import argparse
import pstats
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
STUDY = ROOT / "studies" / "mini_fault.yaml"
SHARD_SIZE = 16
# Functions of Snakemake, and what they do.
PHASES = {
    "include": "reading the Snakefile and the studies",
    "_build_dag": "building the graph of jobs",
    "schedule": "going through the jobs and printing them",
}


def main() -> None:
    """Write the study and time the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "repository")
        subprocess.run(["git", "clone", "--quiet", ROOT, copy], check=True)
        write_study(copy, arguments.cells)
        command = [
            sys.executable, "-m", "snakemake", "-n", "--cores", "1", "--quiet", "rules", "--config", "studies=[many]",
        ]  # fmt: skip
        wall, cpu, output = [], [], ""
        for _ in range(arguments.rounds):
            begun, used = time.monotonic(), get_children_cpu()
            output = subprocess.run(command, cwd=copy, check=True, capture_output=True, text=True).stdout
            wall.append(time.monotonic() - begun)
            cpu.append(get_children_cpu() - used)
        jobs = next(line.split()[1] for line in output.splitlines() if line.startswith("total "))
        print(
            f"{arguments.cells} cells, {jobs} jobs: {statistics.median(wall):.1f} s "
            f"({min(wall):.1f} to {max(wall):.1f}), {statistics.median(cpu):.1f} s of CPU"
        )
        if arguments.profile:
            print_shares(copy, command)


def write_study(copy: Path, cells: int) -> None:
    """Write a study of one loss with so many values of β."""
    study = yaml.safe_load(STUDY.read_text())
    study["objectives"] = {"dpo": {"beta": [round(0.001 * (number + 1), 4) for number in range(cells)]}}
    study["shard_size"] = SHARD_SIZE
    study.pop("claims", None)
    # What is written as 5e-3 is text to the YAML reader used here, and a number to Snakemake's.
    text = yaml.safe_dump(study).replace("'5e-3'", "0.005").replace("'2e-4'", "0.0002")
    (copy / "studies" / "many.yaml").write_text(text)


def print_shares(copy: Path, command: list[str]) -> None:
    """Run once more under the profiler, and print the shares of Snakemake's phases and of this repository's code."""
    file = copy / "profile"
    profiled = [sys.executable, "-m", "cProfile", "-o", str(file), *command[1:]]
    subprocess.run(profiled, cwd=copy, check=True, capture_output=True)
    stats = pstats.Stats(str(file)).stats
    total = max(within for _, _, _, within, _ in stats.values())
    for name, phase in PHASES.items():
        seconds = max(within for (_, _, function), (_, _, _, within, _) in stats.items() if function == name)
        print(f"  {seconds / total:4.0%}  {phase}")
    # With all that they call, counted where others call them.
    own = sum(
        call[3]
        for (called, _, function), (_, _, _, _, callers) in stats.items()
        if called.startswith(str(copy)) and function != "<module>"
        for (caller, _, called_by), call in callers.items()
        if not caller.startswith(str(copy)) or called_by == "<module>"
    )
    print(f"  {own / total:4.0%}  of all in functions of this repository")


def get_children_cpu() -> float:
    """CPU seconds of the processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
