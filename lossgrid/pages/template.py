"""Pages from templates: one file that holds its styles, programs and data."""

import json
import math
import re
from html import escape
from pathlib import Path
from typing import Any


def fill_template(template: Path, title: str, data: Any, scripts: str = "") -> str:
    """Make one self-contained page.

    Args:
        template: An HTML file in which ``{{title}}``, ``{{data}}`` and ``{{scripts}}`` stand for what follows here,
            and ``{{include FILE}}`` for the text of a file, named from the template's folder.
        title: Of the page, as text.
        data: What JSON can hold; numbers that it cannot become null.
        scripts: JavaScript of libraries.

    Raises:
        ValueError: The template holds a placeholder that nobody fills.
        FileNotFoundError: It includes a file that is not there.
    """
    page = re.sub(
        r"\{\{include ([\w./-]+)\}\}",
        lambda match: (template.parent / match[1]).read_text(encoding="utf-8"),
        template.read_text(encoding="utf-8"),
    )
    filling = {
        "title": escape(title),
        "data": spell_data(data),
        "scripts": scripts.replace("</script", "<\\/script"),
    }

    def fill(match: re.Match) -> str:
        if match[1] not in filling:
            raise ValueError(f"{template}: nothing fills {match[0]}; there are {', '.join(filling)}")
        return filling[match[1]]

    return re.sub(r"\{\{(\w+)\}\}", fill, page)


def spell_data(data: Any) -> str:
    """JSON that can stand in an HTML page: no text in it can end the script that holds it."""
    text = json.dumps(_without_nonfinite(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Also the two characters that end a line in JavaScript and not in JSON.
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _without_nonfinite(data: Any) -> Any:
    match data:
        case float():
            return data if math.isfinite(data) else None
        case dict():
            return {str(key): _without_nonfinite(value) for key, value in data.items()}
        case list() | tuple():
            return [_without_nonfinite(value) for value in data]
        case _:
            return data
