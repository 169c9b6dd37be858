"""What a study needs to know of a loss, as plain data: no torch is imported here."""

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module

Setting = Mapping[str, float | str]

POLICY = ("policy_chosen_logps", "policy_rejected_logps")
REFERENCE = ("reference_chosen_logps", "reference_rejected_logps")


@dataclass(frozen=True)
class Hyperparameter:
    """One hyper-parameter of a loss.

    Attributes:
        name: The keyword argument of the loss.
        description: What it does, in one line.
        default: Value where a study names none.
        unit: Unit of a number, empty for none.
        source: Where the default comes from.
        choices: The values allowed, for a hyper-parameter that is a word; empty for a number, which must be
            finite and above 0.
        below: A number must lie below this.
    """

    name: str
    description: str
    default: float | str
    unit: str = ""
    source: str = "our choice"
    choices: tuple[str, ...] = ()
    below: float = math.inf


@dataclass(frozen=True)
class LearnedParameter:
    """A hyper-parameter that is trained with the policy, in log space, from the setting's value on.

    Attributes:
        name: The keyword argument of the loss, and the hyper-parameter that gives its first value.
        learning_rate: The hyper-parameter that gives its learning rate, of log value a step of AdamW.
    """

    name: str
    learning_rate: str


@dataclass(frozen=True)
class Objective:
    """One loss of the catalogue.

    Attributes:
        name: Its name in studies and paths.
        title: Its name in figures and tables.
        function: Where it is defined, as ``module:function`` below `lossgrid.objectives`.
        formula: The loss of one pair, in plain text.
        hyperparameters: In the order in which a setting spells them.
        reference: Where the loss is published.
        convention: How others write or compute the same loss, where that differs.
        reference_free: Whether it takes the policy's two log-probabilities alone.
        length_normalised: Whether it takes log-probabilities averaged over response tokens instead of summed.
        couples_batch: Whether a pair's loss depends on the other pairs of its micro-batch.
        modulation: For a loss of the modulated family, the hyper-parameters that are its β_kl and β_mix.
        learned: Hyper-parameters that are trained.
    """

    name: str
    title: str
    function: str
    formula: str
    hyperparameters: tuple[Hyperparameter, ...]
    reference: str
    convention: str = ""
    reference_free: bool = False
    length_normalised: bool = False
    couples_batch: bool = False
    modulation: tuple[str, str] | None = None
    learned: tuple[LearnedParameter, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """The log-probability tensors that the loss takes, in order; each has shape (batch,)."""
        return POLICY if self.reference_free else POLICY + REFERENCE

    def defaults(self) -> dict[str, float | str]:
        """The setting of a study that names no hyper-parameter."""
        return {parameter.name: parameter.default for parameter in self.hyperparameters}

    def get_keywords(self, setting: Setting) -> dict[str, float | str]:
        """The part of a setting that the loss itself takes; learned ones with their first value."""
        of_training = {parameter.learning_rate for parameter in self.learned}
        return {name: value for name, value in setting.items() if name not in of_training}

    def get_mix_ratio(self, setting: Setting) -> Fraction | None:
        """The ratio r = β_mix/(τβ_kl) that alone shapes a modulated loss, exactly; None for other losses."""
        if self.modulation is None:
            return None
        beta_kl, beta_mix = (Fraction(repr(setting[name])) for name in self.modulation)
        return beta_mix / (Fraction(repr(setting["tau"])) * beta_kl)

    def get_shape(self, setting: Setting) -> Hashable:
        """The function that a setting stands for.

        Returns:
            A value that is equal for two settings, of any objectives, exactly where they are the same function
            in the same evaluation: β_mix and τ act only through their quotient. A learned parameter makes a
            setting a function of its own.
        """
        if self.modulation is None or self.learned:
            return self.name, tuple(setting[parameter.name] for parameter in self.hyperparameters)
        beta_kl = Fraction(repr(setting[self.modulation[0]]))
        return "modulated", beta_kl, self.get_mix_ratio(setting), setting["evaluation"]

    def load(self) -> Callable:
        """Import and return the loss itself (this is where torch comes in)."""
        module, function = self.function.split(":")
        return getattr(import_module(f"lossgrid.objectives.{module}"), function)
