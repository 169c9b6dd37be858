"""The command line: python -m lossgrid status [STUDY]."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from made_up_results import MadeUpResults, write_study

from lossgrid.__main__ import main
from lossgrid.progress.command import get_command
from lossgrid.progress.study_progress import read_study_progress

ROOT = Path(__file__).resolve().parents[2]
CELL = "dpo/beta~0.1/seed~1"


def run(capsys, *arguments: str) -> str:
    """What the command prints."""
    main(["status", *arguments])
    return capsys.readouterr().out


def test_without_a_study_those_of_the_configuration_are_shown_in_turn(made_up, capsys):
    """The same studies as a run without a target builds."""
    write_study(made_up.root, name="other")
    write_study(made_up.root, name="third")
    (made_up.root / "config.yaml").write_text("studies: [other, small]\n")
    text = run(capsys)
    assert [line.split(":")[0] for line in text.splitlines() if line.startswith("Study")] == [
        "Study other",
        "Study small",
    ]
    assert "\n\nStudy small" in text
    assert run(capsys, "third").startswith("Study third: ")
    assert run(capsys, "studies/third.yaml") == run(capsys, "third")


@pytest.mark.parametrize(
    ("arguments", "config", "message"),
    [
        (["smal"], "studies: [small]", "smal: no such study; the nearest is small; known: small"),
        (
            [],
            "studies: smal",
            "config.yaml: studies: smal: no such study; did you mean 'small'? choose from small or add "
            "studies/smal.yaml",
        ),
        ([], "cores: 2", "config.yaml: studies: missing; write a name, or a list such as [mini]"),
        (
            [],
            "studies: [small",
            "config.yaml:1: not YAML: expected ',' or ']', but got '<stream end>' at column 10; check the quotes, "
            "brackets, colons and indentation in this line and the one above",
        ),
    ],
)
def test_an_unknown_study_is_one_line(made_up, arguments, config, message):
    """As in every other command."""
    (made_up.root / "config.yaml").write_text(config)
    with pytest.raises(SystemExit) as exit_:
        main(["status", *arguments])
    assert exit_.value.code == message


def test_run_from_elsewhere_it_says_so(tmp_path, monkeypatch):
    """There is no configuration to read, which is not to be told as a missing study."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        main(["status"])
    assert exit_.value.code.endswith("config.yaml: no such file; run from the repository or name a study")


def test_failed_and_all(made_up, capsys):
    """The two options lead where they say."""
    assert run(capsys, "--failed") == "Study small: nothing has failed, and nothing was interrupted.\n"
    big = MadeUpResults(
        write_study(made_up.root, f"dpo: {{seeds: [{', '.join(map(str, range(41)))}]}}", "", "big"),
        made_up.root,
    )
    big.finish(big.find("make_corpus"))
    assert "  β 0.1" not in run(capsys, "big").replace("\u00a0", " ")
    assert run(capsys, "big", "--all").replace("\u00a0", " ").count("  β 0.1 ") == 41


@pytest.mark.parametrize(
    ("executor", "studies", "command"),
    [
        ("local", "[small]", "snakemake --profile profiles/local"),
        ("slurm", "[third, small]", "snakemake --profile slurm"),
        ("slurm", "small", "snakemake --profile slurm"),
        ("slurm", "[third]", 'snakemake --profile slurm --config "studies=[small]"'),
    ],
)
def test_the_command_to_type_is_the_one_of_before(made_up, executor, studies, command):
    """A study that was begun on a cluster goes on there; one that is not built by itself is named."""
    write_study(made_up.root, name="third")
    (made_up.root / "config.yaml").write_text(f"studies: {studies}\n")
    made_up.begin(executor=executor)
    assert get_command(read_study_progress(made_up.study, made_up.folder)) == command


def test_nothing_slow_is_imported(made_up):
    """The screen is looked at often; torch, pandas or Snakemake would take seconds each time."""
    made_up.begin()
    made_up.fail(made_up.find("train_cell", CELL), 1.0, "ValueError: no\n")
    code = (
        "import sys; from lossgrid.__main__ import main\n"
        "main(['status']); main(['status', '--failed'])\n"
        "print(sorted({'torch', 'transformers', 'pandas', 'numpy', 'snakemake'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout
    assert "1 failed" in output
    assert output.splitlines()[-1] == "[]"
