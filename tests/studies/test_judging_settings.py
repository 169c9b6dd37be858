"""What a study's judgments depend on: neither the pace of the asking nor its price, and never the training."""

import traceback

import pytest

from lossgrid.studies import (
    StudyError,
    get_cell,
    get_corpus_settings,
    get_generation_settings,
    get_judging_settings,
    get_length_control_settings,
    get_pairs_settings,
    get_prompts_settings,
    get_reference_settings,
    get_sft_settings,
    get_training_settings,
    hash_canonical,
)
from lossgrid.studies.code_identity import get_code_identity

BLOCKS = """\
judge:
  model: oracle
  command: serve --port {port}
mt_bench: {consistency: 4}
alpaca_eval: {prompts: 20}
summaries: {rows: 20}
"""
STEPS = {
    "prompts": get_prompts_settings,
    "mt_bench": lambda study: get_judging_settings(study, "mt_bench"),
    "alpaca_eval": lambda study: get_judging_settings(study, "alpaca_eval"),
    "summaries": lambda study: get_judging_settings(study, "summaries"),
    "length control": get_length_control_settings,
    "corpus": get_corpus_settings,
    "sft": get_sft_settings,
    "pairs": get_pairs_settings,
    "reference": get_reference_settings,
    "training": lambda study: get_training_settings(study, get_cell(study, "dpo/beta~0.05/seed~1")),
    "generation": get_generation_settings,
}
JUDGED = {"mt_bench", "alpaca_eval", "summaries"}
MODEL, COMMAND = "  model: oracle\n", "  command: serve --port {port}\n"


def add(line: str) -> tuple[str, str]:
    """A line more about the judge."""
    return MODEL, f"{MODEL}  {line}\n"


