"""The studies that come with the repository, and variations of one of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lossgrid.studies import Study, load_study

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def mini() -> Study:
    """The study that runs anywhere."""
    return load_study(ROOT / "studies" / "mini.yaml")


@pytest.fixture(scope="session")
def vary() -> Callable[..., Study]:
    """A function that copies a study with other values; of a part that is named as a mapping, the others stay."""

    def change(study: Study, **parts: Any) -> Study:
        update = {
            name: getattr(study, name).model_copy(update=part) if isinstance(part, dict) else part
            for name, part in parts.items()
        }
        return study.model_copy(update=update)

    return change
