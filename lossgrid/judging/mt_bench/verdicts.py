"""What a reply of MT-Bench's judge says: FastChat's parser, and stricter where that one is wrong."""

import re

from lossgrid.judging.asking.request import Reply, UnreadableReply
from lossgrid.judging.mt_bench.fastchat import Game, import_fastchat

RATINGS = (1, 10)
# FastChat's parser takes its scale and its format on trust: these are quoted when they go wrong.
BRACKETS = re.compile(r"\[\[.*?\]\]", re.DOTALL)
QUOTED = 40


def read_rating(game: Game, reply: Reply) -> float:
    """The rating that FastChat reads, if it is one.

    FastChat takes the first number in double brackets, else the first in single ones. In a reply that was cut, single
    brackets do not count: there they are indices and citations, and the rating was still to come.

    Args:
        game: The game that the reply belongs to.
        reply: What the judge answered.

    Raises:
        UnreadableReply: No reply, no rating, none that is a number, or one outside 1 to 10.
    """
    common, _ = import_fastchat()
    _check_reply(reply)
    found = common.one_score_pattern.search(reply.text)
    if not found and reply.finish_reason == "length":
        raise UnreadableReply(_say_cut(reply.text))
    found = found or common.one_score_pattern_backup.search(reply.text)
    try:
        rating = game.read(reply.text)
    except (SyntaxError, ValueError):
        written = found.group() if found else reply.text
        raise UnreadableReply(f"the rating {_quote(written)} is no number that can be read") from None
    if rating == -1:
        raise UnreadableReply(f"no rating such as [[7]] in the reply{_say_instead(reply)}")
    if not RATINGS[0] <= rating <= RATINGS[1]:
        raise UnreadableReply(f"the rating {_quote(found.group())} lies outside {RATINGS[0]} to {RATINGS[1]}")
    return float(rating)


def read_winner(game: Game, reply: Reply) -> str:
    """Which answer the judge prefers, in the order shown to it: `A`, `B` or `tie`.

    As in FastChat, [[A]] anywhere in the reply comes before [[B]], and that before [[C]].

    Raises:
        UnreadableReply: No reply, or no verdict in it.
    """
    _check_reply(reply)
    try:
        winner = game.read(reply.text)
    except (SyntaxError, ValueError):
        raise UnreadableReply(f"ratings that are no numbers that can be read{_say_instead(reply)}") from None
    if winner == "error":
        if reply.finish_reason == "length":
            raise UnreadableReply(_say_cut(reply.text))
        raise UnreadableReply(f"no verdict such as [[A]] in the reply{_say_instead(reply)}")
    return winner


def combine_verdicts(first: str, second: str) -> dict:
    """Bring the verdicts of both orders together, as FastChat's table of results does.

    Args:
        first: `A`, `B` or `tie`, with the model's answer as A.
        second: The same with the baseline's answer as A.

    Returns:
        `verdicts` (of both orders), `winner` (`model`, `baseline` or `tie`) and `inconsistent`; verdicts that
        differ are a tie.
    """
    verdicts = [
        {"A": "model", "B": "baseline"}.get(first, first),
        {"A": "baseline", "B": "model"}.get(second, second),
    ]
    inconsistent = verdicts[0] != verdicts[1]
    return {
        "verdicts": verdicts,
        "winner": "tie" if inconsistent else verdicts[0],
        "inconsistent": inconsistent,
    }


def is_failure_mark(text: str) -> bool:
    """Whether a text is what FastChat stores in place of a reply after a failed call."""
    common, _ = import_fastchat()
    return text.strip() == common.API_ERROR_OUTPUT


def _check_reply(reply: Reply) -> None:
    if not reply.text.strip():
        reason = "" if reply.finish_reason in (None, "stop") else f" (finish reason {reply.finish_reason})"
        raise UnreadableReply(f"the reply is empty{reason}")
    if is_failure_mark(reply.text):
        raise UnreadableReply(f"{reply.text.strip()} is FastChat's mark of a failed call, no reply")


def _say_cut(text: str) -> str:
    return (
        f"the reply was cut by max_tokens before a verdict (finish reason length); it ends {_quote_end(text)}"
    )


def _say_instead(reply: Reply) -> str:
    reason = "" if reply.finish_reason in (None, "stop") else f" (finish reason {reply.finish_reason})"
    brackets = BRACKETS.findall(reply.text)
    return (
        f"{reason}; it says {_quote(brackets[-1])}"
        if brackets
        else f"{reason}; it ends {_quote_end(reply.text)}"
    )


def _quote(text: str) -> str:
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}…"


def _quote_end(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= QUOTED else f"…{text[-QUOTED:]}")
