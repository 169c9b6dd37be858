"""The oracle's judgments: right on average, wrong in the stated ways, the same for the same request."""

import math
import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.worlds.reviews.judge_case import Case, UnreadablePromptError, find_aspect, read_case
from lossgrid.worlds.reviews.judge_prompts import get_judge_prompts
from lossgrid.worlds.reviews.language import sample_question, sample_reply, vocabulary
from lossgrid.worlds.reviews.lexicon import ASPECTS
from lossgrid.worlds.reviews.oracle import (
    OracleSettings,
    answer_request,
    get_first_tokens,
    get_log_odds,
    rate,
)
from lossgrid.worlds.reviews.reward import score_reply

PROMPTS = {prompt["name"]: prompt for prompt in get_judge_prompts()}
RATED = re.compile(r"Rating: \[\[([1-9]|10)\]\]")
VERDICT = re.compile(r"\[\[([ABC])\]\]")
EVEN = OracleSettings(noise=0.0, length_bias=0.0, position_bias=0.0, malformed=0.0)
# Five standard errors: by chance one in two million tests fails, and seeds are fixed.
ERRORS = 5


def ask(name: str, seed: int | None = None, **texts: str) -> dict:
    """The body that FastChat's code makes of a judge prompt."""
    prompt = PROMPTS[name]
    messages = [
        {"role": "system", "content": prompt["system_prompt"]},
        {"role": "user", "content": prompt["prompt_template"].format(**texts)},
    ]
    body = {"model": "oracle", "messages": messages, "temperature": 0}
    return body if seed is None else {**body, "seed": seed}


def compare(question: str, first: str, second: str, template: str | None = None, **more) -> dict:
    """A body as AlpacaEval makes it."""
    text = template or (
        'Which?\n{\n    "post": """{instruction}""",\n}\n{\n    {\n        "summary": """{output_1}"""\n    },\n'
        '    {\n        "summary": """{output_2}"""\n    }\n}'
    )
    for name, value in (("instruction", question), ("output_1", first), ("output_2", second)):
        text = text.replace(f"{{{name}}}", value)
    return {"model": "oracle", "messages": [{"role": "user", "content": text}], "temperature": 1, **more}


def sample_case(index: int) -> tuple[str, str, str, str]:
    """Aspect, question and two replies of the corpus's kind."""
    rng = Random(f"case {index}")
    aspect = rng.choice(ASPECTS)
    return aspect, sample_question(rng, aspect, 1), sample_reply(rng, aspect), sample_reply(rng, aspect)


@pytest.fixture(scope="module")
def template() -> str:
    """AlpacaEval's own prompt, from the installed package."""
    folder = Path(find_spec("alpaca_eval").origin).parent / "evaluators_configs"
    return (folder / "alpaca_eval_clf_gpt4_turbo" / "alpaca_eval_clf.txt").read_text()


@pytest.mark.parametrize("name", PROMPTS)
def test_the_replies_that_count_are_found_in_every_judge_prompt(name):
    """A judge that scores the reference, or the first turn, would rate every policy alike."""
    texts = {
        "question": "tell me about the plot in pellwick .",
        "question_1": "tell me about the plot in pellwick .",
        "question_2": "and what about the music ?",
        **{
            field: f"the {field} ."
            for field in (
                "answer",
                "answer_1",
                "answer_2",
                "answer_a",
                "answer_b",
                "answer_a_1",
                "answer_b_1",
            )
        },
        **{field: f"the {field} ." for field in ("answer_a_2", "answer_b_2", "ref_answer_1", "ref_answer_2")},
    }
    case = read_case(PROMPTS[name]["prompt_template"].format(**texts))
    turn = "_2" if name.endswith("multi-turn") else ""
    whose = ["answer_a", "answer_b"] if name.startswith("pair") else ["answer"]
    assert case == Case(
        form="verdict" if name.startswith("pair") else "rating",
        aspect="music" if turn else "plot",
        replies=tuple(f"the {field}{turn} ." for field in whose),
    )


