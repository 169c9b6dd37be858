"""GPUs divided among nodes: as many on each, because each node's launcher starts the same number of processes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.division import divide, suggest_gpus


@pytest.mark.parametrize(
    ("gpus", "per_node", "nodes"),
    [
        *[(gpus, 8, 1) for gpus in range(9)],
        (9, 8, 3),
        (10, 8, 2),
        (16, 8, 2),
        (18, 8, 3),
        (24, 8, 3),
        (10, 4, 5),
        (3, 1, 3),
        # Eleven nodes of one GPU each, or nine of three, would be no use of a cluster.
        (11, 8, None),
        (17, 8, None),
        (27, 8, None),
    ],
)
def test_smallest_number_of_nodes_that_divides(gpus, per_node, nodes):
    """On two nodes, nine processes were launched as four and five by nobody: the job failed at each attempt."""
    assert divide(gpus, per_node) == nodes


@given(st.integers(1, 300), st.integers(1, 16))
def test_division_is_even_and_fits_and_what_is_suggested_can_be_divided(gpus, per_node):
    """A suggestion that is refused as well would send the user round in circles."""
    nodes = divide(gpus, per_node)
    if nodes:
        assert gpus % nodes == 0
        assert gpus / nodes <= per_node
        assert suggest_gpus(gpus, per_node) == [gpus, gpus]
    else:
        lower, upper = suggest_gpus(gpus, per_node)
        assert lower < gpus < upper
        assert divide(lower, per_node)
        assert divide(upper, per_node)
