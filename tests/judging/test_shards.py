"""Several runs judged in one job by the oracle: every judgment a row, nothing asked twice, no failure hidden."""

import json
from collections import Counter
from pathlib import Path

import pytest
from faulty_server import run_server
from hypothesis import given
from hypothesis import strategies as st
from judged_study import (
    ORACLE,
    ROOT,
    SFT,
    STRONG,
    WEAK,
    load_judged,
    read_lines,
    write_lines,
    write_responses,
)

from lossgrid.judging.asking.client import MissingKeyError, NothingReadable
from lossgrid.judging.asking.ledger import Ledger
from lossgrid.judging.prompt_sets import write_prompt_sets
from lossgrid.judging.scores import cut_scores
from lossgrid.judging.serving.server import ServerError, serve
from lossgrid.judging.shards import JudgingError, judge_runs

RUNS = [SFT, WEAK, STRONG]
EVALUATIONS = {
    "mt_bench": {"consistency": 2},
    "alpaca_eval": {"prompts": 12, "consistency": 2},
    "summaries": {"rows": 12, "consistency": 2},
}
# Two answers that are alike, which no judge is asked to compare: the second instruction of alpaca_eval.
SAME = 1


def answer(run: str, aspect: str):
    """Answers of a run, of its own in every chat and turn but one."""

    def answer(chat, turn: int) -> str:
        if chat["set"] == "alpaca_eval" and chat["id"] == SAME:
            return "the plot is decent ."
        number = sum(map(ord, f"{chat['id']}{turn}"))
        return " ".join([f"the {aspect} is superb ."] * (1 + number % 3) + [f"the {run} is neat ."])

    return answer


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """Responses of three runs to all prompt sets."""
    folder = tmp_path_factory.mktemp("results")
    study = load_judged(folder, **EVALUATIONS)
    write_prompt_sets(study, folder / "prompts", folder / "downloads")
    answers = {SFT: answer("cast", "plot"), WEAK: answer("score", "music"), STRONG: answer("plot", "cast")}
    write_responses(folder, folder / "prompts", answers)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _repository():
    """Scripts find the library as they do in a rule."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        yield


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """An oracle that is there."""
    with serve(ORACLE, tmp_path_factory.mktemp("oracle") / "log") as url:
        yield url


@pytest.fixture
def judge(results, tmp_path):
    """A function that judges runs and returns the counts and the rows by run."""

    def judge(study, evaluation: str, runs, report=lambda line: None, prompts=results / "prompts"):
        file = tmp_path / "judgments" / "shard~0.jsonl"
        counts = judge_runs(
            study,
            evaluation,
            runs,
            results=results,
            prompts=prompts,
            ledger=tmp_path / "ledger",
            judgments=file,
            server_log=tmp_path / "server.log",
            report=report,
        )
        rows = {run: [] for run in runs}
        for row in read_lines(file):
            rows[row.pop("run")].append(row)
        return counts, rows

    return judge


def load_at(folder: Path, url: str, judge=None, **evaluations):
    """The study, judged by a server that is there under the name of the one that it would start."""
    return load_judged(folder, {"command": None, "base_url": url, **(judge or {})}, **evaluations)


def get_keys(rows) -> set[str]:
    """Keys of all requests behind the rows of runs."""
    keys = [row["key"] for each in rows.values() for row in each if row["key"] is not None]
    return {key for each in keys for key in (each if isinstance(each, list) else [each])}


# Judgments of each run: 160 and 2 questions of 2 turns again; 12 and 2 again in either order; two opponents.
EXPECTED = {
    "mt_bench": {SFT: 164, WEAK: 164, STRONG: 164},
    "alpaca_eval": {SFT: 0, WEAK: 16, STRONG: 16},
    "summaries": {SFT: 16, WEAK: 32, STRONG: 32},
}


@pytest.mark.parametrize("evaluation", EVALUATIONS)
def test_every_judgment_has_a_row_and_a_second_call_asks_nobody(judge, evaluation, tmp_path):
    """A judgment left out shifts a mean; one that is asked again is paid again; a judge takes minutes to start."""
    study = load_judged(tmp_path, **{evaluation: EVALUATIONS[evaluation]})
    lines = []
    counts, rows = judge(study, evaluation, RUNS, lines.append)
    assert {run: len(each) for run, each in rows.items()} == EXPECTED[evaluation]
    assert counts == Counter(row["state"] for each in rows.values() for row in each)
    assert counts["ok"] > 0.9 * sum(EXPECTED[evaluation].values())
    assert "api_error" not in counts
    records = Ledger(tmp_path / "ledger").read()
    assert get_keys(rows) == set(records)
    assert {record.server for record in records.values()} == {"oracle"}
    assert any(line.startswith("server ready") for line in lines)
    assert lines[-1] == ", ".join(f"{counts[state]} {state}" for state in sorted(counts))

    log, file = tmp_path / "server.log", tmp_path / "judgments" / "shard~0.jsonl"
    written = file.read_bytes()
    log.write_text("as it was")
    file.unlink()
    again = []
    assert judge(study, evaluation, RUNS, again.append) == (counts, rows)
    assert file.read_bytes() == written
    assert log.read_text() == "as it was"
    assert f"0 calls for {len(records)} requests" in again[0]
    assert not any("server" in line for line in again)
    assert Ledger(tmp_path / "ledger").read() == records


def test_another_shard_asks_for_its_own_runs_alone(judge, url, tmp_path):
    """Runs that are added to a study must not cost what is already judged."""
    study = load_at(tmp_path, url, mt_bench=EVALUATIONS["mt_bench"])
    _, first = judge(study, "mt_bench", [SFT])
    known = Ledger(tmp_path / "ledger").read()
    lines = []
    _, both = judge(study, "mt_bench", [WEAK, SFT], lines.append)
    assert list(both) == [WEAK, SFT]
    assert both[SFT] == first[SFT]
    assert "164 calls for 328 requests (164 in the ledger)" in lines[0]
    assert set(known) == get_keys(first)
    assert all(Ledger(tmp_path / "ledger").get(key) == record for key, record in known.items())


def test_another_judge_is_asked_anew(judge, url, tmp_path):
    """The answers of one judge under the name of another would be the worst of mistakes."""
    study = load_at(tmp_path, url, alpaca_eval=EVALUATIONS["alpaca_eval"])
    judge(study, "alpaca_eval", RUNS)
    one = set(Ledger(tmp_path / "ledger").read())
    other = load_at(tmp_path, url, {"server": "other"}, alpaca_eval=EVALUATIONS["alpaca_eval"])
    judge(other, "alpaca_eval", RUNS)
    both = Ledger(tmp_path / "ledger").read()
    assert len(both) == 2 * len(one)
    assert Counter(record.server for record in both.values()) == {"oracle": len(one), "other": len(one)}


def test_pairs_are_judged_against_the_sft_model_in_both_orders(judge, url, tmp_path):
    """The SFT model belongs to no shard of the cells, and it is not compared with itself."""
    study = load_at(tmp_path, url, mt_bench={"mode": "pairwise", "consistency": 1})
    _, rows = judge(study, "mt_bench", [WEAK])
    assert len(rows[WEAK]) == 162
    assert {row["baseline"] for row in rows[WEAK]} == {SFT}
    assert {row["winner"] for row in rows[WEAK] if row["state"] == "ok"} <= {"model", "baseline", "tie"}
    assert all(len(row["key"]) == 2 and row["score"] is None for row in rows[WEAK])
    assert get_keys(rows) == set(Ledger(tmp_path / "ledger").read())
    lines = []
    assert judge(study, "mt_bench", [SFT, WEAK], lines.append)[1] == {SFT: [], WEAK: rows[WEAK]}
    assert "0 calls" in lines[0]
    assert judge(study, "mt_bench", [SFT], lines.append) == ({}, {SFT: []})
    assert lines[-1] == "nothing to judge"


def test_the_baseline_of_alpaca_eval_is_the_one_that_the_study_names(judge, url, results, tmp_path):
    """A win rate against another baseline is another number; the SFT model is judged where it is not the baseline."""
    sft = {
        row["id"]: row["response"]
        for row in read_lines(results / SFT / "responses" / "judged.jsonl")
        if row["set"] == "alpaca_eval"
    }
    outputs = [row["output"] for row in json.loads((results / "prompts" / "alpaca_eval.json").read_text())]
    settings = {"prompts": 12}
    _, rows = judge(load_at(tmp_path, url, alpaca_eval=settings), "alpaca_eval", RUNS)
    assert rows[SFT] == []
    for run in (WEAK, STRONG):
        assert [row["len_baseline"] for row in rows[run]] == [len(sft[number]) for number in range(12)]
        draw = rows[run][SAME]
        assert (draw["state"], draw["preference"], draw["key"]) == ("ok", 1.5, None)
        assert sum(row["key"] is None for row in rows[run]) == 1

    reference = load_at(tmp_path, url, alpaca_eval={**settings, "baseline": "reference"})
    _, rows = judge(reference, "alpaca_eval", RUNS)
    for run in RUNS:
        assert [row["len_baseline"] for row in rows[run]] == [len(output) for output in outputs]
        assert all(row["key"] for row in rows[run])


@pytest.mark.parametrize(
    ("opponents", "expected"), [("human", (12, 12)), ("sft", (0, 12)), ("both", (12, 24))]
)
def test_summaries_meet_the_opponents_that_the_study_names(judge, url, tmp_path, opponents, expected):
    """Each opponent has a win rate of its own; the SFT model's summaries do not meet themselves."""
    study = load_at(tmp_path, url, summaries={"rows": 12, "opponents": opponents})
    _, rows = judge(study, "summaries", [SFT, WEAK])
    assert (len(rows[SFT]), len(rows[WEAK])) == expected
    names = {"human", "sft"} if opponents == "both" else {opponents}
    assert {row["opponent"] for row in rows[WEAK]} == names
    assert {row["opponent"] for row in rows[SFT]} == names - {"sft"}


