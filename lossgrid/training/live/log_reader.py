"""Reads a training log that grows."""

from pathlib import Path

from lossgrid.training.training_log import read_record

# Bytes read at once: a resumed run's log can be long.
CHUNK = 1 << 20


class LogReader:
    """Gives each line once, when it is whole.

    Args:
        log: The training log; it may not be there yet.
    """

    def __init__(self, log: Path):
        self.log = log
        self.place = 0

    def read_new(self) -> list[dict]:
        """The next records, at most a megabyte of them; none where all that was written was read.

        Raises:
            OSError: The log cannot be read.
            ValueError: A line that ends is no record.
        """
        try:
            with self.log.open("rb") as file:
                file.seek(self.place)
                came = file.read(CHUNK)
        except FileNotFoundError:
            return []
        whole = came[: came.rfind(b"\n") + 1]
        self.place += len(whole)
        return [read_record(line) for line in whole.decode().splitlines()]
