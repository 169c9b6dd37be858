"""Judgments of MT-Bench that FastChat stored, read again from the judge's texts into the rows of score files."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lossgrid.judging.asking.request import Reply, UnreadableReply
from lossgrid.judging.mt_bench.fastchat import make_bare_game
from lossgrid.judging.mt_bench.verdicts import combine_verdicts, is_failure_mark, read_rating, read_winner


def read_stored_scores(
    lines: Iterable[Mapping], categories: Mapping[Any, str] | None = None
) -> dict[tuple[str, str], list[dict]]:
    """Read the lines of one of FastChat's `…_single.jsonl`.

    The stored scores are not used: FastChat stores −1 for a failed call and whatever number it found. A question
    that was judged again after all counts with its last judgment.

    Args:
        lines: In the order of the file, with `question_id`, `model`, `judge`, `turn` and `judgment`.
        categories: Category by question, empty for others.

    Returns:
        By (judge, model), for numbers of different judges are never one number, the rows of a score file in the
        order of questions and turns, with `superseded`, the number of earlier judgments that were put aside.

    Raises:
        ValueError: A line lacks one of the keys.
    """
    game = make_bare_game("[[rating]]")

    def describe(line: Mapping) -> dict:
        state, score, error = _read(line["judgment"], lambda reply: read_rating(game, reply))
        return {"state": state, "score": score, "reply": line["judgment"], "error": error, "key": None}

    return _sort_lines(lines, ("model", "judgment"), ("model",), categories, describe)


def read_stored_pairs(
    lines: Iterable[Mapping],
    categories: Mapping[Any, str] | None = None,
    output_format: str = "[[A]]",
) -> dict[tuple[str, str, str], list[dict]]:
    """Read the lines of one of FastChat's `…_pair.jsonl`; `model_1` is the model, `model_2` the baseline.

    Args:
        lines: With `question_id`, `model_1`, `model_2`, `judge`, `turn`, `g1_judgment` and `g2_judgment`.
        categories: Category by question, empty for others.
        output_format: The format that the judge was asked for.

    Returns:
        By (judge, model, baseline), rows as those of `read_stored_scores`, of comparisons.

    Raises:
        ValueError: A line lacks one of the keys.
    """
    game = make_bare_game(output_format)

    def describe(line: Mapping) -> dict:
        texts = [line["g1_judgment"], line["g2_judgment"]]
        games = [_read(text, lambda reply: read_winner(game, reply)) for text in texts]
        failed = [each for each in games if each[0] != "ok"]
        verdict = {"verdicts": None, "winner": None, "inconsistent": False}
        return {
            "baseline": line["model_2"],
            "state": failed[0][0] if failed else "ok",
            "score": None,
            **(verdict if failed else combine_verdicts(games[0][1], games[1][1])),
            "reply": texts,
            "error": "; ".join(error for *_, error in failed) or None,
            "key": None,
        }

    needed = ("model_1", "model_2", "g1_judgment", "g2_judgment")
    return _sort_lines(lines, needed, ("model_1", "model_2"), categories, describe)


def _sort_lines(
    lines: Iterable[Mapping],
    needed: tuple[str, ...],
    models: tuple[str, ...],
    categories: Mapping[Any, str] | None,
    describe: Callable[[Mapping], dict],
) -> dict[tuple, list[dict]]:
    last: dict[tuple, dict[tuple, tuple[Mapping, int]]] = {}
    for number, line in enumerate(lines, 1):
        for key in ("question_id", "turn", "judge", *needed):
            if line.get(key) is None:
                raise ValueError(f"stored judgment {number} has no {key}; it is none of FastChat's format")
        judge = line["judge"] if isinstance(line["judge"], str) else line["judge"][0]
        own = last.setdefault((judge, *(line[model] for model in models)), {})
        place = line["question_id"], line["turn"]
        own[place] = line, own[place][1] + 1 if place in own else 0
    return {
        group: [
            {
                "question_id": place[0],
                "category": (categories or {}).get(place[0], ""),
                "turn": place[1],
                "repeat": 0,
                **describe(line),
                "superseded": superseded,
            }
            for place, (line, superseded) in sorted(own.items(), key=lambda item: item[0])
        ]
        for group, own in last.items()
    }


def _read(text: str, read: Callable[[Reply], Any]) -> tuple[str, Any, str | None]:
    """State, value and error of a stored text."""
    if is_failure_mark(text):
        return "api_error", None, f"the call failed: FastChat stored {text.strip()}"
    try:
        return "ok", read(Reply(text, None, None, 0, 0)), None
    except UnreadableReply as error:
        return "parse_error", None, str(error)
