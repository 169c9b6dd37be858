"""The audit of a study: one row for each distinct setting."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from lossgrid.audit.limits import PRECISIONS
from lossgrid.audit.objective import audit_objective
from lossgrid.audit.report import Audit, StationaryPoint
from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.studies import Cell, Study, find_aliases, get_cells

EVALUATIONS = ("published", "log_space")


def audit_study(study: Study) -> pd.DataFrame:
    """Audit every distinct setting of a study, whatever its seeds.

    Args:
        study: The study.

    Returns:
        A row a setting in study order, aliases included. Margins ρ are in nats; empty means that there is none.

        - ``objective``, ``title``, ``setting`` (as paths spell it), ``label`` (as figures do), ``evaluation``
          (empty where the loss has no choice), ``alias_of`` (objective/setting of the earlier one that is the
          same function)
        - ``start``: right, wrong or flat; ``start_loss``; ``start_slope`` a nat and ``start_slope_z`` by z
        - ``monotone``: whether the slope is positive nowhere; ``stationary``: all extrema in words
        - ``trap_rho`` (−inf: margins fall for good), ``trap_loss``, ``barrier_rho``, ``barrier_loss``,
          ``barrier_height`` (loss from trap to barrier), ``target_rho``, ``target_loss``
        - ``jump_rho``, ``jump_height``: the first discontinuity of the value
        - ``plateau_from``, ``plateau_to``: where the gradient is exactly 0
        - ``left_slope``: vanishing, bounded, polynomial or exponential; ``right_slope``: vanishing, constant or
          growing; ``bounded_below``
        - ``couples_batch``, ``nan_at_micro_batch_1``: as measured
        - ``r``: β_mix/(τβ_kl); ``discopop_beta``, ``discopop_tau``: the DiscoPOP that is the same function
        - ``left_limit_{precision}``, ``right_limit_{precision}``: margin from which loss or slope is not finite
          in float16, bfloat16, float32, float64, in the setting's own evaluation
        - ``left_limit_{precision}_published`` and ``…_log_space``: the same in either evaluation
        - ``verdict``: one sentence
    """
    return pd.DataFrame(
        describe_row(cell, alias_of, audit_objective(CATALOGUE[cell.objective], cell.setting))
        for cell, alias_of in iterate_settings(study)
    )


def iterate_settings(study: Study) -> Iterator[tuple[Cell, str]]:
    """One cell of each distinct setting, with the objective/setting of which it is an alias or nothing.

    Seeds are left out: a setting is an alias wherever an earlier one is the same function.
    """
    cells = {cell.reference: replace(cell, seed=0) for cell in get_cells(study)}
    aliases = find_aliases(cells.values())
    for cell in cells.values():
        yield cell, aliases.get(cell.path, "").removesuffix("/seed~0")


def describe_row(cell: Cell, alias_of: str, audit: Audit) -> dict[str, Any]:
    """One audit as a row of the table."""
    landscape, tails = audit.landscape, audit.tails
    jump = landscape.jumps[0] if landscape.jumps else None
    plateau = landscape.plateau or (None, None)
    discopop = audit.equivalent_discopop or (None, None)
    row = {
        "objective": cell.objective,
        "title": CATALOGUE[cell.objective].title,
        "setting": cell.setting_path,
        "label": cell.label,
        "evaluation": cell.setting.get("evaluation", ""),
        "alias_of": alias_of,
        "start": landscape.start,
        "start_loss": landscape.start_loss,
        "start_slope": landscape.start_slope,
        "start_slope_z": audit.start_slope_z,
        "monotone": landscape.monotone,
        "stationary": "; ".join(map(spell_point, landscape.stationary)),
        **describe_point("trap", landscape.trap),
        **describe_point("barrier", landscape.barrier),
        "barrier_height": landscape.barrier_height,
        **describe_point("target", landscape.target),
        "jump_rho": jump and jump.rho,
        "jump_height": jump and jump.height,
        "plateau_from": plateau[0],
        "plateau_to": plateau[1],
        "left_slope": tails.left_slope,
        "right_slope": tails.right_slope,
        "bounded_below": tails.bounded_below,
        "couples_batch": audit.couples_batch,
        "nan_at_micro_batch_1": audit.nan_at_micro_batch_1,
        "r": audit.ratio,
        "discopop_beta": discopop[0],
        "discopop_tau": discopop[1],
        **describe_limits(audit),
        "verdict": audit.verdict,
    }
    return {name: float("nan") if value is None else value for name, value in row.items()}


def describe_point(name: str, point: StationaryPoint | None) -> dict[str, float | None]:
    """Margin and loss of a point that may not exist."""
    return {f"{name}_rho": point and point.rho, f"{name}_loss": point and point.loss}


def spell_point(point: StationaryPoint) -> str:
    return f"{point.kind} at {point.rho:.6g} (loss {point.loss:.6g})"


def describe_limits(audit: Audit) -> dict[str, float | None]:
    """The columns of the limits: those of the setting's own evaluation first."""
    found = {(limit.evaluation, limit.precision): limit for limit in audit.limits}
    own = audit.setting.get("evaluation", "")
    columns = {}
    for evaluation, ending in [(own, ""), *((each, f"_{each}") for each in EVALUATIONS)]:
        for precision in PRECISIONS:
            limit = found.get((evaluation, precision))
            columns[f"left_limit_{precision}{ending}"] = limit and limit.left
            if not ending:
                columns[f"right_limit_{precision}"] = limit and limit.right
    return columns
