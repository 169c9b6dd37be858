"""Judging in the workflow: what a change of the judge costs, and what a failure does."""

import json
import os
import re
import shutil
import signal
import socket
import sys
from pathlib import Path

import pytest
from workflow_copy import STUDY_FILE, TIMEOUT, Workflow, wait_for

from lossgrid.judging.asking.ledger import Ledger
from lossgrid.judging.serving.server import serve
from tests.cluster.working_copy import ROOT

DPO = "dpo/beta~0.1/seed~1"
# The first shard holds the SFT model and the first two of five cells.
IN_SECOND_SHARD = "dlrml/beta_kl~0.1__beta_mix~0.02__tau~0.05/seed~1"
EVALUATIONS = ("mt_bench", "alpaca_eval", "summaries")
SUMMARIES = [f"results/tiny/judgments/summaries/shard~{shard}.jsonl" for shard in (0, 1)]
MODEL = "  model: oracle\n"
COMMAND = "  command: python workflow_scripts/serve_oracle.py --port {port}\n"
TABLES_OF_RATINGS = {
    "collect_mt_bench": 1,
    "collect_judge": 1,
    "collect_costs": 1,
    "compare_cells": 1,
    "evaluate_claims": 1,
    "write_numbers": 1,
    "write_cards": 1,
    "make_report": 1,
    "plot_mt_bench": 1,
    "plot_differences": 1,
}
REJUDGED = {
    "judge_responses": 6,
    "score_judgments": 18,
    "collect_leaderboard": 1,
    "collect_summaries": 1,
    "plot_win_rates": 1,
    **TABLES_OF_RATINGS,
}


