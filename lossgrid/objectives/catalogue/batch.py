"""Losses of a pair that depend on the other pairs of its micro-batch: KTO and AOT."""

from lossgrid.objectives.specification import Objective

BATCH: tuple[Objective, ...] = ()
