"""A study on one screen."""

from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from lossgrid.progress.failures import Kind
from lossgrid.progress.jobs import SHARED, Job
from lossgrid.progress.run_tables import build_counts, build_runs
from lossgrid.progress.states import State
from lossgrid.progress.study_progress import StudyProgress
from lossgrid.progress.wording import (
    STYLES,
    describe_briefly,
    describe_running,
    describe_uncertain,
    get_worst,
    name_job,
    print_line,
    spell_counts,
    spell_moment,
    spell_squeue,
    spell_time,
)

# More runs than these are summarised, and so many of each kind are told one by one.
MOST_ROWS = 40
MOST_LISTED = 8
MOST_REASONS = 5


def print_overview(progress: StudyProgress, console: Console, command: str, every_run: bool = False) -> None:
    """Print how far a study has come.

    Args:
        progress: The study.
        console: Where to print.
        command: What the user types to go on.
        every_run: Show every run, however many there are.
    """
    print_head(progress, console)
    if not progress.has_started:
        console.print("Not started yet. To start it:")
        print_line(console, f"    {command}")
        return
    print_shared(progress, console)
    console.print()
    if len(progress.runs) > MOST_ROWS and not every_run:
        console.print(build_counts(progress))
        print_running(progress, console)
        print_stopped(progress, console)
        print_diverged(progress, console)
    else:
        console.print(build_runs(progress, console))
        print_stopped(progress, console)
    print_uncertain(progress, console)
    print_end(progress, console, command)


def print_head(progress: StudyProgress, console: Console) -> None:
    """The size of the study, how much of it is done, and whether the workflow runs."""
    cells, aliases = len(progress.cells), progress.aliases
    size = f"{cells:,} {'cell' if cells == 1 else 'cells'} and the SFT model"
    if aliases:
        size += f"; {aliases:,} {'alias is' if aliases == 1 else 'aliases are'} not trained"
    console.print(Text(f"Study {progress.study.name}: ", "bold").append(Text(size, "default")))
    if progress.has_started:
        console.print(spell_group(progress, list(progress.jobs.values()), "jobs "))
        console.print(describe_main(progress), highlight=False)
        console.print()


def describe_main(progress: StudyProgress) -> str:
    """Whether the workflow runs."""
    holder = progress.holder
    if holder and not progress.journal.running:
        since = f"since {spell_moment(holder.began, progress.now)} (process {holder.pid} on {holder.host})"
        if holder.is_waiting:
            return f"Snakemake has been waiting {since} for jobs of an earlier main process, which it takes over."
        return f"Snakemake has been running {since}; of this study it has begun nothing."
    if not progress.journal.mains:
        return "There is no journal of its jobs: this is told from its files alone."
    main, running = progress.journal.mains[-1], progress.journal.running
    began = spell_moment(main.began, progress.now)
    if running:
        return (
            f"Snakemake has been running since {began} (process {main.pid} on {main.host}, {main.executor})."
        )
    if running is None:
        host = main.host or "an unknown host"
        return f"Snakemake was started at {began} on {host}; only there one sees whether it still runs."
    if main.ended is None:
        heard = spell_moment(main.heard, progress.now)
        return f"Snakemake, started at {began}, was ended from outside after {heard}."
    how = "" if main.success else "; some jobs had failed"
    return f"Snakemake ended at {spell_moment(main.ended, progress.now)}{how}."


def print_shared(progress: StudyProgress, console: Console) -> None:
    """What is made for all runs together, a line a kind."""
    lines = {"shared": Text("   ").join(spell_shared(progress))}
    jobs = list(progress.jobs.values())
    for evaluation in progress.study.get_evaluations():
        shards = [job for job in jobs if job.rule == "judge_responses" and job.evaluation == evaluation]
        lines[evaluation] = spell_group(progress, shards, "judging jobs ")
    figures = [job for job in jobs if job.rule.startswith("plot_")]
    tables = [job for job in jobs if job.outputs and job.outputs[0].startswith("tables/")]
    others = [job for job in jobs if not job.outputs]
    lines |= {"tables": spell_group(progress, tables), "figures": spell_group(progress, figures)}
    if others:
        lines["others"] = spell_group(progress, others)
    width = max(map(len, lines)) + 2
    for heading, line in lines.items():
        console.print(Text(f"{heading:<{width}}", "bold").append_text(line))


def spell_shared(progress: StudyProgress) -> list[Text]:
    """What every run needs, each with its state."""
    said = []
    for job in progress.jobs.values():
        if job.rule in SHARED:
            state = progress.get_state(job).state
            word = describe_briefly(progress, job)
            if state is State.RUNNING:
                word = f"running ({describe_running(progress, job)})"
            said.append(Text(f"{SHARED[job.rule]} ", "default").append(word, STYLES[state]))
    return said