def test_too_many_failed_calls_end_the_job_and_keep_the_answers(judge, tmp_path):
    """A table of half the judgments looks like one of all; what was answered must not be asked and paid again."""
    settings = {"alpaca_eval": {"prompts": 12}}
    judges = {"server": "faulty", "model": "judge-1", "attempts": 1, "timeout": 1}
    file = tmp_path / "judgments" / "shard~0.jsonl"
    with run_server(faults=0.5, retry_after=0) as server:
        study = load_at(tmp_path, server.url, judges, **settings)
        with pytest.raises(JudgingError) as caught:
            judge(study, "alpaca_eval", RUNS)
    records = Ledger(tmp_path / "ledger").read()
    failed = {key for key, record in records.items() if record.state == "api_error"}
    assert len(records) == 22
    assert 0 < len(failed) < 22
    # The two draws were not asked, and are judgments all the same.
    message = str(caught.value)
    assert message.startswith(
        f"{len(failed)} of 24 judgments ended as api_error, above judge.max_error_share 0.01; the first says: "
    )
    assert any(records[key].error in message for key in failed)
    assert message.endswith("The others are in the ledger; run the same command again to ask for these alone")
    assert not file.exists()

    with run_server() as server:
        study = load_at(tmp_path, server.url, judges, **settings)
        counts, _ = judge(study, "alpaca_eval", RUNS)
        assert server.get_stats()["calls"] == len(failed)
    assert counts == {"ok": 24}
    after = Ledger(tmp_path / "ledger").read()
    assert {key: after[key] for key in after if key not in failed} == {
        key: records[key] for key in records if key not in failed
    }


