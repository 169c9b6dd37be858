"""The table of a study's data: every number worked out by hand, or from the definition."""

import json

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.statistics.data_card.table import describe_data
from lossgrid.statistics.data_card.tokens import PairTokens, describe_tokens

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen"


def ask(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


# Prompt, chosen, rejected, their ratings. The first is repeated, and contradicted by the third; the fourth has one
# text twice and no rating of the rejected response; the last prompt shares thirteen words with a held-out chat.
PAIRS = [
    ("What is a loss?", "a number", "no idea", 5.0, 1.0),
    ("What is a loss?", "a number", "no idea", 5.0, 1.0),
    ("What is a loss?", "no idea", "a number", 1.0, 5.0),
    ("Who are you?", "nobody", "nobody", 3.0, None),
    (f"Count: {LONG}!", "1, 2", "1", 2.0, 2.0),
]
TOKENS = {
    "prompt_ids": [[1, 2], [1, 2], [1, 2], [3], [4, 5, 6]],
    "chosen_ids": [[7, 8, 9], [7, 8, 9], [7, 9], [7], [6, 9]],
    "rejected_ids": [[7, 9], [7, 9], [7, 8, 9], [8], [7, 7, 7, 7]],
    "ref_chosen_logps": [-3.0, -3.0, -1.0, -1.0, -2.0],
    "ref_rejected_logps": [-1.0, -1.0, -3.0, -2.0, -8.0],
}


@pytest.fixture
def results(tmp_path):
    """A study's folders: five pairs, held-out chats, prompts of a judge, no chats of an SFT model."""
    columns = ("prompt", "chosen", "rejected", "rating_chosen", "rating_rejected")
    rows = [(ask(prompt), answer(one), answer(other), *ratings) for prompt, one, other, *ratings in PAIRS]
    Dataset.from_list([dict(zip(columns, row, strict=True)) for row in rows]).save_to_disk(tmp_path / "pairs")
    (tmp_path / "pairs/summary.json").write_text(
        json.dumps({"rows": 9, "excluded_empty": 4, "pairs": 5, "oddities": 2, "mean_rating": 3.1})
    )
    Dataset.from_dict(TOKENS).save_to_disk(tmp_path / "reference")
    (tmp_path / "reference/summary.json").write_text(json.dumps({"pairs": 5, "kept": 5, "digest": "1a"}))
    heldout = [
        {"id": "a", "turns": ["what is a LOSS", "go on"], "history": []},
        {"id": "b", "turns": [f"please say {LONG}"], "history": []},
        {"id": "c", "turns": ["go on"], "history": [*ask("who are you?"), *answer("no one")]},
    ]
    Dataset.from_list(heldout).save_to_disk(tmp_path / "corpus/heldout")
    (tmp_path / "prompts").mkdir()
    chats = [{"set": "mt_bench", "id": 1, "turns": ["write \u2028 a poem"]}]
    (tmp_path / "prompts/chats.jsonl").write_text(
        "".join(json.dumps(chat, ensure_ascii=False) + "\n" for chat in chats), encoding="utf-8"
    )
    return tmp_path


@pytest.fixture
def described(results):
    """The table, by part and measure."""
    table, _ = describe_data(*(results / name for name in ("pairs", "reference", "corpus", "prompts")))
    assert not table.duplicated(["part", "measure"]).any()
    return table.set_index(["part", "measure"])


def test_every_count_is_there_known_or_not(described):
    """A world may count what this table has never heard of."""
    values = described["value"]
    assert values[("pairs", "rows")] == 9
    assert values[("pairs", "excluded_empty")] == 4
    assert described.loc[("pairs", "oddities"), "what"] == "oddities"
    assert described.loc[("pairs", "excluded_empty"), "what"] == "rows left out because a message is empty"
    assert values[("reference", "kept")] == 5
    # Neither a mean without an interval, nor a hash.
    assert not {"mean_rating", "digest"} & set(described.index.get_level_values("measure"))


def test_repetitions_and_contradictions_by_hand(described):
    """The second pair repeats the first; each of the first three is contradicted; three prompts differ."""
    values = described["value"]["pairs"]
    assert values["distinct_prompts"] == 3
    assert values["repeated_prompts"] == 2
    assert values["repeated_pairs"] == 1
    assert values["conflicting_pairs"] == 3
    assert values["same_texts"] == 1


def test_ratings_leave_out_what_was_not_rated(described):
    """Of four rated pairs one is a tie and one is against its label; (4 + 4 − 4 + 0)/4 = 1."""
    rating = described.loc["pairs"]
    assert rating.loc["rating_equal", ["value", "n"]].tolist() == [0.25, 4]
    assert rating.loc["rating_against_label", "value"] == 0.25
    assert rating.loc["rating_difference_mean", ["value", "n", "clusters"]].tolist() == [1, 4, 2]


def test_lengths_by_hand(described):
    """Differences in tokens: 1, 1, −1, 0, −2."""
    tokens = described.loc["reference"]
    assert tokens.loc["chosen_tokens_mean", "value"] == pytest.approx(11 / 5)
    assert tokens.loc["prompt_tokens_longest", "value"] == 3
    assert tokens.loc["length_difference_mean", "value"] == pytest.approx(-0.2)
    assert tokens.loc["chosen_longer", ["value", "n", "clusters"]].tolist() == [0.4, 5, 3]
    assert tokens.loc["same_length", "value"] == 0.2
    # The first of five pairs, and the last.
    assert tokens.loc["chosen_longer_first_tenth", "value"] == 1
    assert tokens.loc["chosen_longer_last_tenth", "value"] == 0
    # 7 and 7 three times, 7 and 8, 6 and 7; 9 and 9 three times, 7 and 8, 9 and 7.
    assert tokens.loc["begin_alike", "value"] == tokens.loc["end_alike", "value"] == 0.6


def test_what_the_reference_prefers_by_hand(described):
    """Margins −2, −2, 2, 1, 6; per token −1 against −½, the same, −½ against −1, −1 against −2, −1 against −2."""
    tokens = described.loc["reference"]
    assert tokens.loc["reference_margin_mean", "value"] == 1
    assert tokens.loc["reference_prefers_chosen", "value"] == 0.6
    assert tokens.loc["reference_prefers_chosen_per_token", "value"] == 0.6
    # Deviations −3, −3, 1, 0, 5: √(44/4).
    assert tokens.loc["reference_margin_sd", "value"] == pytest.approx(np.sqrt(11))


def test_evaluations_are_looked_for_in_the_pairs(described):
    """The first held-out chat opens with a pair's question, the second shares 13 words, the third's history opens."""
    heldout, judged = described.loc["heldout"], described.loc["mt_bench"]
    assert heldout.loc["same_as_pairs", ["value", "n"]].tolist() == [2, 3]
    assert heldout.loc["shares_words_with_pairs", "value"] == 1
    assert heldout.loc["pairs_concerned", ["value", "n"]].tolist() == [3, 3]
    assert judged.loc["chats", "value"] == 1
    assert judged.loc["same_as_pairs", "value"] == 0
    assert "same_as_sft_chats" not in heldout.index


def test_a_study_without_a_judge_has_its_heldout_chats_alone(results):
    """And with chats of an SFT model these are looked through too."""
    chats = [{"messages": ask("Go on?") + answer("yes")}, {"messages": ask("what is a loss") + answer("no")}]
    Dataset.from_list(chats).save_to_disk(results / "corpus/chats")
    table, _ = describe_data(*(results / name for name in ("pairs", "reference", "corpus")))
    assert list(dict.fromkeys(table["part"])) == ["pairs", "reference", "sft_chats", "heldout"]
    heldout = table[table["part"] == "heldout"].set_index("measure")["value"]
    assert (heldout["same_as_sft_chats"], heldout["sft_chats_concerned"]) == (1, 1)


def test_lengths_of_every_pair_are_handed_on(results):
    """The figure is drawn from them; prompts that are equal have one number."""
    _, lengths = describe_data(*(results / name for name in ("pairs", "reference", "corpus")))
    assert lengths["prompt"].tolist() == [0, 0, 0, 1, 2]
    assert lengths["chosen_tokens"].tolist() == [3, 3, 2, 1, 2]
    assert lengths["rejected_tokens"].tolist() == [2, 2, 3, 1, 4]


PAIR = st.tuples(st.integers(0, 3), *[st.integers(1, 50)] * 3, *[st.floats(-100, 0)] * 2)


@given(st.lists(PAIR, min_size=1, max_size=30))
def test_every_pair_is_longer_shorter_or_equal(pairs):
    """Shares add up to 1, intervals hold what they are of, and another order of the pairs changes no mean."""

    def describe(rows):
        numbers, logps = np.array([row[:4] for row in rows]), np.array([row[4:] for row in rows], float)
        columns = ["prompt", "prompt_tokens", "chosen_tokens", "rejected_tokens"]
        alike = np.ones(len(rows), bool)
        tokens = PairTokens(pd.DataFrame(numbers, columns=columns), alike, alike, logps)
        return pd.DataFrame(list(describe_tokens(tokens))).set_index("measure")

    table = describe(pairs)
    shares = table.loc[["chosen_longer", "rejected_longer", "same_length"], "value"]
    assert shares.sum() == pytest.approx(1)
    bounded = table[table["low"].notna()]
    assert (bounded["low"] <= bounded["value"] + 1e-9).all()
    assert (bounded["value"] <= bounded["high"] + 1e-9).all()
    still = [name for name in table.index if "tenth" not in name]
    pd.testing.assert_series_equal(
        table.loc[still, "value"], describe(pairs[::-1]).loc[still, "value"], rtol=1e-6, atol=1e-9
    )
