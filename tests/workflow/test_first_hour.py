"""docs/first-hour.md from its first to its last command, with the studies as they are."""

import shutil
from pathlib import Path

import pytest
from documented_commands import read_commands, read_study
from test_documentation import ALIAS, LOCAL, add_environment, run

from tests.cluster.working_copy import ROOT, copy_tracked_files

PAGE = ROOT / "docs/first-hour.md"
# What blocks is tested in test_documentation.py.
FIRST_HOUR = [
    command
    for command in read_commands(PAGE.read_text(encoding="utf-8"))
    if not command.startswith("tensorboard")
]
HOUR = 3600


@pytest.mark.slow
def test_the_first_hour(tmp_path):
    """A newcomer would give up at the first command that fails."""
    folder: Path = tmp_path / "repository"
    copy_tracked_files(folder)
    add_environment(folder)
    (folder / "studies/wedge.yaml").write_text(read_study(PAGE, "wedge"))
    for command in FIRST_HOUR:
        run(command, folder, seconds=HOUR)
    run(f'{LOCAL} "{ALIAS}"', folder, seconds=HOUR)
    for study, cells in (("mini", 20), ("wedge", 8)):
        results = folder / "results" / study
        assert len(list(results.glob("cells/*/*/*/health.json"))) >= cells
        assert (results / "figures/frontier.pdf").exists()
        assert (results / "report/index.html").stat().st_size > 100_000
    assert (folder / ALIAS).is_file()
    shutil.rmtree(folder)
