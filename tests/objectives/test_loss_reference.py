"""docs/losses.md: that it is what the catalogue says, and that its numbers are those of the losses."""

import re
import subprocess
import sys
from math import log
from pathlib import Path

import pytest

from lossgrid.objectives.catalogue import CATALOGUE, FAMILIES, OBJECTIVES, reference

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page():
    return reference.build_page()


def test_the_page_is_what_the_catalogue_says(capsys):
    """Readers would be told of other formulas and defaults than those that train; the difference is printed."""
    status = reference.main(["--check"])
    assert capsys.readouterr().out == "", "run `make docs`"
    assert status == 0


def test_a_stale_page_is_shown_as_a_difference(tmp_path, capsys):
    """A check that never fails would let the page drift."""
    assert reference.main([], docs=tmp_path) == 0
    assert reference.main(["--check"], docs=tmp_path) == 0
    page = tmp_path / "losses.md"
    page.write_text(page.read_text(encoding="utf-8").replace("softplus(−βρ)", "relu(−βρ)"), encoding="utf-8")
    assert capsys.readouterr().out == ""
    assert reference.main(["--check"], docs=tmp_path) == 1
    difference = capsys.readouterr().out
    assert "-`relu(−βρ)`" in difference
    assert "+`softplus(−βρ)`" in difference


def test_make_docs_writes_every_page():
    """`make docs` would leave a page behind that the test above then refuses."""
    recipe = subprocess.run(
        ["make", "--dry-run", "--always-make", "docs"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for module in ("lossgrid.studies.reference", "lossgrid.objectives.catalogue.reference"):
        assert f"python -m {module}\n" in recipe


def test_families_and_losses_stand_in_the_catalogue_s_order(page):
    """A loss would be missing, or stand in another family."""
    headings = re.findall(r"^###? (.*)", page, re.M)
    expected = []
    for title, losses in FAMILIES.items():
        if losses:
            expected += [title, *(f"`{each.name}`: {each.title}" for each in losses)]
    assert headings == ["Overview", "Notation", *expected]


def test_every_link_of_the_overview_leads_to_a_section(page):
    """A click on a loss would lead nowhere."""
    anchors = re.findall(r"\]\(#([^)]*)\)", page)
    assert len(anchors) == len(set(anchors)) == len(OBJECTIVES)
    assert set(anchors) <= {reference.get_anchor(heading) for heading in re.findall(r"^#+ (.*)", page, re.M)}
    # As GitHub does it: backticks, colons and brackets go, spaces become hyphens, underscores stay.
    assert reference.get_anchor("`dlrml_learned`: dLRML, learned mix") == "dlrml_learned-dlrml-learned-mix"


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.name)
def test_a_section_says_everything_about_its_loss(page, objective):
    """A reader would not learn what a loss takes, where a default comes from, or that it couples its batch."""
    section = re.search(rf"^### `{objective.name}`:.*?(?=^##|\Z)", page, re.M | re.S).group()
    module, function = objective.function.split(":")
    imported = re.search(r"`(from lossgrid\.objectives\.\w+ import \w+)`", section).group(1)
    assert imported == f"from lossgrid.objectives.{module} import {function}"
    for text in (objective.formula, objective.reference, objective.convention):
        assert text in section
    assert ("averaged, " in section) == objective.length_normalised
    assert ("policy alone" in section) == objective.reference_free
    assert ("Couples the micro-batch" in section) == objective.couples_batch
    assert ("Trained with the policy" in section) == bool(objective.learned)
    rows = re.findall(r"^\| `(\w+)` \| `([^`]*)` \|(.*)\|$", section, re.M)
    assert [name for name, *_ in rows] == [parameter.name for parameter in objective.hyperparameters]
    for (_, default, rest), parameter in zip(rows, objective.hyperparameters, strict=True):
        assert type(parameter.default)(default) == parameter.default
        assert parameter.source in rest
        assert parameter.description.replace("|", "\\|") in rest


def test_every_example_can_be_imported(page):
    """The first line that a reader copies would fail."""
    lines = set(re.findall(r"from lossgrid\.objectives\.\w+ import \w+", page))
    code = "\n".join(sorted(lines))
    assert len(lines) >= len({objective.function for objective in OBJECTIVES})
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_tables_have_one_number_of_columns(page):
    """A bar in a formula, |u − q|, would tear its row apart."""
    tables = re.findall(r"(?:^\|.*\n)+", page, re.M)
    assert len(tables) == 1 + sum(bool(objective.hyperparameters) for objective in OBJECTIVES)
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1


def test_numbers_of_the_modulated_family():
    """The identities on the page would be those of another default (test_modulated_shape.py measures the rest).

    Slope −3/4 + r(1 − log 2)/4: 0 at r = 3/(1 − log 2). The margin is u/β_kl, the limits in ρ are z/β.
    """
    text = reference.BEYOND_THE_SENTENCE["Modulated"]

    def ratio(name):
        return float(CATALOGUE[name].get_mix_ratio(CATALOGUE[name].defaults()))

    assert (
        f"r = {ratio('discopop'):g} and the slope {-0.75 + ratio('discopop') * (1 - log(2)) / 4:+.3f}" in text
    )
    assert f"has r = {ratio('dlrml'):g} and {-0.75 + ratio('dlrml') * (1 - log(2)) / 4:+.2f}" in text
    assert f"From r = {3 / (1 - log(2)):.3f} on" in text
    beta_kl = CATALOGUE["dlrml"].defaults()["beta_kl"]
    assert f"ρ = −{0.0486 / beta_kl:.2f} and +{0.0389 / beta_kl:.2f} nats" in text
    overflow = 88.7228
    assert (
        f"ρ < −{overflow / 0.05:.0f} at β = 0.05, −{overflow:.1f} at 1, −{overflow / 2.5:.1f} at 2.5 and "
        f"−{overflow / 5:.1f} at 5"
    ) in text.replace("\n   ", " ")


def test_writing_the_page_imports_no_torch():
    """`make docs` would need what training needs."""
    code = (
        "import sys, lossgrid.objectives.catalogue.reference as page; page.build_page();"
        "sys.exit(bool({'torch', 'numpy', 'pydantic'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
