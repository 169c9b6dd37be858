"""Jobs on Slurm that may have outlived their main process: only Slurm knows, whom the screens do not ask."""

from functools import cache

from lossgrid.planning import get_requirements
from lossgrid.progress.journal import JobRecord, StudyJournal
from lossgrid.studies import Study

MINUTE = 60.0


class LeftJobs:
    """Which jobs may still run though nobody watches them.

    Args:
        study: Their study.
        journal: What was said of them.
        last_beginning: When the last main process of the working directory began to run jobs, in seconds since 1970:
            those of the ones before it had ended by then. 0 where it is not known.
    """

    def __init__(self, study: Study, journal: StudyJournal, last_beginning: float = 0.0):
        main = journal.mains[-1] if journal.mains else None
        # One that said that it ended had waited for its jobs, or cancelled them.
        self.main = main if main and main.ended is None and main.began >= last_beginning else None
        self.get_need = cache(lambda rule: get_requirements(study, rule))

    def may_run(self, record: JobRecord, heard: float, now: float) -> bool:
        """Whether a job may still run.

        It can have ended long ago; what it asked for says how long that takes to be sure.

        Args:
            record: The last that was said of it.
            heard: When it last wrote a log, in seconds since 1970; 0 where it never has.
            now: Seconds since 1970.
        """
        if record.main is not self.main or record.event != "submitted" or record.slurm_id is None:
            return False
        runtime = MINUTE * self.get_need(record.rule).scale(record.attempt).runtime
        return now < max(record.submitted, heard) + runtime
