"""The rules that every rule keeps."""

import ast
import re
import subprocess
import sys

import pytest
import yaml
from workflow_copy import STUDY_FILE, copy_repository

from tests.cluster.working_copy import ROOT, get_environment

RULE_FILES = sorted((ROOT / "rules").glob("*.smk"))
SCRIPTS = sorted((ROOT / "workflow_scripts").glob("*.py"))
# Judges: the command of a study starts them, inside the job that asks them.
WITHOUT_RULE = {"serve_oracle"}
RULES = {
    name: body
    for file in RULE_FILES
    for name, body in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", file.read_text(), re.M | re.S)
    # A rule without outputs is a name for those of others.
    if "    output:" in body
}


def run(*command: str, cwd=ROOT, env=None) -> subprocess.CompletedProcess:
    """Run a command with its output and errors in one text."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=env or get_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def plan(*arguments: str) -> subprocess.CompletedProcess:
    """Parse the Snakefile and plan the default study."""
    return run(sys.executable, *arguments, "-n", "--quiet", "all", "--profile", "profiles/local")


def test_snakemake_lint_is_clean():
    """Snakemake's own reading of good practice."""
    process = run(sys.executable, "-m", "snakemake", "--lint")
    assert "Congratulations" in process.stdout, process.stdout
    assert process.returncode == 0


def test_snakefiles_are_formatted():
    """A diff must show what changed, not who formatted."""
    process = run("snakefmt", "--check", "Snakefile", "rules")
    assert process.returncode == 0, process.stdout


def test_snakefile_is_short():
    """The Snakefile is the table of contents."""
    assert len((ROOT / "Snakefile").read_text().splitlines()) <= 100


def test_rules_and_scripts_have_the_same_names():
    """A reader finds a rule's script by its name."""
    assert {script.stem for script in SCRIPTS} - WITHOUT_RULE == set(RULES)


@pytest.mark.parametrize("name", WITHOUT_RULE)
def test_script_without_a_rule_is_a_judge_of_a_study(name):
    """A script that nothing starts is dead code."""
    judges = [yaml.safe_load(file.read_text()).get("judge", {}) for file in (ROOT / "studies").glob("*.yaml")]
    commands = [judge.get("command", "") for judge in judges]
    assert any(
        command.startswith(f"python workflow_scripts/{name}.py --port {{port}}") for command in commands
    )


@pytest.mark.parametrize("name", RULES)
def test_every_rule_says_what_it_needs(name):
    """A rule without these fails later: on a cluster, in a report, or in a search for a log."""
    for directive in ("log:", "conda:", "threads:", "resources:", "message:", "shell:"):
        assert f"    {directive}" in RULES[name], f"{name} has no {directive}"
    assert f"{name}.log" in RULES[name] or f"logs/{name}/" in RULES[name]
    # A training job is started by Python or by accelerate.
    assert re.search(rf"(python|{{params\.launcher}}) workflow_scripts/{name}\.py", RULES[name])


@pytest.mark.parametrize(
    "name", [name for name in RULES if name.split("_")[0] in ("train", "generate", "judge")]
)
def test_what_trains_generates_or_judges_is_measured(name):
    """tables/costs.csv is made of benchmark files."""
    assert "    benchmark:" in RULES[name]


@pytest.mark.parametrize(
    "script", [script for script in SCRIPTS if script.stem in RULES], ids=lambda script: script.stem
)
def test_threads_of_a_script_are_those_of_its_rule(script):
    """Another number of threads gives other bits, so the script sets them; the rule must reserve as many."""
    constants = {
        node.targets[0].id: node.value.value
        for node in ast.parse(script.read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    threads = re.search(r"threads: (\w+)", RULES[script.stem]).group(1)
    # A training job has so many for each of its processes.
    per_process = 1 if threads == "get_processes" else int(threads)
    assert constants.get("THREADS", 1) == per_process


def test_report_has_a_caption_and_a_name_of_its_own_for_all_that_is_in_it():
    """Two files of one name are one line of Snakemake's report: the other cannot be opened."""
    texts = "".join(file.read_text() for file in RULE_FILES)
    shown = re.findall(r"report\(\n( +)(.*?)\n *\),\n", texts, re.S)
    names = []
    for _, text in shown:
        caption, category, part, name = re.search(
            r'caption="\.\./(.*?)",\s+category="(.*?)",\s+subcategory="(.*?)",\s+labels=\{"what": "(.*?)"\}',
            text,
        ).groups()
        assert (ROOT / caption).read_text().strip()
        assert category == "{study}"
        assert part in {"figures", "tables", "pages"}
        names.append(name)
    assert len(names) == texts.count("report(\n") == len(set(names)) > 15


def test_no_checkpoint_rules_no_run_blocks_no_global_paths():
    """The grid is known at parse time, and every step can be run by hand."""
    text = "\n".join(file.read_text() for file in RULE_FILES)
    assert not re.search(r"^checkpoint |^    run:|^envvars:", text, re.M)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_script_runs_by_hand_from_anywhere(script, tmp_path):
    """A conda environment holds no lossgrid: the path that the workflow sets must be enough."""
    environment = {**get_environment(), "PYTHONPATH": str(ROOT)}
    process = run(sys.executable, str(script), "--help", cwd=tmp_path, env=environment)
    assert process.returncode == 0, process.stdout
    assert "usage:" in process.stdout


def test_library_is_not_installed():
    """Else the test above would prove nothing."""
    process = run(sys.executable, "-I", "-c", "import lossgrid", cwd="/")
    assert "No module named 'lossgrid'" in process.stdout


def test_parsing_imports_no_torch():
    """On a cluster every job parses the Snakefile twice; torch would add seconds to each."""
    process = plan("-X", "importtime", "-m", "snakemake")
    assert process.returncode == 0, process.stdout
    imported = set(re.findall(r"\| +([\w.]+)$", process.stdout, re.M))
    assert "lossgrid.studies.schema" in imported
    assert not {"torch", "transformers", "trl", "datasets", "openai", "fastchat", "scipy"} & imported


def test_library_knows_nothing_of_snakemake():
    """The library must serve those who do not use the workflow."""
    for file in (ROOT / "lossgrid").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "snakemake" for name in names), file


def test_mistake_in_a_study_is_one_line_before_the_dag(tmp_path):
    """A traceback, or an error after an hour of jobs, is what users leave a tool for."""
    workflow = copy_repository(tmp_path / "repository")
    workflow.edit(STUDY_FILE, "dpo: {beta: 0.1}", "dpo: {betta: 0.1}")
    process = workflow.run("--dry-run", check=False)
    assert process.returncode != 0
    assert (
        "studies/tiny.yaml:18: objectives.dpo.betta: 0.1: unknown hyper-parameter; did you mean 'beta'?"
        in process.stdout
    )
    assert "Traceback" not in process.stdout
    assert "Building DAG" not in process.stdout


def test_unknown_study_is_named():
    """A misspelt study must not build nothing and call it done."""
    process = plan("-m", "snakemake", "--config", "studies=[minni]")
    assert process.returncode != 0
    assert "config.yaml: studies: minni: no such study; did you mean 'mini'? choose from" in process.stdout
