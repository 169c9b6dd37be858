"""What PyTorch's operations are in the few that the page computes (report/explorer/programs.js)."""

from collections.abc import Callable
from typing import Any

from torch.fx import Node

# An operand is the number of a value or a list of numbers.
Operand = int | list
Read = Callable[[Any], Operand]
Add = Callable[..., Operand]

# Number by number; a single number goes with each of several.
ELEMENTWISE = {
    "neg": "neg", "exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p", "sigmoid": "sigmoid",
    "abs": "abs", "sgn": "sign", "sign": "sign", "sqrt": "sqrt", "tanh": "tanh",
    "mul": "mul", "div": "div", "pow": "pow", "maximum": "max", "minimum": "min", "where": "where",
    "gt": "gt", "lt": "lt", "ge": "ge", "le": "le", "eq": "eq", "ne": "ne",
    "logical_and": "mul", "bitwise_and": "mul", "logical_or": "max", "bitwise_or": "max",
}  # fmt: skip
# The same numbers in another shape or memory: a list has no shape.
SAME = {
    "alias", "clone", "detach", "lift_fresh_copy", "scalar_tensor", "squeeze", "unsqueeze", "view", "_to_copy",
    "_unsafe_view",
}  # fmt: skip
# What an operation gives that has several results, by its place.
NOTHING: list = []
RESULTS = {"log_sigmoid_forward": ("logsigmoid", None), "sort": ("sorted", "order")}


def translate_operation(node: Node, read: Read, add: Add) -> Operand:
    """Express one operation by those of the page.

    Args:
        node: A call of an operation in a traced graph.
        read: Gives the operand for an argument.
        add: Appends a step and gives its number.

    Returns:
        The operand that is the node's value.

    Raises:
        KeyError: The page has nothing that does it.
    """
    if getattr(node.target, "__name__", "") == "getitem":
        source, place = node.args
        result = RESULTS[get_name(source)][place]
        return add(result, read(source.args[0])) if result else NOTHING
    name = get_name(node)
    if name in RESULTS:
        return NOTHING
    if name in SAME:
        return read(node.args[0])
    if name in ELEMENTWISE:
        return add(ELEMENTWISE[name], *map(read, node.args))
    return COMPOSED[name](node, read, add)


def get_name(node: Node) -> str:
    """The name of a node's operation, such as ``log_sigmoid_forward``."""
    return str(node.target).removeprefix("aten.").partition(".")[0]


def _add(node: Node, read: Read, add: Add, operation: str = "add") -> Operand:
    first, second = map(read, node.args[:2])
    factor = node.kwargs.get("alpha", 1)
    return add(operation, first, second if factor == 1 else add("mul", second, [factor]))


def _subtract_from(node: Node, read: Read, add: Add) -> Operand:
    return add("sub", read(node.args[1]), read(node.args[0]))


def _softplus(node: Node, read: Read, add: Add) -> Operand:
    value, beta, threshold = (*node.args, 1, 20)[:3]
    scaled = add("mul", read(value), [beta])
    # As torch computes it in wider numbers for the narrow kinds, without the overflow of exp.
    positive = add("where", add("gt", scaled, [0.0]), scaled, [0.0])
    negative = add("where", add("gt", scaled, [0.0]), add("neg", scaled), scaled)
    smooth = add("div", add("add", positive, add("log1p", add("exp", negative))), [beta])
    return add("where", add("gt", scaled, [threshold]), read(value), smooth)


def _softplus_backward(node: Node, read: Read, add: Add) -> Operand:
    slope, value, beta, threshold = node.args
    scaled = add("mul", read(value), [beta])
    smooth = add("mul", read(slope), add("sigmoid", scaled))
    return add("where", add("gt", scaled, [threshold]), read(slope), smooth)


def _sigmoid_backward(node: Node, read: Read, add: Add) -> Operand:
    slope, sigmoid = map(read, node.args)
    return add("mul", add("mul", slope, add("sub", [1.0], sigmoid)), sigmoid)


def _logsigmoid_backward(node: Node, read: Read, add: Add) -> Operand:
    slope, value = map(read, node.args[:2])
    return add("mul", slope, add("sigmoid", add("neg", value)))


