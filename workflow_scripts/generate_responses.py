"""Answer the held-out chats, and the prompts that a judge will see, with a policy."""

import json
from pathlib import Path

import tyro

THREADS = 1


def main(
    study: Path,
    corpus: Path,
    policy: Path,
    reference: Path,
    heldout: Path,
    judged: Path,
    server_log: Path,
    prompts: Path | None = None,
) -> None:
    """Write a policy's answers to every prompt set.

    Args:
        study: Study file.
        corpus: Folder written by make_corpus.
        policy: Folder of the policy.
        reference: Folder of the reference model.
        heldout: JSON lines to write: answers to the held-out chats.
        judged: JSON lines to write: answers that a judge will see; empty without prompts.
        server_log: Log of the policy's server, where the study asks for one.
        prompts: Folder written by make_prompts, for studies with a judge.
    """
    from lossgrid.studies import load_study
    from lossgrid.training.device import choose_device

    loaded = load_study(study)
    choose_device(loaded.device, loaded.name)

    from datasets import load_from_disk

    from lossgrid.generation.responses import generate_responses

    settings = loaded.evaluation
    server = None
    if settings.engine == "server":
        from lossgrid.judging.serving.policy_server import serve_policy

        server = serve_policy(settings.command, policy, server_log)
    chats = load_from_disk(corpus / "heldout").to_list()
    lines = (prompts / "chats.jsonl").read_text(encoding="utf-8").splitlines() if prompts else []
    counts = generate_responses(
        policy,
        reference,
        chats,
        [json.loads(line) for line in lines],
        (heldout, judged),
        settings,
        THREADS,
        server,
    )
    print(
        f"{counts[0]} responses to {len(chats)} chats, {counts[1]} responses to {len(lines)} judged prompts"
    )


if __name__ == "__main__":
    tyro.cli(main)
