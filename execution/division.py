"""How the GPUs of a job are divided among nodes: on every node as many, because each is launched alike."""

# Nodes that are less than half full keep others from their GPUs, and the network slows the job down.
MOST_OF_LEAST = 2


def divide(gpus: int, per_node: int) -> int | None:
    """The number of nodes of a job.

    Args:
        gpus: Of the job.
        per_node: That a node has.

    Returns:
        The smallest that divides them evenly; None where the nodes would be less than half full.
    """
    least = max(1, -(-gpus // per_node))
    return next((nodes for nodes in range(least, MOST_OF_LEAST * least + 1) if gpus % nodes == 0), None)


def suggest_gpus(gpus: int, per_node: int) -> list[int]:
    """The nearest numbers of GPUs that can be divided, the smaller first."""
    lower = next(number for number in range(gpus, 0, -1) if divide(number, per_node))
    upper = next(number for number in range(gpus, gpus + per_node + 1) if divide(number, per_node))
    return [lower, upper]
