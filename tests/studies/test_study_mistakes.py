"""Every mistake in a study is one line that names the file, the line, the key, the value and the fix."""

from pathlib import Path

import pytest
import yaml

from lossgrid.studies import StudyError, load_studies, load_study

TABLE = yaml.safe_load(Path(__file__).with_name("mistakes.yaml").read_text(encoding="utf-8"))
MISTAKES = [
    pytest.param(mistake, id=f"{topic}: {mistake['id']}")
    for topic, mistakes in TABLE.items()
    for mistake in mistakes
]
LEAKS = ("Input should", "pydantic", "validation error", "https://", "{message}")


def get_lines(call) -> list[str]:
    with pytest.raises(StudyError) as caught:
        call()
    assert str(caught.value).splitlines() == list(caught.value.lines)
    return list(caught.value.lines)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_with_its_place_and_fix(mistake, load_changed):
    """Somebody who mistypes a key would search a 60-line file for it, or fix it three times."""
    lines = get_lines(lambda: load_changed((mistake["replace"], mistake["by"])))
    assert len(lines) == 1, lines
    beginning = f"studies/small.yaml:{mistake['line']}"
    assert lines[0].startswith(beginning)
    assert mistake["fix"] in lines[0][len(beginning) :]
    assert not [leak for leak in LEAKS if leak in lines[0]]


def test_all_mistakes_of_a_file_are_reported_at_once_in_the_order_of_the_file(load_changed):
    """Each run would show the next mistake only, also between a section's fields and the grid as a whole."""
    lines = get_lines(
        lambda: load_changed(
            ("at_most: 100", "at_most: high"),
            ("{beta: 5.0, evaluation", "{beta: [0.05, 5.0], evaluation"),
            ("  epochs: 3", "  epochs: 0\n  epochs: 4"),
            ("kind: reviews", "kind: review"),
        )
    )
    places = [line.split(": ")[:2] for line in lines]
    assert places == [
        ["studies/small.yaml:3", "world.kind"],
        ["studies/small.yaml:9", "sft.epochs"],
        ["studies/small.yaml:10", "sft.epochs"],
        ["studies/small.yaml:24", "objectives.discopop[1]"],
        ["studies/small.yaml:45", "claims[2].at_most"],
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "studies/small.yaml:1: the file is empty; write title, world"),
        (b"# nothing yet\n", "studies/small.yaml:1: the file is empty; write title, world"),
        (b"{}\n", "studies/small.yaml:1: the file is empty; write title, world"),
        (b"- dpo\n", "studies/small.yaml:1: ['dpo']: the top level must be a mapping"),
        (b"dpo\n", "studies/small.yaml:1: 'dpo': the top level must be a mapping"),
        (
            b"title: a\ndescription: caf\xe9\n",
            "studies/small.yaml:2: byte 0xe9 is not UTF-8; save the file as",
        ),
        (
            b"title: a\ndescription: \x07\n",
            "studies/small.yaml:2: not YAML: contains a control character; remove",
        ),
    ],
    ids=["empty", "comments only", "empty mapping", "list", "text", "Latin-1", "control character"],
)
def test_a_file_that_is_no_study_says_why(content, message, study_path):
    """An empty or badly encoded file would end in a traceback of the YAML parser."""
    study_path.write_bytes(content)
    lines = get_lines(lambda: load_study(study_path))
    assert len(lines) == 1
    assert lines[0].startswith(message)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("studies/absent.yaml", "studies/absent.yaml: no such file; check the path"),
        ("studies/folder.yaml", "studies/folder.yaml: is a directory; name a file such as"),
        (
            "studies/my-study.yaml",
            "studies/my-study.yaml: must be named <name>.yaml, with a name of A-Z a-z 0-9 _",
        ),
        ("studies/mini.json", "studies/mini.json: must be named <name>.yaml"),
    ],
)
def test_a_path_that_is_no_study_says_why(name, message, study_path):
    """A name with a dash or dot would break the paths of the results."""
    Path("studies/folder.yaml").mkdir()
    lines = get_lines(lambda: load_study(Path(name)))
    assert len(lines) == 1
    assert lines[0].startswith(message)


def test_a_folder_reports_the_mistakes_of_all_its_files(load_changed, study_path):
    """A `.yml` file would be silently passed over, and the second broken study hidden by the first."""
    load_changed()
    text = study_path.read_text(encoding="utf-8")
    Path("studies/other.yaml").write_text(text.replace("epochs: 3", "epochs: 0"), encoding="utf-8")
    Path("studies/another.yml").write_text(text, encoding="utf-8")
    assert get_lines(lambda: load_studies(Path("studies"))) == [
        "studies/another.yml: would be passed over; rename it to .yaml",
        "studies/other.yaml:9: sft.epochs: 0: must be a number above 0 (passes)",
    ]
    assert get_lines(lambda: load_studies(Path("absent"))) == [
        "absent: no such folder; create it and write a study into it"
    ]


def test_a_folder_of_studies_leaves_lock_files_alone(load_changed):
    """`prepare` writes lock files beside the studies; they would be read as broken studies."""
    load_changed()
    Path("studies/small.lock.yaml").write_text("revision: abc\n", encoding="utf-8")
    assert list(load_studies(Path("studies"))) == ["small"]
