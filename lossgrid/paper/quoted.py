"""A number that a text may quote, with its key and what belongs to it."""

from dataclasses import dataclass
from math import nan

from scipy.stats import norm

from lossgrid.paper.rounding import round_alone, round_together

# Half of a 95 % interval in standard errors.
INTERVAL = float(norm.ppf(0.975))
P_DIGITS = 2


@dataclass(frozen=True)
class Quoted:
    """A number or a word of a table.

    Attributes:
        key: Path by which a text asks for it: `mini/dpo/beta~0.05/reward`.
        value: The estimate or the word.
        error: Its clustered standard error; NaN without one.
        low: Lower end of its 95 % interval; NaN without one.
        high: Upper end.
        n: What the estimate is made of; None where that is no number of observations.
        digits: Digits of a value without an error; None for the usual ones.
    """

    key: str
    value: float | str
    error: float = nan
    low: float = nan
    high: float = nan
    n: int | None = None
    digits: int | None = None

    def spell(self) -> dict[str, str]:
        """The key and those of its parts, with plain numbers: `key`, `key/se`, `key/low`, `key/high`, `key/n`."""
        if isinstance(self.value, str):
            return {self.key: self.value}
        if self.digits is not None:
            return {self.key: round_alone(self.value, self.digits)}
        # Where there is an interval without an error, its width says how many digits it is worth.
        scale = self.error if self.error == self.error else (self.high - self.low) / (2 * INTERVAL)
        value, _, low, high = round_together(self.value, scale, self.low, self.high)
        _, error = round_together(self.value, self.error)
        parts = {self.key: value}
        if self.error == self.error:
            parts[f"{self.key}/se"] = error
        if self.low == self.low or self.high == self.high:
            parts |= {f"{self.key}/low": low, f"{self.key}/high": high}
        if self.n is not None:
            parts[f"{self.key}/n"] = str(self.n)
        return parts


def quote_estimate(key: str, value: float, error: float, n: float | None) -> Quoted:
    """An estimate with the interval of its standard error."""
    value, error = float(value), float(error)
    count = None if n is None or n != n else int(n)
    return Quoted(key, value, error, value - INTERVAL * error, value + INTERVAL * error, count)
