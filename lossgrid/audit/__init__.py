"""The audit: sees trouble in a loss before training. Imports torch; warnings without it are in `studies`."""

from lossgrid.audit.objective import audit_objective
from lossgrid.audit.report import Audit, Jump, Landscape, Limit, StationaryPoint, Tails
from lossgrid.audit.shapes import get_shapes
from lossgrid.audit.study import audit_study

__all__ = [
    "Audit",
    "Jump",
    "Landscape",
    "Limit",
    "StationaryPoint",
    "Tails",
    "audit_objective",
    "audit_study",
    "get_shapes",
]
