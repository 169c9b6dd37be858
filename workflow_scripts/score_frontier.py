"""Score responses for the reward–KL frontier."""

from pathlib import Path

import tyro


def main(responses: Path, scores: Path) -> None:
    """Write the true reward and the KL estimate of every response.

    Args:
        responses: JSON lines written by generate_responses.
        scores: JSON lines to write.
    """
    from lossgrid.worlds.reviews.frontier import score_frontier

    print(f"{score_frontier(responses, scores)} responses scored")


if __name__ == "__main__":
    tyro.cli(main)
