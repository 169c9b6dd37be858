"""Length control against AlpacaEval's leaderboard and DiscoPOP's published runs."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import bootstrap

from lossgrid.statistics.clustered import estimate_mean
from lossgrid.statistics.length_control import (
    GAMED_WEIGHT,
    control_length,
    predict_win_rate,
    standardise_lengths,
)
from lossgrid.statistics.official_questions import read_official_questions

WEIGHTS = ["w_tanh_len", "w_difficulty", "w_bias"]
# Upstream stops at liblinear's tolerance of 1e-4. For one model that is 0.0110 points before the minimum of its own
# objective; its published row is the value at which scikit-learn stops, to 0.0013.
STOPPED_EARLY = {"gpt-3.5-turbo-1106": -0.0110}
# The published row and the published weights of this one are not of the same fit.
OTHER_FIT = {"NullModel": -0.1308}


@pytest.fixture(scope="module")
def official(fixtures):
    """AlpacaEval's difficulties with gamed rows that have the sums of the real ones."""
    return read_official_questions(fixtures / "alpaca_eval" / "df_gamed_RECONSTRUCTED.csv")


@pytest.fixture(scope="module")
def expected(fixtures):
    """The published rows of all models but the baseline itself."""
    rows = pd.read_csv(fixtures / "alpaca_eval" / "expected.csv").set_index("model")
    return rows.drop("gpt4_1106_preview")


@pytest.fixture(scope="module")
def annotations(fixtures):
    """Judgments by model."""
    rows = pd.read_csv(fixtures / "alpaca_eval" / "annotations.csv.gz")
    return dict(list(rows.groupby("model")))


def control(rows, official, C, alignment="question"):
    """The length-controlled rate of one model's stored judgments."""
    difficulty = official.get_difficulty(rows["index"], alignment)
    return control_length(rows["preference"], rows["len_1"], rows["len_2"], difficulty, official.gamed, C)


def get_upstreams_error(controlled, difficulty):
    """What AlpacaEval prints as `lc_standard_error`: the spread of the predictions alone."""
    predicted = [predict_win_rate(controlled.weights, [each]) for each in difficulty]
    return estimate_mean(predicted, range(len(predicted))).standard_error


def get_alignment(rows):
    """How upstream looked difficulties up: it matters where a row is missing."""
    return "question" if len(rows) == 805 else "row"


def test_the_difficulties_are_those_of_the_questions(fixtures, official):
    """Recovered in two ways, from two stored annotation sets and in the gamed rows' file."""
    questions = pd.read_csv(fixtures / "alpaca_eval" / "questions.csv")
    assert official.difficulty == pytest.approx(questions["instruction_difficulty"].to_numpy(), abs=1e-9)
    assert (len(official.difficulty), len(official.gamed.preference)) == (805, 1610)


def test_published_weights_give_the_published_rates(annotations, official, expected):
    """To 1e-7, but for NullModel, whose weights give 86.3250 and whose row says 86.4578."""
    for model, row in expected.iterrows():
        rows = annotations[model]
        difficulty = official.get_difficulty(rows["index"], get_alignment(rows))
        published = row["length_controlled_winrate"]
        if model in OTHER_FIT:
            assert predict_win_rate(row[WEIGHTS], difficulty) - published == pytest.approx(-0.1328, abs=1e-4)
        else:
            assert predict_win_rate(row[WEIGHTS], difficulty) == pytest.approx(published, abs=1e-7, rel=0)


def test_the_baselines_weights_are_nothing():
    """GPT-4 against itself is 50 by construction."""
    assert predict_win_rate((0, 0, 0), np.linspace(-3, 3, 805)) == 50


def test_own_fits_at_the_stated_strength(annotations, official, expected):
    """Within 0.005 points of the published rate for seven of nine; the other two, by how much and why, are above."""
    known = STOPPED_EARLY | OTHER_FIT
    for model, row in expected.iterrows():
        rows = annotations[model]
        controlled = control(rows, official, row["C_deduced_from_weights"], get_alignment(rows))
        difference = controlled.win_rate - row["length_controlled_winrate"]
        if model in known:
            assert difference == pytest.approx(known[model], abs=1e-4), model
        else:
            assert abs(difference) < 0.005, model
        # Another solver, run to the end, on the same rows.
        assert controlled.win_rate == pytest.approx(row["lc_refit_fixed_C"], abs=1e-6), model


