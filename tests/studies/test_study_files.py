"""The studies that ship, the reference made from the schema, and what importing them costs."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from lossgrid.objectives.catalogue import OBJECTIVES
from lossgrid.studies import StudyError, get_cells, get_trained_cells, load_study, reference
from lossgrid.studies.document import read_document
from lossgrid.studies.editor_schema import build_study_schema

ROOT = Path(__file__).parents[2]
STUDIES = [path for path in sorted((ROOT / "studies").glob("*.yaml")) if not path.name.endswith(".lock.yaml")]


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_that_ships_loads_and_fits_the_schema_of_editors(path):
    """The first command of a newcomer would fail, or an editor underline a valid study."""
    study = load_study(path)
    assert study.name == path.stem
    assert 0 < len(get_trained_cells(study)) <= len(get_cells(study))
    jsonschema.validate(read_document(path).data, build_study_schema())


def test_the_default_study_holds_each_objective_and_one_alias():
    """`mini` is what shows the workflow: every loss, both evaluations, an alias and repeated seeds."""
    study = load_study(ROOT / "studies/mini.yaml")
    objectives = {"dpo", "ipo", "hinge", "discopop", "dlrml", "dlrml_learned"}
    assert {cell.objective for cell in get_cells(study)} == objectives
    assert len(get_cells(study)) - len(get_trained_cells(study)) == 1
    assert "discopop/beta~100__tau~0.05__evaluation~published/seed~1" in [
        cell.path for cell in get_cells(study)
    ]


@pytest.mark.parametrize("name", ["mini_deepspeed", "losses_mini", "plane_mini"])
def test_the_small_studies_share_world_and_recipe(name):
    """A cell that two of them hold would be two different runs, and their rewards could not be compared."""
    mini, other = (load_study(ROOT / f"studies/{each}.yaml") for each in ("mini", name))
    launch = {"processes", "deepspeed"}
    for section in ("world", "sft", "training", "evaluation"):
        one, two = (getattr(study, section).model_dump(exclude=launch) for study in (mini, other))
        assert one == two, section


def test_the_study_of_all_losses_holds_all_losses():
    """A loss that nobody trains may be one that cannot be trained."""
    trained = {cell.objective for cell in get_cells(load_study(ROOT / "studies/losses_mini.yaml"))}
    assert trained == {objective.name for objective in OBJECTIVES if not objective.learned}


def test_the_sweep_covers_the_ranges_of_the_proposal():
    """Its claims speak of β_kl from 0.01 to 0.5 and β_mix from 0.05 to 0.5, in both evaluations."""
    cells = get_cells(load_study(ROOT / "studies/plane_mini.yaml"))
    for evaluation in ("log_space", "published"):
        plane = {
            (cell.setting["beta_kl"], cell.setting["beta_mix"])
            for cell in cells
            if cell.objective == "dlrml" and cell.setting["evaluation"] == evaluation
        }
        corners = {(beta_kl, beta_mix) for beta_kl in (0.01, 0.5) for beta_mix in (0.05, 0.5)}
        assert corners <= plane
        assert len(plane) >= 24


def test_the_reference_is_what_the_schema_says(capsys):
    """Readers and editors would be told of keys that no longer exist; the difference is printed."""
    status = reference.main(["--check"])
    assert capsys.readouterr().out == ""
    assert status == 0


def test_a_stale_reference_is_shown_as_a_difference(tmp_path, capsys):
    """A check that never fails would let the documentation drift."""
    assert reference.main([], docs=tmp_path) == 0
    page = tmp_path / "study-reference.md"
    page.write_text(
        page.read_text(encoding="utf-8").replace("`warmup_ratio`", "`warm_up`", 1), encoding="utf-8"
    )
    assert reference.main(["--check"], docs=tmp_path) == 1
    difference = capsys.readouterr().out
    assert "-| `warm_up`" in difference
    assert "+| `warmup_ratio`" in difference


def test_the_example_of_the_reference_is_a_study(study_path):
    """The first thing a reader copies would be refused."""
    study_path.write_text(reference.EXAMPLE, encoding="utf-8")
    study = load_study(study_path)
    assert len(get_cells(study)) == 2 + 2 * 2 + 3 + 2 * 2
    jsonschema.validate(read_document(study_path).data, build_study_schema())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  epochs: 3", "  epochz: 3"),
        ("  epochs: 3", "  epochs: '3'"),
        ("beta_mix: [0.01, 0.2]", "beta_mxi: 0.2"),
        ("beta_mix: [0.01, 0.2]", "beta_mix: -1"),
        ("  hinge:", "  hinges:"),
        ("[log_space, published]", "publishd"),
        ("kind: bound", "kind: bond"),
    ],
)
def test_the_schema_of_editors_finds_mistakes_of_fields(old, new, load_changed, study_path):
    """An editor with the schema would underline nothing."""
    with pytest.raises(StudyError):
        load_changed((old, new))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(read_document(study_path).data, build_study_schema())


def test_yaml_is_read_by_the_rules_of_yaml_1_2(study_path):
    """PyYAML alone reads 5e-7 as text, `no` as false, 1:30 as 90 and a date as an object."""
    study_path.write_text(
        "a: 5e-7\nb: 1e-3\nc: no\nd: 1:30\ne: 2024-01-01\nf: 12\ng: .5\nh: ~\ni: 'x'\nj: true\n"
    )
    assert read_document(study_path).data == {
        "a": 5e-7,
        "b": 1e-3,
        "c": "no",
        "d": "1:30",
        "e": "2024-01-01",
        "f": 12,
        "g": 0.5,
        "h": None,
        "i": "x",
        "j": True,
    }


def test_an_anchor_may_be_used_twice(load_changed):
    """Sharing a recipe's numbers by an alias is plain YAML and no loop."""
    study = load_changed(("learning_rate: 3e-3", "learning_rate: &rate 3e-3"), ("5e-7", "*rate"))
    assert study.training.learning_rate == study.sft.learning_rate == 3e-3


def test_a_study_is_never_changed_after_loading(load_changed):
    """A job could train by another recipe than the one whose identity it writes."""
    study = load_changed()
    with pytest.raises(ValueError, match="frozen"):
        study.training.learning_rate = 1.0
    with pytest.raises(ValueError, match="frozen"):
        study.title = "Another"


def test_importing_studies_leaves_heavy_libraries_alone():
    """Every Slurm job parses the Snakefile twice: importing torch there costs ten seconds a job."""
    code = (
        "import sys, json, lossgrid.studies, lossgrid.studies.reference;"
        "print(json.dumps(sorted({'torch', 'transformers', 'pandas', 'numpy'} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