def read_lines(file: Path) -> list[dict]:
    """The rows of a file of JSON lines."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def read_ledger(workflow: Workflow, evaluation: str) -> dict[str, bytes]:
    """The files of a ledger by name."""
    return {file.name: file.read_bytes() for file in (workflow.results / "ledgers" / evaluation).iterdir()}


def read_new_records(workflow: Workflow, evaluation: str, before: dict[str, bytes]) -> list[dict]:
    """The records that a ledger has beside those of before, which must all be there still."""
    after = read_ledger(workflow, evaluation)
    assert {name: after.get(name) for name in before} == before
    # Behind the last end of a line, its writer may be in the middle of a record.
    new = [line for name in after.keys() - before.keys() for line in after[name].split(b"\n")[:-1]]
    return [json.loads(line) for line in new]


def take_another_judge(workflow: Workflow) -> None:
    """Give the judge, and the model that its server serves, another name."""
    workflow.edit(STUDY_FILE, MODEL, "  model: other\n")
    workflow.edit(STUDY_FILE, COMMAND, COMMAND.replace("{port}", "{port} --model other"))


def test_another_judge_plans_judging_alone(workflow):
    """A new judge must not cost a GPU hour."""
    take_another_judge(workflow)
    assert workflow.plan() == REJUDGED


def test_how_patiently_a_judge_is_asked_changes_nothing(workflow):
    """Whoever lowers the concurrency for a busy server must not pay for all answers again."""
    settings = "concurrency: 4\n  timeout: 5\n  attempts: 2\n  max_error_share: 0.5"
    money = "prices: {input: 1, output: 2}\n  spend_limit: 100"
    workflow.edit(STUDY_FILE, MODEL, f"{MODEL}  {settings}\n  {money}\n")
    assert workflow.plan() == {}


def test_more_second_questions_concern_one_evaluation(workflow):
    """A setting of one evaluation must not have the others judged again."""
    workflow.edit(STUDY_FILE, "mt_bench: {consistency: 2}", "mt_bench: {consistency: 3}")
    assert workflow.plan() == {"judge_responses": 2, "score_judgments": 6, **TABLES_OF_RATINGS}


def test_date_of_a_judge_is_news_for_what_shows_it_alone(workflow):
    """A table or a title that says of a hosted judge when it was asked must not say an old date."""
    workflow.edit(STUDY_FILE, MODEL, f"{MODEL}  date: 2026-01\n")
    assert workflow.plan() == {
        "collect_judge": 1,
        "plot_mt_bench": 1,
        "plot_win_rates": 1,
        "write_cards": 1,
        "make_report": 1,
    }


def test_a_named_file_that_is_not_there_is_said_before_any_job(workflow):
    """Snakemake takes what was made from other instructions for finished when the new ones are missing."""
    named = "alpaca_eval: {prompts: 10, consistency: 2, instructions: data/none.json}"
    workflow.edit(STUDY_FILE, "alpaca_eval: {prompts: 10, consistency: 2}", named)
    process = workflow.run("--dry-run", check=False)
    assert process.returncode != 0
    assert "studies/tiny.yaml: alpaca_eval.instructions: data/none.json: no such file" in process.stdout
    assert "put AlpacaEval's file there or correct the path" in process.stdout


def test_a_missing_key_is_a_warning_before_anything_is_trained(workflow, monkeypatch):
    """The judging jobs are the last ones: their error would come a week too late."""
    workflow.edit(STUDY_FILE, MODEL, f"{MODEL}  key_variable: TINY_KEY\n")
    warning = "study tiny: the variable that judge.key_variable names is not set"
    monkeypatch.delenv("TINY_KEY", raising=False)
    assert warning in workflow.run("--dry-run").stdout
    monkeypatch.setenv("TINY_KEY", "a-key-of-nobody")
    output = workflow.run("--dry-run").stdout
    assert warning not in output
    assert "a-key-of-nobody" not in output


def test_deleted_scores_are_cut_again(workflow):
    """A file that a user deletes must come back, without a call."""
    (workflow.results / "sft" / "scores" / "mt_bench.jsonl").unlink()
    assert workflow.plan() == {"score_judgments": 1, **TABLES_OF_RATINGS}


@pytest.mark.slow
def test_another_judge_is_asked_everything_and_no_policy_is_touched(finished, workflow):
    """Verdicts of two judges in one table would be a comparison of judges."""
    ledgers = {evaluation: read_ledger(finished, evaluation) for evaluation in EVALUATIONS}
    take_another_judge(workflow)
    workflow.run()
    for evaluation, before in ledgers.items():
        earlier = {json.loads(line)["key"] for lines in before.values() for line in lines.splitlines()}
        records = read_new_records(workflow, evaluation, before)
        assert {record["model"] for record in records} == {"other"}
        # The answers to judge are the same, so that there is as much to ask, and nothing that was asked before.
        assert len({record["key"] for record in records} - earlier) == len(earlier)
    scores = [file.relative_to(finished.results) for file in finished.results.rglob("scores/*.jsonl")]
    judged = [file for file in scores if file.stem in EVALUATIONS]
    assert len(judged) == 18
    for file in judged:
        now, then = ([row["key"] for row in read_lines(copy.results / file)] for copy in (workflow, finished))
        assert [key is None for key in now] == [key is None for key in then]
        assert not (set(now) & set(then)) - {None}
    # A policy's card tells of the judge.
    kept = [
        file
        for name in ("policy/*", "responses/*")
        for file in finished.results.rglob(name)
        if file.name != "README.md"
    ]
    assert len([file for file in kept if file.name == "model.safetensors"]) == 6
    for file in kept:
        copy = workflow.results / file.relative_to(finished.results)
        assert copy.stat().st_mtime_ns == file.stat().st_mtime_ns
        assert copy.read_bytes() == file.read_bytes()


@pytest.mark.slow
def test_a_failed_judge_is_not_forgotten_by_the_next_run(workflow):
    """Scores of the judge before, under the name of the new one, would be a false table that nobody doubts."""
    workflow.edit(STUDY_FILE, MODEL, "  model: unknown\n")
    assert workflow.run(check=False).returncode != 0
    assert workflow.plan() == REJUDGED
    process = workflow.run(check=False)
    assert process.returncode != 0
    assert "unknown" in process.stdout
    workflow.edit(STUDY_FILE, "  model: unknown\n", MODEL)
    workflow.run()
    assert workflow.plan() == {}


@pytest.mark.slow
def test_killed_judging_keeps_its_answers_and_leaves_no_server(workflow):
    """A job that is killed at night must leave no GPU occupied and no answer to be paid for again."""
    workflow.edit(STUDY_FILE, COMMAND, COMMAND.replace("{port}", "{port} --latency-ms 400"))
    workflow.edit(STUDY_FILE, MODEL, f"{MODEL}  concurrency: 4\n")
    before = read_ledger(workflow, "summaries")
    with workflow.start(SUMMARIES[0]) as process:
        wait_for(lambda: len(read_new_records(workflow, "summaries", before)) >= 8, "eight judgments")
        servers = workflow.find_processes("serve_oracle.py")
        (job,) = workflow.find_processes("judge_responses.py")
        os.kill(job, signal.SIGKILL)
        process.communicate(timeout=TIMEOUT)
    # The server, and the process that watches over it.
    assert len(servers) == 2
    wait_for(
        lambda: not servers & workflow.find_processes("serve_oracle.py"), "the end of the judge's server"
    )
    assert process.returncode != 0
    assert not (workflow.folder / SUMMARIES[0]).exists()
    kept = {record["key"] for record in read_new_records(workflow, "summaries", before)}

    interrupted = read_ledger(workflow, "summaries")
    workflow.run(SUMMARIES[0])
    asked = [record["key"] for record in read_new_records(workflow, "summaries", interrupted)]
    judged = {row["key"] for row in read_lines(workflow.folder / SUMMARIES[0])} - {None}
    assert len(asked) == len(set(asked)) > 0
    assert kept | set(asked) == judged
    assert not kept & set(asked)
    log = (workflow.results / "logs" / "judge_responses" / "summaries" / "shard~0.log").read_text()
    assert f"{len(asked)} calls for {len(judged)} requests ({len(kept)} in the ledger)" in log


@pytest.mark.slow
def test_broken_responses_fail_their_shard_alone(finished, workflow):
    """One torn file must not hold up the judgments of all other runs, and must be named."""
    ledger = read_ledger(workflow, "summaries")
    broken = workflow.get_cell(IN_SECOND_SHARD) / "responses" / "judged.jsonl"
    lines = broken.read_bytes().splitlines(keepends=True)
    broken.write_bytes(b"".join(lines[:20]) + lines[20][:30])
    shutil.rmtree(workflow.results / "judgments" / "summaries")
    process = workflow.run(*SUMMARIES, check=False)
    assert process.returncode != 0
    assert f"{broken.relative_to(workflow.folder)}: line 21 is no JSON" in process.stdout
    first, second = (Path(file) for file in SUMMARIES)
    assert (workflow.folder / first).read_bytes() == (finished.folder / first).read_bytes()
    assert not (workflow.folder / second).exists()

    shutil.copy2(finished.get_cell(IN_SECOND_SHARD) / "responses" / "judged.jsonl", broken)
    assert workflow.plan(*SUMMARIES) == {"judge_responses": 1}
    workflow.run(*SUMMARIES)
    assert (workflow.folder / second).read_bytes() == (finished.folder / second).read_bytes()
    assert read_ledger(workflow, "summaries") == ledger


@pytest.mark.slow
def test_judge_that_is_down_costs_no_training_and_is_asked_when_it_is_up(finished, workflow, tmp_path):
    """A judge that nobody started must be said to be down, while everything that needs no judge goes on."""
    shutil.rmtree(workflow.get_cell(DPO))
    # A port that is taken and on which nobody listens.
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        workflow.edit(STUDY_FILE, COMMAND, f"  base_url: {address}\n  server: workstation\n  attempts: 1\n")
        process = workflow.run(*SUMMARIES, check=False)
    assert process.returncode != 0
    for shard in (0, 1):
        log = workflow.results / "logs" / "judge_responses" / "summaries" / f"shard~{shard}.log"
        assert re.fullmatch(
            r"ServerGone: judge oracle on workstation: the last \d+ judgments got no answer in 1 attempts each, "
            r"the last because: broken connection: ConnectError: .+; see that the server is up and run the same "
            r"command again",
            log.read_text().splitlines()[-1],
        )
    for file in ("policy/model.safetensors", "responses/judged.jsonl"):
        assert (workflow.get_cell(DPO) / file).read_bytes() == (finished.get_cell(DPO) / file).read_bytes()

    command = f"{sys.executable} {ROOT}/workflow_scripts/serve_oracle.py --port {{port}}"
    with serve(command, tmp_path / "judge.log", environment={"PYTHONPATH": str(ROOT)}) as url:
        workflow.edit(STUDY_FILE, address, url)
        assert workflow.plan(*SUMMARIES) == {"judge_responses": 2}
        workflow.run(*SUMMARIES)
    records = Ledger(workflow.results / "ledgers" / "summaries").read()
    for file in SUMMARIES:
        rows = read_lines(workflow.folder / file)
        asked = [records[row["key"]] for row in rows if row["key"]]
        assert {record.server for record in asked} == {"workstation"}
        assert {record.state for record in asked} <= {"ok", "parse_error"}


@pytest.mark.slow
def test_judging_again_asks_nothing(finished, workflow):
    """The ledger is what was paid for: judgments that were deleted, or that follow new code, come from it."""
    ledgers = {evaluation: read_ledger(workflow, evaluation) for evaluation in EVALUATIONS}
    shutil.rmtree(workflow.results / "judgments")
    # One shard of each: FastChat takes seconds to import.
    shards = [f"results/tiny/judgments/{evaluation}/shard~0.jsonl" for evaluation in EVALUATIONS]
    workflow.run(*shards)
    assert {evaluation: read_ledger(workflow, evaluation) for evaluation in EVALUATIONS} == ledgers
    for file in shards:
        assert (workflow.folder / file).read_bytes() == (finished.folder / file).read_bytes()
    for evaluation in EVALUATIONS:
        log = (workflow.results / "logs" / "judge_responses" / evaluation / "shard~0.log").read_text()
        assert ": 0 calls for " in log
        assert "starting a server" not in log
    assert workflow.plan(*shards) == {}
