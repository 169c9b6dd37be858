"""Answer the held-out chats with a policy."""

from pathlib import Path

import tyro

THREADS = 1


def main(study: Path, corpus: Path, policy: Path, reference: Path, heldout: Path) -> None:
    """Write a policy's answers to every prompt set.

    Args:
        study: Study file.
        corpus: Folder written by make_corpus.
        policy: Folder of the policy.
        reference: Folder of the reference model.
        heldout: JSON lines to write: answers to the held-out chats.
    """
    from datasets import load_from_disk

    from lossgrid.generation.responses import generate_responses
    from lossgrid.studies import load_study

    chats = load_from_disk(corpus / "heldout").to_list()
    lines = generate_responses(policy, reference, chats, heldout, load_study(study).evaluation, THREADS)
    print(f"{lines} responses to {len(chats)} chats")


if __name__ == "__main__":
    tyro.cli(main)
