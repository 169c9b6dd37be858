"""The nodes of the cluster, as sinfo spells them on real clusters."""

import pytest

from execution.nodes import Nodes, read_features, read_gpus, read_nodes


@pytest.mark.parametrize(
    ("resources", "gpus"),
    [
        ("(null)", ()),
        ("", ()),
        ("gpu:8", (("", 8),)),
        ("gpu", (("", 1),)),
        ("gpu:a100:8", (("a100", 8),)),
        ("gpu:a100:8(S:0-1)", (("a100", 8),)),
        ("gpu:a100:8(S:0,2),nic:mlx:2", (("a100", 8),)),
        ("gpu:a100:4(S:0),gpu:h100:2(S:1),shard:a100:32(S:0)", (("a100", 4), ("h100", 2))),
        ("gpu:nvidia_a100-sxm4-80gb:4(S:0)", (("nvidia_a100-sxm4-80gb", 4),)),
        ("gpu:h100:no_consume:4", (("h100", 4),)),
        ("gpu:a100:2(S:0),gpu:a100:2(S:1)", (("a100", 4),)),
        ("craynetwork:4,gpu:mi250:8", (("mi250", 8),)),
    ],
)
def test_gpus_are_read_in_every_spelling(resources, gpus):
    """A right model that is not found would be called a mistake, and the study not be started."""
    assert read_gpus(resources) == gpus


@pytest.mark.parametrize(
    ("constraint", "features"),
    [
        ("a100_80", ["a100_80"]),
        ("a&b", ["a", "b"]),
        ("[rack1|rack2]", ["rack1", "rack2"]),
        ("(a|b)&c*4", ["a", "b", "c"]),
        ("!old", ["old"]),
        ("", []),
    ],
)
def test_features_of_a_constraint(constraint, features):
    """A constraint is more than a name: the signs between them are no features."""
    assert read_features(constraint) == features


def test_nodes_as_sinfo_shows_them(slurm):
    """Without --exact nodes of different memory are shown as one; a partition without nodes is shown too."""
    slurm.set_nodes(
        "gpu|1031000|gpu:a100:8(S:0-1)|a100,big", "gpu|515000+|gpu:4|(null)", "gone|0|(null)|(null)"
    )
    assert read_nodes() == (
        Nodes("gpu", frozenset({"a100", "big"}), (("a100", 8),), 1031000),
        Nodes("gpu", frozenset(), (("", 4),), 515000),
    )
    (call,) = slurm.get_calls("sinfo")
    assert "--exact" in call.split()


def test_gpus_of_a_node_by_model():
    """A job asks for one model: eight of two models are not eight of one."""
    nodes = Nodes("gpu", frozenset(), (("a100", 4), ("h100", 2)), 1)
    assert [nodes.count_gpus(model) for model in (None, "a100", "h100", "v100")] == [6, 4, 2, 0]
