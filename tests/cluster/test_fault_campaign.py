"""A short campaign of faults, and what a campaign decides and compares."""

import random
from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from campaign_run import CampaignRun, list_incomplete
from campaign_table import Blow, append_blows, find_failure, read_table
from cluster_study import ClusterStudy, copy_repository
from compare_results import find_differences, hash_results
from fault_campaign import CPUS, get_reference, suffer_run
from faults import FAULTS, SETTINGS, Fault, plan_run
from slurm_cluster import Cluster
from tiny_fault import CELLS, NAME, STUDY, TARGETS

# The quickest kinds, and whether each waits for a training that has begun; None for one that chooses for itself.
QUICK = {
    "memory limit": None,
    "second main process": False,
    "process killed": True,
    "main process killed": False,
}


def hasten(fault: Fault) -> Fault:
    """A fault that strikes at once, where a campaign would leave the moment to chance."""
    training = QUICK[fault.kind]
    if training is None:
        return fault
    return replace(fault, choose=lambda run: run.choose_victim(training, delay=0))


@pytest.mark.slow
def test_a_study_under_faults_ends_with_the_same_bits_and_trains_nothing_twice(installed, tmp_path):
    """What a person would lose in a night: a cell, a figure that lies, or the night itself."""
    expected = get_reference(tmp_path / "reference", NAME, STUDY, TARGETS)
    assert sum(path.endswith("model.safetensors") for path in expected) == 1 + len(CELLS)
    copy_repository(tmp_path / "struck", NAME, STUDY)
    faults = [hasten(fault) for kind in QUICK for fault in FAULTS if fault.kind == kind]
    with Cluster(tmp_path / "cluster", cpus=CPUS) as cluster:
        study = ClusterStudy(tmp_path / "struck", NAME, TARGETS, cluster)
        blows = suffer_run(study, SETTINGS[0], faults, expected, random.Random(1))
    assert len(blows) == len(QUICK), "the study ended before the faults had struck"
    for blow in blows:
        assert blow.note == ""
        assert blow.ended
        assert blow.identical
        assert blow.retrained == 0
        assert blow.seconds is not None
        assert blow.steps_lost is None or blow.steps_lost <= 10


class Queue:
    """Stands for a study whose jobs are these, one list a look; the last one stays.

    Args:
        looks: Of squeue.
    """

    def __init__(self, *looks: list[str]):
        self.looks, self.folder = list(looks), Path("nowhere")
        self.cluster, self.process = None, SimpleNamespace(poll=lambda: None)

    def list_jobs(self) -> list[str]:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


def test_a_study_whose_jobs_stand_still_hangs_and_one_with_a_long_queue_does_not():
    """A job behind twenty others of its study would be called a hang, or a real one would hold up the campaign."""
    queue = Queue(*([str(number)] for number in range(5)))
    run = CampaignRun(queue, "gpu", set(), random.Random(1))
    assert run.wait_while_moving(lambda: queue.looks == [["4"]], seconds=1)
    assert not run.wait_while_moving(lambda: False, seconds=1)


def test_a_campaign_strikes_with_every_kind_alike():
    """Sixty faults of three kinds would say nothing of the other nine."""
    struck: list[str] = []
    settings = set()
    while len(struck) < 60:
        setting, faults = plan_run(struck, 5)
        assert 1 <= len(faults) <= 5
        assert all(setting.allows(fault) for fault in faults)
        assert not any(fault.first for fault in faults[1:])
        struck += [fault.kind for fault in faults]
        settings.add(setting)
    counts = [struck.count(fault.kind) for fault in FAULTS]
    assert min(counts) >= 4
    assert settings == set(SETTINGS)


def test_results_are_compared_by_their_bits_and_nothing_else(tmp_path):
    """A weight that differs in a bit is another result; a log, a cost and a ledger are none."""
    files = {
        "cells/dpo/beta~0.1/seed~1/policy/model.safetensors": "weights",
        "tables/cells.csv": "cells",
        "tables/costs.csv": "costs",
        "logs/train_cell/dpo.log": "log",
        "benchmarks/train_cell.tsv": "benchmark",
        "ledgers/mt_bench/a.jsonl": "ledger",
        "sft/checkpoints/a/model.safetensors": "checkpoint",
    }
    for folder in ("one", "two"):
        for name, text in files.items():
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).write_text(
                text if name.startswith(("cells", "tables/cells")) else folder
            )
    one, two = (hash_results(tmp_path / folder) for folder in ("one", "two"))
    assert set(one) == {"cells/dpo/beta~0.1/seed~1/policy/model.safetensors", "tables/cells.csv"}
    assert find_differences(one, two) == []

    (tmp_path / "two/cells/dpo/beta~0.1/seed~1/policy/model.safetensors").write_text("weighty")
    (tmp_path / "two/tables/cells.csv").rename(tmp_path / "two/tables/more.csv")
    assert find_differences(one, hash_results(tmp_path / "two")) == [
        "cells/dpo/beta~0.1/seed~1/policy/model.safetensors: differs",
        "tables/cells.csv: missing",
        "tables/more.csv: not expected",
    ]


def test_long_names_of_unfinished_files_are_read(tmp_path):
    """A cell that is being trained would count as finished, and its next training as a second one."""
    names = ["results/a/cells/dpo/x/health.json", "results/a/" + "b" * 300 + "/health.json"]
    for name in names:
        code = urlsafe_b64encode(name.encode()).decode()
        parts = [code[start : start + 100] for start in range(0, len(code), 100)]
        mark = (
            tmp_path / ".snakemake/incomplete" / "/".join([*(f"@{part}" for part in parts[:-1]), parts[-1]])
        )
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text("{}")
    assert list_incomplete(tmp_path) == set(names)


def test_the_table_grows_and_names_the_failure(tmp_path):
    """A campaign that goes on must neither lose nor repeat what it has found."""
    table = tmp_path / "docs" / "events.csv"
    assert read_table(table) == []
    append_blows(table, [Blow(1, 1, "time limit", "mini_fault", "2026-01-01", note='a "quoted", note')])
    append_blows(table, [Blow(2, 1, "node down", "mini_fault", "2026-01-01", seconds=1.5)])
    rows = read_table(table)
    assert [row["event"] for row in rows] == ["1", "2"]
    assert rows[0]["note"] == 'a "quoted", note'
    assert (rows[0]["seconds"], rows[1]["seconds"]) == ("", "1.5")

    log = "results/a/logs/train_cell/dpo.log"
    journal = [
        {"event": "submitted", "slurm_id": "7", "log": log},
        {"event": "failed", "slurm_id": "7", "log": log},
    ]
    said = f"Error in rule train_cell:\n{log}: out of time: CANCELLED DUE TO TIME LIMIT\nThe next attempt …\n"
    assert find_failure("7", journal, said) == "out of time"
    assert find_failure("8", journal, said) == ""
