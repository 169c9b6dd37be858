"""Which commit of this repository wrote a card."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def get_commit() -> str:
    """The commit that is checked out, with a word where tracked files were changed since; empty without git."""
    try:
        commit = _ask_git("rev-parse", "HEAD")
        changed = _ask_git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{commit} with uncommitted changes" if changed else commit


def _ask_git(*arguments: str) -> str:
    # A copy of the repository that lies in another one is not of that one's commit.
    git = ["git", "-C", str(ROOT), f"--git-dir={ROOT / '.git'}", f"--work-tree={ROOT}"]
    return subprocess.run([*git, *arguments], capture_output=True, text=True, check=True).stdout.strip()
