"""The worlds that a study can name, as plain data: which function does what.

Functions are named and not imported: one world's step depends on no other world's code, and a Snakefile that reads
this imports nothing heavy. Every world provides these, called with the study:

- ``write_corpus(study, folder)``: what no model of the study wrote, in the formats of docs/add-a-world.md.
- ``start(study, corpus)`` for a world whose SFT model is trained: the model before any training, in float32.
- ``place_policy(study, corpus, folder)`` for a world that brings its SFT model: that model as a folder.
- ``write_pairs(study, corpus, policy, prompts, folder, threads)``: preference pairs; returns their summary.
- ``score_frontier(study, responses, scores)``: reward and KL divergence of responses; returns their number.
- ``write_prompts(study, folder)``: what a judge will see of the world's own.
"""

from collections.abc import Callable
from importlib import import_module

FUNCTIONS = {
    "reviews": {
        "write_corpus": "lossgrid.worlds.reviews.files:write_corpus",
        "start": "lossgrid.worlds.reviews.policy:start",
        "write_pairs": "lossgrid.worlds.reviews.files:write_pairs",
        "score_frontier": "lossgrid.worlds.reviews.frontier:score_frontier",
        "write_prompts": "lossgrid.worlds.reviews.prompts:write_prompts",
    },
    "hub": {
        "write_corpus": "lossgrid.worlds.hub.files:write_corpus",
        "place_policy": "lossgrid.worlds.hub.policy:place_policy",
        "write_pairs": "lossgrid.worlds.hub.files:write_pairs",
        "score_frontier": "lossgrid.worlds.hub.frontier:score_frontier",
        "write_prompts": "lossgrid.worlds.hub.prompts:write_prompts",
    },
}


class WorldError(RuntimeError):
    """Data or models of a world that cannot be had or used, and what to do about it."""


def load_function(kind: str, name: str) -> Callable:
    """A function of a world."""
    module, _, function = FUNCTIONS[kind][name].partition(":")
    return getattr(import_module(module), function)


def list_code(kind: str, *names: str) -> list[str]:
    """The world's functions of these names, as far as it has them, for the hash of a step's code."""
    return [FUNCTIONS[kind][name] for name in names if name in FUNCTIONS[kind]]
