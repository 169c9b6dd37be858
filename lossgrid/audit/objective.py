"""The audit of one loss in one setting."""

from dataclasses import replace

from lossgrid.audit.curve import sample_curve
from lossgrid.audit.landscape import describe_landscape
from lossgrid.audit.limits import find_limits, get_evaluations, select_evaluation
from lossgrid.audit.micro_batch import is_nan_alone, measure_coupling
from lossgrid.audit.path import MarginLoss
from lossgrid.audit.report import Audit
from lossgrid.audit.tails import describe_tails
from lossgrid.audit.verdict import describe_audit
from lossgrid.objectives.specification import Objective, Setting


def audit_objective(objective: Objective, setting: Setting) -> Audit:
    """See trouble in a loss before training with it.

    The loss is followed along the path of `lossgrid.audit.path`, which says what stands for losses that are no
    function of the margin alone. Extrema, start and tails are those of the function itself, in float64; where a
    loss offers several evaluations they are found in the one that is finite wherever the function is. The limits
    of the computation are found in every evaluation and precision.

    Args:
        objective: An entry of the catalogue.
        setting: A value for each of its hyper-parameters, numbers above 0. Of a trained one, its first value.

    Returns:
        The findings.

    Raises:
        ValueError: The loss is not finite at ρ=0, where every training starts, or its scale is beyond 1e±30 nats.
        KeyError: The setting lacks a hyper-parameter.

    >>> from lossgrid.objectives.catalogue import CATALOGUE
    >>> audit = audit_objective(CATALOGUE["discopop"], CATALOGUE["discopop"].defaults())
    >>> audit.landscape.start, round(audit.landscape.trap.rho, 2), audit.tails.left_slope
    ('wrong', -2.37, 'bounded')
    """
    alone = MarginLoss(objective, setting)
    couples_batch = measure_coupling(alone)
    function = replace(alone, couples_batch=couples_batch or objective.couples_batch)
    # The first evaluation of a choice is finite wherever the function is.
    exact = select_evaluation(function, get_evaluations(objective)[0])
    curve = sample_curve(exact)
    ratio = objective.get_mix_ratio(setting)
    audit = Audit(
        objective=objective.name,
        setting=dict(setting),
        unit=curve.unit,
        landscape=describe_landscape(curve),
        tails=describe_tails(curve),
        limits=find_limits(function),
        couples_batch=couples_batch,
        nan_at_micro_batch_1=is_nan_alone(alone),
        ratio=None if ratio is None else float(ratio),
    )
    return replace(audit, verdict=describe_audit(audit))
