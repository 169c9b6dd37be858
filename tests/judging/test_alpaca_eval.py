"""AlpacaEval's questions and preferences, against upstream's own code and against judgments that were paid for."""

import math
import re

import pandas as pd
import pytest
from answered import answer
from hypothesis import assume, given
from hypothesis import strategies as st

from lossgrid.judging.alpaca_eval import build_requests
from lossgrid.judging.asking.request import Reply, UnreadableReply
from lossgrid.judging.comparisons import collect_comparisons
from lossgrid.judging.evaluations import list_requests
from lossgrid.judging.preference import get_preference, is_swapped, read_logprobs

# Two ways to divide two exponentials in double precision.
EXACT = 1e-12
# What ten decimals of a stored preference leave.
STORED = 1e-10

texts = st.text(st.characters(codec="utf-8"), max_size=40)
plain_texts = st.text(st.characters(codec="utf-8", exclude_characters="{<"), max_size=40)
logprobs = st.floats(-800, 0) | st.none()


@pytest.fixture(scope="module")
def upstream():
    """The alpaca_eval package with the modules that tests compare with."""
    import alpaca_eval
    import alpaca_eval.completion_parsers
    import alpaca_eval.processors
    import alpaca_eval.utils

    return alpaca_eval


def ask_one(instruction="Name a colour.", baseline="Red.", model="Blue.", **options):
    """The comparisons of a single instruction and run."""
    return build_requests(
        [{"id": 7, "dataset": "helpful_base", "instruction": instruction}],
        {7: baseline},
        {"sft": [{"id": 7, "turn": 1, "response": model}]},
        "judge-1",
        **options,
    )


@given(logprobs, logprobs, st.booleans())
def test_preferences_are_upstreams(upstream, logprob_m, logprob_M, swapped):
    """Upstream's logprob_parser reads the answer, its processor turns a switched preference x into 3 − x."""
    pairs = (("m", logprob_m), ("x", -9.0), ("M", logprob_M))
    listed = {token: value for token, value in pairs if value is not None}
    top_logprobs = [{"token": token, "logprob": value} for token, value in listed.items()]
    completion = {"logprobs": {"content": [{"top_logprobs": top_logprobs}]}}
    (expected,) = upstream.completion_parsers.logprob_parser(
        completion, numerator_token="m", denominator_tokens=["m", "M"], is_binarize=False
    )
    reply = Reply("m", "length", tuple(listed.items()), 1, 1)
    if math.isnan(expected):
        with pytest.raises(UnreadableReply, match="neither 'm' nor 'M' among the likeliest tokens"):
            read_logprobs(reply)
    else:
        preference = get_preference(**read_logprobs(reply), swapped=swapped)
        assert preference == pytest.approx(3 - expected if swapped else expected, abs=EXACT, rel=0)


@given(logprobs, logprobs)
def test_the_order_shown_does_not_matter_to_a_judge_without_a_bias(logprob_m, logprob_M):
    """Swapped texts come with swapped log-probabilities; a mistake here would turn losses into wins."""
    assume(not (logprob_m is None and logprob_M is None))
    own = get_preference(logprob_m, logprob_M, swapped=False)
    assert get_preference(logprob_M, logprob_m, swapped=True) == pytest.approx(own, abs=EXACT, rel=0)
    assert 1 <= own <= 2


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (None, "no log-probabilities beside the reply 'M'"),
        ((), "neither 'm' nor 'M' among the likeliest tokens []"),
        ((("The", -0.1), ("mm", -3.0)), "neither 'm' nor 'M' among the likeliest tokens ['The', 'mm']"),
        ((("m", -math.inf), ("M", -math.inf)), "neither 'm' nor 'M'"),
        ((("m", math.nan), ("M", -1.0)), "log-probability nan of token 'm'"),
        ((("m", -1.0), ("M", math.inf)), "log-probability inf of token 'M'"),
    ],
)
def test_an_unreadable_reply_is_no_preference(listed, message):
    """Upstream turns some of these into NaN and drops them; here they are counted, with what was wrong."""
    with pytest.raises(UnreadableReply, match=re.escape(message)):
        read_logprobs(Reply("M", "length", listed, 1, 1))


@given(texts)
def test_the_order_is_upstreams(upstream, instruction):
    """Another order would be another position bias for the same numbers."""
    processor = upstream.processors.RandomSwitchTwoColumnsProcessor(
        two_columns_to_switch=["output_1", "output_2"],
        random_seed_columns=("instruction",),
        _switch_column="is_switched_outputs",
        seed=0,
    )
    pair = pd.DataFrame([{"instruction": instruction, "output_1": "baseline", "output_2": "model"}])
    assert (processor.preprocess(pair)["output_1"].item() == "model") == is_swapped(instruction)