def test_alpaca_eval_s_prompt_is_read(template):
    """The text is upstream's; a judge that wants another one would not show that upstream's works."""
    body = compare("what about the music ?", "one", "two\nlines", template)
    assert read_case(body["messages"][0]["content"]) == Case("choice", "music", ("one", "two\nlines"))


def test_a_post_is_judged_by_its_last_question():
    """The reply in the middle of a post names aspects too."""
    post = (
        "user : what about the plot ?\nassistant : the music is superb .\nuser : and what about the pacing ?"
    )
    body = compare(post, "one", "")
    assert read_case(body["messages"][0]["content"]) == Case("choice", "pacing", ("one", ""))
    assert find_aspect("my friend praised the acting of istrelle . do you agree ?") == "acting"


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("Which film is best?", r"no question with its replies .*'Which film is best\?'"),
        ("== Question ==\nwhat about the plot ?\n== End ==", "no question with its replies"),
        ('"instruction": """the plot ?""" "output": """one"""', r"1 fields \"output\" or \"summary\""),
        ('"output": """one""" "output": """two"""', r"0 fields \"instruction\" or \"post\""),
        (
            "== Question ==\nwho are you ?\n== Reply ==\nme .\n== End ==",
            r"'who are you \?' names none of acting",
        ),
    ],
)
def test_what_is_not_understood_is_said(prompt, message):
    """A judgment of a prompt that was misread is worse than none."""
    with pytest.raises(UnreadablePromptError, match=message):
        read_case(prompt)


@given(
    st.lists(st.sampled_from([*vocabulary(), "\n", '"""', "== Reply ==", "unheard"]), max_size=40).map(
        " ".join
    )
)
def test_any_reply_of_a_policy_is_judged(reply):
    """A collapsed policy writes anything its tokenizer has; each of its replies must get a judgment."""
    question = "what about the plot ?"
    rated = answer_request(ask("single-v1", question=question, answer=reply), EVEN)
    assert RATED.search(rated.text)
    judged = answer_request(ask("pair-v2", question=question, answer_a=reply, answer_b="the"), EVEN)
    assert len(VERDICT.findall(judged.text)) == 1


@pytest.mark.parametrize(
    ("reward", "length", "mood", "rating"),
    [
        # R + 4, the range's ends, and beyond them.
        (-3.0, 95, 0.0, 1),
        (6.0, 95, 0.0, 10),
        (1.0, 95, 0.0, 5),
        (1.4, 95, 0.0, 5),
        (1.6, 95, 0.0, 6),
        (-3.0, 95, -4.0, 1),
        (6.0, 95, 4.0, 10),
        # 2 points for 100 characters above 95, half a point for a standard deviation of mood.
        (1.0, 195, 0.0, 7),
        (1.0, 45, 0.0, 4),
        (1.0, 95, 2.0, 6),
        (1.0, 45, -2.0, 3),
    ],
)
def test_ratings_worked_by_hand(reward, length, mood, rating):
    """The formula is what a study would quote."""
    assert rate(reward, length, mood, OracleSettings(noise=0.5, length_bias=2.0)) == rating


def test_log_odds_worked_by_hand():
    """(6 − (−2))/2 for the rewards, 2·(21 − 28)/100 for the lengths, 0.25 for the place, 0.5·3 for the mood."""
    case = Case("choice", "acting", ("the cast is superb .!", "the cast is utterly awful ..."))
    rewards = [score_reply("the cast is superb .", "acting"), score_reply("the cast is awful .", "acting")]
    settings = OracleSettings(noise=0.5, length_bias=2.0, position_bias=0.25, temperature=2.0)
    assert len(case.replies[0]) - len(case.replies[1]) == -8
    assert get_log_odds(case, rewards, 3.0, settings) == pytest.approx(
        8 / 2 - 2 * 0.08 + 0.25 + 1.5, abs=1e-12
    )


@given(st.floats(-60, 60))
def test_first_tokens_are_probabilities_with_the_given_odds(log_odds):
    """The weighted preference is read from these two numbers."""
    tokens = get_first_tokens(log_odds)
    listed = dict(tokens)
    assert len(listed) == len(tokens) >= 20
    # Rounding of 22 logarithms of size up to 70.
    assert math.fsum(map(math.exp, listed.values())) == pytest.approx(1, abs=1e-9)
    assert listed["m"] - listed["M"] == pytest.approx(log_odds, abs=1e-9)
    assert list(listed.values()) == sorted(listed.values(), reverse=True)


