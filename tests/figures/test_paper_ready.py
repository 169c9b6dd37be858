"""Every figure goes into a two-column paper as it is: its size, its fonts, nothing cut, nothing but vectors."""

import re

import numpy as np
import pandas as pd
import pytest
from captured import Capture, find_hidden
from made_up_card import FILES, JUDGE, make_card_rows
from made_up_cells import make_cell, make_table
from made_up_lengths import make_skewed_lengths
from made_up_scores import SETTINGS, make_cells, make_comparisons, make_leaderboard, make_mt_bench, make_runs
from matplotlib.text import Text
from pdf import count_embedded, read_kinds, read_letter_sizes, read_page
from svg import read_sizes, read_texts, read_width

from lossgrid.figures import (
    forest,
    frontier,
    judge_card,
    learned_mix,
    length_differences,
    loss_shapes,
    mt_bench,
    plane,
    training_curves,
    win_rate_length,
)
from lossgrid.figures.style import LEAST_SIZE, PAGE_HEIGHT, TEXT_WIDTH
from lossgrid.figures.svg_fonts import find_letters
from lossgrid.statistics.judge_card import describe_card

TITLE = "A study of losses"
STEPS = [
    {
        "step": step, "rho_median": np.sin(step), "accuracy": 0.5, "grad_norm": 1.0, "beta_mix": 0.1,
        "beta_mix_grad": 0.1,
    }
    for step in range(1, 30)
]  # fmt: skip


def draw_frontier(cells, paths):
    frontier.plot_frontier(cells, TITLE, paths)


def draw_plane(cells, paths):
    plane.plot_plane(cells, TITLE, paths)


def draw_training_curves(cells, paths):
    training_curves.plot_training_curves(cells, dict.fromkeys(cells["cell"], STEPS), TITLE, paths)


def draw_learned_mix(_, paths):
    settings = [(0.05, 0.2), (0.25, 0.05)]
    rows = [
        make_cell(
            "dlrml_learned", f"β_kl {beta_kl:g}, β_mix {beta_mix:g}, mix_learning_rate 0.01", 1.0, 1.0, tau=0.05,
            beta_kl=beta_kl, beta_mix=beta_mix,
        )
        for beta_kl, beta_mix in settings
    ]  # fmt: skip
    cells = make_table(rows)
    learned_mix.plot_learned_mix(cells, dict.fromkeys(cells["cell"], STEPS), TITLE, paths)


def draw_loss_shapes(_, paths):
    z = np.linspace(-12, 12, 301)
    shapes = pd.DataFrame(
        {"objective": "dpo", "title": "DPO", "label": "β 0.05", "setting": "beta~0.05", "evaluation": "",
         "rho": z / 0.05, "z": z, "loss": np.logaddexp(0, -z), "slope": -0.05 / (1 + np.exp(z))}
    )  # fmt: skip
    loss_shapes.plot_loss_shapes(shapes, TITLE, paths)


def draw_forest(_, paths):
    # Two rows of panels fit a page with so many settings; more of them make it longer, for letters stay as large.
    runs = make_runs(dict(list(SETTINGS.items())[:15]))
    metrics = dict.fromkeys(("reward", "mt_bench", "win_rate", "lc_win_rate", "summary_win_rate_human"), 0.5)
    forest.plot_forest(make_comparisons(runs, metrics), make_cells(runs), TITLE, paths)


def draw_mt_bench(_, paths):
    runs = make_runs()
    mt_bench.plot_mt_bench(make_mt_bench(runs), make_cells(runs), TITLE, paths, "oracle")


def draw_win_rates(_, paths):
    runs = make_runs()
    win_rate_length.plot_win_rate_length(make_leaderboard(runs), make_cells(runs), TITLE, paths, "oracle")


def draw_judge_card(_, paths):
    rows = make_card_rows()
    judge_card.plot_judge_card(rows, describe_card(rows, FILES, JUDGE), TITLE, paths, JUDGE, "gpt-4")


def draw_length_differences(_, paths):
    length_differences.plot_length_differences(*make_skewed_lengths(5000), TITLE, paths)


FIGURES = {
    "judge_card": (judge_card, draw_judge_card),
    "frontier": (frontier, draw_frontier),
    "plane": (plane, draw_plane),
    "training_curves": (training_curves, draw_training_curves),
    "learned_mix": (learned_mix, draw_learned_mix),
    "loss_shapes": (loss_shapes, draw_loss_shapes),
    "length_differences": (length_differences, draw_length_differences),
    "differences": (forest, draw_forest),
    "mt_bench": (mt_bench, draw_mt_bench),
    "win_rates": (win_rate_length, draw_win_rates),
}


def find_cut(figure) -> list[str]:
    """Texts that reach beyond the page, also those that the layout does not know."""
    figure.draw_without_rendering()
    width, height = figure.get_size_inches() * figure.dpi
    hidden = {text for axes in figure.axes for text in find_hidden(axes)}
    cut = []
    for text in figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible()):
        box = text.get_window_extent()
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        if text.get_text().strip() and text not in hidden and not inside:
            cut.append(text.get_text())
    return cut


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_goes_into_a_paper_as_it_is(name, cells, tmp_path, monkeypatch):
    """A journal refuses Type 3 fonts and pixels, and what is scaled to a column has letters that nobody reads."""
    module, draw = FIGURES[name]
    capture = Capture(monkeypatch, module)
    pdf, svg = tmp_path / f"{name}.pdf", tmp_path / f"{name}.svg"
    draw(cells, [pdf, svg])

    width, height = read_page(pdf)
    assert (round(width, 3), round(read_width(svg), 3)) == (TEXT_WIDTH, TEXT_WIDTH)
    assert 6.75 <= TEXT_WIDTH <= 7.0
    assert height <= PAGE_HEIGHT + 1e-6

    kinds = read_kinds(pdf)
    assert {"Type0", "CIDFontType2"} <= kinds
    assert not kinds & {"Type3", "Type1", "Image"}
    fonts, embedded = count_embedded(pdf)
    assert fonts == embedded > 0
    assert min(read_letter_sizes(pdf)) >= LEAST_SIZE >= 6
    assert min(read_sizes(svg)) >= LEAST_SIZE

    content = svg.read_text(encoding="utf-8")
    assert "<image" not in content
    assert content.count("@font-face") == len(find_letters(content)) > 0
    assert find_cut(capture.figure) == []
    box = capture.figure.get_tightbbox()
    assert min(box.x0, box.y0) >= 0
    assert box.x1 <= TEXT_WIDTH
    assert box.y1 <= height


def test_letters_of_an_svg_are_in_it(cells, tmp_path):
    """On a machine without the font every browser takes another one, and labels run into each other."""
    from base64 import b64decode
    from io import BytesIO

    from fontTools.ttLib import TTFont

    path = tmp_path / "frontier.svg"
    draw_frontier(cells, [path])
    (encoded,) = re.findall(r"base64,([\w+/=]+)\)", path.read_text(encoding="utf-8"))
    letters = set(TTFont(BytesIO(b64decode(encoded))).getBestCmap())
    assert {ord(letter) for text in read_texts(path) for letter in text} <= letters
    # A part and not the whole font, which is 740 kB.
    assert len(encoded) < 40_000
