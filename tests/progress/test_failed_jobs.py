"""What a rerun will do."""

import io

import pytest
from made_up_results import NOW
from rich.console import Console

from lossgrid.progress.dependents import Dependents
from lossgrid.progress.failed_jobs import print_failed
from lossgrid.progress.failures import Kind
from lossgrid.progress.study_progress import read_study_progress
from lossgrid.progress.wording import spell_moment

CELL = "dpo/beta~0.1/seed~1"
OTHER = "discopop/beta~0.1__tau~0.05/seed~1"


def render(made_up) -> str:
    """The screen as text."""
    console = Console(width=200, file=io.StringIO())
    progress = read_study_progress(made_up.study, made_up.folder.relative_to(made_up.root), NOW)
    print_failed(progress, console, "snakemake --profile slurm")
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def test_nothing_failed_is_said(made_up):
    """An empty screen could as well be an error of the command."""
    assert render(made_up) == "Study small: nothing has failed, and nothing was interrupted."


def test_each_job_with_its_reason_and_what_follows(made_up):
    """Enough to decide without opening a log: why, how often, from where on, what waits, and what to type."""
    made_up.begin(pid=2**22 + 1)
    failed, interrupted = made_up.find("train_cell", CELL), made_up.find("train_cell", OTHER)
    judging = made_up.find("judge_responses", "mt_bench/shard~0")
    for at in (NOW - 1500, NOW - 1300):
        made_up.start(failed, at)
        made_up.train(failed, step=90, at=at + 90, checkpoint=80)
        made_up.fail(failed, at + 100, state="TIMEOUT", slurm_log=".snakemake/slurm_logs/7.log")
    made_up.start(interrupted, NOW - 1500, written=NOW - 1200)
    made_up.start(judging, NOW - 900)
    made_up.fail(judging, NOW - 800, "SpendLimitReached: judge x: the next call could exceed 5 USD\n")

    # The cell: answers, frontier, judging of its shard of two and scores of both in two evaluations, tables, figures,
    # and the quoted numbers, the cards, the explorer and the report.
    tables, figures = 7, 6
    waiting = 1 + 1 + 2 + 4 + tables + figures + 4
    assert (
        render(made_up)
        == f"""\
Study small: 2 failed and 1 interrupted; 32 later jobs wait for them.

train_cell {CELL}  out of time
  Slurm ended the job: TIMEOUT
  results/small/logs/train_cell/{CELL}.log
  .snakemake/slurm_logs/7.log
  failed {spell_moment(NOW - 1200, NOW)}, 20 min ago, after 2 attempts
  goes on after step 80; {waiting} later jobs wait for it

train_cell {OTHER}  interrupted
  results/small/logs/train_cell/{OTHER}.log
  last heard of {spell_moment(NOW - 1200, NOW)}, 20 min ago
  starts afresh; {waiting} later jobs wait for it

judge_responses mt_bench/shard~0  judge
  SpendLimitReached: judge x: the next call could exceed 5 USD
  results/small/logs/judge_responses/mt_bench/shard~0.log
  failed {spell_moment(NOW - 800, NOW)}, 13 min ago
  11 later jobs wait for it

out of time (1): {Kind.TIMEOUT.remedy}
judge (1): {Kind.JUDGE.remedy}

To run them, and what waits for them:
    snakemake --profile slurm"""
    )


def test_while_the_workflow_runs_it_is_to_be_waited_for(made_up):
    """Typed now, the command would be refused."""
    made_up.begin()
    job = made_up.find("train_cell", CELL)
    made_up.start(job, NOW - 900)
    made_up.fail(job, NOW - 800)
    assert render(made_up).endswith(
        "Snakemake still runs: it tries again by itself, or ends. Then:\n    snakemake --profile slurm"
    )


@pytest.mark.parametrize(
    ("rule", "place", "number"),
    [
        ("plot_frontier", "", 0),
        ("collect_results", "", 12),
        ("make_prompts", "", 54),
        ("make_corpus", "", 64),
    ],
)
def test_what_waits_for_a_job(made_up, rule, place, number):
    """Directly or not, each once: of 68, all but the audit, its figure and the prompts come from the corpus."""
    assert len(Dependents(made_up.jobs).find([made_up.find(rule, place)])) == number
    assert len(made_up.jobs) == 68
