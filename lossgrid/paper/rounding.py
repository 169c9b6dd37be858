"""Numbers in as many digits as they are worth."""

import math

# Of a standard error, and of a number that has none.
ERROR_DIGITS, DIGITS = 2, 4
# Numbers from the first power of ten up and below the second are written with a power of ten.
LARGEST, SMALLEST = 7, -4
NOTHING = "n/a"


def round_together(value: float, error: float, *others: float) -> list[str]:
    """Write a value, its standard error, and other numbers of its scale, with the same decimals.

    They are those that the error's first two digits need; without an error, each has four digits.

    Examples:
        >>> round_together(1.42824, 0.0985968, 1.235, 1.6215)
        ['1.428', '0.099', '1.235', '1.622']
        >>> round_together(-0.00012, 0.5)
        ['0.00', '0.50']
    """
    if not (math.isfinite(error) and error > 0):
        return [round_alone(number) for number in (value, error, *others)]
    decimals = max(ERROR_DIGITS - 1 - math.floor(math.log10(error)), 0)
    return [_fix(number, decimals) for number in (value, error, *others)]


def round_alone(value: float, digits: int = DIGITS) -> str:
    """Write a number in so many digits, a whole one in all of its own.

    Examples:
        >>> [round_alone(value) for value in (1024, 0.0133275, 3.55816, 2.3e-9, float("nan"))]
        ['1024', '0.01333', '3.558', '2.300e-9', 'n/a']
    """
    if not math.isfinite(value):
        return NOTHING
    size = math.floor(math.log10(abs(value))) if value else 0
    if not SMALLEST <= size < LARGEST:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.0f}" if float(value).is_integer() else _fix(value, max(digits - 1 - size, 0))


def _fix(value: float, decimals: int) -> str:
    if not math.isfinite(value):
        return NOTHING
    # Adding 0 turns −0 into 0.
    return f"{round(value, decimals) + 0.0:.{decimals}f}"
