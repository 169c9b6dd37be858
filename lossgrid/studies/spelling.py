"""The one spelling of each setting in paths, and its inverse."""

import re
from math import isfinite

from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.objectives.specification import Hyperparameter, Objective, Setting
from lossgrid.studies.errors import StudyError

SETTING = re.compile(r"[A-Za-z0-9._~-]{1,120}")
NO_HYPERPARAMETERS = "default"


def spell_setting(objective: Objective, setting: Setting) -> str:
    """Spell a setting as the name of a folder, such as ``beta_kl~0.05__beta_mix~0.2__tau~0.05``.

    Args:
        objective: Whose setting it is; its hyper-parameters give the order.
        setting: A value for every hyper-parameter. A choice is spelled only where it is not the default.

    Raises:
        StudyError: The spelling holds a character that a path of ours may not, or more than 120 of them.
    """
    parts = []
    for parameter in objective.hyperparameters:
        value = setting[parameter.name]
        if not parameter.choices:
            parts.append(f"{parameter.name}~{spell_number(value)}")
        elif value != parameter.default:
            parts.append(f"{parameter.name}~{value}")
    text = "__".join(parts) or NO_HYPERPARAMETERS
    if not SETTING.fullmatch(text):
        raise StudyError(
            f"objective {objective.name}: setting {text} has {len(text)} characters and must be 1 to 120 of "
            "A-Z a-z 0-9 . _ ~ -; give its hyper-parameters shorter names or fewer digits"
        )
    return text


def parse_setting(objective: Objective, text: str) -> dict[str, float | str]:
    """The setting that `spell_setting` spells so.

    Raises:
        StudyError: The text is no canonical spelling of a setting of this objective.
    """
    setting = objective.defaults()
    given = {} if text == NO_HYPERPARAMETERS else dict(part.partition("~")[::2] for part in text.split("__"))
    for parameter in objective.hyperparameters:
        if parameter.name in given:
            setting[parameter.name] = parse_value(objective, parameter, given[parameter.name])
    canonical = spell_setting(objective, setting)
    if canonical != text:
        place = f"{objective.name}/{text}"
        raise StudyError(f"{place}: not how a setting is spelled; write {objective.name}/{canonical}")
    return setting


def parse_value(objective: Objective, parameter: Hyperparameter, text: str) -> float | str:
    if parameter.choices:
        if text not in parameter.choices:
            choices = ", ".join(parameter.choices)
            raise StudyError(f"{objective.name}: {text}: {parameter.name} must be one of {choices}")
        return text
    value = parse_number(text)
    if not (isfinite(value) and 0 < value < parameter.below):
        limit = f" and below {parameter.below:g}" if isfinite(parameter.below) else ""
        raise StudyError(f"{objective.name}: {text}: {parameter.name} must be a finite number above 0{limit}")
    return value


def spell_number(value: float) -> str:
    """The shortest text that reads back as the same number: no trailing ``.0``, ``+`` or padded exponent."""
    text = repr(float(value)).removesuffix(".0")
    mantissa, exponent_mark, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent_mark else mantissa


def parse_number(text: str) -> float:
    """The number that `spell_number` spells so.

    Raises:
        StudyError: The text is no number, or not its only spelling.
    """
    try:
        value = float(text)
    except ValueError:
        raise StudyError(f"{text!r} is not a number; write one such as 0.05") from None
    if spell_number(value) != text:
        raise StudyError(f"{text!r} is not the only spelling of this number; write {spell_number(value)}")
    return value


def get_objective(name: str) -> Objective:
    """The objective of a name.

    Raises:
        StudyError: The catalogue has none of that name.
    """
    if name not in CATALOGUE:
        raise StudyError(f"{name}: unknown objective; known: {', '.join(CATALOGUE)}")
    return CATALOGUE[name]
