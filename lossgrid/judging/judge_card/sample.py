"""Which stored judgments a judge card is about: the same number from every category and turn, drawn by a seed."""

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from lossgrid.judging.judge_card.stored_files import read_stored_file
from lossgrid.judging.mt_bench.download import download_mt_bench
from lossgrid.judging.mt_bench.fastchat import import_fastchat
from lossgrid.studies import Study
from lossgrid.studies.identity import hash_canonical
from lossgrid.worlds.catalogue import load_function


def write_sample(study: Study, file: Path, downloads: Path) -> dict[str, int]:
    """Choose what the judge of a study is asked for its card.

    Args:
        study: The study, with a judge card.
        file: JSON to write: `files` (by kind, the `StoredFile` without its items), `prompts` (the judge prompts that
            are used, by name) and `items` in the order in which they were drawn, each with `asked_twice`.
        downloads: Folder of what was fetched from public repositories, or put there by hand.

    Returns:
        How many judgments of each kind were drawn.

    Raises:
        DownloadError: FastChat's questions are asked for and cannot be had.
        ValueError: See `read_stored_file`; no judgment in a file can be read.
    """
    card = study.judge_card
    questions, prompts = _load_questions(study, downloads)
    files, items = {}, []
    for kind, path in card.get_files().items():
        stored = read_stored_file(Path(path), kind, questions, prompts, card.stored_judge)
        if not stored.items:
            raise ValueError(
                f"{path}: none of its {stored.lines} judgments can be read; there is nothing to compare"
            )
        drawn = draw_evenly(stored.items, card.sample, card.seed)
        items += [{**item, "asked_twice": place < card.repeats} for place, item in enumerate(drawn)]
        files[kind] = {key: value for key, value in asdict(stored).items() if key != "items"}
    used = {item["prompt"]: dict(prompts[item["prompt"]]) for item in items}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps({"files": files, "prompts": used, "items": items}, indent=1) + "\n", encoding="utf-8"
    )
    return {kind: sum(item["kind"] == kind for item in items) for kind in files}


def draw_evenly(items: Sequence[Mapping[str, Any]], size: int, seed: int) -> list[Mapping[str, Any]]:
    """Draw a sample in which no category and turn has two more than another, as far as there are so many.

    The order within a category and turn, and that of categories and turns, is decided by hashes: whatever order the
    file has, a sample is the beginning of every larger one.

    Args:
        items: With `category`, `turn`, `question_id` and `models`.
        size: How many to draw; all, where there are fewer.
        seed: Of the hashes.
    """
    strata: dict[tuple, list[Mapping]] = {}
    for item in items:
        strata.setdefault((item["category"], item["turn"]), []).append(item)

    def rank(*what: Any) -> str:
        return hash_canonical([seed, *what])

    ordered = [
        sorted(strata[name], key=lambda item: rank(item["question_id"], item["turn"], item["models"]))
        for name in sorted(strata, key=lambda name: rank(*name))
    ]
    rounds: Iterable = chain.from_iterable(zip_longest(*ordered))
    return [item for item in rounds if item is not None][:size]


def _load_questions(study: Study, downloads: Path) -> tuple[list[dict], dict[str, dict]]:
    common, _ = import_fastchat()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "mt_bench")
        if study.judge_card.questions == "fastchat":
            download_mt_bench(downloads / "mt_bench", folder)
        else:
            load_function(study.world.kind, "write_prompts")(study, True, None, None, Path(name))
        questions = common.load_questions(folder / "question.jsonl", None, None)
        return questions, common.load_judge_prompts(folder / "judge_prompts.jsonl")
