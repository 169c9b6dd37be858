"""Which files there are, asked often: folders are listed once, because each question takes time over a network."""

import os
from pathlib import Path


class FileIndex:
    """The files below a folder as they are when each is first asked for.

    Args:
        folder: What all paths are below.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._names: dict[str, frozenset[str]] = {}

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        parent, _, name = path.rpartition("/")
        return name in self.list_names(parent)

    def list_names(self, path: str) -> frozenset[str]:
        """Names in a folder; none where there is no such folder."""
        if path not in self._names:
            # Below a folder that is not there, nothing is.
            missing = path and not self.exists(path)
            try:
                names = () if missing else os.listdir(self.folder / path)
            except OSError:
                names = ()
            self._names[path] = frozenset(names)
        return self._names[path]

    def get_time(self, path: str) -> float:
        """When a file was last written, in seconds since 1970; 0 where there is none."""
        if not self.exists(path):
            return 0.0
        try:
            return (self.folder / path).stat().st_mtime
        except OSError:
            return 0.0
