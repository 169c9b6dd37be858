"""What the partitions allow: a limit read too high leaves a job waiting for ever, one too low ends training early."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.nodes import Nodes
from execution.partitions import Partition, get_most_mb, get_most_minutes, read_minutes, read_partitions
from execution.queue import QueueError


@pytest.mark.parametrize(
    ("limit", "minutes"),
    [
        # As sinfo writes limits.
        ("infinite", None),
        ("1-00:00:00", 1440),
        ("10-12:30:00", 15150),
        ("02:00:00", 120),
        ("2:00:00", 120),
        ("30:00", 30),
        ("1:00", 1),
        ("0:59", 1),
        ("0:30", 1),
        ("  1-00:00:00\n", 1440),
        # As slurm.conf and sbatch read them as well.
        ("UNLIMITED", None),
        ("n/a", None),
        ("90", 90),
        ("90:30", 90),
        ("2-12", 60 * 60),
        ("2-12:30", 60 * 60 + 30),
        ("2-12:30:59", 60 * 60 + 30),
        ("0-1", 60),
    ],
)
def test_limit_is_read_in_every_spelling(limit, minutes):
    """`2-12` are two days and twelve hours, and `30:00` half an hour and not thirty hours."""
    assert read_minutes(limit) == minutes


@pytest.mark.parametrize("limit", ["", "soon", "1:2:3:4", "-5", "1--2", "1-", "1-2:3:4:5", "1.5", "INVALID"])
def test_limit_in_an_unknown_spelling_is_refused(limit):
    """A guess would send jobs to a partition that never starts them."""
    with pytest.raises(ValueError, match=r".*"):
        read_minutes(limit)


@given(st.integers(0, 400 * 24 * 60), st.integers(0, 59), st.data())
def test_minutes_come_back(minutes, seconds, data):
    """Whatever spelling Slurm chooses for a limit, its minutes are the same."""
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    spellings = [f"{days}-{hours:02}:{left:02}:{seconds:02}", f"{days}-{hours:02}:{left:02}", f"{minutes}"]
    spellings += [f"{minutes}:{seconds:02}", f"{minutes // 60}:{left:02}:{seconds:02}"]
    if not left:
        spellings.append(f"{days}-{hours}")
    assert read_minutes(data.draw(st.sampled_from(spellings))) == max(1, minutes)


def test_partitions_of_the_cluster(slurm):
    """Hidden partitions take jobs too: without --all a right name would be called wrong."""
    found = read_partitions()
    assert {name: partition.most_minutes for name, partition in found.items()} == {"cpu": 1440, "gpu": None}
    assert found["gpu"].nodes == (Nodes("gpu", frozenset({"small"}), (("a100", 8),), 512000),)
    assert {tuple(line.split()[:2]) for line in slurm.get_calls("sinfo")} == {("sinfo", "--all")}


def test_partition_with_an_unreadable_limit_is_named(slurm):
    """A traceback out of the Snakefile helps nobody."""
    (slurm.folder / "sinfo").write_text("cpu\t1-00:00:00\ngpu\tsoon\n")
    with pytest.raises(
        QueueError, match="sinfo: partition gpu: its time limit is written in an unknown way: soon"
    ):
        read_partitions()


def test_controller_that_is_down_is_told(slurm):
    """Jobs placed without the limits might wait for ever."""
    slurm.stop_answering()
    with pytest.raises(QueueError, match=r"sinfo: .*Unable to contact slurm controller"):
        read_partitions()


def test_the_longest_of_several_partitions_counts():
    """With short=60 and long=1440 minutes, a job of 600 may wait for the second; without a limit any may."""
    partitions = {
        name: Partition(name, most) for name, most in (("short", 60), ("long", 1440), ("free", None))
    }
    assert get_most_minutes("short", partitions) == 60
    assert get_most_minutes("short,long", partitions) == 1440
    assert get_most_minutes("short,free", partitions) is None
    assert get_most_minutes("unheard-of", partitions) is None


def test_the_largest_node_that_a_job_may_go_to_counts():
    """A third attempt that asks for more than any of its nodes has is refused, and the cell never made."""
    nodes = (
        Nodes("gpu", frozenset({"small"}), (("a100", 8),), 200_000),
        Nodes("gpu", frozenset({"big"}), (("a100", 8),), 1_000_000),
    )
    partitions = {
        "gpu": Partition("gpu", None, nodes),
        "other": Partition("other", None, (Nodes("other", frozenset(), (), 400_000),)),
    }
    assert get_most_mb("gpu", partitions, None) == 990_000
    assert get_most_mb("gpu", partitions, "small") == 198_000
    assert get_most_mb("gpu", partitions, "big|small") == 990_000
    assert get_most_mb("gpu,other", partitions, "unheard-of") == 990_000
    assert get_most_mb("other", partitions, None) == 396_000
    assert get_most_mb("other", {}, None) is None
    assert get_most_mb("other", {"other": Partition("other", None)}, None) is None
