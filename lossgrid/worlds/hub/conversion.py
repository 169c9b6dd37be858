"""A row of a preference data set as a pair of messages, or the reason why it is none."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Messages = list[dict[str, str]]

# Why rows are left out, by the names of their counts.
EXCLUSIONS = (
    "excluded_wrong_turns",
    "excluded_different_prompts",
    "excluded_wrong_choice",
    "excluded_empty",
    "excluded_identical",
    "excluded_bad_encoding",
    "excluded_too_long",
    "excluded_duplicates",
)
# What stands for bytes that could not be decoded.
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_WHITE_SPACE = "\n\r\t"


@dataclass(frozen=True)
class Pair:
    """A prompt with two responses.

    Attributes:
        prompt: Messages, the last one the user's.
        chosen: The better response.
        rejected: The other one.
    """

    prompt: Messages
    chosen: str
    rejected: str

    def spell(self, index: int) -> dict[str, Any]:
        """The row of the pairs' data set, all of it as messages."""
        replies = {
            side: [{"role": "assistant", "content": getattr(self, side)}] for side in ("chosen", "rejected")
        }
        return {"id": f"row-{index:06d}", "prompt": self.prompt, **replies}


class ExcludedRowError(Exception):
    """A row that is no pair; its message is the name of the count."""


@dataclass
class Conversion:
    """Converts rows and counts what it meets.

    Attributes:
        data: `HubData` of the study.
        longest: Characters that prompt and longer response may have.
        folds_system: Whether a system message is put before the first question, for a template without that role.
        counts: What was excluded, changed or noticed, by name.
    """

    data: Any
    longest: int
    folds_system: bool
    counts: Counter = field(default_factory=Counter)

    def convert_all(self, rows: Iterable[Mapping[str, Any]]) -> list[tuple[int, Pair]]:
        """The pairs with the numbers of their rows; all others are counted.

        Of rows that are the same pair the first is kept.
        """
        pairs, seen = [], set()
        for index, row in enumerate(rows):
            self.counts["rows"] += 1
            try:
                pair = self.convert(row)
                key = (*((each["role"], each["content"]) for each in pair.prompt), pair.chosen, pair.rejected)
                if key in seen:
                    raise ExcludedRowError("excluded_duplicates")
            except ExcludedRowError as reason:
                self.counts[str(reason)] += 1
                continue
            seen.add(key)
            pairs.append((index, pair))
            self.counts["rating_ties"] += _is_tie(row)
        return pairs

    def convert(self, row: Mapping[str, Any]) -> Pair:
        """The pair of a row.

        Raises:
            ExcludedRowError: It is none.
        """
        read = self._read_conversations if self.data.format == "conversations" else self._read_texts
        prompt, chosen, rejected = read(row)
        prompt = self.fold_system(prompt)
        texts = [*(each["content"] for each in prompt), chosen, rejected]
        if any(_is_badly_encoded(text) for text in texts):
            raise ExcludedRowError("excluded_bad_encoding")
        if not (prompt[-1]["content"].strip() and chosen.strip() and rejected.strip()):
            raise ExcludedRowError("excluded_empty")
        if chosen == rejected:
            raise ExcludedRowError("excluded_identical")
        if sum(map(len, texts[:-2])) + max(len(chosen), len(rejected)) > self.longest:
            raise ExcludedRowError("excluded_too_long")
        return Pair(prompt, chosen, rejected)

    def fold_system(self, prompt: Messages) -> Messages:
        """The prompt without a system message, where the template knows none: its text begins the first question."""
        if not self.folds_system or prompt[0]["role"] != "system":
            return prompt
        system, first, *others = prompt
        self.counts["folded_system_messages"] += 1
        text = f"{system['content']}\n\n{first['content']}" if system["content"].strip() else first["content"]
        return [{"role": "user", "content": text}, *others]

    def _read_conversations(self, row: Mapping[str, Any]) -> tuple[Messages, str, str]:
        chosen, rejected = (_read_messages(row[side]) for side in ("chosen", "rejected"))
        if isinstance(row.get("prompt"), list):
            prompt = _read_messages(row["prompt"])
            chosen, rejected = ([*prompt, *replies[-1:]] for replies in (chosen, rejected))
        for conversation in (chosen, rejected):
            _check_turns(conversation)
        if chosen[:-1] != rejected[:-1]:
            raise ExcludedRowError("excluded_different_prompts")
        return chosen[:-1], chosen[-1]["content"], rejected[-1]["content"]

    def _read_texts(self, row: Mapping[str, Any]) -> tuple[Messages, str, str]:
        if self.data.format == "choice":
            responses, better = row["responses"], row["chosen"]
            if not isinstance(responses, list) or len(responses) != 2 or better not in (0, 1):
                raise ExcludedRowError("excluded_wrong_choice")
            chosen, rejected = responses[better], responses[1 - better]
        else:
            chosen, rejected = row["chosen"], row["rejected"]
        prompt = self.read_prompt(row)
        if not isinstance(chosen, str) or not isinstance(rejected, str):
            raise ExcludedRowError("excluded_empty")
        return prompt, self.cut_prefix(chosen), self.cut_prefix(rejected)

    def read_prompt(self, row: Mapping[str, Any]) -> Messages:
        """The prompt of a row of texts, with its suffix once.

        Raises:
            ExcludedRowError: There is none.
        """
        prompt, suffix = row["prompt"], self.data.prompt_suffix
        if not isinstance(prompt, str) or not prompt.strip():
            raise ExcludedRowError("excluded_empty")
        ending = suffix.strip()
        if ending and prompt.rstrip().endswith(ending):
            prompt = prompt.rstrip()[: -len(ending)].rstrip()
        return [{"role": "user", "content": prompt + suffix}]

    def cut_prefix(self, response: str) -> str:
        """The response without the prefix that the prompt ends with."""
        prefix = self.data.response_prefix
        if not prefix or not response.lstrip().startswith(prefix):
            return response
        self.counts["cut_prefixes"] += 1
        return response.lstrip().removeprefix(prefix).lstrip()


def _read_messages(value: Any) -> Messages:
    if not isinstance(value, list) or not value:
        raise ExcludedRowError("excluded_empty")
    messages = []
    for message in value:
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise ExcludedRowError("excluded_wrong_turns")
        if not isinstance(message.get("content"), str):
            raise ExcludedRowError("excluded_empty")
        messages.append({"role": message["role"], "content": message["content"]})
    return messages


def _check_turns(conversation: Messages) -> None:
    """Refuse what is not an optional system message, then user and assistant in turn, the assistant last."""
    roles = [message["role"] for message in conversation]
    turns = roles[1:] if roles[0] == "system" else roles
    if (
        len(turns) % 2
        or not turns
        or any(role != ("user", "assistant")[place % 2] for place, role in enumerate(turns))
    ):
        raise ExcludedRowError("excluded_wrong_turns")


def _is_badly_encoded(text: str) -> bool:
    """Whether a text holds what no writer types: replaced bytes, lone surrogates, control characters."""
    if _REPLACEMENT in text:
        return True
    return any(
        unicodedata.category(letter) in ("Cc", "Cs") and letter not in _WHITE_SPACE
        for letter in text
        if not letter.isprintable()
    )


def _is_tie(row: Mapping[str, Any]) -> bool:
    """Whether the data rate both responses alike."""
    for chosen, rejected in (
        ("chosen_rating", "rejected_rating"),
        ("rating_chosen", "rating_rejected"),
        ("score_chosen", "score_rejected"),
    ):
        if row.get(chosen) is not None and row.get(rejected) is not None:
            return row[chosen] == row[rejected]
    return False
