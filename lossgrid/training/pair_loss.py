"""An objective in its setting, as the trainer calls it; with its learned parameters, where it has some."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from lossgrid.objectives.specification import Objective, Setting

LEARNED_PARAMETERS = "loss_parameters.pt"
# Adam divides a gradient by its own size. Until the policy has left its reference every margin is a rounding
# error, and so is the gradient of the mix (1e-7 where 1e-2 is usual): without this, the first steps would move
# the parameter by its whole learning rate in a direction that nothing but the order of a sum decides.
EPSILON = 1e-4


class PairLoss:
    """The loss of a micro-batch of pairs.

    Args:
        objective: One of the catalogue.
        setting: A value for each of its hyper-parameters.
    """

    def __init__(self, objective: Objective, setting: Setting):
        self.function: Callable[..., Tensor] = objective.load()
        self.keywords = objective.get_keywords(setting)
        self.arguments = objective.arguments
        self.length_normalised = objective.length_normalised
        self.learned = LearnedParameters(
            {parameter.name: setting[parameter.name] for parameter in objective.learned},
            {parameter.name: setting[parameter.learning_rate] for parameter in objective.learned},
        )

    def __call__(
        self, logps: Mapping[str, Tensor], chosen_lengths: Tensor, rejected_lengths: Tensor
    ) -> Tensor:
        """The loss of each pair.

        Args:
            logps: The four log-probability tensors by the name of their argument, each of shape (batch,), nats,
                summed over response tokens.
            chosen_lengths: Response tokens of the chosen responses, shape (batch,).
            rejected_lengths: The same of the rejected ones.

        Returns:
            Shape (batch,).
        """
        lengths = {"chosen": chosen_lengths, "rejected": rejected_lengths}
        taken = [
            logps[name] / lengths[name.split("_")[1]] if self.length_normalised else logps[name]
            for name in self.arguments
        ]
        return self.function(*taken, **{**self.keywords, **self.learned.get_values()})


class LearnedParameters:
    """Positive numbers of a loss that are trained beside the policy, each as its logarithm.

    They live in every process alike, outside the model: what shards the model never touches them, and their
    gradient, averaged over all pairs of a step and all processes, is the same however these are divided.

    Args:
        first: First values, above 0, by name; may be empty.
        learning_rates: Peak learning rate of each logarithm, with AdamW without weight decay.
    """

    def __init__(self, first: Mapping[str, float], learning_rates: Mapping[str, float]):
        self.logs = {name: torch.tensor(math.log(value), requires_grad=True) for name, value in first.items()}
        self.peaks = [learning_rates[name] for name in first]
        groups = [{"params": [log], "lr": learning_rates[name]} for name, log in self.logs.items()]
        self.optimizer = torch.optim.AdamW(groups, eps=EPSILON, weight_decay=0.0) if groups else None

    def get_values(self) -> dict[str, Tensor]:
        """Each parameter as a tensor of one number, through which gradients flow."""
        return {name: log.exp() for name, log in self.logs.items()}

    def reduce_gradients(self, reduce: Callable[[Tensor], Tensor]) -> None:
        """Replace each gradient by its mean over all processes."""
        for log in self.logs.values():
            log.grad = reduce(torch.zeros_like(log) if log.grad is None else log.grad)

    def describe(self) -> dict[str, float]:
        """Value and gradient (by the logarithm) of each, as the record of a step holds them."""
        record = {}
        for name, log in self.logs.items():
            record[name] = log.detach().exp().item()
            record[f"{name}_grad"] = float("nan") if log.grad is None else log.grad.item()
        return record

    def step(self, share: float) -> None:
        """One step of AdamW at this share of the peak learning rates; then the gradients are dropped."""
        if self.optimizer is None:
            return
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = share * peak
        self.optimizer.step()
        self.drop_gradients()

    def drop_gradients(self) -> None:
        """Forget the gradients of a step that is not made."""
        for log in self.logs.values():
            log.grad = None

    def save(self, folder: Path) -> None:
        """Write values and optimiser state into a checkpoint; nothing where nothing is learned."""
        if self.optimizer is not None:
            logs = {name: log.detach() for name, log in self.logs.items()}
            torch.save({"logs": logs, "optimizer": self.optimizer.state_dict()}, folder / LEARNED_PARAMETERS)

    def load(self, folder: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            FileNotFoundError: The checkpoint holds no learned parameters although this loss has some.
        """
        if self.optimizer is not None:
            state = torch.load(folder / LEARNED_PARAMETERS, weights_only=True)
            for name, log in self.logs.items():
                log.data.copy_(state["logs"][name])
            self.optimizer.load_state_dict(state["optimizer"])
