"""What the report says of the data: every row of the table, the key ones first."""

import pytest

from lossgrid.pages.report.data_card import gather_data_card, is_key

TABLE = """\
part,measure,value,low,high,n,clusters,unit,what
pairs,pairs,4096,,,,,,preference pairs
pairs,excluded_new_reason,3,,,,,,excluded_new_reason
reference,chosen_longer,0.4,0.3,0.5,4096,2000,share,share of pairs
reference,chosen_tokens_q05,6,,,4096,,tokens,5 % quantile
"""


def test_rows_are_those_of_the_table_and_say_which_come_first(tmp_path):
    """An empty interval must be no interval from 0 to 0."""
    (tmp_path / "data.csv").write_text(TABLE)
    pairs, excluded, longer, quantile = gather_data_card(tmp_path)
    assert "low" not in pairs
    assert (longer["low"], longer["high"], longer["n"]) == (0.3, 0.5, 4096)
    assert [row["key"] for row in (pairs, excluded, longer, quantile)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("part", "measure", "key"),
    [
        ("pairs", "reward_against_label", True),
        ("pairs", "rating_equal", True),
        ("pairs", "reward_chosen_mean", False),
        ("mt_bench", "shares_words_with_pairs", True),
        ("a_set_of_a_new_world", "same_as_pairs", True),
        ("heldout", "characters_mean", False),
    ],
)
def test_scores_and_prompt_sets_of_any_name_are_known(part, measure, key):
    """A world brings its own ratings, and a study its own questions."""
    assert is_key(part, measure) is key


def test_results_from_before_have_no_card(tmp_path):
    """A page of older results must still be made."""
    assert gather_data_card(tmp_path) == []
