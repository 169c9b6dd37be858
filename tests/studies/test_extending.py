"""Studies that extend others: what they amount to."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import referencing

from lossgrid.__main__ import main
from lossgrid.studies import (
    get_cell,
    get_generation_settings,
    get_pairs_settings,
    get_training_settings,
    hash_canonical,
    load_studies,
    load_study,
    loading,
)
from lossgrid.studies.document import read_document
from lossgrid.studies.editor_schema import build_overlay_schema, build_study_schema
from lossgrid.studies.showing import spell_study

ROOT = Path(__file__).parents[2]
CHILD = Path("studies/child.yaml")


def test_files_are_laid_from_left_to_right_and_the_own_keys_on_top(write):
    """A study under an overlay would train by the base's numbers, or lose those that the overlay leaves alone."""
    write(
        overlays__shrink="world: {pairs: 4, heldout_chats: 3}\ntraining: {max_length: 32}\nseeds: [7, 8, 9]\n",
        child="extends: [small, overlays/shrink]\nworld: {heldout_chats: 5}\ndevice: gpu\n",
    )
    base, child = load_study(Path("studies/small.yaml")), load_study(CHILD)
    assert child.name == "child"
    assert child.device == "gpu"
    assert child.title == base.title
    world = {"pairs": 4, "heldout_chats": 5}
    assert child.world == base.world.model_copy(update=world)
    assert child.training == base.training.model_copy(update={"max_length": 32})
    assert child.seeds == (7, 8, 9)
    assert (child.sft, child.objectives, child.claims) == (base.sft, base.objectives, base.claims)


def test_null_switches_an_evaluation_off(write, small):
    """A shrunk variant would still ask the judge, whom nobody started."""
    judged = "mt_bench: {consistency: 4}\njudge: {model: m, base_url: 'http://localhost:1/v1'}\n"
    write(judged=small + judged, child="extends: judged\njudge: null\nmt_bench: null\n")
    assert load_study(Path("studies/judged.yaml")).get_evaluations() == ["mt_bench"]
    child = load_study(CHILD)
    assert (child.get_evaluations(), child.judge) == ([], None)


def test_a_block_replaces_that_of_its_objective_and_null_removes_it(write):
    """Grids that merged by key would train settings that neither file names."""
    write(
        child="extends: small\nclaims: []\n"
        "objectives: {dlrml: {beta_mix: 0.05}, discopop: null, ipo: {beta: 1}, kto: {}}\n"
    )
    objectives = load_study(CHILD).objectives
    assert [name for name, _, _ in objectives.iterate()] == ["dpo", "hinge", "dlrml", "ipo", "kto"]
    assert objectives.dlrml[0].model_dump(exclude_defaults=True) == {"beta_mix": (0.05,)}
    assert len(objectives.hinge) == 1
    assert objectives.kto[0].beta == (0.1,)


def test_in_a_study_by_itself_null_is_an_objective_with_its_defaults(write, small):
    """`hinge:` of a whole study that stands to the right of another would remove what it means to add."""
    write(
        other=small,
        lower="extends: small\nclaims: []\nobjectives: {hinge: null}\n",
        child="extends: [lower, other]\n",
    )
    assert load_study(Path("studies/lower.yaml")).objectives.hinge == ()
    assert len(load_study(CHILD).objectives.hinge) == 1


def test_what_two_files_extend_lies_below_both(write):
    """The base of the second would undo what the first changes of it."""
    write(
        left="extends: small\nworld: {pairs: 6}\n",
        right="extends: small\nworld: {corpus_chats: 7}\n",
        child="extends: [left, right]\n",
    )
    world = load_study(CHILD).world
    assert (world.pairs, world.corpus_chats, world.heldout_chats) == (6, 7, 10)


def test_an_anchor_holds_within_its_file(write, small):
    """An overlay of a value that its base shares by an alias would change it in both places."""
    shared = small.replace("max_length: 64\nseeds", "max_length: *length\nseeds")
    shared = shared.replace("max_length: 64\ntraining", "max_length: &length 64\ntraining")
    write(shared=shared, child="extends: shared\ntraining: {max_length: 32}\n")
    child = load_study(CHILD)
    assert (child.sft.max_length, child.training.max_length) == (64, 32)