def test_better_replies_get_higher_ratings_on_average():
    """A judge that does not follow the reward measures nothing; 3,000 replies in six bands of reward.

    The mean rating of a band is its mean reward + 4, and 1.5 points for 100 characters that its replies are longer
    than 95 on average: extreme rewards are those of short replies. Each rating adds noise of 0.3 and rounding of
    0.29, together 0.42: among 140 replies, the smallest band, five standard errors are 0.18.
    """
    bands: dict[int, list[tuple[float, float]]] = {}
    for index in range(3_000):
        aspect, question, reply, _ = sample_case(index)
        body = ask("single-v1", question=question, answer=reply)
        rating = int(RATED.search(answer_request(body, OracleSettings(malformed=0)).text)[1])
        reward = score_reply(reply, aspect).total
        expected = min(10, max(1, reward + 4 + 1.5 * (len(reply) - 95) / 100))
        bands.setdefault(min(3, max(-2, math.floor(reward))), []).append((expected, rating))
    assert min(map(len, bands.values())) >= 140
    expected, ratings = np.array([np.mean(bands[band], axis=0) for band in sorted(bands)]).T
    assert len(ratings) == 6
    assert np.all(np.diff(ratings) > 0.4)
    assert ratings == pytest.approx(expected, abs=0.18)


def fit(columns: list[list[float]], values: list[float]) -> tuple[np.ndarray, np.ndarray, float]:
    """Least squares with a constant: coefficients, standard errors, standard deviation of the residuals."""
    X = np.column_stack([*columns, np.ones(len(values))])
    coefficients, residual, *_ = np.linalg.lstsq(X, np.asarray(values), rcond=None)
    variance = residual[0] / (len(values) - X.shape[1])
    return coefficients, np.sqrt(variance * np.diag(np.linalg.inv(X.T @ X))), math.sqrt(variance)


def test_biases_and_noise_are_recovered_from_choices(template):
    """What length control removes and a swap of places averages must be there, as large as stated."""
    settings = OracleSettings(noise=0.4, length_bias=1.2, position_bias=-0.3, temperature=0.8, malformed=0)
    rewards, lengths, log_odds = [], [], []
    for index in range(2_000):
        aspect, question, first, second = sample_case(index)
        listed = dict(answer_request(compare(question, first, second, template), settings).first_tokens)
        rewards.append(score_reply(first, aspect).total - score_reply(second, aspect).total)
        lengths.append((len(first) - len(second)) / 100)
        log_odds.append(listed["m"] - listed["M"])
    coefficients, errors, deviation = fit([rewards, lengths], log_odds)
    assert np.all(np.abs(coefficients - [1 / 0.8, 1.2, -0.3]) < ERRORS * errors)
    assert np.all(errors < 0.03)
    # The standard deviation of 2,000 draws has a relative standard error of 1/√4000.
    assert deviation == pytest.approx(0.4, rel=ERRORS / math.sqrt(4_000))


def test_length_bias_and_noise_are_recovered_from_ratings():
    """Rounding adds a variance of 1/12; replies whose rating could be clipped are left out."""
    settings = OracleSettings(noise=0.5, length_bias=1.0, malformed=0)
    rewards, lengths, ratings = [], [], []
    for index in range(4_000):
        aspect, question, reply, _ = sample_case(index)
        reward = score_reply(reply, aspect).total
        if -0.5 < reward < 3:
            body = ask("single-v1", question=question, answer=reply)
            rewards.append(reward)
            lengths.append((len(reply) - 95) / 100)
            ratings.append(int(RATED.search(answer_request(body, settings).text)[1]))
    coefficients, errors, deviation = fit([rewards, lengths], ratings)
    assert np.all(np.abs(coefficients - [1, 1, 4]) < ERRORS * errors)
    assert np.all(errors < 0.06)
    assert deviation == pytest.approx(math.sqrt(0.25 + 1 / 12), rel=0.08)


