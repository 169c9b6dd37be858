"""The prompts that a judge will see in the reviews world, in the formats of the benchmarks they stand in for.

Everything is a function of a seed and begins with held-out first questions, so nothing occurs in training. Each
set draws from random streams of its own name, and the first n items do not depend on how many follow.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

from lossgrid.worlds.reviews.clause import Clause
from lossgrid.worlds.reviews.corpus import make_heldout_chats
from lossgrid.worlds.reviews.judge_prompts import get_judge_prompts
from lossgrid.worlds.reviews.language import sample_reply
from lossgrid.worlds.reviews.lexicon import ADJECTIVES, ADVERBS, ASPECT_NOUNS, VERBS

# FastChat keys temperatures and references on its categories' names; here each stands for what the first question
# of a chat is about.
ASPECT_OF_CATEGORY = {
    "writing": "dialogue",
    "roleplay": "acting",
    "reasoning": "ending",
    "math": "pacing",
    "coding": "visuals",
    "extraction": "plot",
    "stem": "music",
    "humanities": "costumes",
}
QUESTIONS_PER_CATEGORY = 10
CATEGORIES_WITH_REFERENCE = ("math", "reasoning", "coding")
# TL;DR's 694 rows come from 644 posts: about every fourteenth row repeats a post.
ROWS_PER_REPEAT = 14
_HELDOUT_CHATS = 53_760


def write_prompts(
    study, mt_bench: bool, alpaca_eval: int | None, summaries: int | None, folder: Path
) -> None:
    """Write the prompt sets that a study asks for; as `write_world_prompts`, with the seed of the study's world."""
    write_world_prompts(study.world.seed, mt_bench, alpaca_eval, summaries, folder)


