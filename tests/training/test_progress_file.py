"""How far a run has come is written beside its checkpoints, and goes with them."""

import time

import pytest

from lossgrid.training.progress_file import PROGRESS, ProgressFile, TrainingProgress, read_progress

# 6 steps of 16 pairs, a line of the log every step, a checkpoint after 2 and 4.


def test_a_killed_run_leaves_its_step_and_the_next_one_counts_from_its_checkpoint(train, faulty, tmp_path):
    """A watcher could not tell 2 minutes left from 2 days, nor a resumed run's pace from that of all its steps."""
    before = time.time()
    with pytest.raises(BaseException, match=r"^$"):
        train("cell", faulty({4: "kill"}))
    (run_folder,) = (tmp_path / "cell/checkpoints").iterdir()
    first = read_progress(run_folder)
    assert (first.step, first.planned_steps, first.first_step) == (3, 6, 0)
    assert before < first.began < first.at < time.time()

    with pytest.raises(BaseException, match=r"^$"):
        train("cell", faulty({6: "kill"}))
    second = read_progress(run_folder)
    assert (second.step, second.planned_steps, second.first_step) == (5, 6, 2)
    assert second.began > first.at

    assert train("cell").health["planned_steps"] == second.planned_steps
    assert not list((tmp_path / "cell").rglob(PROGRESS))


@pytest.mark.parametrize(
    ("progress", "now", "left"),
    [
        # 2 of 6 steps in 10 s leave 4 × 5 s.
        (TrainingProgress(2, 6, 0, 100.0, 110.0), 110.0, 20.0),
        # 3 s later they leave 17.
        (TrainingProgress(2, 6, 0, 100.0, 110.0), 113.0, 17.0),
        # After step 40 the pace is that of 10 steps in 5 s.
        (TrainingProgress(50, 100, 40, 100.0, 105.0), 105.0, 25.0),
        # A step that takes longer than all before is late, and does not end in the past.
        (TrainingProgress(2, 6, 0, 100.0, 110.0), 900.0, 0.0),
        (TrainingProgress(6, 6, 0, 100.0, 110.0), 110.0, 0.0),
        (TrainingProgress(0, 6, 0, 100.0, 100.0), 109.0, None),
        (TrainingProgress(40, 60, 40, 100.0, 100.0), 109.0, None),
    ],
)
def test_time_left(progress, now, left):
    """What is left takes as long a step as what this process has done."""
    assert progress.estimate_left(now) == (left if left is None else pytest.approx(left, abs=1e-9))


def test_a_file_that_cannot_be_read_is_no_progress(tmp_path):
    """A watcher must not break on what another version or a full disk has left."""
    assert read_progress(tmp_path) is None
    for text in ("", "{", "[1]", '{"steps": 3}'):
        (tmp_path / PROGRESS).write_text(text)
        assert read_progress(tmp_path) is None
    ProgressFile(tmp_path, planned_steps=9, first_step=4).write(5)
    assert read_progress(tmp_path).step == 5
    assert [file.name for file in tmp_path.iterdir()] == [PROGRESS]
