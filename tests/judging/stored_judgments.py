"""Files of judgments as FastChat stores them, in full: the reviews world's questions, judged by an oracle."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

from judged_study import write_lines

from lossgrid.judging.mt_bench.files import BenchmarkFiles, load_files
from lossgrid.judging.mt_bench.requests import build_requests
from lossgrid.worlds.reviews.judge_case import find_aspect
from lossgrid.worlds.reviews.lexicon import ASPECT_NOUNS
from lossgrid.worlds.reviews.oracle import OracleSettings, answer_request
from lossgrid.worlds.reviews.prompts import write_world_prompts

STORED_JUDGE = "gpt-4"
# Sentences by whether a reply gains by them.
GOOD = ("the {} is superb .", "the {} was very stunning .", "the {} is brilliant .", "the {} was wonderful .")
BAD = ("the {} is awful .", "the {} was dull .", "the {} is terrible .", "the {} was very awful .")
TIME = 1_700_000_000.0


def load_world_files(folder: Path, mode: str) -> BenchmarkFiles:
    """Questions, prompts and references of the reviews world."""
    write_world_prompts(1, True, None, None, folder)
    return load_files(folder / "mt_bench", mode)


def write_stored_judgments(
    folder: Path, single: Path | None = None, pairs: Path | None = None, judge: OracleSettings | None = None
) -> None:
    """Write what an oracle, here called gpt-4, said of three made-up models, and of two of them beside the third.

    Args:
        folder: For the world's prompts.
        single: File of ratings to write, as `gpt-4_single.jsonl`.
        pairs: File of comparisons to write, as `gpt-4_pair.jsonl`.
        judge: How this oracle errs.
    """
    judge = judge or OracleSettings(seed=2, malformed=0.0)
    if single is not None:
        files = load_world_files(folder, "single")
        write_lines(single, [_store(each, files, judge) for each in _ask(files, "single")])
    if pairs is not None:
        files = load_world_files(folder, "pairwise")
        write_lines(pairs, [_store(each, files, judge) for each in _ask(files, "pairwise")])


def write_answers(files: BenchmarkFiles, model: str, share: float) -> list[dict]:
    """The answers of a made-up model: one to four sentences, of which a share are good ones."""
    rng = Random(f"{model} answers")

    def say(question: str) -> str:
        count, nouns = rng.randint(1, 4), ASPECT_NOUNS[find_aspect(question)]
        kinds = [GOOD if rng.random() < share else BAD for _ in range(count)]
        return " ".join(rng.choice(kind).format(rng.choice(nouns)) for kind in kinds)

    return [
        {"id": question["question_id"], "turn": turn, "response": say(question["turns"][turn - 1])}
        for question in files.questions
        for turn in (1, 2)
    ]


def _ask(files: BenchmarkFiles, mode: str) -> Sequence:
    shares = {"weak": 0.2, "middling": 0.5, "strong": 0.9}
    answers = {model: write_answers(files, model, share) for model, share in shares.items()}
    baseline = "middling" if mode == "pairwise" else None
    return build_requests(
        files.questions, answers, files.prompts, files.references, STORED_JUDGE, mode, baseline
    )


def _store(judgment, files: BenchmarkFiles, judge: OracleSettings) -> dict:
    """A line of FastChat's file."""
    bodies = [request.body for request in judgment.requests]
    prompts = [body["messages"][-1]["content"] for body in bodies]
    texts = [answer_request(body, judge).text for body in bodies]
    # The system prompt is that of one of the judge prompts.
    (name,) = {
        name
        for name, prompt in files.prompts.items()
        if prompt["system_prompt"] == bodies[0]["messages"][0]["content"]
    }
    line = {
        "question_id": judgment.row["question_id"],
        "judge": [STORED_JUDGE, name],
        "turn": judgment.row["turn"],
        "tstamp": TIME,
    }
    if len(bodies) == 1:
        return {**line, "model": judgment.run, "user_prompt": prompts[0], "judgment": texts[0], "score": -1}
    return {
        **line,
        "model_1": judgment.run,
        "model_2": judgment.row["baseline"],
        "g1_winner": "tie",
        "g2_winner": "tie",
        "g1_user_prompt": prompts[0],
        "g1_judgment": texts[0],
        "g2_user_prompt": prompts[1],
        "g2_judgment": texts[1],
    }
