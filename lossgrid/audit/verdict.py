"""The findings of an audit in one sentence."""

from math import inf

from lossgrid.audit.report import Audit, Landscape, Limit

# The largest margin of a pair that a verdict warns of: 2,000 tokens of 5 nats.
REACHABLE = 1e4
TAILS = {
    "vanishing": "no pull on very wrong pairs",
    "polynomial": "gradient grows polynomially for ρ→−∞",
    "exponential": "gradient grows exponentially for ρ→−∞",
}


def describe_audit(audit: Audit) -> str:
    """Say what training has to expect, the start first."""
    landscape = audit.landscape
    parts = [
        describe_start(audit) + describe_trap(landscape),
        describe_aim(landscape),
        *(f"value jumps by {spell(jump.height, '+')} at ρ={spell(jump.rho)}" for jump in landscape.jumps),
        TAILS.get(audit.tails.left_slope, ""),
        "" if audit.tails.bounded_below else "no lower bound",
        describe_limit(audit.get_limit("float32")),
        "depends on the other pairs of its micro-batch" if audit.couples_batch else "",
        "NaN at micro-batch 1" if audit.nan_at_micro_batch_1 else "",
    ]
    return "; ".join(part for part in parts if part)


def describe_start(audit: Audit) -> str:
    unit = "in z" if {"beta", "beta_kl"} & audit.setting.keys() else "a nat"
    slope = f"slope {spell(audit.start_slope_z, '+')} {unit}"
    match audit.landscape.start:
        case "wrong":
            return f"wrong sign at the start: training first lowers the margin ({slope})"
        case "flat":
            return "flat at the start: training has no direction"
    return f"right sign at the start ({slope})"


def describe_trap(landscape: Landscape) -> str:
    trap, barrier = landscape.trap, landscape.barrier
    if trap is None:
        return ""
    wall = f"a barrier of {spell(landscape.barrier_height)} at ρ={spell(barrier.rho)}" if barrier else ""
    joint = ", but " if landscape.start == "right" else ", "
    if trap.rho == -inf:
        beyond = f" left of {wall}" if wall else ""
        return f"{joint}margins fall for good{beyond}"
    return f"{joint}trap at ρ={spell(trap.rho)}" + (f" behind {wall}" if wall else " without a way out")


def describe_aim(landscape: Landscape) -> str:
    if landscape.target:
        return f"aims at ρ={spell(landscape.target.rho)} and pushes back beyond"
    if landscape.plateau:
        start, end = landscape.plateau
        if end == inf:
            return f"no gradient right of ρ={spell(start)}"
        if start == -inf:
            return f"no gradient left of ρ={spell(end)}"
        return f"no gradient between ρ={spell(start)} and {spell(end)}"
    return "pushes margins up everywhere" if landscape.monotone else ""


def describe_limit(limit: Limit) -> str:
    """The limits in float32, to which training raises half precision."""
    sides = [
        f"{side} of ρ={spell(margin)}"
        for side, margin in (("left", limit.left), ("right", limit.right))
        if margin is not None and abs(margin) <= REACHABLE
    ]
    return f"not finite in float32 {' and '.join(sides)}" if sides else ""


def spell(number: float, sign: str = "") -> str:
    """Three digits, with the minus sign of formulas; with `sign` "+", a plus sign as well."""
    return f"{number:{sign}.3g}".replace("-", "−")
