"""The site's file against the nodes: what sbatch would refuse for every job, hours later, is told at the start."""

import pytest

from execution.nodes_check import check_nodes
from execution.partitions import read_partitions
from execution.site import FILE, SiteError, read_site

SITE = """\
account: lab
partitions: {cpu: cpu, gpu: gpu}
gpu_model: a100
gpus_per_node: 8
gpu_memory:
  - {gb: 40, constraint: small}
  - {gb: 80, constraint: null}
"""


@pytest.fixture
def check(slurm, folder):
    """Checks a site's file against nodes; the lines of mistakes."""

    def check(text: str, *nodes: str) -> list[str]:
        (folder / FILE).parent.mkdir(exist_ok=True)
        (folder / FILE).write_text(text)
        slurm.set_nodes(*(nodes or ("gpu|512000|gpu:a100:8(S:0-1)|small,fast",)))
        try:
            check_nodes(read_site(), read_partitions())
        except SiteError as error:
            return str(error).splitlines()
        return []

    return check


def test_what_fits_is_not_complained_of(check):
    """A check that refuses what works is worse than none."""
    assert check(SITE) == []
    assert check(SITE.replace("small", "'[small|fast]'")) == []
    assert check(SITE.replace("a100", "null"), "gpu|1|gpu:8|small") == []
    # A cluster without GPUs names the same partition twice.
    assert (
        check(SITE.replace("gpu: gpu", "gpu: cpu").replace("small", "null"), "cpu|64000|(null)|(null)") == []
    )
    # Of partitions without a node, such as in a cloud, nothing is known.
    assert check(SITE, "cpu|64000|(null)|(null)") == []


@pytest.mark.parametrize(
    ("wrong", "right", "nodes", "lines"),
    [
        (
            "a100",
            "a1000",
            (),
            ["3: gpu_model: 'a1000': no node of partition gpu has such GPUs; there are a100"],
        ),
        (
            "a100",
            "a100",
            ["gpu|1|gpu:8|small"],
            [
                "3: gpu_model: 'a100': no node of partition gpu has such GPUs; Slurm knows no models of them; "
                "write gpu_model: null"
            ],
        ),
        (
            "node: 8",
            "node: 16",
            ["gpu|1|gpu:a100:4|small", "gpu|1|gpu:a100:8|", "gpu|1|gpu:h100:16|"],
            ["4: gpus_per_node: 16: no node of partition gpu has more than 8 a100 GPUs; write 8"],
        ),
        (
            "constraint: null",
            "constraint: big&small",
            (),
            [
                "7: gpu_memory[1].constraint: 'big&small': no node of partition gpu has the feature big; "
                "there are fast, small"
            ],
        ),
        (
            "node: 8",
            "node: 9",
            ["gpu|1|gpu:a100:8|(null)"],
            [
                "4: gpus_per_node: 9: no node of partition gpu has more than 8 a100 GPUs; write 8",
                "6: gpu_memory[0].constraint: 'small': no node of partition gpu has the feature small; they have "
                "none; write constraint: null",
            ],
        ),
        (
            "small",
            "null",
            ["gpu|1|(null)|small"],
            [
                "2: partitions.gpu: 'gpu': its nodes have no GPUs; name one whose nodes `sinfo -o '%R %G'` shows "
                "with gpu"
            ],
        ),
    ],
)
def test_what_no_node_has_is_told_by_line_with_what_there_is(check, wrong, right, nodes, lines):
    """The user can mend the file without asking the cluster's support."""
    assert check(SITE.replace(wrong, right), *nodes) == [f"slurm/site.yaml:{line}" for line in lines]
