"""Where a training step is recorded, and allowed or held back, before the optimiser moves.

Without DeepSpeed the trainer's own callback comes at that moment. DeepSpeed makes its step inside the backward
pass: there, the place where it asks whether the norm of the gradient is usable is the last one before the
update, and it is asked by all processes together.
"""

import functools
import sys
from collections.abc import Callable

from transformers import TrainerCallback


class StepGate(TrainerCallback):
    """Asks `decide` once a step.

    Args:
        decide: Takes the norm of the whole gradient before clipping and says whether the step may be made. It
            is called in every process, with the same result.
        get_engine: Gives DeepSpeed's engine once training has begun, None without DeepSpeed.
        get_grad_norm: Gives the norm where there is no DeepSpeed.
        should_stop: Whether training ends after this step.
    """

    def __init__(
        self,
        decide: Callable[[float], bool],
        get_engine: Callable,
        get_grad_norm: Callable[[], float],
        should_stop: Callable[[], bool],
    ):
        self.decide = decide
        self.get_engine = get_engine
        self.get_grad_norm = get_grad_norm
        self.should_stop = should_stop
        self.is_open = False
        self.restore: Callable[[], None] = lambda: None

    def on_train_begin(self, args, state, control, **kwargs):
        engine = self.get_engine()
        if engine is not None:
            self.stand_before(engine.optimizer)

    def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs):
        if self.get_engine() is None and not self.decide(self.get_grad_norm()):
            # Without gradients the optimiser changes neither weights nor its own state.
            model.zero_grad(set_to_none=True)
        control.should_training_stop = control.should_training_stop or self.should_stop()

    def on_optimizer_step(self, args, state, control, **kwargs):
        engine = self.get_engine()
        if engine is not None:
            self.is_open = False
            # A step held back counts like any other: the learning rate goes on with the plan.
            engine.optimizer.overflow = False

    def on_train_end(self, args, state, control, **kwargs):
        self.restore()

    def stand_before(self, optimizer) -> None:
        """Let a ZeRO optimiser of DeepSpeed 0.19 ask before each update.

        Both its stages compute the global norm (infinite where a gradient is not finite), ask
        `is_invalid_grad_norm` of their own module, and drop the gradients as after an overflow where the answer
        is yes. Stage 2 would look for an overflow of its own before that.

        Args:
            optimizer: `engine.optimizer` of ZeRO stage 2 or 3.

        Raises:
            RuntimeError: The optimiser is none of these.
        """
        module = sys.modules[type(optimizer).__module__]
        if not hasattr(module, "is_invalid_grad_norm"):
            raise RuntimeError(
                f"{type(optimizer).__module__}.{type(optimizer).__name__} does not ask before its update, and the "
                "run's `nonfinite` policy could not be kept; use a file of deepspeed/ with the pinned DeepSpeed"
            )
        self.restore = functools.partial(setattr, module, "is_invalid_grad_norm", module.is_invalid_grad_norm)
        module.is_invalid_grad_norm = self.refuses
        optimizer.check_grad_overflow = True
        optimizer.check_overflow = lambda *_arguments, **_keywords: None

    def refuses(self, norm) -> bool:
        """Whether the update with a gradient of this norm is held back; asked again while clipping it."""
        if not self.is_open:
            self.is_open = self.decide(float(norm))
        return not self.is_open