def test_an_accepted_share_of_failures_is_counted(judge, url, results, tmp_path):
    """Questions that a judge refuses must not hold up a study that says so, and must not vanish from it either."""
    instructions = json.loads((results / "prompts" / "alpaca_eval.json").read_text())
    # The oracle knows films only, and refuses such a question.
    refused = [3, 5, 8]
    for number in refused:
        instructions[number]["instruction"] = f"how do I boil {number} eggs ?"
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "alpaca_eval.json").write_text(json.dumps(instructions))
    strict = load_at(tmp_path, url, {"max_error_share": 0.24}, alpaca_eval={"prompts": 12})
    with pytest.raises(JudgingError) as caught:
        judge(strict, "alpaca_eval", [WEAK], prompts=prompts)
    assert str(caught.value).startswith(
        "3 of 12 judgments ended as api_error, above judge.max_error_share 0.24; the first says: HTTP 400"
    )
    # To run it again would change nothing.
    assert str(caught.value).endswith(
        "but for 3 requests that were refused as such: change what is asked, or accept their share with "
        "judge.max_error_share"
    )
    lines = []
    accepting = load_at(tmp_path, url, {"max_error_share": 0.25}, alpaca_eval={"prompts": 12})
    counts, rows = judge(accepting, "alpaca_eval", [WEAK], lines.append, prompts)
    assert (counts["api_error"], sum(counts.values())) == (3, 12)
    assert "0 calls" in lines[0]
    failed = [row for row in rows[WEAK] if row["state"] == "api_error"]
    assert [(row["id"], row["preference"]) for row in failed] == [(number, None) for number in refused]
    assert all(f"boil {row['id']} eggs" in row["error"] for row in failed)


