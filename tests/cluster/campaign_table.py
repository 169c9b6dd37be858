"""The table of a campaign: a row for each fault, and what became of the study."""

import csv
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass
class Blow:
    """One fault and what followed; times in seconds.

    Attributes:
        event: Number in the table.
        run: Number of the run of the study that was struck.
        kind: Of the fault.
        study: Its name.
        at: When, in UTC.
        rule: Whose job was struck, or worked when something else was.
        cell: That this job trained.
        step: That the cell had reached.
        observed: What Slurm, or the second main process, said.
        failure: What the workflow called it in its log; empty where Slurm let the job run again by itself.
        seconds: Until the work went on; None where it did not within ten minutes.
        steps_lost: Steps that were trained once more, by what the log says of where training went on; None where no
            training was struck.
        retrained: Cells of the run that were trained again though they were finished.
        commands: So often the command was given in the run.
        ended: Whether the run ended with everything made.
        identical: Whether its results are those of the undisturbed run to the bit.
        note: What went wrong.
    """

    event: int
    run: int
    kind: str
    study: str
    at: str
    rule: str = ""
    cell: str = ""
    step: int | None = None
    observed: str = ""
    failure: str = ""
    seconds: float | None = None
    steps_lost: int | None = None
    retrained: int = 0
    commands: int = 0
    ended: bool = False
    identical: bool = False
    note: str = ""


def read_table(table: Path) -> list[dict[str, str]]:
    """The rows of a table as text, by column; none where there is no table yet."""
    if not table.exists():
        return []
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def append_blows(table: Path, blows: list[Blow]) -> None:
    """Add rows; the first ones below the names of the columns."""
    is_new = not table.exists()
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("a", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Blow)], lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(asdict(blow) for blow in blows)


def find_failure(job: str, journal: list[dict], log: str) -> str:
    """What the workflow called the failure of a job.

    Args:
        job: Slurm's number.
        journal: Of the study's jobs.
        log: What the main process has printed since the blow.

    Returns:
        Such as `out of time`; empty where it reports no failure of that job.
    """
    for record in journal:
        if record["event"] == "failed" and record.get("slurm_id") == job:
            match = re.search(rf"^{re.escape(record['log'])}: ([^:\n]+):", log, re.MULTILINE)
            return match[1] if match else "failed"
    return ""