def spell_group(progress: StudyProgress, jobs: list[Job], what: str = "") -> Text:
    """How many of some jobs are done."""
    counts = progress.count(jobs)
    return Text(spell_counts(counts, what=what), STYLES[get_worst(counts)])


def print_running(progress: StudyProgress, console: Console) -> None:
    """The jobs that run, one a line."""
    print_listed(progress, console, State.RUNNING, "Running", describe_running)


def print_listed(
    progress: StudyProgress,
    console: Console,
    state: State,
    heading: str,
    describe: Callable[[StudyProgress, Job], str],
) -> list[Job]:
    """A heading and the jobs in a state, one a line with what is said of it; those jobs."""
    jobs = progress.select(state)
    print_heading(console, heading, jobs)
    for job in jobs[:MOST_LISTED]:
        line = Text(f"  {name_job(job)}: ").append(describe(progress, job), STYLES[state])
        console.print(line, soft_wrap=True)
    print_more(console, len(jobs) - MOST_LISTED)
    return jobs


def print_stopped(progress: StudyProgress, console: Console) -> None:
    """The jobs that failed or were interrupted: for each reason the last, with where to read on."""
    jobs = progress.select(State.FAILED, State.INTERRUPTED)
    print_heading(console, "Failed or interrupted", jobs)
    reasons: dict[tuple[str, str], list[Job]] = {}
    for job in sorted(jobs, key=lambda job: progress.get_state(job).moment, reverse=True):
        kind, line = get_reason(progress, job)
        # Errors of a program are told apart by what they say; jobs out of memory say numbers that differ.
        reasons.setdefault((kind, line if kind == Kind.ERROR else ""), []).append(job)
    for found in list(reasons.values())[:MOST_REASONS]:
        job, more = found[0], len(found) - 1
        kind, line = get_reason(progress, job)
        state = progress.get_state(job)
        text = Text("  ").append(kind, STYLES[state.state])
        text.append(f", {spell_time(progress.now - state.moment)} ago", "default")
        text.append(f": {name_job(job)}" + (f", and {more:,} more before it" if more else ""), "default")
        console.print(text, soft_wrap=True)
        if line:
            console.print(Text(f"    {line}"), no_wrap=True, overflow="ellipsis")
        print_line(console, f"    {progress.files.folder / job.log}")
    print_more(console, len(reasons) - MOST_REASONS, "reasons")


def print_uncertain(progress: StudyProgress, console: Console) -> None:
    """The jobs that may have outlived their main process, with what asks Slurm for them."""
    heading = "Perhaps still running, on Slurm without their main process"
    if jobs := print_listed(progress, console, State.UNCERTAIN, heading, describe_uncertain):
        print_line(console, f"  To see whether they do:  {spell_squeue(progress, jobs)}")


def get_reason(progress: StudyProgress, job: Job) -> tuple[str, str]:
    """Why a job did not end, and the line of its logs that says so."""
    if progress.get_state(job).state is State.INTERRUPTED:
        return State.INTERRUPTED, ""
    failure = progress.explain(job)
    return failure.kind, failure.line


def print_diverged(progress: StudyProgress, console: Console) -> None:
    """The cells that diverged, by name."""
    jobs = progress.select(State.DIVERGED)
    print_heading(console, "Diverged, which is a result", jobs)
    for job in jobs[:MOST_LISTED]:
        step = describe_briefly(progress, job).replace(f"{State.DIVERGED} at", "step")
        console.print(
            Text(f"  {job.run.removeprefix('cells/')}: ").append(step, STYLES[State.DIVERGED]), soft_wrap=True
        )
    print_more(console, len(jobs) - MOST_LISTED)


def print_heading(console: Console, heading: str, jobs: list[Job]) -> None:
    """A heading with a number, where there is something below it."""
    if jobs:
        console.print()
        console.print(Text(f"{heading} ({len(jobs):,})", "bold"))


def print_more(console: Console, number: int, what: str = "") -> None:
    """How many are not listed."""
    if number > 0:
        console.print(f"  and {number:,} more {what}".rstrip(), highlight=False)


def print_end(progress: StudyProgress, console: Console, command: str) -> None:
    """What to do next."""
    console.print()
    folder = progress.files.folder
    if all(state.state.is_done for state in progress.states.values()):
        print_line(console, f"Complete: {folder}/figures and {folder}/tables")
        return
    if progress.select(State.FAILED, State.INTERRUPTED):
        print_line(
            console, f"What a rerun will do:  python -m lossgrid status {progress.study.name} --failed"
        )
    if progress.is_run is False:
        print_line(console, f"To go on:  {command}")
