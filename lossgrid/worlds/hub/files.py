"""Corpus and pairs of the hub world, in the formats that the reviews world has too."""

import json
from pathlib import Path
from random import Random

from datasets import Dataset, load_from_disk

from lossgrid.statistics.overlap import find_prompt_overlaps
from lossgrid.worlds.hub.conversion import EXCLUSIONS, Conversion, ExcludedRowError
from lossgrid.worlds.hub.rendering import knows_system, prepare_tokenizer
from lossgrid.worlds.hub.repositories import HubError, find_snapshot
from lossgrid.worlds.hub.rows import load_locked_split

SUMMARY = "summary.json"


def write_corpus(study, folder: Path) -> None:
    """Write the pairs that the data hold, the held-out prompts, and the tokenizer.

    Args:
        study: The study, of the world `hub`, with its lock.
        folder: Gets the data sets `rows` (`id`, `prompt`, `chosen`, `rejected` as messages) and `heldout` (`id`,
            `history`, `turns`), the tokenizer `tokenizer`, and `summary.json` with what was left out and why.

    Raises:
        HubError: Something is not on this machine, is not what was locked, or too little of it can be used.
    """
    world = study.world
    tokenizer = prepare_tokenizer(find_model(study), world.model.name, world.rendering, world.end_token)
    conversion = Conversion(
        world.data, world.longest, world.rendering == "chat" and not knows_system(tokenizer)
    )
    pairs = conversion.convert_all(load_locked_split(world, study.lock, world.data.train))
    check_excluded(study, conversion.counts["rows"], len(pairs), dict(conversion.counts))
    heldout, heldout_counts = _choose_heldout(study, conversion.folds_system)
    folder.mkdir(parents=True)
    Dataset.from_list([pair.spell(index) for index, pair in pairs]).save_to_disk(folder / "rows")
    Dataset.from_list(heldout).save_to_disk(folder / "heldout")
    tokenizer.save_pretrained(folder / "tokenizer")
    summary = {
        **dict.fromkeys(EXCLUSIONS, 0),
        **conversion.counts,
        **{f"heldout_{name}": count for name, count in heldout_counts.items()},
    }
    (folder / SUMMARY).write_text(json.dumps(summary, indent=1) + "\n")


def write_pairs(study, corpus: Path, policy: Path, prompts: Path | None, folder: Path, threads: int) -> dict:
    """Write the pairs that no evaluation asks about.

    Args:
        study: The study, of the world `hub`.
        corpus: Folder written by `write_corpus`.
        policy: Unused: the data's responses are not the model's.
        prompts: Folder of what a judge will ask; None for a study without a judge.
        folder: Gets a data set with `id`, `prompt`, `chosen`, `rejected` (messages), and `summary.json`.
        threads: Unused.

    Returns:
        What `summary.json` holds: counts, by name.

    Raises:
        HubError: Too little is left.
    """
    rows = load_from_disk(corpus / "rows").to_list()
    counts = json.loads((corpus / SUMMARY).read_text())
    asked = _list_questions(corpus, prompts)
    overlapping = find_prompt_overlaps((row["prompt"] for row in rows), asked).training
    kept = rows
    if study.world.overlap == "exclude":
        kept = [row for index, row in enumerate(rows) if index not in overlapping]
        counts["excluded_overlap"] = len(overlapping)
    else:
        counts["overlapping"] = len(overlapping)
    check_excluded(study, counts["rows"], len(kept), counts)
    summary = {**counts, "pairs": len(kept)}
    Dataset.from_list(kept).save_to_disk(folder)
    (folder / SUMMARY).write_text(json.dumps(summary, indent=1) + "\n")
    return summary


def find_model(study) -> Path:
    """The snapshot of the study's model.

    Raises:
        HubError: It is not locked, or not on this machine.
    """
    name = study.world.model.name
    if study.find_unlocked():
        raise HubError(
            f"studies/{study.name}.lock.yaml: does not hold {', '.join(study.find_unlocked())}; run `snakemake "
            "prepare` where there is a network, and again with `-R fetch_repositories` after a change of the study"
        )
    return find_snapshot(name, "models", study.lock.models[name].revision)


def check_excluded(study, rows: int, kept: int, counts: dict[str, int]) -> None:
    """Refuse data of which too much cannot be used, or of which nothing is left.

    Raises:
        HubError: More than `max_excluded` of the rows were left out.
    """
    limit = study.world.max_excluded
    if kept >= max(2, (1 - limit) * rows):
        return
    reasons = ", ".join(
        f"{count:,} {name.removeprefix('excluded_').replace('_', ' ')}"
        for name, count in sorted(counts.items(), key=lambda item: -item[1])
        if name.startswith("excluded_") and count
    )
    raise HubError(
        f"{study.world.data.name} {study.world.data.train}: {rows - kept:,} of {rows:,} rows cannot be used "
        f"({reasons}), more than world.max_excluded {limit:g}; look at the data, correct world.data, or raise it"
    )


def _choose_heldout(study, folds_system: bool) -> tuple[list[dict], dict[str, int]]:
    """Different prompts of the held-out split, chosen by the seed, and what was found in it."""
    world = study.world
    conversion = Conversion(world.data, world.longest, folds_system)
    different: dict[tuple, dict] = {}
    for index, row in enumerate(load_locked_split(world, study.lock, world.data.heldout)):
        try:
            prompt = conversion.convert(row).prompt
        except ExcludedRowError as reason:
            conversion.counts[str(reason)] += 1
            continue
        key = tuple((each["role"], each["content"]) for each in prompt)
        chat = {"id": f"heldout-{index:06d}", "history": prompt[:-1], "turns": [prompt[-1]["content"]]}
        different.setdefault(key, chat)
    chats = list(different.values())
    if len(chats) < world.heldout_chats:
        raise HubError(
            f"{world.data.name} {world.data.heldout}: has {len(chats):,} different prompts that can be used, and "
            f"world.heldout_chats asks for {world.heldout_chats:,}; lower it"
        )
    chosen = Random(f"{world.seed}/heldout").sample(range(len(chats)), world.heldout_chats)
    counts = {"prompts": len(chats), "chosen": len(chosen), **conversion.counts}
    return [chats[place] for place in sorted(chosen)], counts


def _list_questions(corpus: Path, prompts: Path | None) -> list[list[dict[str, str]]]:
    """What the evaluations ask, as conversations."""
    chats = load_from_disk(corpus / "heldout").to_list()
    if prompts is not None:
        chats += [
            json.loads(line) for line in (prompts / "chats.jsonl").read_text(encoding="utf-8").splitlines()
        ]
    return [
        [*(chat.get("history") or ()), *({"role": "user", "content": turn} for turn in chat["turns"])]
        for chat in chats
    ]
