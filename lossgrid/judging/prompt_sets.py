"""The prompts that a judge will see, written once for all runs of a study."""

import json
import shutil
from pathlib import Path

from lossgrid.judging.mt_bench.download import download_mt_bench
from lossgrid.judging.mt_bench.requests import get_temperature
from lossgrid.studies import Study
from lossgrid.worlds.catalogue import load_function

CHATS = "chats.jsonl"
MT_BENCH_FILES = ("question.jsonl", "reference_answer.jsonl", "judge_prompts.jsonl")


def write_prompt_sets(study: Study, folder: Path, downloads: Path) -> dict[str, int]:
    """Write the prompts of every evaluation by a judge.

    Args:
        study: The study; it has a judge.
        folder: Gets `mt_bench/` (questions, references and judge prompts in FastChat's format),
            `alpaca_eval.json` (AlpacaEval's format) and `summaries.jsonl`, as far as the study asks for them, and
            `chats.jsonl`: all of them as chats to answer, each with its `set`, `id`, `turns` and, where they differ
            from the study's, `history`, `temperature` and `max_new_tokens`.
        downloads: Folder of what was fetched from public repositories, or put there by hand.

    Returns:
        The number of chats of every set.

    Raises:
        DownloadError: FastChat's files are asked for and cannot be had.
        ValueError: The file of instructions is not in AlpacaEval's format, or holds fewer than are asked for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    questions = study.mt_bench and study.mt_bench.questions
    named = study.alpaca_eval is not None and study.alpaca_eval.instructions is not None
    load_function(study.world.kind, "write_prompts")(
        study,
        questions == "world",
        study.alpaca_eval.prompts if study.alpaca_eval is not None and not named else None,
        study.summaries and study.summaries.rows,
        folder,
    )
    if questions == "fastchat":
        download_mt_bench(downloads / "mt_bench", folder / "mt_bench", study.mt_bench.references)
    if questions == "folder":
        _copy_questions(Path(study.mt_bench.folder), folder / "mt_bench")
    if named:
        _copy_instructions(Path(study.alpaca_eval.instructions), study.alpaca_eval.prompts, folder)
    build = {"mt_bench": _build_mt_bench, "alpaca_eval": _build_alpaca_eval, "summaries": _build_summaries}
    sets = {name: build[name](folder) for name in study.get_evaluations()}
    with (folder / CHATS).open("w") as file:
        for name, chats in sets.items():
            settings = getattr(study, name)
            way = {key: getattr(settings, key) for key in ("max_new_tokens", "temperature")}
            way = {key: value for key, value in way.items() if value is not None}
            file.writelines(json.dumps({"set": name, **chat, **way}) + "\n" for chat in chats)
    return {name: len(chats) for name, chats in sets.items()}


def read_instructions(folder: Path) -> list[dict]:
    """AlpacaEval's instructions with their `id`, the place in the file, and their reference `output`."""
    rows = json.loads((folder / "alpaca_eval.json").read_text(encoding="utf-8"))
    return [{"id": index, **row} for index, row in enumerate(rows)]


def read_posts(folder: Path) -> list[dict]:
    """The rows whose summaries are compared: `id`, `post`, `prompt` (messages) and `human`."""
    lines = (folder / "summaries.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _copy_questions(source: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in MT_BENCH_FILES:
        if not (source / name).is_file():
            raise ValueError(
                f"{source / name}: no such file; mt_bench.folder must hold {', '.join(MT_BENCH_FILES)}"
            )
        shutil.copyfile(source / name, folder / name)


def _copy_instructions(file: Path, count: int, folder: Path) -> None:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{file}: no JSON ({error}); give AlpacaEval's list of instructions") from None
    if not isinstance(rows, list) or len(rows) < count:
        found = len(rows) if isinstance(rows, list) else "no list of"
        raise ValueError(f"{file}: {found} instructions, and alpaca_eval.prompts asks for {count}; lower it")
    for index, row in enumerate(rows[:count]):
        texts = row if isinstance(row, dict) else {}
        missing = [key for key in ("instruction", "output") if not isinstance(texts.get(key), str)]
        if missing:
            raise ValueError(
                f"{file}: instruction {index} has no {missing[0]}; it must be AlpacaEval's format"
            )
    (folder / "alpaca_eval.json").write_text(json.dumps(rows[:count], indent=1), encoding="utf-8")


def _build_mt_bench(folder: Path) -> list[dict]:
    lines = (folder / "mt_bench" / "question.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        {
            "id": question["question_id"],
            "category": question["category"],
            "turns": question["turns"],
            "temperature": get_temperature(question["category"], question.get("required_temperature")),
        }
        for question in map(json.loads, lines)
    ]


def _build_alpaca_eval(folder: Path) -> list[dict]:
    return [{"id": row["id"], "turns": [row["instruction"]]} for row in read_instructions(folder)]


def _build_summaries(folder: Path) -> list[dict]:
    return [
        {"id": row["id"], "history": row["prompt"][:-1], "turns": [row["prompt"][-1]["content"]]}
        for row in read_posts(folder)
    ]