def _tanh_backward(node: Node, read: Read, add: Add) -> Operand:
    slope, tanh = map(read, node.args)
    return add("mul", slope, add("sub", [1.0], add("mul", tanh, tanh)))


def _threshold_backward(node: Node, read: Read, add: Add) -> Operand:
    slope, value, threshold = map(read, node.args)
    return add("where", add("gt", value, threshold), slope, [0.0])


def _clamp(node: Node, read: Read, add: Add) -> Operand:
    value, low, high = (*node.args, None)[:3]
    clamped = read(value)
    if low is not None:
        clamped = add("max", clamped, read(low))
    return clamped if high is None else add("min", clamped, read(high))


def _fill_masked(node: Node, read: Read, add: Add) -> Operand:
    value, mask, filling = map(read, node.args)
    return add("where", mask, filling, value)


def _get_bounds(node: Node, place: int) -> tuple[int, int]:
    start, end = (*node.args[place : place + 2], None, None)[:2]
    return start or 0, 2**31 if end is None else min(end, 2**31)


COMPOSED: dict[str, Callable[[Node, Read, Add], Operand]] = {
    "add": _add,
    "sub": lambda node, read, add: _add(node, read, add, "sub"),
    "rsub": _subtract_from,
    "square": lambda node, read, add: add("mul", read(node.args[0]), read(node.args[0])),
    "reciprocal": lambda node, read, add: add("div", [1.0], read(node.args[0])),
    "relu": lambda node, read, add: add("max", read(node.args[0]), [0.0]),
    "logical_not": lambda node, read, add: add("eq", read(node.args[0]), [0.0]),
    "bitwise_not": lambda node, read, add: add("eq", read(node.args[0]), [0.0]),
    "softplus": _softplus,
    "softplus_backward": _softplus_backward,
    "sigmoid_backward": _sigmoid_backward,
    "log_sigmoid_backward": _logsigmoid_backward,
    "tanh_backward": _tanh_backward,
    "threshold_backward": _threshold_backward,
    "clamp": _clamp,
    "clamp_min": lambda node, read, add: add("max", *map(read, node.args)),
    "clamp_max": lambda node, read, add: add("min", *map(read, node.args)),
    "masked_fill": _fill_masked,
    "masked_fill_": _fill_masked,
    "ones_like": lambda node, read, add: add("fill", read(node.args[0]), [1.0]),
    "zeros_like": lambda node, read, add: add("fill", read(node.args[0]), [0.0]),
    "full_like": lambda node, read, add: add("fill", read(node.args[0]), read(node.args[1])),
    "new_zeros": lambda node, read, add: [0.0] * (node.args[1][0] if node.args[1] else 1),
    "expand": lambda node, read, add: add("repeat", read(node.args[0]), (*node.args[1], 1)[0]),
    "sum": lambda node, read, add: add("sum", read(node.args[0])),
    "mean": lambda node, read, add: add("mean", read(node.args[0])),
    "var": lambda node, read, add: add("variance", read(node.args[0]), node.kwargs.get("correction", 1)),
    "std": lambda node, read, add: add(
        "sqrt", add("variance", read(node.args[0]), node.kwargs.get("correction", 1))
    ),
    "cat": lambda node, read, add: add("join", *map(read, node.args[0])),
    "slice": lambda node, read, add: add("slice", read(node.args[0]), *_get_bounds(node, 2)),
    "select": lambda node, read, add: add("slice", read(node.args[0]), node.args[2], node.args[2] + 1),
    "gather": lambda node, read, add: add("take", read(node.args[0]), read(node.args[2])),
    "scatter": lambda node, read, add: add("put", *(read(node.args[place]) for place in (0, 2, 3))),
    "scatter_add": lambda node, read, add: add("add_at", *(read(node.args[place]) for place in (0, 2, 3))),
    "select_backward": lambda node, read, add: add(
        "put", [0.0] * node.args[1][0], [float(node.args[3])], read(node.args[0])
    ),
    "slice_backward": lambda node, read, add: add(
        "put",
        [0.0] * node.args[1][0],
        [float(each) for each in range(*_get_bounds(node, 3))],
        read(node.args[0]),
    ),
}
