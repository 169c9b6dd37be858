"""Losses that a language model proposed beside DiscoPOP."""

from lossgrid.objectives.specification import Objective

DISCOVERED: tuple[Objective, ...] = ()
