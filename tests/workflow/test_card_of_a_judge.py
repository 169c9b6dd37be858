"""The judge card in the workflow, and the environment that a judge is asked in."""

import json
import subprocess
import sys
from collections import Counter

import pandas as pd
import pytest
from workflow_copy import STUDY_FILE, Workflow, copy_repository

from lossgrid.progress.jobs import list_jobs
from lossgrid.studies import load_study
from tests.cluster.working_copy import ROOT, get_environment

MODEL = "  model: oracle\n"
CARD = """\
judge_card:
  single: downloads/gpt-4_single.jsonl
  pairs: downloads/gpt-4_pair.jsonl
  questions: world
  sample: 16
  repeats: 4
"""
TARGETS = [f"results/tiny/figures/judge_card.{ending}" for ending in ("pdf", "tex")]
STORE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from stored_judgments import write_stored_judgments
folder = Path(sys.argv[2])
write_stored_judgments(folder / "files", folder / "gpt-4_single.jsonl", folder / "gpt-4_pair.jsonl")
"""
# Asked of Snakemake itself, with the workflow read as always: which file a job would be deployed from.
PROBE = """
include: "Snakefile"
import json
from snakemake.iocontainers import Wildcards
found = {}
for name in json.loads('@RULES@'):
    values = {"study": "tiny", "evaluation": "mt_bench", "shard": "0"}
    spec = workflow.get_rule(name).expand_conda_env(Wildcards(fromdict=values))
    found[name] = spec.file.get_path_or_uri(secret_free=True)
Path("environments.json").write_text(json.dumps(found))
"""
ASKING = ["judge_responses", "judge_by_api", "ask_judge_card", "ask_judge_card_by_api"]


@pytest.fixture
def fresh(tmp_path) -> Workflow:
    """A copy of the repository in which nothing has run, with a card in the tiny study."""
    workflow = copy_repository(tmp_path / "repository")
    workflow.edit(STUDY_FILE, "shard_size: 3\n", f"{CARD}shard_size: 3\n")
    return workflow


@pytest.mark.slow
def test_a_card_is_made_without_training_anything_and_remade_for_what_it_shows(fresh):
    """Who chooses a judge for a study of weeks wants to know it first, and again only where something changed."""
    process = fresh.run("--dry-run", *TARGETS, check=False)
    assert process.returncode != 0
    assert (
        "studies/tiny.yaml: judge_card.single: downloads/gpt-4_single.jsonl: no such file" in process.stdout
    )
    (fresh.folder / "downloads").mkdir()
    command = [sys.executable, "-c", STORE, str(ROOT / "tests" / "judging"), str(fresh.folder / "downloads")]
    subprocess.run(command, check=True, env=get_environment(), cwd=ROOT)

    planned = fresh.plan()
    jobs = Counter(job.rule for job in list_jobs(load_study(fresh.folder / STUDY_FILE)).values())
    # Aliases and pages of Snakemake's own are no jobs of a study.
    assert {rule: planned.get(rule) for rule in jobs} == jobs
    made = {f"{verb}_judge_card": 1 for verb in ("sample", "ask", "collect", "plot")}
    assert fresh.plan(*TARGETS) == made
    fresh.run(*TARGETS)
    card = pd.read_csv(fresh.results / "tables" / "judge_card.csv").set_index(["about", "measure", "of"])
    assert set(card["stored_judge"]) == {"gpt-4"}
    assert card.loc[("pairs", "asked", "judge"), "value"] == 16
    assert "beside gpt-4" in (fresh.folder / TARGETS[1]).read_text()

    fresh.edit(STUDY_FILE, MODEL, f"{MODEL}  concurrency: 4\n  date: 2026-01\n")
    assert fresh.plan(*TARGETS) == {"collect_judge_card": 1, "plot_judge_card": 1}
    fresh.edit(STUDY_FILE, "  sample: 16\n", "  sample: 20\n")
    assert fresh.plan(*TARGETS) == made


@pytest.mark.parametrize(
    ("gpus", "environment"), [("", "judge"), ("  gpus: 1\n", "serve")], ids=["a script", "a served model"]
)
def test_a_served_judge_is_asked_where_vllm_is(gpus, environment, fresh):
    """Gigabytes for nothing where everybody gets vLLM, and a server that does not start where nobody does."""
    fresh.edit(STUDY_FILE, MODEL, f"{MODEL}{gpus}")
    for name in ("single", "pair"):
        file = fresh.folder / "downloads" / f"gpt-4_{name}.jsonl"
        file.parent.mkdir(exist_ok=True)
        file.touch()
    (fresh.folder / "probe.smk").write_text(PROBE.replace("@RULES@", json.dumps(ASKING)))
    fresh.run("--snakefile", "probe.smk", "--dry-run", "results/tiny/corpus")
    found = json.loads((fresh.folder / "environments.json").read_text())
    assert {name: path.rpartition("/")[2] for name, path in found.items()} == dict.fromkeys(
        ASKING, f"{environment}.yaml"
    )
    assert all((fresh.folder / "envs" / f"{environment}.yaml").samefile(path) for path in found.values())
    # Those of training, figures and judging, and vLLM's for whom it serves a judge.
    prepared = {"describe_environment": 4 if gpus else 3, "make_prompts": 1, "sample_judge_card": 1}
    assert fresh.plan("prepare") == prepared | {"prepare": 1}
