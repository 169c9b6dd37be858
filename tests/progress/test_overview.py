"""A study on one screen."""

import io

import pytest
from made_up_results import JUDGE, NOW, MadeUpResults, write_study
from rich.console import Console

from lossgrid.progress.overview import MOST_LISTED, print_overview
from lossgrid.progress.study_progress import read_study_progress
from lossgrid.progress.wording import spell_moment, spell_time

CUDA = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has 79.15 GiB, 1 is free now."
TRACEBACK = 'Traceback (most recent call last):\n  File "train_cell.py", line 92\n'


def render(made_up, width: int = 160, now: float = NOW, every_run: bool = False) -> str:
    """The screen as text, with plain blanks, and none at the ends of lines."""
    console = Console(width=width, file=io.StringIO())
    progress = read_study_progress(made_up.study, made_up.folder.relative_to(made_up.root), now)
    print_overview(progress, console, "snakemake --profile slurm", every_run)
    return "\n".join(line.rstrip().replace("\u00a0", " ") for line in console.file.getvalue().splitlines())


@pytest.fixture
def scene(made_up) -> MadeUpResults:
    """A study in which something is in every state."""
    made_up.begin(pid=2**22 + 1)
    cells = [f"dpo/beta~{beta}/seed~{seed}" for beta in (0.1, 0.5) for seed in (1, 2)]
    trained = [made_up.find("train_cell", cell) for cell in cells]
    made_up.finish_before(trained[0])
    made_up.finish(made_up.find("make_prompts"), trained[0])
    made_up.finish(trained[1], status="diverged", first_nonfinite_step=47)
    made_up.start(trained[2], NOW - 1500)
    made_up.train(trained[2], step=48, at=NOW - 10, began=NOW - 490)
    made_up.start(trained[3], NOW - 1500)
    made_up.train(trained[3], step=90, at=NOW - 1400, checkpoint=80)
    made_up.fail(trained[3], NOW - 1320, TRACEBACK + CUDA + "\n")
    made_up.finish(made_up.find("generate_responses", "sft"))
    made_up.finish(made_up.find("generate_responses", f"cells/{cells[0]}"))
    judging = made_up.find("judge_responses", "mt_bench/shard~0")
    made_up.start(
        judging,
        NOW - 60,
        "judge x on y: 1,204 of 2,000; 33.1/s, 24 s left; 3 unreadable, 0 failed\n",
        NOW - 60,
    )
    made_up.start(made_up.find("generate_responses", f"cells/{cells[1]}"), NOW - 1500, written=NOW - 1200)
    return made_up


def test_every_state_has_its_place(scene):
    """What a person looks at in the morning: what is there, what runs and for how long, what went wrong and where."""
    assert (
        render(scene)
        == f"""\
Study small: 6 cells and the SFT model; 1 alias is not trained
9 of 68 jobs done (1 diverged), 2 running, 1 failed, 1 interrupted, 55 pending
Snakemake, started at {spell_moment(NOW - 3600, NOW)}, was ended from outside after {spell_moment(NOW - 1500, NOW)}.

shared       corpus done   sft done   pairs done   reference done   prompts done
mt_bench     0 of 4 judging jobs done, 1 running, 3 pending
alpaca_eval  0 of 4 judging jobs done, 4 pending
tables       0 of 10 done, 10 pending
figures      0 of 8 done, 8 pending

                        seed  train           generate     frontier  mt_bench  alpaca_eval
SFT                           done            done         ·         running   ·
DPO
  β 0.1                    1  done            done         ·         running   ·
  β 0.1                    2  diverged at 47  interrupted  ·         ·         ·
  β 0.5                    1  48/128, 13 min  ·            ·         ·         ·
  β 0.5                    2  failed          ·            ·         ·         ·
DiscoPOP (LRML)
  β 0.1                    1  ·               ·            ·         ·         ·
dLRML
  β_kl 0.1, β_mix 0.02     1  ·               ·            ·         ·         ·

Failed or interrupted (2)
  interrupted, 20 min ago: generate_responses cells/dpo/beta~0.1/seed~2
    results/small/logs/generate_responses/cells/dpo/beta~0.1/seed~2.log
  out of GPU memory, 22 min ago: train_cell dpo/beta~0.5/seed~2
    {CUDA}
    results/small/logs/train_cell/dpo/beta~0.5/seed~2.log

What a rerun will do:  python -m lossgrid status small --failed
To go on:  snakemake --profile slurm"""
    )


