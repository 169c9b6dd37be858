"""What a study comes to, told once for the workflow, the estimate and `status`."""

import re
from pathlib import Path

import pytest

from lossgrid.planning.jobs import TABLES, list_steps
from lossgrid.progress.jobs import Job, list_jobs
from lossgrid.studies import Study, load_study
from lossgrid.studies.judge_card import JudgeCard
from lossgrid.studies.products import list_figures, list_shards, list_table_rules

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for path in (ROOT / "studies").glob("*.yaml") if not path.name.endswith(".lock.yaml"))
RULES = "".join(file.read_text() for file in sorted((ROOT / "rules").glob("*.smk")))


def get_document_jobs(study: Study) -> list[Job]:
    """The jobs that write what readers open, as `status` lists them."""
    folders = ("tables/", "figures/", "cards", "report/")
    return [job for job in list_jobs(study).values() if job.outputs[0].startswith(folders)]


def count_documents(study: Study) -> int:
    """Their number, as the estimate has it."""
    return next(step.jobs for step in list_steps(study) if step.rule == TABLES)


def read_outputs() -> dict[str, str]:
    """The outputs of every rule, as its file spells them."""
    rules = re.findall(r"^rule (\w+):\n(.*?)(?=^rule |\Z)", RULES, re.M | re.S)
    outputs = {name: re.search(r"    output:\n(.*?)\n    \w+:", text, re.S) for name, text in rules}
    return {name: found[1] for name, found in outputs.items() if found}


def test_mini_has_the_tables_and_figures_of_all_rules():
    """A table that is written and not listed is missing from `rule all` and from both screens."""
    mini, outputs = load_study(ROOT / "studies/mini.yaml"), read_outputs()
    # All but stored judgments, which nobody may pass on, and which every judge could be compared with.
    mini = mini.model_copy(update={"judge_card": JudgeCard(single="stored.jsonl")})
    written = {name: set(re.findall(r"/tables/(\w+)\.csv", text)) for name, text in outputs.items()}
    listed = {rule: set(tables) for rule, tables in list_table_rules(mini).items()}
    assert listed == {name: tables for name, tables in written.items() if tables}
    drawn = {name: re.findall(r"/figures/(\w+)\.pdf\"", text) for name, text in outputs.items()}
    assert {f"plot_{name}": [name] for name in list_figures(mini)} == {
        name: figures for name, figures in drawn.items() if figures
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_estimate_counts_the_jobs_that_status_lists(file):
    """They were kept three times, and differed where only an alias was of the modulated family."""
    study = load_study(file)
    assert count_documents(study) == len(get_document_jobs(study))


def test_an_alias_of_the_modulated_family_has_its_figures(load_changed):
    """It is trained as another loss and shown as its own."""
    whole = "  dlrml: {beta_kl: 0.05, beta_mix: [0.01, 0.2]}\n"
    study = load_changed((whole, "  dlrml: {beta_kl: 0.05, beta_mix: 0.05}\n"))
    assert "plane" in list_figures(study)
    assert count_documents(study) == len(get_document_jobs(study))


def test_every_run_is_in_one_shard(load_changed):
    """Shards follow the grid: seven runs in threes are three jobs, the last with one."""
    study = load_changed(("seeds: [1, 2]\n", "seeds: [1, 2]\nshard_size: 3\n"))
    assert list_shards(study, "abcdefg") == [["a", "b", "c"], ["d", "e", "f"], ["g"]]
    assert list_shards(study, []) == []
