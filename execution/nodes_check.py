"""What the site's file says of GPUs and features, compared with the nodes that the cluster has."""

from execution.nodes import ANY, Nodes, read_features
from execution.partitions import Partition
from execution.site import Site, SiteError, describe_value


def check_nodes(site: Site, partitions: dict[str, Partition]) -> None:
    """See whether the nodes of the partitions for GPUs have what the jobs will ask for.

    Args:
        site: The site's settings.
        partitions: Of the cluster, by name; those of the site are among them.

    Raises:
        SiteError: They do not; a line for each mistake.
    """
    nodes = [node for name in site.partitions.gpu.split(",") for node in partitions[name].nodes]
    # Without a node nothing is known: those of a cloud come and go.
    lines = [*check_gpus(site, nodes), *check_constraints(site, nodes)] if nodes else []
    if lines:
        raise SiteError("\n".join(lines))


def check_gpus(site: Site, nodes: list[Nodes]) -> list[str]:
    """Mistakes of model and number."""
    where = f"partition {site.partitions.gpu}"
    models = sorted({name for node in nodes for name, _ in node.gpus})
    if not models:
        if site.partitions.gpu == site.partitions.cpu:
            # A cluster without GPUs, for studies that need none.
            return []
        return [
            describe_value(
                ("partitions", "gpu"),
                "its nodes have no GPUs; name one whose nodes `sinfo -o '%R %G'` shows with gpu",
            )
        ]
    if site.gpu_model is not None and site.gpu_model not in models:
        named = ", ".join(name for name in models if name != ANY)
        fix = f"there are {named}" if named else "Slurm knows no models of them; write gpu_model: null"
        return [describe_value(("gpu_model",), f"no node of {where} has such GPUs; {fix}")]
    most = max(node.count_gpus(site.gpu_model) for node in nodes)
    if site.gpus_per_node > most:
        kind = f" {site.gpu_model}" if site.gpu_model else ""
        return [
            describe_value(
                ("gpus_per_node",), f"no node of {where} has more than {most}{kind} GPUs; write {most}"
            )
        ]
    return []


def check_constraints(site: Site, nodes: list[Nodes]) -> list[str]:
    """Mistakes of features."""
    there = sorted({feature for node in nodes for feature in node.features})
    known = f"there are {', '.join(there)}" if there else "they have none; write constraint: null"
    return [
        describe_value(
            ("gpu_memory", place, "constraint"),
            f"no node of partition {site.partitions.gpu} has the feature {feature}; {known}",
        )
        for place, kind in enumerate(site.gpu_memory)
        for feature in read_features(kind.constraint or "")
        if feature not in there
    ]