def test_a_folder_reads_each_file_once(write, monkeypatch):
    """All studies are read at every parse of the workflow, twice a job: twenty extensions would parse one base twenty
    times.
    """
    read = []
    monkeypatch.setattr(loading, "read_document", lambda path: read.append(path) or read_document(path))
    write(overlays__o="seeds: [1]\n", **{f"child{i}": "extends: [small, overlays/o]\n" for i in range(5)})
    assert len(load_studies(Path("studies"))) == 6
    assert len(read) == len(set(read)) == 7


def test_a_change_of_the_base_reruns_what_depends_on_it(write, small, study_path):
    """Cells of an extending study would keep the results of a recipe that no file holds any more."""

    def hash_steps():
        study = load_study(CHILD)
        cell = get_cell(study, "dpo/beta~0.05/seed~1")
        steps = [
            get_training_settings(study, cell),
            get_pairs_settings(study),
            get_generation_settings(study),
        ]
        return [hash_canonical(settings) for settings in steps]

    write(child="extends: small\nsft: {epochs: 1}\n")
    before = hash_steps()
    study_path.write_text(small.replace("5e-7", "6e-7").replace("epochs: 3", "epochs: 4"))
    after = hash_steps()
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, True, True]


def test_show_prints_what_an_extending_study_amounts_to(write, capsys):
    """A reader would have to lay four files on each other in the head."""
    write(
        overlays__shrink="world: {pairs: 4}\nobjectives: {hinge: null}\n",
        child="extends: [small, overlays/shrink]\ntraining: {learning_rate: 1e-6}\n",
    )
    main(["show", "child"])
    shown = capsys.readouterr().out
    first, *lines = shown.splitlines()
    assert first == "# studies/small.yaml, then studies/overlays/shrink.yaml, then studies/child.yaml"
    assert {"  pairs: 4", "  learning_rate: 1e-6", "  corpus_chats: 100"} <= set(lines)
    assert not re.search("extends|hinge|warmup", shown)
    assert spell_study(Path("studies/small.yaml")).startswith("# studies/small.yaml\ntitle: A small study\n")


def test_the_examples_of_the_documentation_are_studies(write):
    """The first thing a reader copies would be refused."""
    blocks = re.findall(
        r"```yaml\n(.*?)```", (ROOT / "docs/studies.md").read_text(encoding="utf-8"), re.DOTALL
    )
    [example] = [block for block in blocks if "extends: mini " in block]
    [overlay] = [block for block in blocks if "# studies/overlays/shrink.yaml" in block]
    mini = (ROOT / "studies/mini.yaml").read_text(encoding="utf-8")
    small = example.replace("extends: mini ", "extends: [mini, overlays/shrink] ")
    write(mini=mini, overlays__shrink=overlay, child=example, shrunk=small)
    child = load_study(CHILD)
    assert child.get_evaluations() == ["alpaca_eval", "summaries"]
    names = list(dict.fromkeys(name for name, _, _ in child.objectives.iterate()))
    assert names == ["dpo", "ipo", "hinge", "discopop", "dlrml", "kto"]
    assert load_study(Path("studies/shrunk.yaml")).world.pairs == 64


def test_the_schemas_of_editors_know_extensions_and_overlays(write):
    """An editor would underline every key that the base says, or no mistake at all."""
    write(child="extends: small\nworld: {pairs: 4}\nobjectives: {hinge: null}\nmt_bench: null\n")
    study = build_study_schema()
    extension = read_document(CHILD).data
    jsonschema.validate(extension, study)
    overlay = {key: value for key, value in extension.items() if key != "extends"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(overlay, study)
    schema = referencing.Resource.from_contents(study)
    overlays = jsonschema.Draft202012Validator(
        build_overlay_schema(), registry=referencing.Registry().with_resource("study.schema.json", schema)
    )
    assert overlays.is_valid(overlay)
    for key, value in [
        ("world", {"pairz": 4}),
        ("world", {"pairs": "many"}),
        ("training", {"epochs": 0}),
        ("claims", [{"kind": "bound"}]),
        ("extends", []),
        ("extends", 3),
        ("worlds", {}),
    ]:
        changed = json.loads(json.dumps({**extension, key: value}))
        assert not jsonschema.Draft202012Validator(study).is_valid(changed), (key, value)
