"""A model's tokenizer as the workflow needs it: a chat template, an end token that ends turns, a padding token."""

from collections.abc import Sequence
from pathlib import Path

from lossgrid.training.tokens import load_tokenizer
from lossgrid.worlds.hub.repositories import HubError

# A response continues its prompt; roles only say which is which.
_CONTINUATION = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
_ENDED_CONTINUATION = (
    "{% for message in messages %}{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
)
_MARK = "lossgrid"


def prepare_tokenizer(folder: Path, name: str, rendering: str, end_token: bool = True):
    """The tokenizer of a model, in whose terms everything is rendered.

    Args:
        folder: Snapshot of the model.
        name: Of the model, for messages.
        rendering: `chat` or `continuation`.
        end_token: Whether a continuation ends with the end token.

    Returns:
        A tokenizer with a chat template, the token that ends an assistant's turn as its end token (the template's own
        where it has one), and a padding token.

    Raises:
        HubError: Chats are asked for and the model has no template, or it has no end token.
    """
    tokenizer = load_tokenizer(folder)
    if rendering == "continuation":
        adds_beginning = tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id] != [None]
        template = _ENDED_CONTINUATION if end_token else _CONTINUATION
        tokenizer.chat_template = ("{{ bos_token }}" if adds_beginning else "") + template
    elif tokenizer.chat_template is None:
        raise HubError(
            f"{name}: its tokenizer has no chat template; write rendering: continuation, or name a model for chats"
        )
    else:
        end = find_turn_end(tokenizer)
        if end is not None:
            tokenizer.eos_token = tokenizer.convert_ids_to_tokens(end)
        if count_beginnings(tokenizer) > 1:
            raise HubError(
                f"{name}: its chat template begins a chat with {tokenizer.bos_token} twice; name another revision"
            )
    if tokenizer.eos_token is None:
        raise HubError(
            f"{name}: its tokenizer has no end token, so that no response would end; name another model"
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.unk_token or tokenizer.eos_token
    return tokenizer


def find_turn_end(tokenizer) -> int | None:
    """The first special token that the chat template writes after an assistant's text; None where it writes none."""
    text = tokenizer.apply_chat_template(_build([("user", "a"), ("assistant", _MARK)]), tokenize=False)
    # Of the text alone: in the ids of the whole chat the mark's last token could have joined what follows it.
    behind = tokenizer(text.rpartition(_MARK)[2], add_special_tokens=False)["input_ids"]
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    return next((token for token in behind if token in special), None)


def knows_system(tokenizer) -> bool:
    """Whether the chat template shows a system message; some refuse the role, and some leave its text out."""
    try:
        text = tokenizer.apply_chat_template(_build([("system", _MARK), ("user", "a")]), tokenize=False)
    # Templates raise errors of Jinja, of which there are several.
    except Exception:
        return False
    return _MARK in text


def count_beginnings(tokenizer) -> int:
    """How often a rendered chat holds the token that begins a sequence; more than once is one too many."""
    if tokenizer.bos_token_id is None:
        return 0
    chat = _build([("user", "a")])
    ids = tokenizer.apply_chat_template(chat, tokenize=True, return_dict=True)["input_ids"]
    return ids.count(tokenizer.bos_token_id)


def _build(turns: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in turns]
