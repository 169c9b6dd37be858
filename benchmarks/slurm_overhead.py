"""What a job costs more on Slurm than on one machine: the same jobs of one finished study, side by side.

`python benchmarks/slurm_overhead.py FOLDER [--rounds 3]`

Runs the study mini_fault once in a copy of the repository, starts the private cluster of tests/cluster, and then
makes again, by turns on this machine and on the cluster: one figure, and all figures and tables, two jobs at once.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "cluster"))

from cluster_study import ClusterStudy, copy_repository  # noqa: E402
from slurm_cluster import Cluster  # noqa: E402
from working_copy import get_environment  # noqa: E402

STUDY = "mini_fault"
ONE = ("plot_frontier",)
MANY = (
    "audit_objectives", "collect_leaderboard", "collect_mt_bench", "collect_results", "compare_cells",
    "compare_predictions", "evaluate_claims", "plot_differences", "plot_frontier", "plot_learned_mix",
    "plot_loss_shapes", "plot_mt_bench", "plot_plane", "plot_training_curves", "plot_win_rates",
)  # fmt: skip


def main() -> None:
    """Prepare, and measure by turns."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    copy = arguments.folder.resolve() / "repository"
    if not copy.exists():
        copy_repository(copy, STUDY)
        ClusterStudy(copy, STUDY).run_locally()
    with Cluster(arguments.folder / "cluster", cpus=2) as cluster:
        study = ClusterStudy(copy, STUDY, cluster=cluster)
        study.choose_partition("cpu")
        for what, rules in (("one figure", ONE), ("all figures and tables", MANY)):
            jobs = count_jobs(copy, rules)
            measured: dict[str, list[float]] = {"local": [], "slurm": []}
            for _ in range(arguments.rounds):
                measured["local"].append(time_run(copy, ["--profile", "profiles/local"], rules))
                slurm = ["--profile", "slurm", "--jobs", "2"]
                measured["slurm"].append(
                    time_run(copy, slurm, rules, {"SLURM_CONF": str(cluster.configuration)})
                )
            local, remote = (statistics.median(values) for values in measured.values())
            print(
                f"{what}, {jobs} jobs: {local:.1f} s here, {remote:.1f} s on Slurm, "
                f"{remote / local:.1f} times as long; {(remote - local) / jobs:.1f} s more a job",
                flush=True,
            )


def time_run(copy: Path, profile: list[str], rules: tuple[str, ...], variables: dict | None = None) -> float:
    """Seconds that the whole command takes."""
    command = [
        sys.executable,
        "-m",
        "snakemake",
        *profile,
        "--quiet",
        "all",
        "--forcerun",
        *rules,
    ]
    begun = time.monotonic()
    environment = {**get_environment(), **(variables or {})}
    subprocess.run(command, cwd=copy, env=environment, check=True, capture_output=True)
    return time.monotonic() - begun


def count_jobs(copy: Path, rules: tuple[str, ...]) -> int:
    """Jobs of such a command, without the target of all."""
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "-n",
        "--cores",
        "1",
        "--forcerun",
        *rules,
    ]
    output = subprocess.run(
        command, cwd=copy, env=get_environment(), check=True, capture_output=True, text=True
    ).stdout
    return int(next(line.split()[1] for line in output.splitlines() if line.startswith("total "))) - 1


if __name__ == "__main__":
    main()
