"""Follows a training log and hands its steps to views: TensorBoard's event files, and a tracker where one is set.

`python -m lossgrid.training.live.follow RUN_FOLDER FIRST_STEP` reads until its standard input ends, which it does
with the training process, however that dies. A view that fails is told of once and left out.
"""

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from lossgrid.training.live.log_reader import LogReader
from lossgrid.training.live.places import LivePlace, find_place
from lossgrid.training.live.tracker_choice import CHOICE, NONE
from lossgrid.training.live.written import note_written, read_written
from lossgrid.training.training_log import TRAINING_LOG

# Seconds between two looks at the log.
INTERVAL = 1.0
# Seconds at the end of a training for the last steps; a tracker on a slow network gets no more.
PATIENCE = 30
TENSORBOARD = "tensorboard"
LOCK = "reader.lock"


class View(Protocol):
    """Something that shows a run's steps."""

    def add(self, record: dict, at: float) -> None:
        """Take the next step, read at this time in seconds since 1970."""

    def flush(self) -> None:
        """Let what was added be seen."""

    def close(self) -> None:
        """This process adds no more."""


class Follower:
    """Hands the lines of a log to views, each of which may have some of them from an earlier process.

    Args:
        log: The training log; it may not be there yet.
        place: Of the run.
        first_step: Steps done when training began: lines up to it are there, later ones are still to come.
    """

    def __init__(self, log: Path, place: LivePlace, first_step: int):
        self.reader = LogReader(log)
        self.place = place
        self.first_step = first_step
        self.written = read_written(place.events, place.identity)
        self.views: dict[str, View] = {}

    def open(self, name: str, make: Callable[[int], View], takes_back: bool = False) -> None:
        """Open a view where an earlier process left off.

        Args:
            name: Its name.
            make: Makes it, given the last step that it keeps, 0 for none.
            takes_back: Whether it can take back steps, which are then shown as they come again. Others keep them:
                training repeats its steps to the bit.
        """
        last = self.written.get(name, 0)
        self.written[name] = min(last, self.first_step) if takes_back else last
        self._try(name, lambda: self.views.update({name: make(self.written[name])}))

    def hand_on(self) -> None:
        """Hand on what the log has got since the last call."""
        while self.views and (records := self.reader.read_new()):
            for name in list(self.views):
                self._try(name, partial(self._hand_on, name, records, time.time()))
            if self.views:
                note_written(self.place.events, self.place.identity, self.written)

    def close(self) -> None:
        """Close all views."""
        for name in list(self.views):
            self._try(name, self.views[name].close)

    def _hand_on(self, name: str, records: list[dict], now: float) -> None:
        view = self.views[name]
        for record in records:
            if record["step"] > self.written[name]:
                view.add(record, now)
                self.written[name] = record["step"]
        view.flush()

    def _try(self, name: str, action: Callable[[], None]) -> None:
        try:
            action()
        # Whatever a library raises: the training does not wait for this view.
        except Exception as error:
            self.views.pop(name, None)
            say(f"{name}: {type(error).__name__}: {error}")


def follow(run_folder: Path, first_step: int, ended: threading.Event) -> None:
    """Follow the training log of a run to its end.

    Args:
        run_folder: Folder of the log, that of a cell of the workflow.
        first_step: Steps done when training began.
        ended: Set when the log gets no more lines.

    Raises:
        OSError: The log cannot be read, or the live view cannot be written.
        ValueError: The run is no cell of the workflow.
    """
    place = find_place(run_folder)
    if place is None:
        raise ValueError(f"{run_folder}: not the checkpoints of a cell")
    place.events.mkdir(parents=True, exist_ok=True)
    with (place.events / LOCK).open("w") as lock:
        # The reader of a killed training may still hand on its last lines.
        fcntl.flock(lock, fcntl.LOCK_EX)
        follower = Follower(run_folder / TRAINING_LOG, place, first_step)
        follower.open(TENSORBOARD, lambda last: _open_event_files(place, last), takes_back=True)
        tracker = os.environ.get(CHOICE, NONE)
        if tracker != NONE:
            follower.open(tracker, lambda _: _open_tracker(tracker, place))
        while not ended.wait(INTERVAL):
            follower.hand_on()
        follower.hand_on()
        follower.close()


def _open_event_files(place: LivePlace, last: int) -> View:
    from lossgrid.training.live.event_files import EventFiles

    return EventFiles(place.events, last)


def _open_tracker(name: str, place: LivePlace) -> View:
    from lossgrid.training.live.trackers import open_tracker

    return open_tracker(name, place)


def wait_for_end(ended: threading.Event) -> None:
    """Wait until standard input ends; this process then has so long and no longer, whatever it hangs in."""
    # Not through sys.stdin, whose lock this thread would hold when the interpreter ends.
    os.read(0, 1)
    ended.set()
    time.sleep(PATIENCE)
    os._exit(1)


def say(what: str) -> None:
    """A line in the job's log."""
    print(f"live view: {what}; training goes on without it", file=sys.stderr, flush=True)


def main() -> None:
    """Follow the run of the command line; ends with status 0 whatever a view does, having told it."""
    # An interrupt is for the training, whose end is this process's.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
    ended = threading.Event()
    threading.Thread(target=wait_for_end, args=(ended,), daemon=True).start()
    try:
        follow(Path(sys.argv[1]), int(sys.argv[2]), ended)
    except (OSError, ValueError) as error:
        say(str(error))


if __name__ == "__main__":
    main()
