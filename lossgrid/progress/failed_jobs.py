"""What a rerun will do: every job that failed or was interrupted, and what waits for it."""

from collections import Counter

from rich.console import Console
from rich.text import Text

from lossgrid.progress.dependents import Dependents
from lossgrid.progress.failures import Kind
from lossgrid.progress.jobs import Job
from lossgrid.progress.states import State
from lossgrid.progress.study_progress import StudyProgress
from lossgrid.progress.wording import STYLES, name_job, print_line, spell_moment, spell_squeue, spell_time


def print_failed(progress: StudyProgress, console: Console, command: str) -> None:
    """Print what failed or was interrupted in a study, and what its rerun will do.

    Args:
        progress: The study.
        console: Where to print.
        command: What the user types to run it.
    """
    name = progress.study.name
    jobs = progress.select(State.FAILED, State.INTERRUPTED)
    uncertain = progress.select(State.UNCERTAIN)
    if not jobs:
        console.print(f"Study {name}: nothing has failed, and nothing was interrupted.", highlight=False)
        print_uncertain(progress, console, uncertain)
        return
    dependents = Dependents(progress.jobs)
    later = len(dependents.find(jobs))
    counts = progress.count(jobs)
    what = " and ".join(
        f"{counts[state]:,} {state}" for state in (State.FAILED, State.INTERRUPTED) if counts[state]
    )
    console.print(f"Study {name}: {what}; {spell_jobs(later)} for them.", style="bold", highlight=False)
    kinds: Counter[Kind] = Counter()
    for job in jobs:
        state = progress.get_state(job)
        failure = progress.explain(job) if state.state is State.FAILED else None
        console.print()
        console.print(
            Text(name_job(job), "bold").append(
                f"  {failure.kind if failure else state.state}", STYLES[state.state]
            ),
            soft_wrap=True,
        )
        if failure:
            kinds[failure.kind] += 1
            if failure.line:
                print_line(console, f"  {failure.line}")
        print_line(console, f"  {progress.files.folder / job.log}")
        if failure and state.record and state.record.slurm_log:
            print_line(console, f"  {state.record.slurm_log}")
        for line in describe_rerun(progress, job, len(dependents.find([job]))):
            console.print(f"  {line}", highlight=False)
    print_remedies(console, kinds)
    print_uncertain(progress, console, uncertain)
    console.print()
    if progress.is_run:
        console.print("Snakemake still runs: it tries again by itself, or ends. Then:", highlight=False)
    else:
        console.print("To run them, and what waits for them:", highlight=False)
    print_line(console, f"    {command}")


def describe_rerun(progress: StudyProgress, job: Job, later: int) -> list[str]:
    """When a job ended and how often it was tried; where it goes on and what waits for it."""
    lines, state = [], progress.get_state(job)
    if state.moment:
        verb = "failed" if state.state is State.FAILED else "last heard of"
        attempts = state.record.attempts if state.record else 1
        tried = f", after {attempts} attempts" if attempts > 1 else ""
        ago = spell_time(progress.now - state.moment)
        lines.append(f"{verb} {spell_moment(state.moment, progress.now)}, {ago} ago{tried}")
    waiting = f"{spell_jobs(later)} for it"
    if not job.rule.startswith("train_"):
        return [*lines, waiting]
    step = progress.find_resume_step(job)
    return [*lines, f"{'starts afresh' if step is None else f'goes on after step {step:,}'}; {waiting}"]


def print_uncertain(progress: StudyProgress, console: Console, jobs: list[Job]) -> None:
    """That jobs may still run, which a rerun waits for."""
    if jobs:
        many = f"{len(jobs):,} jobs" if len(jobs) > 1 else "1 job"
        print_line(
            console, f"{many} may still run on Slurm, which a rerun waits for: {spell_squeue(progress, jobs)}"
        )


def print_remedies(console: Console, kinds: Counter[Kind]) -> None:
    """What to do about each kind of failure."""
    if not kinds:
        return
    console.print()
    for kind, number in kinds.most_common():
        text = Text(f"{kind} ({number:,}): ", STYLES[State.FAILED])
        console.print(text.append(Text(kind.remedy, "default")), highlight=False)


def spell_jobs(number: int) -> str:
    """So many later jobs wait."""
    return f"{number:,} later job{'s wait' if number != 1 else ' waits'}"
