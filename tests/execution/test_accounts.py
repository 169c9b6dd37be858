"""The account of the site's file: a wrong one would fail every job at its submission, and again at each attempt."""

import stat

import pytest

from execution.accounts import check_account
from execution.site import FILE, Partitions, Site, SiteError

SITE = Site(account="Lab", partitions=Partitions(cpu="cpu", gpu="gpu"))


@pytest.fixture
def answer(slurm):
    """Lets sacctmgr print lines, or fail."""

    def set_answer(lines: str, status: int = 0) -> None:
        program = slurm.programs / "sacctmgr"
        program.write_text(f"#!/bin/sh\nprintf '{lines}'\nexit {status}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    return set_answer


def test_unknown_account_is_refused_with_those_that_there_are(answer, folder):
    """The user sees at once which ones to choose from."""
    (folder / FILE).parent.mkdir()
    (folder / FILE).write_text("account: Lab\n")
    answer("physics\\nroot\\nphysics\\n")
    with pytest.raises(SiteError, match=r"slurm/site\.yaml:1: account: 'Lab': .*there are physics, root$"):
        check_account(SITE)


@pytest.mark.parametrize("lines", ["lab\\nroot\\n", "LAB\\n", ""])
def test_account_is_found_in_any_spelling(answer, lines):
    """Slurm's accounts have no capitals; and where it lists none, nobody has to have one."""
    answer(lines)
    check_account(SITE)


def test_without_accounting_nothing_is_checked(answer):
    """Its program fails there, and jobs run nevertheless."""
    answer("", status=1)
    check_account(SITE)