def test_a_judge_of_whom_nothing_can_be_read_ends_the_job(judge, tmp_path):
    """A leaderboard without a single win rate must not look like a finished evaluation."""
    study = load_judged(tmp_path, {"command": f"{ORACLE} --malformed 1"}, alpaca_eval={"prompts": 12})
    lines = []
    # A second run asks nobody, and is no better.
    for _ in range(2):
        with pytest.raises(JudgingError) as caught:
            judge(study, "alpaca_eval", [WEAK], lines.append)
        message = str(caught.value)
        # The draw was not asked.
        assert message.startswith(
            "none of the 11 judgments that were asked for is ok; the first says: neither 'm' nor 'M' among"
        )
        assert message.endswith(
            f"lie in {tmp_path / 'ledger'}, and what lies there is not asked again: delete that folder to ask anew"
        )
    assert len([line for line in lines if line.startswith("server ready")]) == 1
    assert lines[-1] == "1 ok, 11 parse_error"
    assert not (tmp_path / "judgments" / "shard~0.jsonl").exists()


def test_a_judge_of_whom_nothing_can_be_read_is_stopped_early(judge, tmp_path):
    """Of 328 ratings 50 tell: the others would be paid for nothing."""
    study = load_judged(
        tmp_path, {"command": f"{ORACLE} --malformed 1", "concurrency": 4}, mt_bench={"consistency": 2}
    )
    with pytest.raises(NothingReadable, match=r"none of the first 5\d replies could be read"):
        judge(study, "mt_bench", [SFT, WEAK])
    assert 50 <= len(Ledger(tmp_path / "ledger").read()) < 54


def test_a_missing_key_is_said_before_the_server_is_started(judge, tmp_path, monkeypatch):
    """A judge loads for minutes on GPUs that others wait for."""
    monkeypatch.delenv("LOSSGRID_TEST_KEY", raising=False)
    study = load_judged(tmp_path, {"key_variable": "LOSSGRID_TEST_KEY"}, summaries={"rows": 12})
    lines = []
    with pytest.raises(MissingKeyError, match="LOSSGRID_TEST_KEY is not set"):
        judge(study, "summaries", [WEAK], lines.append)
    assert lines == []
    assert not (tmp_path / "server.log").exists()


def test_a_server_has_the_time_to_start_that_the_study_says(judge, tmp_path):
    """A judge of 70B from a cold disk needs more than ten minutes, a small one's mistake should not cost them."""
    study = load_judged(
        tmp_path, {"command": "sleep 600 {port}", "ready_timeout": 0.5}, summaries={"rows": 12}
    )
    with pytest.raises(ServerError, match=r"did not answer GET /v1/models within 0\.5 s"):
        judge(study, "summaries", [WEAK])


def test_responses_that_are_missing_are_named(judge, url, tmp_path):
    """A run without its answers would be judged on fewer questions than its neighbour."""
    study = load_at(tmp_path, url, summaries={"rows": 12})
    with pytest.raises(FileNotFoundError, match=r"cells/none/responses/judged\.jsonl"):
        judge(study, "summaries", [SFT, "cells/none"])
    assert not (tmp_path / "judgments").exists()
    assert not (tmp_path / "ledger").exists()


names = st.sampled_from([*RUNS, "cells/dpo/beta~0.05/seed~10"])
values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
score_rows = st.dictionaries(
    st.text(min_size=1, max_size=5).filter(lambda key: key != "run"), values, max_size=4
)


@given(st.lists(st.tuples(names, score_rows), max_size=20))
def test_cut_scores_are_the_judgments_of_each_run(tmp_path_factory, judgments):
    """A row in two files, in none, or in that of a run whose name begins alike belongs to the wrong mean."""
    folder = tmp_path_factory.mktemp("cut")
    write_lines(folder / "judgments.jsonl", [{"run": run, **row} for run, row in judgments])
    for run in {*RUNS, *(run for run, _ in judgments)}:
        scores = folder / run / "scores" / "mt_bench.jsonl"
        own = [row for name, row in judgments if name == run]
        assert cut_scores(folder / "judgments.jsonl", run, scores) == len(own)
        assert read_lines(scores) == own
        assert [file.name for file in scores.parent.iterdir()] == [scores.name]