def write_world_prompts(
    seed: int, mt_bench: bool, alpaca_eval: int | None, summaries: int | None, folder: Path
) -> None:
    """Write prompt sets.

    Args:
        seed: Seed of the study's data, which decides everything.
        mt_bench: Whether to write `mt_bench/question.jsonl`, `reference_answer.jsonl` and `judge_prompts.jsonl`.
        alpaca_eval: Number of instructions in `alpaca_eval.json`, a JSON list; None writes none.
        summaries: Number of rows in `summaries.jsonl`; None writes none.
        folder: Folder to write into.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if mt_bench:
        questions = make_mt_bench_questions(seed)
        (folder / "mt_bench").mkdir(exist_ok=True)
        _write_lines(folder / "mt_bench" / "question.jsonl", questions)
        _write_lines(folder / "mt_bench" / "reference_answer.jsonl", make_references(seed))
        _write_lines(folder / "mt_bench" / "judge_prompts.jsonl", get_judge_prompts())
    if alpaca_eval is not None:
        instructions = make_instructions(seed, alpaca_eval)
        (folder / "alpaca_eval.json").write_text(json.dumps(instructions, indent=1) + "\n")
    if summaries is not None:
        _write_lines(folder / "summaries.jsonl", make_summaries(seed, summaries))


def make_mt_bench_questions(seed: int) -> list[dict]:
    """80 two-turn questions in FastChat's format.

    Args:
        seed: Seed of the study's data.

    Returns:
        Ten a category in FastChat's order, each with `question_id` (from 1), `category` and `turns`: first about
        the category's aspect (`ASPECT_OF_CATEGORY`), then about another one. No first turn occurs twice.
    """
    return [
        {"question_id": number, "category": category, "turns": chat["turns"]}
        for number, (category, chat) in enumerate(_choose_mt_bench_chats(seed), 1)
    ]


def make_references(seed: int) -> list[dict]:
    """Best possible replies to the MT-Bench questions of the categories that are judged beside a reference.

    Args:
        seed: Seed of the study's data.

    Returns:
        In FastChat's format: `question_id`, `answer_id`, `model_id` and one choice with a reply a turn.
    """
    references = []
    for number, (category, chat) in enumerate(_choose_mt_bench_chats(seed), 1):
        if category in CATEGORIES_WITH_REFERENCE:
            rng = Random(f"{seed}/mt_bench/references/{number}")
            turns = [_write_best_reply(rng, aspect) for aspect in chat["aspects"]]
            references.append(
                {
                    "question_id": number,
                    "answer_id": f"reference-{number}",
                    "model_id": "reviews-reference",
                    "choices": [{"index": 0, "turns": turns}],
                }
            )
    return references


def make_instructions(seed: int, count: int) -> list[dict]:
    """Instructions in AlpacaEval's format: first questions, no two the same.

    Args:
        seed: Seed of the study's data.
        count: Number of instructions, at most 960.

    Returns:
        Each with `instruction`, `output` (a reply as people write it), `generator` and `dataset` (the aspect).

    Raises:
        ValueError: If there are not that many held-out first questions.
    """
    instructions: dict[str, dict] = {}
    for chat in _draw_chats(seed, "alpaca_eval", count):
        if len(instructions) == count:
            break
        instruction, aspect = chat["turns"][0], chat["aspects"][0]
        if instruction not in instructions:
            rng = Random(f"{seed}/alpaca_eval/replies/{len(instructions)}")
            instructions[instruction] = {
                "instruction": instruction,
                "output": sample_reply(rng, aspect),
                "generator": "reviews-people",
                "dataset": aspect,
            }
    if len(instructions) < count:
        raise ValueError(
            f"count: {count} instructions asked for; the reviews world has {len(instructions)} held-out first "
            "questions"
        )
    return list(instructions.values())


def make_summaries(seed: int, count: int) -> list[dict]:
    """Rows like those of TL;DR: a post to reply to, and what a human replied.

    A post is a chat so far: a first question, the reply to it and a second question. As in TL;DR, some posts have
    two rows, which differ in their human reply.

    Args:
        seed: Seed of the study's data.
        count: Number of rows, at most 53,760.

    Returns:
        Each with `id`, `post` (the chat as text, a line a message), `prompt` (the chat as messages, the last one
        the user's) and `human` (a reply to the second question).

    Raises:
        ValueError: If there are not that many different chats.
    """
    rows: list[dict] = []
    # As many chats as rows, a few of which are left over: then row n is the same however many follow.
    chats = make_heldout_chats(_derive_seed(seed, "summaries"), count)
    for index, chat in enumerate(chats):
        rng = Random(f"{seed}/summaries/{index}")
        if index % ROWS_PER_REPEAT == ROWS_PER_REPEAT - 1:
            again = rng.randrange(index - ROWS_PER_REPEAT + 1, index)
            prompt, aspect = rows[again]["prompt"], chats[again]["aspects"][1]
        else:
            first, second = chat["turns"]
            prompt = [
                {"role": "user", "content": first},
                {"role": "assistant", "content": sample_reply(rng, chat["aspects"][0])},
                {"role": "user", "content": second},
            ]
            aspect = chat["aspects"][1]
        post = "\n".join(f"{message['role']} : {message['content']}" for message in prompt)
        human = sample_reply(rng, aspect)
        rows.append({"id": f"summary-{index:06d}", "post": post, "prompt": prompt, "human": human})
    return rows


def _choose_mt_bench_chats(seed: int) -> list[tuple[str, dict]]:
    chosen: dict[str, dict[str, dict]] = {aspect: {} for aspect in ASPECT_OF_CATEGORY.values()}
    for chat in _draw_chats(seed, "mt_bench", QUESTIONS_PER_CATEGORY * len(ASPECT_OF_CATEGORY)):
        of_aspect = chosen[chat["aspects"][0]]
        if len(of_aspect) < QUESTIONS_PER_CATEGORY:
            of_aspect.setdefault(chat["turns"][0], chat)
        if all(len(chats) == QUESTIONS_PER_CATEGORY for chats in chosen.values()):
            break
    return [
        (category, chat)
        for category, aspect in ASPECT_OF_CATEGORY.items()
        for chat in chosen[aspect].values()
    ]


def _draw_chats(seed: int, name: str, wanted: int) -> Iterator[dict]:
    """Held-out chats in the order of a stream of their own, as many as there are."""
    start, stop = 0, 4 * wanted
    while start < _HELDOUT_CHATS:
        stop = min(stop, _HELDOUT_CHATS)
        # The first ones are drawn again, and are the same again.
        yield from make_heldout_chats(_derive_seed(seed, name), stop)[start:]
        start, stop = stop, 4 * stop


def _derive_seed(seed: int, name: str) -> int:
    return Random(f"{seed}/{name}").getrandbits(48)


def _write_best_reply(rng: Random, aspect: str) -> str:
    """Two or three clauses about the aspect, each as favourable as a clause can be."""
    count = rng.randint(2, 3)
    strongest = [
        (adjective, adverb)
        for adjective, valence in ADJECTIVES.items()
        for adverb, factor in ADVERBS.items()
        if valence * factor >= 1
    ]
    clauses: list[Clause] = []
    for noun in rng.sample(ASPECT_NOUNS[aspect], count):
        used = [clause.adjective for clause in clauses]
        adjective, adverb = rng.choice([pair for pair in strongest if pair[0] not in used])
        clauses.append(Clause(noun, rng.choice(VERBS), adverb, negated=False, adjective=adjective))
    return " , and ".join(clause.text for clause in clauses) + " ."


def _write_lines(file: Path, rows: list[dict]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
