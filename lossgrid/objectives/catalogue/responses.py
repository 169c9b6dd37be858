"""Losses that weigh each response of a pair by its own log-ratio."""

from lossgrid.objectives.specification import Objective

RESPONSES: tuple[Objective, ...] = ()
