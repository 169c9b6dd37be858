"""Claims about metrics that a study does not measure are found before anything runs."""

import pytest

from lossgrid.studies.claims import (
    PairedDifference,
    ProportionOfRuns,
    find_unevaluated,
    get_evaluated_metrics,
)


def claim(metric: str) -> PairedDifference:
    sides = {"cell": "dpo/beta~0.1", "baseline": "sft", "metric": metric}
    return PairedDifference(id=metric, statement="So.", kind="paired_difference", **sides)


@pytest.mark.parametrize(
    ("study", "metrics"),
    [
        ({}, []),
        ({"mt_bench": None, "alpaca_eval": None, "summaries": None}, []),
        ({"mt_bench": {}}, ["mt_bench"]),
        ({"mt_bench": {"mode": "single"}}, ["mt_bench"]),
        ({"mt_bench": {"mode": "pairwise"}}, []),
        ({"alpaca_eval": {"prompts": 20}}, ["win_rate", "lc_win_rate"]),
        ({"summaries": {"rows": 20}}, ["summary_win_rate_human", "summary_win_rate_sft"]),
        ({"summaries": {"opponents": "both"}}, ["summary_win_rate_human", "summary_win_rate_sft"]),
        ({"summaries": {"opponents": "human"}}, ["summary_win_rate_human"]),
        ({"summaries": {"opponents": "sft"}}, ["summary_win_rate_sft"]),
        # A block that is itself a mistake is reported as one, and no claim beside it.
        ({"mt_bench": 5, "alpaca_eval": ["x"]}, ["mt_bench", "win_rate", "lc_win_rate"]),
    ],
)
def test_what_a_study_measures_follows_from_its_blocks(study, metrics):
    """A metric too few refuses a sound claim; one too many lets a claim fail after the training."""
    assert get_evaluated_metrics(study) == ["reward", "kl", *metrics]


def test_blocks_say_the_same_before_and_after_validation(load_changed):
    """The check reads the file, and the tables the study: they must agree on every default."""
    blocks = {"mt_bench": {}, "alpaca_eval": {}, "summaries": {"rows": 20}}
    judge = 'judge: {model: judge, base_url: "http://127.0.0.1:1/v1"}\n'
    text = "".join(f"{name}: {block}\n".replace("'", "") for name, block in blocks.items())
    study = load_changed(("objectives:\n", f"{judge}{text}objectives:\n"))
    assert get_evaluated_metrics(study.model_dump()) == get_evaluated_metrics(blocks)
    assert len(get_evaluated_metrics(blocks)) == 7


def test_a_claim_about_what_is_not_measured_is_found_with_what_to_add():
    """The study would train for days before its claim had nothing to read."""
    proportion = ProportionOfRuns(
        id="p", statement="So.", kind="proportion_of_runs", cells="*", event="diverged", relation="none"
    )
    claims = [
        claim("reward"),
        proportion,
        claim("mt_bench"),
        claim("win_rate"),
        claim("summary_win_rate_sft"),
    ]
    found = dict(find_unevaluated(claims, ["reward", "kl", "win_rate"]))
    assert list(found) == [("claims", 2, "metric"), ("claims", 4, "metric")]
    assert found["claims", 2, "metric"] == (
        "is not measured by this study; add mt_bench in mode single to it, or compare one of reward, kl, win_rate"
    )
    assert "add summaries against both or sft to it" in found["claims", 4, "metric"]
