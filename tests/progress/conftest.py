"""A made-up study in a folder of its own."""

import pytest
from made_up_results import MadeUpResults, write_study


@pytest.fixture
def made_up(tmp_path, monkeypatch) -> MadeUpResults:
    """The small study, of which nothing is there yet; the working directory is where its workflow runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    (tmp_path / "config.yaml").write_text("studies: [small]\n")
    return MadeUpResults(write_study(tmp_path), tmp_path)
