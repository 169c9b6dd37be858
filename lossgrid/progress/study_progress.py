"""How far a study has come: the state of each of its jobs."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lossgrid.progress.failures import Failure
from lossgrid.progress.files import FileIndex
from lossgrid.progress.holder import Holder, find_last_beginning, read_holder
from lossgrid.progress.jobs import SFT, Job, list_jobs
from lossgrid.progress.journal import StudyJournal, read_journal
from lossgrid.progress.left_jobs import LeftJobs
from lossgrid.progress.logs import read_failure
from lossgrid.progress.states import JobState, State, find_resume_step, find_state
from lossgrid.studies import Cell, Study, find_aliases, get_cells
from lossgrid.studies.products import list_shards

TRAIN, GENERATE, FRONTIER = "train", "generate", "frontier"
_STAGES = {
    "train_sft": TRAIN,
    "train_cell": TRAIN,
    "generate_responses": GENERATE,
    "score_frontier": FRONTIER,
}


@dataclass(frozen=True)
class StudyProgress:
    """A study at one moment.

    Attributes:
        study: The study.
        files: Its results.
        journal: What was said of its jobs.
        jobs: All its jobs by log, below the results.
        states: What has become of each.
        cells: The trained cells by run, such as `cells/dpo/beta~0.05/seed~1`.
        aliases: How many cells are not trained, because they are the same function as another one.
        now: The moment, in seconds since 1970.
        holder: The main process that holds the working directory, as far as it can be seen from here; it may be one
            that has begun nothing of this study.
    """

    study: Study
    files: FileIndex
    journal: StudyJournal
    jobs: dict[str, Job]
    states: dict[str, JobState]
    cells: dict[str, Cell]
    aliases: int
    now: float
    holder: Holder | None = None

    @property
    def is_run(self) -> bool | None:
        """Whether a main process runs, so that another would be refused; None where only another host can tell."""
        return True if self.holder else self.journal.running

    @property
    def runs(self) -> list[str]:
        """The SFT model and every trained cell."""
        return [SFT, *self.cells]

    @property
    def stages(self) -> list[str]:
        """What is done with each run, in order."""
        return [TRAIN, GENERATE, FRONTIER, *self.study.get_evaluations()]

    @property
    def has_started(self) -> bool:
        """Whether anything was ever done."""
        return bool(self.journal.mains) or any(
            state.state is not State.PENDING for state in self.states.values()
        )

    def select(self, *states: State) -> list[Job]:
        """The jobs in some of the states, in order."""
        return [job for log, job in self.jobs.items() if self.states[log].state in states]

    def count(self, jobs: Iterable[Job]) -> Counter:
        """How many of some jobs are in each state."""
        return Counter(self.states[job.log].state for job in jobs)

    def get_state(self, job: Job) -> JobState:
        """What has become of a job."""
        return self.states[job.log]

    def explain(self, job: Job) -> Failure:
        """Why a failed job failed, from its logs."""
        record = self.get_state(job).record
        log = self.files.folder / job.log
        if record is None:
            return read_failure(log)
        return read_failure(
            log, Path(record.slurm_log) if record.slurm_log else None, record.state, record.message
        )

    def find_resume_step(self, job: Job) -> int | None:
        """The step from whose checkpoint a training job goes on, None for a fresh start."""
        return find_resume_step(job, self.files)

    def index_stages(self) -> dict[tuple[str, str], Job]:
        """The job that stands for each stage of each run; for a judged one, judging until that is done."""
        found = {}
        for job in self.jobs.values():
            if job.rule in _STAGES:
                found[job.run, _STAGES[job.rule]] = job
            elif job.rule == "score_judgments":
                found[job.run, job.evaluation] = job
        for evaluation in self.study.get_evaluations():
            for number, runs in enumerate(list_shards(self.study, self.runs)):
                judging = self.jobs[f"logs/judge_responses/{evaluation}/shard~{number}.log"]
                if self.get_state(judging).state.is_done:
                    continue
                for run in runs:
                    if not self.get_state(found[run, evaluation]).state.is_done:
                        found[run, evaluation] = judging
        return found


def read_study_progress(study: Study, results: Path, now: float | None = None) -> StudyProgress:
    """Read how far a study has come.

    Args:
        study: The study.
        results: Its results folder; it need not be there.
        now: Seconds since 1970; None takes the clock.
    """
    # The working directory of the workflow.
    root = results.parent.parent
    now = time.time() if now is None else now
    cells = get_cells(study)
    aliases = find_aliases(cells)
    files, journal, jobs = FileIndex(results), read_journal(results, now), list_jobs(study)
    for log, record in journal.jobs.items():
        # Jobs that `rule all` does not take, such as that of an alias which was asked for by its path.
        if log not in jobs and record.event != "finished" and record.main is journal.mains[-1]:
            jobs[log] = Job(record.rule, log, ())
    left = LeftJobs(study, journal, find_last_beginning(root))
    return StudyProgress(
        study=study,
        files=files,
        journal=journal,
        jobs=jobs,
        states={log: find_state(job, files, journal, now, left) for log, job in jobs.items()},
        cells={f"cells/{cell.path}": cell for cell in cells if cell.path not in aliases},
        aliases=len(aliases),
        now=now,
        holder=read_holder(root),
    )
