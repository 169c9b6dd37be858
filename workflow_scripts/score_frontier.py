"""Score responses for the reward–KL frontier."""

import sys
from pathlib import Path

import tyro


def main(study: Path, responses: Path, scores: Path) -> None:
    """Write the reward and the KL estimate of every response.

    Args:
        study: Study file.
        responses: JSON lines written by generate_responses.
        scores: JSON lines to write.
    """
    from lossgrid.studies import load_study
    from lossgrid.training.device import choose_device
    from lossgrid.worlds.catalogue import WorldError, load_function

    loaded = load_study(study)
    if getattr(loaded.world, "reward", None):
        choose_device(loaded.device, loaded.name)
    score_frontier = load_function(loaded.world.kind, "score_frontier")
    try:
        print(f"{score_frontier(loaded, responses, scores)} responses scored")
    except WorldError as error:
        sys.exit(f"{type(error).__name__}: {study}: {error}")


if __name__ == "__main__":
    tyro.cli(main)
