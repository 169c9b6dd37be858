"""Which studies are built: one reading of config.yaml, for the workflow and for `status`."""

import re
from pathlib import Path

import pytest

from lossgrid.studies import StudyError
from lossgrid.studies.built import read_built, select_built

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder with two studies, of which nobody reads the content."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").mkdir()
    for name in ("mini", "plane", "mini.lock"):
        (tmp_path / f"studies/{name}.yaml").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("studies: [mini, plane]", ["mini", "plane"]),
        # As --config studies=mini sets it; read as a list of letters, it named m, i, n and i.
        ("studies: mini", ["mini"]),
        ("studies:\n  - plane\n  - plane\norphans: wait", ["plane"]),
    ],
)
def test_a_name_or_a_list_of_names(here, text, names):
    """A name that stands alone is a list of one, and one that stands twice is built once."""
    (here / "config.yaml").write_text(text)
    assert read_built() == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cores: 2", "config.yaml: studies: missing; write a name, or a list such as [mini]"),
        ("", "config.yaml: studies: missing"),
        ("studies: []", "config.yaml: studies: []: names none, so that nothing would be built; write a name"),
        ("studies:", "config.yaml: studies: None: names none"),
        ("studies: 3", "config.yaml: studies: 3: no names of studies; write a name"),
        ("studies: {mini: 1}", "config.yaml: studies: {'mini': 1}: no names of studies; write a name"),
        ("studies: [mini, 3]", "config.yaml: studies: ['mini', 3]: no names of studies; write a name"),
        (
            "studies: [mini, min]",
            "config.yaml: studies: min: no such study; did you mean 'mini'? choose from mini, plane or add "
            "studies/min",
        ),
        ("[mini]", "config.yaml: ['mini']: no mapping of keys; write studies: [mini]"),
        ("orphans: wait\nstudies: [mini", "config.yaml:2: not YAML: "),
        (
            "a: b: c",
            "config.yaml:1: not YAML: mapping values are not allowed here at column 5; check the quotes",
        ),
        (b"studies: \xff", "config.yaml:1: byte 0xff is not UTF-8; save the file as UTF-8"),
    ],
)
def test_a_mistake_is_one_line_with_file_key_value_and_fix(here, text, message):
    """A KeyError, a traceback of the parser and a run that builds nothing name neither."""
    (here / "config.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(StudyError, match=re.escape(message)) as caught:
        read_built()
    assert len(str(caught.value).splitlines()) == 1


def test_the_workflow_reads_the_key_in_the_same_way(here):
    """What Snakemake hands over is the mapping alone."""
    assert select_built({"studies": "mini"}, {"mini": None, "plane": None}) == ["mini"]
    rules = "".join(file.read_text() for file in (ROOT / "rules").glob("*.smk"))
    assert "select_built(config, STUDIES)" in rules
    assert 'config["studies"]' not in rules