@pytest.mark.parametrize("width", [60, 80, 100])
def test_on_a_narrow_screen_nothing_is_cut_but_long_errors(scene, width):
    """Paths are to be copied whole; all else must fit."""
    text = render(scene, width)
    paths = ("    results/", "What a rerun", "To go on", "  interrupted, ", "  out of GPU memory, ")
    for line in text.splitlines():
        assert len(line) <= width or line.startswith(paths)
    assert "    results/small/logs/train_cell/dpo/beta~0.5/seed~2.log" in text.splitlines()
    for word in (
        "diverged at 47",
        "48/128, 13 min",
        "DiscoPOP (LRML)",
        "1/4, 1 running" if width < 90 else "interrupted",
    ):
        assert word in text
    assert "…" in text


def test_a_study_that_was_never_started_says_what_to_type(made_up):
    """The first question of all."""
    assert render(made_up) == (
        "Study small: 6 cells and the SFT model; 1 alias is not trained\n"
        "Not started yet. To start it:\n"
        "    snakemake --profile slurm"
    )


def test_a_study_that_is_complete_says_where_to_look(made_up):
    """Nothing to type, and nothing that is still called pending."""
    made_up.begin()
    made_up.finish(*made_up.jobs.values())
    made_up.say(NOW - 600, "ended", success=True)
    lines = render(made_up).splitlines()
    assert lines[1] == "68 of 68 jobs done"
    assert lines[2] == f"Snakemake ended at {spell_moment(NOW - 600, NOW)}."
    assert lines[-1] == "Complete: results/small/figures and results/small/tables"
    assert "·" not in render(made_up)


def test_while_the_workflow_runs_there_is_nothing_to_type(made_up):
    """A second Snakemake in the same folder is refused; the screen must not ask for one."""
    made_up.begin(executor="slurm")
    made_up.start(made_up.find("train_sft"), NOW - 100)
    made_up.train(made_up.find("train_sft"), step=30, planned=40, at=NOW - 10, began=NOW - 100)
    text = render(made_up)
    assert "Snakemake has been running since" in text
    assert "sft running (step 30 of 40, 20 s left)" in text
    assert "To go on" not in text


def test_training_that_writes_nothing_is_noticed(made_up):
    """A process that hangs looks like one that runs, and costs a GPU."""
    made_up.begin()
    made_up.start(made_up.find("train_sft"), NOW - 3000)
    made_up.train(made_up.find("train_sft"), step=30, planned=40, at=NOW - 2700, began=NOW - 3000)
    assert "sft running (step 30 of 40, nothing written for 45 min)" in render(made_up)


def test_judging_says_how_far_it_is(scene):
    """The slowest and dearest jobs are one file each."""
    text = render(scene, every_run=False)
    assert "mt_bench     0 of 4 judging jobs done, 1 running" in text
    big = MadeUpResults(
        write_study(
            scene.root, f"dpo: {{beta: 0.1, seeds: [{', '.join(map(str, range(50)))}]}}", JUDGE, "big"
        ),
        scene.root,
    )
    big.begin()
    judging = big.find("judge_responses", "mt_bench/shard~0")
    big.start(
        judging, NOW - 90, "judge x on y: 1,204 of 2,000; 33.1/s, 24 s left; 3 unreadable, 0 failed\n", NOW
    )
    generating = big.find("generate_responses", "sft")
    big.start(generating, NOW - 300)
    text = render(big)
    assert "  judge_responses mt_bench/shard~0: 1,204 of 2,000 judgments, 24 s left\n" in text
    assert "  generate_responses sft: for 5 min\n" in text