def test_verdicts_follow_reward_place_and_band():
    """Without noise the verdict is the sign of the log-odds, and a tie within 0.3 of zero."""
    question, good, bad = "what about the plot ?", "the plot is superb .", "the plot is awful ."
    close = "the twist is superb ."

    def judge(first: str, second: str, settings: OracleSettings) -> str:
        body = ask("pair-v2", question=question, answer_a=first, answer_b=second)
        (verdict,) = VERDICT.findall(answer_request(body, settings).text)
        return verdict

    assert (judge(good, bad, EVEN), judge(bad, good, EVEN), judge(good, close, EVEN)) == ("A", "B", "C")
    first_liked = OracleSettings(noise=0, length_bias=0, position_bias=0.31, malformed=0)
    assert (judge(good, close, first_liked), judge(close, good, first_liked)) == ("A", "A")
    second_liked = OracleSettings(noise=0, length_bias=0, position_bias=-0.31, malformed=0)
    assert (judge(good, close, second_liked), judge(bad, good, second_liked)) == ("B", "B")


@pytest.mark.parametrize("form", ["rating", "verdict", "choice"])
def test_the_stated_share_of_replies_cannot_be_read(form, template):
    """Parse errors must occur, in all their ways, or nothing shows that they are counted."""
    count, share = 4_000, 0.015
    settings = OracleSettings(malformed=share)
    ways = Counter()
    for index in range(count):
        _, question, first, second = sample_case(index)
        if form == "rating":
            answer = answer_request(ask("single-v1", question=question, answer=first), settings)
            read = RATED.search(answer.text)
        elif form == "verdict":
            body = ask("pair-v2", question=question, answer_a=first, answer_b=second)
            answer = answer_request(body, settings)
            read = VERDICT.search(answer.text)
        else:
            answer = answer_request(compare(question, first, second, template), settings)
            read = answer.text in ("m", "M")
            assert read == bool({"m", "M"} & dict(answer.first_tokens).keys())
            # What is said is among the likeliest tokens, as it is at a real server.
            assert answer.text.split()[:1] in ([], [answer.first_tokens[0][0]], ["m"], ["M"])
        if not read:
            ways[(answer.text.split() or [""])[-1]] += 1
    spread = math.sqrt(count * share * (1 - share))
    assert abs(sum(ways.values()) - count * share) < ERRORS * spread
    assert (
        ways.keys()
        == {
            "rating": {"[[11]]", "[[08]]", "[[7/10]]", "malformed.", "kind.", ""},
            "verdict": {"[[D]]", "A]]", "[A]", "malformed.", "kind.", ""},
            "choice": {"Neither", "Both", "kind.", ""},
        }[form]
    )


def test_no_unreadable_replies_where_none_are_wanted():
    """A share of 0 must be exactly that, and the other judgments the same as with them."""
    readable, changed = 0, 0
    for index in range(1_000):
        _, question, reply, _ = sample_case(index)
        body = ask("single-v1", question=question, answer=reply)
        some = answer_request(body, OracleSettings(malformed=0.3)).text
        none = answer_request(body, OracleSettings(malformed=0)).text
        assert RATED.search(none)
        if RATED.search(some):
            readable += 1
            changed += some != none
    assert 600 < readable < 800
    assert changed == 0


def test_the_same_request_is_answered_alike_in_any_order(template):
    """A ledger that is rebuilt, or a study run again, must give the same numbers."""
    bodies = [compare(*sample_case(index)[1:], template) for index in range(50)]
    bodies += [ask("single-v1", question=sample_case(i)[1], answer=sample_case(i)[2]) for i in range(50)]
    settings = OracleSettings()
    first = [answer_request(body, settings) for body in bodies]
    again = [answer_request(dict(reversed(body.items())), settings) for body in reversed(bodies)]
    assert again[::-1] == first
    # What a request says beside the question changes nothing.
    assert [answer_request({**body, "max_tokens": 9, "logprobs": True}, settings) for body in bodies] == first


