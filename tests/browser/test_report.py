"""The report in a real browser: it opens without a network, its tables sort, its charts lead to the cells."""

import pytest
import vl_convert

from lossgrid.pages.report.data import gather_report
from lossgrid.pages.template import fill_template
from lossgrid.studies import load_study
from tests.browser.screen import check_screen
from tests.cluster.working_copy import ROOT
from tests.pages.made_results import ANSWER, make_results, make_study, make_unjudged_results

TEMPLATE, LOCK = ROOT / "report/page/report.html", ROOT / "requirements.lock"
# Bytes that a report of some twenty cells may have.
MOST = 5_000_000
DPO = "dpo/beta~0.05/seed~1"
CELL = "dlrml/beta_kl~0.05__beta_mix~0.01__tau~0.05/seed~1"


def build(folder, seeds, betas):
    """A page of results that were made up."""
    file = make_study(folder, seeds, betas)
    return write_page(folder, file, make_results(folder, file))


def write_page(folder, file, results):
    """The page of results."""
    data = gather_report(load_study(file), file, results, LOCK)
    page = folder / "index.html"
    page.write_text(fill_template(TEMPLATE, "report", data, vl_convert.javascript_bundle()), encoding="utf-8")
    return page


def build_without_judge(folder):
    """A page of results of a study that judges nothing."""
    return write_page(folder, *make_unjudged_results(folder))


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """The page of a study of twelve cells."""
    return build(tmp_path_factory.mktemp("report"), [1, 2], [0.05, 0.25])


def open_report(watched, file, fragment=""):
    """Load the page and wait for its charts."""
    watched.open(file, fragment)
    watched.page.wait_for_selector("html[data-ready]")
    return watched.page


def list_cells(page) -> list[str]:
    """The names in the leaderboard, from its top."""
    return [name.strip() for name in page.locator("#cells tbody tr:visible td:first-child").all_inner_texts()]


def test_it_is_one_small_file(report):
    """It must go through the mail."""
    assert report.stat().st_size < MOST


def test_the_claims_come_first_with_verdict_and_interval(watched, report):
    """Who opens the page asks what came out."""
    page = open_report(watched, report)
    assert page.locator("main > section").first.get_attribute("id") == "claims"
    claim = page.locator("#claim-list article").inner_text()
    assert claim.startswith("inconclusive dLRML is rated higher than DPO.")
    assert "0.1, 95 % interval −0.2 to 0.4, n = 80; predicted 0.5 to 1" in claim


def test_headings_sort_both_ways_and_diverged_cells_stay_below(watched, report):
    """A cell that diverged must not win by the weights that it had before."""
    page = open_report(watched, report)
    scores = {row["cell"]: row for row in page.evaluate("DATA.rows")}
    heading = page.locator("#cells thead").get_by_role("button", name="MT-Bench")
    for direction, sign in (("descending", -1), ("ascending", 1)):
        heading.click()
        names = page.evaluate(
            "[...document.querySelectorAll('#cells tbody tr')].map((row) => row.cells[0].innerText.trim())"
        )
        assert page.locator("#cells th[aria-sort]").get_attribute("aria-sort") == direction
        healthy = [row for row in scores.values() if row.get("status") != "diverged"]
        expected = sorted(healthy, key=lambda row: sign * row["mt_bench"]["value"])
        expected += [row for row in scores.values() if row.get("status") == "diverged"]
        assert names == page.evaluate("(rows) => rows.map(nameCell)", expected)
    assert "diverged at step 20: the loss is not finite" in page.locator("#cells tbody tr").last.inner_text()


def test_filters_leave_what_was_asked_for(watched, report):
    """Of a thousand cells nobody reads all."""
    page = open_report(watched, report)
    assert page.locator("#filter-count").inner_text() == "13 of 13 cells"
    page.get_by_label("filter").fill("0.25 seed 2")
    assert len(list_cells(page)) == 3
    page.locator("#filter-loss").select_option("DPO")
    assert list_cells(page) == ["DPO, β 0.25, seed 2"]
    assert page.locator("#filter-count").inner_text() == "1 of 13 cells"


def test_a_cells_details_show_what_it_was_and_said(watched, report):
    """Numbers alone do not show what a loss has done to the answers."""
    page = open_report(watched, report)
    page.get_by_role("button", name="dLRML, β_kl 0.05, β_mix 0.01, seed 1").first.click()
    details = page.locator("#details")
    text = details.inner_text()
    assert CELL in text
    assert "finished, 40 of 40 steps" in text
    assert ANSWER in text
    assert "no verdict: parse_error: I cannot say." in text
    assert "Good. Rating: [[7]]" in text
    assert details.locator(".timelines svg").count() == 4
    assert page.evaluate("decodeURIComponent(location.hash)") == f"#cell={CELL}"
    # Beside another cell.
    page.locator("#beside").select_option(label="DPO, β 0.25, seed 1")
    assert details.locator(".answer h5").nth(1).inner_text() == "DPO, β 0.25, seed 1"
    page.keyboard.press("Escape")
    assert not details.is_visible()