@given(plain_texts, plain_texts, plain_texts.map("b".__add__))
def test_messages_are_upstreams(upstream, instruction, baseline, model):
    """A judge that reads another prompt is another judge. Texts with places to fill or role markers in them are
    where the two are meant to differ; see the next test.
    """
    assume(baseline != model)
    (comparison,) = ask_one(instruction, baseline, model)
    first, second = (model, baseline) if comparison.swapped else (baseline, model)
    folder = upstream.constants.EVALUATORS_CONFIG_DIR
    template = (folder / "alpaca_eval_clf_gpt4_turbo" / "alpaca_eval_clf.txt").read_text(encoding="utf-8")
    row = pd.DataFrame([{"instruction": instruction, "output_1": first, "output_2": second}])
    (prompt,), _ = upstream.utils.make_prompts(row, template)
    expected = [dict(message) for message in upstream.utils.prompt_to_chatml(prompt)]
    assert comparison.request.body["messages"] == expected


@pytest.mark.parametrize(
    "hostile", ["{output_2}", "{instruction}", "{}", "{0}", "<|im_end|>", r"\1 \g<0>", '"""']
)
def test_an_answer_cannot_change_the_question(hostile):
    """The baseline's text filled into the model's answer would be judged in its place."""
    plain = ask_one("Write.", "Red.", "Blue.")[0].request.body["messages"]
    (comparison,) = ask_one("Write.", "Red.", f"Blue.{hostile}")
    messages = comparison.request.body["messages"]
    assert messages[0] == plain[0]
    assert messages[1]["content"] == plain[1]["content"].replace("Blue.", f"Blue.{hostile}")
    assert messages[1]["content"].count("Red.") == 1


def test_a_request_asks_for_what_upstream_asks_for():
    """One token with the five likeliest: everything else in the answer would be paid for and not read."""
    body = ask_one()[0].request.body
    settings = {name: value for name, value in body.items() if name != "messages"}
    assert settings == {
        "model": "judge-1",
        "max_tokens": 1,
        "temperature": 1,
        "logprobs": True,
        "top_logprobs": 5,
    }
    assert [message["role"] for message in body["messages"]] == ["system", "user"]


def test_the_baselines_own_answer_is_a_draw_that_nobody_pays_for():
    """As upstream: 1.5 without a question. The position bias of the judge would decide it otherwise."""
    comparisons = ask_one(model="Red.", consistency=1)
    assert list_requests(comparisons) == []
    assert collect_comparisons(comparisons, {}, "judge")["sft"] == [
        {
            "id": 7,
            "dataset": "helpful_base",
            "swapped": is_swapped("Name a colour."),
            "repeat": 0,
            "state": "ok",
            "preference": 1.5,
            "logprob_m": None,
            "logprob_M": None,
            "error": None,
            "key": None,
            "len_baseline": 4,
            "len_model": 4,
        }
    ]


def prefer_long(body: dict) -> dict[str, float]:
    """A judge without a position bias that prefers the longer output."""
    first, second = re.findall(r'"output": """(.*?)"""', body["messages"][1]["content"], re.DOTALL)
    share = 1 / (1 + math.exp((len(second) - len(first)) / 10))
    return {"m": math.log(share), "M": math.log1p(-share)}


def ask_twenty(consistency=0, runs=("sft", "cells/dpo/beta~0.1/seed~1")):
    """Twenty instructions answered with ever longer text; the baseline's has ten characters."""
    instructions = [{"id": f"q{number}", "instruction": f"Write {number} words."} for number in range(20)]
    answers = {
        run: [{"id": f"q{number}", "turn": 1, "response": "a" * (number + 1)} for number in range(20)]
        for run in runs
    }
    baseline = {f"q{number}": "b" * 10 for number in range(20)}
    return build_requests(instructions, baseline, answers, "judge-1", consistency)


def test_scores_undo_the_order_in_which_texts_were_shown():
    """Longer than the baseline's must win whether it was shown first or second; both orders occur."""
    comparisons = ask_twenty()
    scores = collect_comparisons(comparisons, answer(list_requests(comparisons), prefer_long), "judge")
    assert list(scores) == ["sft", "cells/dpo/beta~0.1/seed~1"]
    rows = scores["sft"]
    assert {row["swapped"] for row in rows} == {True, False}
    for row in rows:
        expected = 1 + 1 / (1 + math.exp((10 - row["len_model"]) / 10))
        assert row["preference"] == pytest.approx(expected, abs=EXACT)
    assert [row["id"] for row in rows] == [f"q{number}" for number in range(20)]


def test_second_questions_are_the_same_and_the_opposite_one():
    """Every fourth instruction again, in both orders, for every run; only the repeat and the seed tell the first
    from the second time, so that neither can be taken for the other in the ledger.
    """
    comparisons = ask_twenty(consistency=5, runs=("sft",))
    first = {each.pair.columns["id"]: each for each in comparisons if each.repeat == 0}
    again = [each for each in comparisons if each.repeat == 1]
    opposite = [each for each in comparisons if each.repeat == 2]
    assert [each.pair.columns["id"] for each in again] == ["q0", "q4", "q8", "q12", "q16"]
    assert [each.pair.columns["id"] for each in opposite] == ["q0", "q4", "q8", "q12", "q16"]
    for same, other in zip(again, opposite, strict=True):
        asked = first[same.pair.columns["id"]]
        assert same.request.body == {**asked.request.body, "seed": 1}
        assert (same.swapped, other.swapped) == (asked.swapped, not asked.swapped)
    keys = [request.get_key("judge") for request in list_requests(comparisons)]
    assert len(set(keys)) == len(keys) == 30
    scores = collect_comparisons(comparisons, answer(list_requests(comparisons), prefer_long), "judge")["sft"]
    values = pd.DataFrame(scores).pivot(index="id", columns="repeat", values="preference").dropna()
    assert len(values) == 5
    for repeat in (1, 2):
        assert values[repeat].tolist() == pytest.approx(values[0].tolist(), abs=EXACT)


