"""A run's steps as event files, which TensorBoard reads as they come."""

from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter


class EventFiles:
    """Writes one event a step, with all its numbers under the names that they have in the training log.

    Args:
        folder: The cell's live view, which is there; files of a run that is not continued are removed.
        last: Steps up to this one are there already; later ones, which an earlier process may have written, are
            taken back.

    Raises:
        OSError: The folder cannot be written.
    """

    def __init__(self, folder: Path, last: int):
        if not last:
            for file in folder.glob("events.out.tfevents.*"):
                file.unlink()
        self.writer = EventFileWriter(str(folder))
        # Readers drop what they have from this step on.
        self.writer.add_event(Event(step=last + 1, session_log=SessionLog(status=SessionLog.START)))

    def add(self, record: dict, at: float) -> None:
        """Write a step.

        Args:
            record: Of the training log; its numbers and truth values are shown, as 32-bit floats.
            at: When it was read, in seconds since 1970.
        """
        values = [
            Summary.Value(tag=name, simple_value=float(value))
            for name, value in record.items()
            if name != "step" and isinstance(value, int | float)
        ]
        self.writer.add_event(Event(step=record["step"], wall_time=at, summary=Summary(value=values)))

    def flush(self) -> None:
        """Write what was added to the disk."""
        self.writer.flush()

    def close(self) -> None:
        """Close the file."""
        self.writer.close()
