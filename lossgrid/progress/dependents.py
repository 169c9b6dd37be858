"""What waits for a job."""

from collections.abc import Iterable

from lossgrid.progress.jobs import Job


class Dependents:
    """Which jobs wait for which.

    Args:
        jobs: All jobs of a study, by log.
    """

    def __init__(self, jobs: dict[str, Job]):
        self.waiting: dict[str, list[str]] = {}
        for job in jobs.values():
            for need in job.needs:
                self.waiting.setdefault(need, []).append(job.log)

    def find(self, jobs: Iterable[Job]) -> set[str]:
        """The logs of the other jobs that wait for any of these, directly or not."""
        first = {job.log for job in jobs}
        found, left = set(first), list(first)
        while left:
            new = [log for log in self.waiting.get(left.pop(), ()) if log not in found]
            found.update(new)
            left += new
        return found - first
