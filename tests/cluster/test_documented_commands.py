"""The commands of docs/cluster.md, typed on a private cluster."""

import re
import time

import pytest
from cluster_study import ClusterStudy, copy_repository
from tiny_fault import NAME, STUDY
from working_copy import get_environment, run_command

SECONDS = 600
COMMANDS = (
    "snakemake --profile slurm prepare",
    "snakemake --profile slurm",
    "snakemake --profile slurm --slurm-array-jobs train_cell",
)


@pytest.mark.slow
def test_the_commands_for_a_cluster(cluster, tmp_path):
    """A night on a cluster begins with the line that the page gives."""
    copy_repository(tmp_path / "repository", NAME, STUDY)
    study = ClusterStudy(tmp_path / "repository", NAME, cluster=cluster)
    study.choose_partition("cpu")
    for command in COMMANDS:
        study.remove_results(shared=False)
        run_command(command, study.folder, SECONDS, get_environment(cluster.get_environment()))
    assert (study.results / "report/index.html").exists()

    # The main process as a job of its own, for one figure.
    (study.results / "figures/frontier.pdf").unlink()
    number = cluster.call(
        "sbatch", "--parsable", "--chdir", str(study.folder), "--wrap", "snakemake --profile slurm"
    ).strip()
    deadline = time.monotonic() + SECONDS
    log = study.folder / f"slurm-{number}.out"
    while not log.exists() or not re.search("Done. Open|Some jobs failed", log.read_text()):
        assert time.monotonic() < deadline, log.read_text() if log.exists() else "no log"
        time.sleep(1)
    assert "Done. Open" in log.read_text()
    assert (study.results / "figures/frontier.pdf").exists()