def test_own_fits_are_the_better_minima(annotations, official, expected):
    """Where a fit differs from the published weights, it is the published one that is further from the minimum."""
    for model, row in expected.iterrows():
        rows, C = annotations[model], row["C_deduced_from_weights"]
        alignment = get_alignment(rows)
        length = np.tanh(standardise_lengths(rows["len_1"], rows["len_2"]))
        difficulty = official.get_difficulty(rows["index"], alignment)
        gamed = official.gamed
        features = np.vstack(
            [
                np.column_stack([length, difficulty, np.ones(len(rows))]),
                np.column_stack([np.tanh(gamed.length), gamed.difficulty, np.zeros(1610)]),
            ]
        )
        shares = np.concatenate([rows["preference"] - 1, gamed.preference])
        weights = np.repeat([1, GAMED_WEIGHT], [len(rows), 1610])

        def measure(theta, C=C, features=features, shares=shares, weights=weights):
            p = expit(features @ np.asarray(theta, float))
            entropy = -(shares * np.log(p) + (1 - shares) * np.log(1 - p))
            return C * weights @ entropy + np.abs(theta).sum()

        own = measure(control(rows, official, C, alignment).weights)
        assert own < measure(row[WEIGHTS]), model


def test_a_missing_row_shifts_upstreams_alignment(annotations, official, expected):
    """gpt35_turbo_instruct answered 804 of 805: looked up by row number, every later difficulty is another
    question's, and its rate is 17.73; by question it is 14.96.
    """
    rows = annotations["gpt35_turbo_instruct"]
    assert len(rows) == 804
    C = expected.loc["gpt35_turbo_instruct", "C_deduced_from_weights"]
    assert control(rows, official, C, "row").win_rate == pytest.approx(17.73, abs=0.005)
    assert control(rows, official, C, "question").win_rate == pytest.approx(14.96, abs=0.005)
    # Complete models are the same in both.
    rows = annotations["claude-2.1"]
    assert control(rows, official, C, "row").win_rate == control(rows, official, C, "question").win_rate


def test_upstreams_error_is_the_spread_of_predictions(annotations, official, expected):
    """Reproduced for the models that have one published, to the digits that the fit itself agrees in; the error with
    the judgments' noise is twice as large or more.
    """
    published = expected["lc_standard_error"].dropna()
    assert len(published) == 3
    for model, error in published.items():
        rows = annotations[model]
        controlled = control(rows, official, expected.loc[model, "C_deduced_from_weights"])
        upstreams = get_upstreams_error(controlled, official.get_difficulty(rows["index"], "question"))
        assert upstreams == pytest.approx(error, abs=5e-4), model
        assert controlled.standard_error > 2 * upstreams, model


def test_the_error_agrees_with_the_bootstrap(annotations, official):
    """600 paired resamples of questions, each with a refit, its own spread of lengths and its own zeros: standard
    error and half the percentile interval within 10 %, of which 3 % and 6 % are the resamples' own noise.
    """
    rows = annotations["gpt-3.5-turbo-1106"]
    difficulty = official.get_difficulty(rows["index"], "question")
    data = tuple(
        np.asarray(each, float) for each in (rows["preference"], rows["len_1"], rows["len_2"], difficulty)
    )
    drawn = bootstrap(
        data,
        lambda *resampled: control_length(*resampled, official.gamed).win_rate,
        paired=True,
        vectorized=False,
        n_resamples=600,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    error = control_length(*data, official.gamed).standard_error
    assert drawn.standard_error == pytest.approx(error, rel=0.1)
    low, high = drawn.confidence_interval
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.1)


def test_discopop_rates(fixtures, official):
    """DiscoPOP's nine losses against SFT, 41 judgments missing: left out of the fit and predicted, as upstream does,
    all nine come within 0.01 points and their errors within 0.0002, at the strength that upstream's
    cross-validation must have chosen: 2.78, and 0.36 for two of them. At 2.78 those two are 0.035 and 0.028 off.
    """
    annotations = pd.read_csv(fixtures / "discopop" / "alpacaeval2_vs_sft_annotations.csv.gz")
    published = pd.read_csv(fixtures / "discopop" / "expected_leaderboards.csv")
    published["model"] = published["file"].str.extract("_AE2/(?:anonymous-)?(.*?)/", expand=False)
    published = published.dropna(subset="model").set_index("model")
    chosen = dict.fromkeys(published.index, 2.782559402207126)
    chosen |= dict.fromkeys(("zephyr-7b-g-cell", "zephyr-7b-g-kto"), 0.3593813663804626)
    assert set(annotations["model"]) == set(published.index)
    for model, rows in annotations.groupby("model"):
        controlled = control(rows, official, chosen[model])
        row = published.loc[model]
        assert controlled.win_rate == pytest.approx(row["length_controlled_winrate"], abs=0.01), model
        upstreams = get_upstreams_error(controlled, official.difficulty)
        assert upstreams == pytest.approx(row["lc_standard_error"], abs=2e-4), model