def test_a_thousand_cells_fit_on_a_screen(made_up):
    """Counts by objective and stage, and in full only what somebody has to know, each list with an end."""
    seeds = ", ".join(map(str, range(1, 251)))
    objectives = f"dpo: {{beta: [0.1, 0.2], seeds: [{seeds}]}}\n  ipo: {{beta: [0.1, 0.2], seeds: [{seeds}]}}"
    many = MadeUpResults(write_study(made_up.root, objectives, "", "many"), made_up.root)
    many.begin()
    cells = [job for job in many.jobs.values() if job.rule == "train_cell"]
    many.finish_before(cells[0])
    many.finish(*cells[:20])
    many.finish(*cells[20:40], status="diverged", first_nonfinite_step=3)
    for number, job in enumerate(cells[40:60]):
        many.start(job, NOW - 600)
        many.fail(job, NOW - 500 + number, TRACEBACK + CUDA.replace("2.50", f"2.{number}") + "\n")
    for job in cells[60:80]:
        many.start(job, NOW - 600)
        many.train(job, step=64, at=NOW, began=NOW - 64)
    lines = render(many, 100).splitlines()
    assert len(lines) < 50
    assert max(map(len, lines)) <= 100
    table = lines.index("     train        generate  frontier")
    assert lines[table : table + 7] == [
        "     train        generate  frontier",
        "SFT  1/1          0/1       0/1",
        "DPO  40/500       0/500     0/500",
        "     20 diverged",
        "     20 running",
        "     20 failed",
        "IPO  0/500        0/500     0/500",
    ]
    running = lines.index("Running (20)")
    assert lines[running + 1] == "  train_cell dpo/beta~0.1/seed~61: step 64 of 128, 64 s left"
    assert lines[running + 1 + MOST_LISTED] == "  and 12 more"
    failed = lines.index("Failed or interrupted (20)")
    assert lines[failed + 1] == (
        "  out of GPU memory, 8 min ago: train_cell dpo/beta~0.1/seed~60, and 19 more before it"
    )
    assert lines[failed + 2].startswith(
        "    torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.19 GiB."
    )
    assert lines[failed + 3] == "    results/many/logs/train_cell/dpo/beta~0.1/seed~60.log"
    diverged = lines.index("Diverged, which is a result (20)")
    assert lines[diverged + 1] == "  dpo/beta~0.1/seed~21: step 3"
    assert lines[diverged + 1 + MOST_LISTED] == "  and 12 more"
    assert len(render(many, 100, every_run=True).splitlines()) > 1000


def test_errors_that_differ_are_told_apart(made_up):
    """Ten jobs out of memory are one trouble; two errors of a program are two."""
    made_up.begin()
    for number, cell in enumerate(["dpo/beta~0.1/seed~1", "dpo/beta~0.1/seed~2", "dpo/beta~0.5/seed~1"]):
        job = made_up.find("train_cell", cell)
        made_up.start(job, NOW - 600)
        made_up.fail(job, NOW - 500 + number, TRACEBACK + f"ValueError: number {number // 2}\n")
    text = render(made_up)
    assert (
        "Failed or interrupted (3)\n  error, 8 min ago: train_cell dpo/beta~0.5/seed~1\n    ValueError: number 1\n"
        in text
    )
    assert (
        "  error, 8 min ago: train_cell dpo/beta~0.1/seed~2, and 1 more before it\n    ValueError: number 0\n"
        in text
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (89, "89 s"),
        (91, "2 min"),
        (5399, "90 min"),
        (5401, "1.5 h"),
        (40000, "11 h"),
        (129601, "1.5 days"),
    ],
)
def test_times_are_short(seconds, text):
    """Nobody reads 129,601 s."""
    assert spell_time(seconds) == text