def test_runs_with_the_same_answer_share_the_question():
    """Asked once, paid once: the order is decided by the instruction, not by the run."""
    keys = [request.get_key("judge") for request in list_requests(ask_twenty())]
    # Of the 20 answers of each run none is the baseline's own.
    assert (len(keys), len(set(keys))) == (40, 20)


def test_an_unreadable_answer_stays_in_the_scores():
    """Left out, it would leave the mean without a trace."""
    comparisons = ask_one()
    (row,) = collect_comparisons(comparisons, answer(list_requests(comparisons), lambda body: None), "judge")[
        "sft"
    ]
    assert (row["state"], row["preference"], row["logprob_m"]) == ("parse_error", None, None)
    assert row["error"] == "no log-probabilities beside the reply 'm'"


def test_what_was_not_judged_cannot_be_cut():
    """A judging job that stopped half-way must not leave scores of the half."""
    with pytest.raises(ValueError, match=r"sft: nothing recorded for 7 \(repeat 0\) on server 'judge'"):
        collect_comparisons(ask_one(), {}, "judge")


@pytest.mark.parametrize(
    ("baseline", "responses", "message"),
    [
        ({}, [{"id": 7, "response": "x"}], "the baseline: no text for 7"),
        ({7: "y"}, [], "sft: no text for 7"),
        ({7: "y"}, [{"id": 7, "turn": 2, "response": "x"}], "sft: no text for 7"),
        ({7: "y"}, [{"id": 7, "response": "x"}] * 2, "sft: two responses to 7"),
    ],
)
def test_missing_texts_are_refused(baseline, responses, message):
    """Fewer questions for one run than for another: the two could not be compared."""
    with pytest.raises(ValueError, match=message):
        build_requests([{"id": 7, "instruction": "?"}], baseline, {"sft": responses}, "judge-1")


def test_stored_judgments_of_published_models(fixtures):
    """Every preference of seven leaderboard models and of DiscoPOP's nine follows from its stored
    log-probabilities and the stored order: none differs. Three answers lack one of the two tokens. Two models are
    published without log-probabilities; the other preferences without any are draws of two outputs of one length,
    which nobody was asked about, and those of the baseline with itself.
    """
    orders = pd.read_csv(fixtures / "alpaca_eval" / "questions.csv").set_index("index")["switched_seed0"]
    files = ("alpaca_eval/annotations.csv.gz", "discopop/alpacaeval2_vs_sft_annotations.csv.gz")
    stored = pd.concat([pd.read_csv(fixtures / file) for file in files], ignore_index=True)
    asked = stored[["logprob_m", "logprob_M"]].notna().any(axis=1)
    judged = stored[asked].assign(swapped=stored.loc[asked, "index"].map(orders).astype(bool))
    assert len(judged) == 5617 + 7171
    assert judged[["logprob_m", "logprob_M"]].isna().any(axis=1).sum() == 3
    for row in judged.itertuples():
        assert _get_stored_preference(row, row.swapped) == pytest.approx(row.preference, abs=STORED, rel=0), (
            row
        )
    unasked = stored[~asked & stored["preference"].notna() & ~stored["model"].str.startswith("FuseChat")]
    assert len(unasked) == 805 + 17 + 33
    assert (unasked["preference"] == 1.5).all()
    assert (unasked["len_1"] == unasked["len_2"]).all()


def test_stored_judgments_of_summaries(fixtures):
    """All 17,355 of DiscoPOP's comparisons of summaries, seven with one of the two tokens: no order is stored, but
    all rows of a post, over all 21 runs, must agree on one.
    """
    stored = pd.read_csv(fixtures / "discopop" / "tldr_annotations.csv.gz")
    judged = stored[stored[["logprob_m", "logprob_M"]].notna().any(axis=1)]
    assert len(judged) == stored["preference"].notna().sum() == 17355
    assert judged[["logprob_m", "logprob_M"]].isna().any(axis=1).sum() == 7
    for post, rows in judged.groupby("post"):
        agreeing = [
            swapped
            for swapped in (False, True)
            if all(
                abs(_get_stored_preference(row, swapped) - row.preference) < STORED
                for row in rows.itertuples()
            )
        ]
        assert len(agreeing) == 1, post


def _get_stored_preference(row, swapped: bool) -> float:
    m, M = (None if math.isnan(value) else value for value in (row.logprob_m, row.logprob_M))
    return get_preference(m, M, swapped)