# What is changed, and the steps that must be redone for it (besides those that read their results).
CHANGES = {
    "concurrency": (add("concurrency: 3"), set()),
    "timeout": (add("timeout: 3"), set()),
    "attempts": (add("attempts: 3"), set()),
    "prices": (add("prices: {input: 1, output: 2}"), set()),
    "spend limit": (add("prices: {input: 1, output: 2}\n  spend_limit: 3"), set()),
    "date": (add("date: 2026-11"), set()),
    "time to start": (add("ready_timeout: 3"), set()),
    "memory of its server": (add("memory_gb: 3"), set()),
    "its GPUs": (add("gpus: 2\n  gpu_memory_gb: 80"), set()),
    "accepted share of errors": (add("max_error_share: 0.5"), set()),
    "variable of the key": (add("key_variable: OTHER_KEY"), set()),
    "size of a shard": (("judge:", "shard_size: 2\njudge:"), set()),
    "judge": ((MODEL, "  model: other\n"), JUDGED),
    "command": ((COMMAND, "  command: serve other --port {port}\n"), JUDGED),
    "address for a command": ((COMMAND, "  base_url: http://127.0.0.1:1/v1\n"), JUDGED),
    "name of the server": (add("server: other"), JUDGED),
    "mode": (("{consistency: 4}", "{consistency: 4, mode: pairwise}"), {"mt_bench"}),
    "second questions": (("{consistency: 4}", "{consistency: 5}"), {"mt_bench"}),
    "questions": (("{consistency: 4}", "{consistency: 4, questions: fastchat}"), {"prompts"}),
    "references": (("{consistency: 4}", "{consistency: 4, references: corrected}"), {"prompts"}),
    "length of an answer": (("{consistency: 4}", "{consistency: 4, max_new_tokens: 9}"), {"prompts"}),
    "instructions": (("{prompts: 20}", "{prompts: 21}"), {"prompts"}),
    "file of instructions": (("{prompts: 20}", "{prompts: 20, instructions: a.json}"), {"prompts"}),
    "file of difficulties": (
        ("{prompts: 20}", "{prompts: 20, instructions: a.json, difficulties: d.csv, baseline: reference}"),
        {"prompts", "alpaca_eval", "length control"},
    ),
    "baseline": (("{prompts: 20}", "{prompts: 20, baseline: reference}"), {"alpaca_eval", "length control"}),
    "penalty": (("{prompts: 20}", "{prompts: 20, inverse_regularisation: 3}"), {"length control"}),
    "alignment": (("{prompts: 20}", "{prompts: 20, alignment: row}"), {"length control"}),
    "rows": (("{rows: 20}", "{rows: 21}"), {"prompts"}),
    "opponents": (("{rows: 20}", "{rows: 20, opponents: human}"), {"summaries"}),
    "seed of the world": (("kind: reviews", "kind: reviews\n  seed: 2"), {"prompts", "corpus", "pairs"}),
    "another evaluation less": (("summaries: {rows: 20}\n", ""), {"prompts"}),
    "server of the policy": (
        ("judge:", "evaluation: {engine: server, command: 'serve {model} {port}'}\njudge:"),
        {"generation"},
    ),
    "sampling": (("judge:", "evaluation: {temperature: 0.5}\njudge:"), {"generation"}),
    "learning rate": (("learning_rate: 5e-7", "learning_rate: 6e-7"), {"training"}),
    "title": (("title: A small study", "title: Another"), set()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_redoes_what_it_decides_and_nothing_else(change, load_changed):
    """A judge called faster would be paid again; another judge under the old scores would not be noticed.

    An evaluation that is taken away has no settings to compare.
    """
    (old, new), expected = CHANGES[change]
    whole = ("claims:\n", f"{BLOCKS}claims:\n")
    replaced = [(old, new)] if old not in BLOCKS else []
    blocks = ("claims:\n", f"{BLOCKS.replace(old, new)}claims:\n") if old in BLOCKS else whole
    assert BLOCKS.count(old) <= 1
    before, after = load_changed(whole), load_changed(*replaced, blocks)
    steps = [step for step in STEPS if step not in JUDGED or step in after.get_evaluations()]
    assert {
        step for step in steps if hash_canonical(STEPS[step](before)) != hash_canonical(STEPS[step](after))
    } == expected


def test_a_named_server_may_move(load_changed):
    """A cluster's judge has another address every day; its answers are those of yesterday."""
    blocks = BLOCKS.replace(MODEL, f"{MODEL}  server: ours\n")
    settings = [
        get_judging_settings(
            load_changed(("claims:\n", f"{blocks.replace(COMMAND, way)}claims:\n")), "mt_bench"
        )
        for way in (COMMAND, "  base_url: http://10.0.0.1/v1\n", "  base_url: http://10.0.0.2/v1\n")
    ]
    assert settings[0] == settings[1] == settings[2]
    assert settings[0] == {
        "model": "oracle",
        "server": "ours",
        "evaluation": {"consistency": 4, "mode": "single"},
    }


def test_a_judge_of_this_repository_is_its_code(load_changed):
    """An oracle that was mended would otherwise be answered for by the ledger of the one that was wrong."""
    settings = ("  command: python workflow_scripts/serve_oracle.py --port {port}\n", COMMAND)
    own, other = (load_changed(("claims:\n", f"{BLOCKS.replace(COMMAND, way)}claims:\n")) for way in settings)
    code = get_code_identity("workflow_scripts/serve_oracle.py")
    assert own.judge.get_server() == f"python workflow_scripts/serve_oracle.py --port {{port}} ({code[:12]})"
    assert get_judging_settings(own, "mt_bench")["server"] == own.judge.get_server()
    assert other.judge.get_server() == other.judge.command


def test_a_slash_at_the_end_of_an_address_is_no_other_server(load_changed):
    """Written either way it is the same judge, whose answers must not be paid twice."""
    ways = ("  base_url: http://127.0.0.1/v1\n", "  base_url: http://127.0.0.1/v1/\n")
    plain, slashed = (load_changed(("claims:\n", f"{BLOCKS.replace(COMMAND, way)}claims:\n")) for way in ways)
    assert get_judging_settings(plain, "mt_bench") == get_judging_settings(slashed, "mt_bench")
    assert plain.judge.get_server() == "http://127.0.0.1/v1"


@pytest.mark.parametrize(
    "address",
    [
        "https://me:hunter2@example.org/v1",
        "https://example.org/v1?api_key=hunter2",
        "https://example.org/v1#hunter2",
        "me:hunter2@example.org/v1",
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_shown(load_changed, address):
    """It would stand in every record of the ledger, and in the log of every job."""
    blocks = BLOCKS.replace(COMMAND, f"  base_url: {address}\n")
    with pytest.raises(StudyError, match=r"judge: .*base_url must hold no user or password") as caught:
        load_changed(("claims:\n", f"{blocks}claims:\n"))
    assert "name the variable of the key in key_variable" in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in shown


def test_published_difficulties_are_about_published_outputs(load_changed):
    """Difficulties of GPT-4's outputs would call a win rate against the SFT model length-controlled, and be wrong."""

    def load(settings: str):
        blocks = BLOCKS.replace("{prompts: 20}", f"{{prompts: 20, instructions: a.json{settings}}}")
        return load_changed(("claims:\n", f"{blocks}claims:\n"))

    for settings in (", difficulties: d.csv", ", difficulties: d.csv, baseline: sft"):
        with pytest.raises(
            StudyError, match=r"difficulties: 'd\.csv': .*not with baseline: sft; write baseline: reference"
        ):
            load(settings)
    plain, published = load(", baseline: reference"), load(", difficulties: d.csv, baseline: reference")
    changed = [step for step in STEPS if STEPS[step](plain) != STEPS[step](published)]
    assert changed == ["length control"]


def test_a_study_without_a_judge_asks_for_no_prompts(load_changed):
    """Studies from before there were judges keep their identity: the world alone decides."""
    study = load_changed()
    assert study.get_evaluations() == []
    assert get_prompts_settings(study) == {"world": {"kind": "reviews", "seed": 1}}
