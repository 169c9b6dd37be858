"""Losses as programs of a few dozen elementary operations, which a page computes as Python does.

A program is traced from the loss itself, along the path of `lossgrid.audit.path`, together with its derivative: no
formula is written a second time. It is plain data:

- ``inputs``: ``rho`` and the hyper-parameters that may be moved; ``fixed``: those that the loss turns into other
  numbers while it is traced, with the value that they had.
- ``steps``: each ``[operation, operand, …]``. A value is a list of one or several numbers; an operand is the number
  of an input or of an earlier step (inputs come first), or a list of numbers, or of words for those that JSON lacks.
- ``loss``, ``slope``: the numbers of the values that are the loss and its derivative by ρ. ``others``: that of the
  losses of the other pairs of the micro-batch, which are taken off the loss as they are at ρ=0; None where there are
  none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.fx import Node
from torch.fx.experimental.proxy_tensor import make_fx

from lossgrid.audit.path import COMPANIONS, REFERENCE_MARGINS, MarginLoss
from lossgrid.objectives.pairs import native_precision
from lossgrid.objectives.specification import Objective, Setting
from lossgrid.pages.explorer.operations import Operand, translate_operation

# Any margin but 0 and 1, which a loss could take for a special case.
TRACED_MARGIN = 0.37


class UntraceableLossError(ValueError):
    """A loss that is no fixed sequence of operations."""


@dataclass(frozen=True)
class Program:
    """A loss and its slope as data; see the module.

    Attributes:
        inputs: Names, ``rho`` first.
        fixed: Values of the numeric hyper-parameters that are no inputs.
        steps: Operations in order.
        loss: Number of the value that is the loss.
        slope: Number of the value that is its derivative by ρ.
        others: Number of the value whose value at ρ=0 is taken off the loss, or None.
    """

    inputs: tuple[str, ...]
    fixed: Mapping[str, float]
    steps: tuple[list, ...]
    loss: int
    slope: int
    others: int | None


def trace_loss(objective: Objective, setting: Setting, couples_batch: bool) -> Program:
    """The program of a loss; its hyper-parameters stay open as far as the loss allows.

    Args:
        objective: The loss.
        setting: A value for each of its hyper-parameters: those that are words, and those that cannot stay open,
            are built in.
        couples_batch: Whether the loss is drawn within a micro-batch.

    Raises:
        UntraceableLossError: The loss branches on the values of log-probabilities, or uses an operation that
            `OPERATIONS` lacks.
    """
    numbers = [name for name, value in objective.get_keywords(setting).items() if not isinstance(value, str)]
    try:
        return _trace(objective, setting, couples_batch, numbers)
    except UntraceableLossError:
        movable = [name for name in numbers if _is_movable(objective, setting, couples_batch, name)]
        return _trace(objective, setting, couples_batch, movable)


def _is_movable(objective: Objective, setting: Setting, couples_batch: bool, name: str) -> bool:
    try:
        _trace(objective, setting, couples_batch, [name])
    except UntraceableLossError:
        return False
    return True


def _trace(objective: Objective, setting: Setting, couples_batch: bool, names: list[str]) -> Program:
    def compute(rho: torch.Tensor, *values: torch.Tensor):
        margin_loss = MarginLoss(objective, {**setting, **dict(zip(names, values, strict=True))})
        rho = rho.detach().requires_grad_()
        if couples_batch:
            losses = margin_loss.apply_within(rho[0], COMPANIONS, REFERENCE_MARGINS)
        else:
            losses = margin_loss.apply(rho)
        (slope,) = torch.autograd.grad(losses.sum(), rho)
        return losses.sum(), slope, losses[1:].sum()

    start = [torch.tensor([TRACED_MARGIN], dtype=torch.float64)]
    start += [torch.tensor(float(setting[name]), dtype=torch.float64) for name in names]
    try:
        with native_precision():
            traced = make_fx(compute)(*start)
    except RuntimeError as error:
        raise UntraceableLossError(
            f"{objective.name}: the loss cannot be drawn with moving {', '.join(names) or 'margins'}, because what "
            f"it computes depends on their values: {str(error).splitlines()[0]}"
        ) from error
    traced.graph.eliminate_dead_code()
    translation = _Translation(objective.name, traced)
    loss, slope, others = (translation.values[node] for node in traced.graph.output_node().args[0])
    fixed = {
        name: value
        for name, value in objective.get_keywords(setting).items()
        if not isinstance(value, str) and name not in names
    }
    return Program(
        ("rho", *names), fixed, tuple(translation.steps), loss, slope, others if couples_batch else None
    )


class _Translation:
    """A traced graph in the page's operations.

    Attributes:
        steps: So far.
        values: The operand that is the value of each node.
    """

    def __init__(self, name: str, traced: torch.fx.GraphModule):
        self.name = name
        self.steps: list[list] = []
        self.values: dict[Node, Operand] = {}
        nodes = list(traced.graph.nodes)
        self.inputs = sum(node.op == "placeholder" for node in nodes)
        for node in nodes:
            if node.op == "placeholder":
                self.values[node] = len(self.values)
            elif node.op == "get_attr":
                self.values[node] = getattr(traced, node.target).double().reshape(-1).tolist()
            elif node.op == "call_function" and node.users:
                self.values[node] = self.translate(node)

    def translate(self, node: Node) -> Operand:
        """The operand that is the value of a node."""
        try:
            return translate_operation(node, self.read, self.add)
        except KeyError as error:
            raise UntraceableLossError(
                f"{self.name}: the loss uses {node.target}, which the page cannot compute"
            ) from error

    def read(self, argument: Node | float) -> Operand:
        """The operand for an argument of a node."""
        if isinstance(argument, Node):
            # The place of several results is asked for by another node, which reads what lies behind.
            return self.values[argument]
        return [float(argument)]

    def add(self, *step: Any) -> int:
        """Append a step and return its number."""
        self.steps.append(list(step))
        return self.inputs + len(self.steps) - 1
