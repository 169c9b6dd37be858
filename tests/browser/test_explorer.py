"""The loss explorer in a real browser: its numbers are Python's, and its controls do what they say."""

import numpy as np
import pytest
import torch.nn.functional as F

from lossgrid.audit import audit_objective
from lossgrid.audit.path import MarginLoss
from lossgrid.objectives import modulated
from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.objectives.catalogue.hyperparameters import BETA
from lossgrid.objectives.pairs import log_ratio_margin
from lossgrid.objectives.specification import Objective
from lossgrid.pages.explorer.data import describe_objective, gather_explorer
from lossgrid.pages.template import fill_template
from lossgrid.studies import load_study
from tests.browser.screen import check_screen
from tests.browser.watched import Watched
from tests.cluster.working_copy import ROOT

# Nats: both tails, the start and what lies beside it.
MARGINS = [-300.0, -30.0, -3.7, -1.0, -0.2, -1e-3, 1e-3, 0.2, 0.9, 3.3, 30.0, 300.0]
# Relative to the number or, below 1, absolute.
EXACT = 1e-9
RUN = "dlrml/beta_kl~0.05__beta_mix~0.2__tau~0.05/seed~1"


@pytest.fixture(scope="session")
def explorer(tmp_path_factory):
    """The page of the study mini, with the log of one run."""
    folder = tmp_path_factory.mktemp("explorer")
    log = folder / "cells" / RUN / "training.jsonl"
    log.parent.mkdir(parents=True)
    quantiles = '"rho_min": {0}.5, "rho_q05": {0}.25, "rho_median": 0.5, "rho_q95": 2.0, "rho_max": 3.0'
    log.write_text("".join(f'{{"step": {step}, {quantiles.format(-step)}}}\n' for step in (1, 2, 3)))
    study = load_study(ROOT / "studies" / "mini.yaml")
    data = gather_explorer(study, folder / "cells")
    file = folder / "explorer.html"
    file.write_text(fill_template(ROOT / "report/explorer/explorer.html", "explorer", data), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def opened(browser, explorer):
    """The page, opened once for all that only reads it."""
    context = browser.new_context()
    watched = Watched(context)
    watched.open(explorer)
    yield watched
    context.close()
    assert watched.complaints == []


def read(watched, expression, *values):
    """What the page's own JavaScript says."""
    return watched.page.evaluate(expression, list(values))


def get_settings(objective):
    """The defaults, and another setting that moves all that the page can move."""
    defaults = objective.defaults()
    moved = {name: value * 0.5 if not isinstance(value, str) else value for name, value in defaults.items()}
    return [defaults, moved]


@pytest.mark.parametrize("name", CATALOGUE)
def test_numbers_are_pythons(opened, name):
    """A reader would draw conclusions from a curve that no training follows."""
    objective = CATALOGUE[name]
    fixed = read(
        opened,
        "([name]) => OBJECTIVES.get(name).programs[OBJECTIVES.get(name).evaluations[0] ?? ''].fixed",
        name,
    )
    for setting in get_settings(objective):
        setting = {**setting, **fixed}
        for evaluation in read(opened, "([name]) => OBJECTIVES.get(name).evaluations", name) or [""]:
            chosen = {**setting, "evaluation": evaluation} if evaluation else setting
            loss, slope = MarginLoss(objective, chosen, objective.couples_batch).evaluate(MARGINS)
            shown = read(
                opened,
                """([name, setting, evaluation, margins]) => margins.map((rho) => {
                    const { loss, slope } = computeLoss(OBJECTIVES.get(name).programs[evaluation], rho, setting);
                    return [String(loss), String(slope)];
                })""",
                name, chosen, evaluation, MARGINS,
            )  # fmt: skip
            shown = np.array([[float(each.replace("Infinity", "inf")) for each in pair] for pair in shown])
            np.testing.assert_allclose(shown[:, 0], loss, rtol=EXACT, atol=EXACT, err_msg=f"{chosen}")
            np.testing.assert_allclose(shown[:, 1], slope, rtol=EXACT, atol=EXACT, err_msg=f"{chosen}")


@pytest.mark.parametrize(
    "name", ["dpo", "discopop", "dlrml", "ipo", "cdpo", "savage", "exponential", "hinge", "cell"]
)
def test_marks_are_the_audits(opened, name):
    """Minima, maxima, the sign at the start and the limits of a precision, as the tables have them."""
    objective = CATALOGUE[name]
    setting = objective.defaults()
    audit = audit_objective(objective, setting)
    found = read(
        opened,
        """([name, setting]) => {
            const objective = OBJECTIVES.get(name), program = objective.programs[setting.evaluation ?? ""];
            const limits = Object.fromEntries(PRECISIONS.map((precision) =>
                [precision, [-1, 1].map((side) => findLimit(objective, program, setting, precision, side))]));
            return { ...findLandscape(objective, program, setting), limits };
        }""",
        name, setting,
    )  # fmt: skip
    assert {-1: "right", 0: "flat", 1: "wrong"}[found["start"]] == audit.landscape.start
    assert [point["kind"] for point in found["stationary"]] == [
        each.kind for each in audit.landscape.stationary
    ]
    for point, expected in zip(found["stationary"], audit.landscape.stationary, strict=True):
        assert point["rho"] == pytest.approx(expected.rho, rel=1e-6)
        assert point["loss"] == pytest.approx(expected.loss, rel=EXACT)
    for precision, (left, right) in found["limits"].items():
        limit = audit.get_limit(precision)
        # Half precision rounds exp() at its very edge one way or the other.
        tolerance = 2e-2 if "16" in precision else 1e-3
        assert left == (limit.left and pytest.approx(limit.left, rel=tolerance)), precision
        assert right == (limit.right and pytest.approx(limit.right, rel=tolerance)), precision


@pytest.mark.parametrize("threshold", [20, 60])
def test_softplus_overflows_where_torchs_does_and_nowhere_else(threshold, opened, monkeypatch):
    """A loss would be said to end at βρ = −11 in float16, where e^11 does: torch computes it in float32 inside.

    softplus(z) is z above the threshold, at most threshold + log 2 below it: no z of float16 is too large for it.
    """

    def loss(*logps, beta):
        return F.softplus(-beta * log_ratio_margin(*logps), threshold=threshold)

    monkeypatch.setattr(modulated, "own_loss", loss, raising=False)
    objective = Objective("own", "Own", "modulated:own_loss", "softplus(−βρ)", (BETA,), "ours")
    setting = {"beta": 1.0}
    monkeypatch.setitem(CATALOGUE, "own", objective)
    audit = audit_objective(objective, setting)
    limits = read(
        opened,
        """([objective, setting]) => Object.fromEntries(PRECISIONS.map((precision) => [precision,
            [-1, 1].map((side) => findLimit(objective, objective.programs[""], setting, precision, side))]))""",
        describe_objective(objective, setting), setting,
    )  # fmt: skip
    assert set(limits) >= {"float16", "bfloat16", "float32"}
    for precision, (left, right) in limits.items():
        limit = audit.get_limit(precision)
        assert (limit.left, limit.right) == (None, None), precision
        assert (left, right) == (None, None), precision


def get_hash(watched) -> str:
    """The fragment of the address, once the page has written it."""
    watched.page.wait_for_timeout(500)
    return watched.page.evaluate("location.hash")


def test_a_slider_moves_curve_reading_and_address(watched, explorer):
    """A shared address would show another picture than the one that was meant."""
    watched.open(explorer, "#c=dlrml;beta_kl:0.05;beta_mix:0.2;tau:0.05;evaluation:log_space&reach=10")
    page = watched.page
    assert "80: above the safe wedge, wrong sign at the start" in page.locator("#facts").inner_text()
    before = page.locator("#charts path.curve").first.get_attribute("d")
    number = page.get_by_label("β_mix in 1/nat, as a number")
    number.fill("0.01")
    number.press("Enter")
    assert "beta_mix:0.01" in get_hash(watched).replace("%3A", ":")
    assert "4: in the safe wedge" in page.locator("#facts").inner_text()
    assert page.locator("#charts path.curve").first.get_attribute("d") != before
    # The same by the keyboard.
    slider = page.get_by_label("β_mix in 1/nat", exact=True)
    slider.focus()
    for _ in range(20):
        slider.press("ArrowRight")
    moved = float(number.input_value())
    assert moved == pytest.approx(0.01 * 10 ** (20 * 0.005), rel=0.02)
    address = get_hash(watched)
    watched.open(explorer, address)
    watched.page.reload()
    assert float(page.get_by_label("β_mix in 1/nat, as a number").input_value()) == moved
    assert page.evaluate("state.curves.length") == 1


def test_curves_are_added_changed_and_removed(watched, explorer):
    """Any set of losses can be compared."""
    watched.open(explorer)
    page = watched.page
    assert page.locator(".curve-card").count() == 4
    page.get_by_role("button", name="Add a curve").click()
    page.get_by_label("loss").nth(4).select_option("savage")
    page.wait_for_timeout(200)
    assert "Savage" in page.locator("#readings").inner_text()
    assert page.locator("#charts svg").first.locator("path.curve").count() == 5
    page.get_by_role("button", name="Remove curve 1").click()
    page.wait_for_timeout(200)
    assert "DPO, β 0.05" not in page.locator("#readings").inner_text()
    page.get_by_role("button", name="Start again").click()
    assert page.locator(".curve-card").count() == 4


def test_the_arrow_keys_and_the_pointer_move_the_reading(watched, explorer):
    """The numbers under the pointer are those of the curve; who has no pointer reads them too."""
    watched.open(explorer, "#c=dpo;beta:0.1&reach=10")
    page = watched.page
    page.locator("#charts").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert page.locator("#readings caption").inner_text() == "At ρ = 1 nats"
    # softplus(−0.1) and its slope −0.1·σ(−0.1).
    cells = page.locator("#readings tbody td.number").all_inner_texts()
    assert cells[:2] == ["0.644397", "−0.0475021"]
    frame = page.locator("#charts svg").first.bounding_box()
    page.mouse.move(frame["x"] + frame["width"] * 0.75, frame["y"] + 100)
    assert page.evaluate("state.rho") > 3


def test_margins_of_a_run_lie_under_the_curves(watched, explorer):
    """Where a formula goes wrong matters only where training has its pairs."""
    watched.open(explorer)
    page = watched.page
    page.locator("#run").select_option(RUN)
    page.wait_for_timeout(200)
    assert page.locator("#charts .distribution").count() == 3
    assert (
        page.locator("#step-value")
        .inner_text()
        .startswith("3: median 0.5, nine tenths −3.25 to 2, all −3.5 to 3")
    )
    page.locator("#step").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#step-value").inner_text().startswith("2: median 0.5, nine tenths −2.25 to 2")
    assert "run=" in get_hash(watched)


def test_a_bad_address_is_told_and_not_obeyed(watched, explorer):
    """A mistyped setting must not pass for the one that was meant, nor break the page."""
    watched.open(explorer, "#c=dpo;beta:-1&c=nonsense&reach=x&what=1&run=none")
    told = watched.page.locator("#told").inner_text()
    for each in (
        "dpo, beta: -1 does not fit",
        "nonsense: no such loss",
        "reach=x",
        "what: unknown",
        "run none",
    ):
        assert each in told
    assert watched.page.evaluate("state.curves[0].setting.beta") == CATALOGUE["dpo"].defaults()["beta"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1366])
def test_it_fits_the_screen_and_can_be_read(make_watched, explorer, width, scheme):
    """Text that runs out of a phone, or grey on grey, is not there for its reader."""
    watched = make_watched(width=width, scheme=scheme)
    watched.open(explorer)
    check_screen(watched.page)
