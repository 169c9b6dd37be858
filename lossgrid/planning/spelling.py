"""Amounts as a person reads them: two digits and a unit."""


def spell_seconds(seconds: float) -> str:
    """Seconds, minutes, hours or days: ``8.7 s``, ``53 s``, ``4.2 min``, ``3.1 h``, ``12 d``."""
    for least, size, unit in ((2 * 86_400, 86_400, "d"), (3600, 3600, "h"), (60, 60, "min")):
        if seconds >= least:
            return f"{spell_digits(seconds / size)} {unit}"
    return f"{spell_digits(seconds)} s"


def spell_bytes(size: float) -> str:
    """Multiples of a thousand: ``580 MB``, ``1.2 GB``, ``16 TB``."""
    for power, unit in ((12, "TB"), (9, "GB"), (6, "MB"), (3, "kB")):
        if size >= 10**power:
            return f"{spell_digits(size / 10**power)} {unit}"
    return f"{size:.0f} B"


def spell_dollars(dollars: float | None) -> str:
    """A price in USD; what has none is free."""
    if dollars is None:
        return "free"
    return f"${dollars:,.0f}" if dollars >= 100 else f"${dollars:,.2f}"


def spell_hours(seconds: float) -> str:
    """Hours, to a hundredth."""
    hours = seconds / 3600
    return "<0.01" if 0 < hours < 0.005 else f"{hours:.2f}" if hours < 1 else spell_digits(hours)


def spell_digits(number: float) -> str:
    """Two digits below 100, and all of them from there on."""
    if number >= 10:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 1 or not number else f"{number:.2g}"
