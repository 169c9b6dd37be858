"""What a card says where the weights that it is about were removed; nothing heavy is imported."""

import os
from pathlib import Path

NOTE = (
    "The weights were removed to save disk space (`keep_policy` in the study). "
    "The command trains the same ones again.\n"
)


def note_removal(card: Path) -> None:
    """Add the note to a card, below the command that makes the policy again, where there is a card without it."""
    text = card.read_text(encoding="utf-8") if card.is_file() else NOTE
    if NOTE in text:
        return
    beside = card.with_name(f"{card.name}.beside")
    beside.write_text(f"{text.rstrip()}\n\n{NOTE}", encoding="utf-8")
    os.replace(beside, card)
