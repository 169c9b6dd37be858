"""A published frontier among our own runs: only where both measures are the same, and never mixed."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from captured import Capture, get_points
from made_up_cells import make_cell, make_table
from svg import read_texts

from lossgrid.figures import frontier
from lossgrid.figures.published import PublishedFrontier, read_frontier
from lossgrid.paper.captions.cells import describe_frontier
from lossgrid.statistics.quality import Quality
from lossgrid.studies.reproduction import Reproduction, is_published_frontier

TITLE = "A study of film reviews"
CLASSIFIED = Quality("reward", "reward", "P(POSITIVE)", "responses", "chats")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture
def cells() -> pd.DataFrame:
    """Runs with the paper's divergence beside the usual one."""
    rows = [make_cell("dpo", "β 0.05", 40.0, 0.9, beta=0.05)]
    rows += [make_cell("discopop", "β 0.05", 60.0, 0.95, beta=0.05)]
    return make_table(rows).assign(kl_reference_per_token=0.8, kl_reference_per_token_se=0.01)


@pytest.fixture
def published() -> PublishedFrontier:
    """Runs of which a strength or two have no numbers, and of a loss that the study lacks."""
    rows = [("dpo", 0.05, 0.97, 1.0), ("dpo", 0.05, 0.95, 1.2), ("dpo", 2.5, np.nan, np.nan)]
    rows += [("discopop", 5.0, np.nan, np.nan), ("discopop", 2.5, np.nan, np.nan), ("aqfl", 5.0, 0.5, 0.5)]
    runs = pd.DataFrame(rows, columns=["objective", "beta", "reward", "kl"])
    return PublishedFrontier(runs, "a paper", shared=True)


def test_the_same_measures_share_axes_with_ours(cells, published, tmp_path, monkeypatch):
    """The question of a study that repeats a frontier is whether its points lie where the published ones do."""
    capture, path = Capture(monkeypatch, frontier), tmp_path / "frontier.svg"
    frontier.plot_frontier(cells, TITLE, [path], published, CLASSIFIED)
    ours, beside = capture.figure.axes
    drawn = {(round(x, 9), round(y, 9)) for x, y in get_points(beside)}
    assert {(0.8, 0.9), (0.8, 0.95), (1.1, 0.96)} <= drawn
    # Losses that the study lacks are not its question.
    assert (0.5, 0.5) not in drawn
    assert not {(0.8, 0.9), (1.1, 0.96)} & set(get_points(ours))
    texts = " ".join(read_texts(path))
    for said in (
        "published: a paper", "without numbers: DPO β 2.5; DiscoPOP (LRML) β 2.5, 5", "published runs",
        "KL(reference ‖ policy)", "reward of a response, P(POSITIVE), ours and published",
    ):  # fmt: skip
        assert said in texts
    assert "true reward" not in texts


def test_the_caption_says_what_is_shared_and_what_is_missing(cells, published):
    """A reader of the paper sees no code: which divergence it is must stand below the figure."""
    caption = describe_frontier(cells, published, CLASSIFIED)
    assert caption.startswith("Reward of a response (P(POSITIVE)) over the KL divergence")
    assert "on the same axes: KL(reference ‖ policy) of the next token" in caption
    assert "Published without numbers, and not drawn: DPO β 2.5; DiscoPOP (LRML) β 2.5, 5." in caption
    apart = describe_frontier(cells, PublishedFrontier(published.runs, "a paper"), CLASSIFIED)
    assert "the two panels share no axis and no mean" in apart
    assert "on the same axes" not in apart


def test_hollow_is_published_and_filled_is_ours(cells, published, tmp_path, monkeypatch):
    """Two kinds of point of one colour on one pair of axes must be told apart."""
    capture = Capture(monkeypatch, frontier)
    frontier.plot_frontier(cells, TITLE, [tmp_path / "frontier.svg"], published, CLASSIFIED)
    filled = {
        tuple(np.round(point, 9)): bool(len(marks.get_facecolor()))
        for marks in capture.figure.axes[1].collections
        if hasattr(marks, "get_sizes") and marks.get_sizes()[:1].sum() > 10
        for point in np.asarray(marks.get_offsets())
    }
    assert filled[0.8, 0.9]
    assert not filled[1.1, 0.96]


@pytest.mark.parametrize(
    ("label", "reference_kl", "shared"),
    [("POSITIVE", True, True), ("POSITIVE", False, False), ("joy", True, False)],
)
def test_only_the_same_reward_and_divergence_are_shared(label, reference_kl, shared):
    """Another classifier's probability, or a divergence the other way round, on a published axis is a false claim."""
    world = SimpleNamespace(kind="hub", reward=SimpleNamespace(label=label))
    assert is_published_frontier(world, SimpleNamespace(reference_kl=reference_kl)) is shared


@pytest.mark.parametrize("world", [{"kind": "reviews"}, {"kind": "hub", "reward": None}])
def test_no_other_reward_is_the_published_one(world):
    """Points of the reviews world are no probabilities, whatever divergence is measured."""
    assert not is_published_frontier(world, SimpleNamespace(reference_kl=True))


def test_the_published_runs_without_numbers_are_counted(fixtures):
    """Of 60 rows without numbers nobody would learn, were they dropped: LRML failed at β = 2.5 and 5."""
    file = str(fixtures / "discopop/imdb_results_2.csv")
    study = SimpleNamespace(
        reproduces=Reproduction(paper="discopop", frontier=file),
        world={"kind": "reviews"},
        evaluation=SimpleNamespace(reference_kl=True),
    )
    read = read_frontier(study)
    assert read.list_failed(["dpo", "discopop", "dbaql"]) == ["DiscoPOP (LRML) β 2.5, 5", "DBAQL β 1, 2.5, 5"]
    # Ten seeds of the sampling for each of nine strengths.
    assert len(read.select(["dpo"])) == 90
    assert len(read.select(["discopop"])) == 70