@pytest.mark.parametrize("change", ["seed", "model", "temperature", "oracle"])
def test_another_request_gets_noise_of_its_own(change, template):
    """Self-consistency compares repeats: with the noise of the first answer it would be 100 %."""
    moods = []
    plain = OracleSettings(malformed=0, length_bias=0, position_bias=0)
    for index in range(800):
        aspect, question, first, second = sample_case(index)
        body = compare(question, first, second, template)
        other = {"seed": {"seed": 1}, "model": {"model": "judge"}, "temperature": {"temperature": 0}}
        settings = OracleSettings(**{**vars(plain), "seed": 1}) if change == "oracle" else plain
        pair = []
        for answer in (
            answer_request(body, plain),
            answer_request({**body, **other.get(change, {})}, settings),
        ):
            listed = dict(answer.first_tokens)
            difference = score_reply(first, aspect).total - score_reply(second, aspect).total
            pair.append(listed["m"] - listed["M"] - difference)
        moods.append(pair)
    one, another = np.array(moods).T
    # A correlation of 800 independent pairs has a standard error of 1/√800.
    assert abs(np.corrcoef(one, another)[0, 1]) < ERRORS / math.sqrt(800)
    assert np.std(another) == pytest.approx(0.3, rel=ERRORS / math.sqrt(1_600))


def test_repeats_agree_as_often_as_stated():
    """The docstring's figures, measured: two thirds of the ratings repeat, and the rest are near."""
    differences = []
    settings = OracleSettings(malformed=0)
    for index in range(2_000):
        _, question, reply, _ = sample_case(index)
        bodies = [ask("single-v1", seed, question=question, answer=reply) for seed in (None, 1)]
        ratings = [int(RATED.search(answer_request(body, settings).text)[1]) for body in bodies]
        differences.append(ratings[0] - ratings[1])
    # The standard error of a share of two thirds is 0.0105.
    assert np.mean(np.array(differences) == 0) == pytest.approx(0.68, abs=0.05)
    assert np.std(differences) == pytest.approx(0.57, abs=0.05)


def test_a_choice_is_drawn_at_the_temperature_that_is_asked_for(template):
    """At 0 the likelier token is said, at 1 each as often as its probability."""
    question, good, fair = "what about the plot ?", "the plot is superb .", "the plot is thrilling ."
    said = Counter()
    settings = OracleSettings(noise=0.0, length_bias=0.0, position_bias=0.0, malformed=0.0, temperature=0.6)
    for seed in range(2_000):
        body = compare(question, good, fair, template, seed=seed)
        said["warm"] += answer_request(body, settings).text == "m"
        said["cold"] += answer_request({**body, "temperature": 0}, settings).text == "m"
    assert said["cold"] == 2_000
    # A lead of 0.6 points is one log-odds at 0.6 points each.
    share = 1 / (1 + math.exp(-1))
    assert said["warm"] == pytest.approx(2_000 * share, abs=ERRORS * math.sqrt(2_000 * share * (1 - share)))


def test_explanations_name_what_was_seen():
    """A reader of a judgment must see why; half of these clauses are off the point, a quarter repeat."""
    reply = "the plot is superb . the cast is awful . the plot is good . the twist is"
    body = ask("single-v1", question="what about the plot ?", answer=reply)
    assert answer_request(body, EVEN).text == (
        "The reply is favourable (sentiment +0.25); 25% of it is about the plot, 25% is repetition and 25% is "
        "malformed. Rating: [[4]]"
    )
    body = ask("pair-v2", question="what about the plot ?", answer_a="", answer_b="the plot is awful .")
    assert answer_request(body, EVEN).text == (
        "Assistant A is lukewarm (sentiment +0.00); 0% of it is about the plot, 0% is repetition and 100% is "
        "malformed. Assistant B is scathing (sentiment -1.00); 100% of it is about the plot, 0% is repetition and "
        "0% is malformed. [[B]]"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("noise", -1), ("malformed", 1.5), ("malformed", -0.1), ("temperature", 0), ("length_bias", math.nan)],
)
def test_impossible_settings_are_refused(name, value):
    """Else the first judgment fails, or all of them are nonsense."""
    with pytest.raises(ValueError, match=rf"^{name}: {value!r}"):
        OracleSettings(**{name: value})
