"""The command line: python -m lossgrid audit STUDY."""

import subprocess
import sys

import pandas as pd
import pytest
from rich.console import Console

from lossgrid.__main__ import main
from lossgrid.audit import audit_study
from lossgrid.audit.printing import print_audit
from lossgrid.studies import load_study

OBJECTIVES = ("discopop: {beta: [0.05, 2.5]}", "dlrml: {beta_kl: 0.05, beta_mix: 0.05}")


def render(path, width: int) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    print_audit(audit_study(load_study(path)), "small", console)
    return console.export_text()


@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_every_verdict_is_whole_at_any_width(write_study, width):
    """A narrow terminal would cut the sentence off at its end, where the barrier stands."""
    text = render(write_study(*OBJECTIVES), width)
    assert max(map(len, text.splitlines())) <= width
    words = " ".join(text.split())
    assert "3 settings, 3 with the wrong sign at the start, 1 alias." in words
    if width < 100:
        assert "DiscoPOP (LRML), β 0.05, r=20 wrong sign at the start" in words
        assert "trap at ρ=−2.37 behind a barrier of 0.0924 at ρ=1.44" in words
        assert "the same function as discopop/beta~0.05__tau~0.05" in words
    for number in ("−2.37", "1.44", "−0.0474", "0.0288"):
        assert number in text


def test_settings_of_a_claims_pattern_are_listed(write_study, capsys):
    """A pattern that takes 2.5 and leaves out 0.05 is no mistake that anyone could report."""
    path = write_study(*OBJECTIVES)
    with path.open("a") as file:
        file.write(
            "claims:\n"
            "  - {id: bounded, kind: bound, statement: It is., cells: 'discopop/beta~[!0]*', metric: kl, "
            "at_most: 9}\n"
        )
    main(["audit", "small"])
    assert capsys.readouterr().out.partition("Claim ")[2].splitlines() == [
        "bounded is about 1 of 3 settings (discopop/beta~[!0]*):",
        "discopop/beta~2.5__tau~0.05",
    ]


def test_a_study_is_found_by_name_or_by_path(write_study, capsys):
    """Both spellings must do the same, and --csv write the whole table."""
    path = write_study(*OBJECTIVES)
    main(["audit", "small", "--csv", "audit.csv"])
    by_name = capsys.readouterr().out
    main(["audit", str(path.absolute())])
    assert capsys.readouterr().out == by_name
    assert "Audit of study small: 3 settings" in by_name
    assert pd.read_csv("audit.csv")["verdict"].tolist() == audit_study(load_study(path))["verdict"].tolist()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smal", "smal: no such study; the nearest is small; known: small"),
        (
            "studies/big.yaml",
            "studies/big.yaml: no such file; give the path of a study file or its name in studies/",
        ),
    ],
)
def test_an_unknown_study_is_one_line_that_names_the_nearest(write_study, name, message):
    """A traceback is what users leave a tool for."""
    write_study(*OBJECTIVES)
    with pytest.raises(SystemExit) as exit_:
        main(["audit", name])
    assert exit_.value.code == message


def test_a_mistake_in_the_study_is_told_as_everywhere(write_study):
    """The line and the fix of the study's own errors must reach the user here too."""
    write_study("discopop: {betta: 0.05}")
    with pytest.raises(SystemExit) as exit_:
        main(["audit", "small"])
    assert exit_.value.code.startswith(
        "studies/small.yaml:7: objectives.discopop.betta: 0.05: unknown hyper-parameter"
    )


def test_a_folder_without_studies_is_told(tmp_path, monkeypatch):
    """Run from elsewhere, the command would say that no study of any name exists."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        main(["audit", "mini"])
    assert "run from the repository or give a file's path" in exit_.value.code


def test_help_waits_for_no_torch():
    """Seconds of import before a usage line."""
    code = (
        "import sys; from lossgrid.__main__ import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print('torch' in sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "audit" in finished.stdout
    assert finished.stdout.split()[-1] == "False"
