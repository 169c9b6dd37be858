"""The runs of a study in tables: each in a line, or counted by objective."""

from collections import Counter
from itertools import groupby

from rich.console import Console
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.progress.jobs import SFT, Job
from lossgrid.progress.states import State
from lossgrid.progress.study_progress import TRAIN, StudyProgress
from lossgrid.progress.wording import STYLES, describe_briefly, get_worst
from lossgrid.studies import Cell

# Settings may be broken into several lines down to this width, and a table that is too wide even so is drawn with
# fewer columns.
SETTING_WIDTH = 18
NO_BREAK = "\u00a0"
OTHER_STATES = (State.DIVERGED, State.RUNNING, State.QUEUED, State.FAILED, State.INTERRUPTED, State.UNCERTAIN)


def build_runs(progress: StudyProgress, console: Console) -> Table:
    """A line a run below the name of its loss; a column a stage, on a narrow screen one for all after training.

    In training, the step of all steps and the time that is left.
    """
    found = progress.index_stages()
    table = _build_runs(progress, found, {stage: [stage] for stage in progress.stages})
    table.columns[0].max_width = SETTING_WIDTH
    unlimited = console.options.update(max_width=1000)
    if Measurement.get(console, unlimited, table).maximum > console.width:
        table = _build_runs(progress, found, {TRAIN: [TRAIN], "evaluation": progress.stages[1:]})
        table.columns[-1].no_wrap = False
    table.columns[0].max_width = None
    return table


def build_counts(progress: StudyProgress) -> Table:
    """A line an objective: in each stage, how many of its runs are done and in what other states they are."""
    stages, found = progress.stages, progress.index_stages()
    table = _make_table("", *stages)
    for title, group in groupby(progress.runs, lambda run: _get_title(progress, run)):
        runs = list(group)
        counts = [progress.count(found[run, stage] for run in runs) for stage in stages]
        table.add_row(title, *map(_spell_stage, counts))
    return table


def _build_runs(
    progress: StudyProgress,
    found: dict[tuple[str, str], Job],
    stages: dict[str, list[str]],
) -> Table:
    table = _make_table("", "seed", *stages)
    table.columns[0].no_wrap = False
    table.columns[0].min_width = SETTING_WIDTH
    table.columns[1].justify = "right"
    for title, group in groupby(progress.runs, lambda run: _get_title(progress, run)):
        runs = list(group)
        if runs != [SFT]:
            table.add_row(Text(title, "bold"))
        for run in runs:
            cell = progress.cells.get(run)
            name = (_spell_setting(cell), str(cell.seed)) if cell else (Text(title, "bold"), "")
            jobs = [[found[run, stage] for stage in each] for each in stages.values()]
            table.add_row(*name, *(_spell_jobs(progress, each) for each in jobs))
    return table


def _spell_setting(cell: Cell) -> Padding:
    """The setting below its loss, broken between hyper-parameters only."""
    unbroken = cell.label.replace(" ", NO_BREAK).replace(f",{NO_BREAK}", ", ")
    return Padding(unbroken, (0, 0, 0, 2))


def _spell_jobs(progress: StudyProgress, jobs: list[Job]) -> Text:
    if len(jobs) == 1:
        return Text(describe_briefly(progress, jobs[0]), STYLES[progress.get_state(jobs[0]).state])
    counts = progress.count(jobs)
    style = STYLES[get_worst(counts)]
    if len(counts) == 1 and (counts[State.DONE] or counts[State.PENDING]):
        return Text("done" if counts[State.DONE] else "·", style)
    others = [f"{counts[state]} {state}" for state in OTHER_STATES if counts[state]]
    return Text(", ".join([f"{counts[State.DONE]}/{len(jobs)}", *others]), style)


def _spell_stage(counts: Counter) -> Text:
    done = counts[State.DONE] + counts[State.DIVERGED]
    style = STYLES[State.DONE if done == counts.total() else State.PENDING]
    lines = [Text(f"{done:,}/{counts.total():,}", style)]
    lines += [Text(f"{counts[state]:,} {state}", STYLES[state]) for state in OTHER_STATES if counts[state]]
    return Text("\n").join(lines)


def _make_table(*headings: str) -> Table:
    table = Table(header_style="bold", pad_edge=False, box=None)
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table


def _get_title(progress: StudyProgress, run: str) -> str:
    return "SFT" if run == SFT else CATALOGUE[progress.cells[run].objective].title