def test_a_study_without_a_judge_shows_answers_and_no_empty_parts(watched, tmp_path):
    """Headings over nothing look like results that got lost."""
    page = open_report(watched, build_without_judge(tmp_path), f"#cell={DPO}")
    text = page.locator("#details").inner_text()
    assert "Held-out chat heldout-0" in text
    assert "reward " in text
    assert "judge" not in text
    page.keyboard.press("Escape")
    assert not page.locator("#judge-part").is_visible()


def test_the_data_are_described_with_their_intervals(watched, report):
    """A share of 0.426 is read as 42.6 %, and a count has no interval."""
    page = open_report(watched, report)
    rows = [text.split("\t") for text in page.locator("#data-keys tbody tr").all_inner_texts()]
    assert rows[0][:2] == ["pairs: preference pairs", "4,096"]
    assert rows[1] == [
        "pairs as tokens: share of pairs whose chosen response is longer", "42.6 (41.1 to 44.2)", "%", "4,096",
    ]  # fmt: skip


def test_an_address_leads_to_a_cell(watched, report):
    """A colleague is sent a cell, not a page to search."""
    page = open_report(watched, report, f"#cell={CELL.replace('/', '%2F')}")
    assert page.locator("#details-title").inner_text().strip() == "dLRML, β_kl 0.05, β_mix 0.01, seed 1"


def test_all_can_be_reached_by_the_keyboard(watched, report):
    """Who has no mouse, or does not want one, sorts and opens as well."""
    page = open_report(watched, report)
    page.get_by_label("filter").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "region"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "heading"
    heading = page.locator("#cells thead button.heading").last
    heading.focus()
    page.keyboard.press("Enter")
    assert page.locator("#cells th[aria-sort]").get_attribute("aria-sort") is not None
    page.keyboard.press("Tab")
    name = page.evaluate("document.activeElement.textContent").strip()
    page.keyboard.press("Enter")
    assert page.locator("#details-title").inner_text().strip() == name
    page.keyboard.press("Escape")
    # Back where one was.
    assert page.evaluate("document.activeElement.textContent").strip() == name


def test_the_pointer_names_a_mark_and_a_click_opens_it(watched, report):
    """A point far from all others is what one wants to know more of."""
    page = open_report(watched, report)
    # Of those with a cell; rules and legends have none.
    mark = page.locator("#chart-outcome .mark-symbol.role-mark path").last
    mark.scroll_into_view_if_needed()
    mark.hover(force=True)
    page.wait_for_selector("#vg-tooltip-element.visible")
    tooltip = page.locator("#vg-tooltip-element").inner_text()
    assert "loss" in tooltip
    assert "from, 95 %" in tooltip
    mark.click(force=True)
    assert page.locator("#details").is_visible()


def test_a_chart_shows_what_is_chosen(watched, report):
    """Reward against KL for one reader is win rate against length for another."""
    page = open_report(watched, report)
    before = page.locator("#chart-outcome svg.marks").inner_html()
    page.locator("#chart-outcome select").last.select_option(label="MT-Bench, points of 10")
    page.wait_for_timeout(300)
    assert page.locator("#chart-outcome svg.marks").inner_html() != before


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1366])
def test_it_fits_the_screen_and_can_be_read(make_watched, report, width, scheme):
    """Text that runs out of a phone, or grey on grey, is not there for its reader."""
    page = open_report(make_watched(width=width, scheme=scheme), report)
    check_screen(page)
    page.get_by_role("button", name="DPO, β 0.05, seed 1").first.click()
    check_screen(page)


def test_a_thousand_cells_can_be_used(watched, tmp_path):
    """The largest studies are those that most need a page."""
    betas = [round(0.05 * 1.01**place, 5) for place in range(168)]
    file = build(tmp_path, [1, 2], betas)
    assert file.stat().st_size < MOST
    page = open_report(watched, file)
    assert page.locator("#filter-count").inner_text() == "1009 of 1009 cells"
    page.get_by_label("filter").fill("dpo 0.05 seed 2")
    page.locator("#cells tbody tr:visible button").first.click()
    assert page.locator("#details").is_visible()
