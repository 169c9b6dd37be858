"""Pairs in words become prompt and response tokens: counts, cuts, and where the response starts."""

import pytest
from datasets import Dataset
from transformers import AutoTokenizer

from lossgrid.training.tokens import TokenCounts, load_tokenizer, tokenise_pairs


@pytest.fixture(scope="module")
def tokenizer(world):
    """One token a word; words it does not know are one `<unk>` each."""
    return AutoTokenizer.from_pretrained(world.model)


def make_pair(prompt: int, chosen: int, rejected: int, chosen_word="good", rejected_word="bad") -> dict:
    """A pair with so many words; the template adds `<|user|>`, `<|end|>`, `<|assistant|>` and `<|end|>`."""
    return {
        "prompt": [{"role": "user", "content": " ".join(["film"] * prompt)}],
        "chosen": [{"role": "assistant", "content": " ".join([chosen_word] * chosen)}],
        "rejected": [{"role": "assistant", "content": " ".join([rejected_word] * rejected)}],
    }


def get_word(tokenizer, number: int) -> str:
    return tokenizer.convert_ids_to_tokens(len(tokenizer) - 1 - number)


@pytest.fixture
def words(tokenizer):
    """Two words that the tokenizer knows."""
    return get_word(tokenizer, 0), get_word(tokenizer, 1)


def tokenise(pairs, tokenizer, max_length):
    data, counts = tokenise_pairs(Dataset.from_list(pairs), tokenizer, max_length)
    return data.to_list(), counts


def test_saved_tokenizer_does_not_tell_how_it_was_loaded(world, tmp_path):
    """Else the same study would write other files on a machine that is cut off from the hub."""
    first, second = tmp_path / "first", tmp_path / "second"
    load_tokenizer(world.model).save_pretrained(first)
    AutoTokenizer.from_pretrained(first, local_files_only=True).save_pretrained(second)
    told = (second / "tokenizer_config.json").read_text()
    assert "local_files_only" in told
    load_tokenizer(second).save_pretrained(second)
    assert (second / "tokenizer_config.json").read_bytes() == (first / "tokenizer_config.json").read_bytes()


def test_tokens_are_those_of_the_template(tokenizer, words):
    """Prompt: user marker, words, end, assistant marker. Response: words and the end token that is trained."""
    good, bad = words
    (row,), counts = tokenise([make_pair(2, 3, 1, good, bad)], tokenizer, 160)
    prompt = tokenizer.convert_ids_to_tokens(row["prompt_ids"])
    assert [prompt[0], *prompt[-2:]] == ["<|user|>", "<|end|>", "<|assistant|>"]
    assert len(prompt) == 2 + 3
    assert tokenizer.convert_ids_to_tokens(row["chosen_ids"]) == [good] * 3 + ["<|end|>"]
    assert tokenizer.convert_ids_to_tokens(row["rejected_ids"]) == [bad, "<|end|>"]
    assert counts == TokenCounts(1, 1, 0, 0, 0)


def test_prompt_and_response_are_the_whole_chat(world, tokenizer):
    """Prompt ids + response ids must be what the SFT model was trained on, for single and later turns alike."""
    from datasets import load_from_disk

    pairs = load_from_disk(world.pairs).to_list()
    rows, counts = tokenise(pairs, tokenizer, 160)
    assert counts == TokenCounts(96, 96, 0, 0, 0)
    assert {len(pair["prompt"]) for pair in pairs} == {1, 3}
    for pair, row in zip(pairs, rows, strict=True):
        for side in ("chosen", "rejected"):
            whole = tokenizer.apply_chat_template(pair["prompt"] + pair[side], return_dict=True)["input_ids"]
            assert row["prompt_ids"] + row[f"{side}_ids"] == whole
        assert (
            row["prompt_ids"]
            == (
                tokenizer.apply_chat_template(pair["prompt"], add_generation_prompt=True, return_dict=True)[
                    "input_ids"
                ]
            )
        )


def test_what_does_not_fit(tokenizer, words):
    """Every pair is in one count, a cut response is counted, and none is dropped without a number.

    With max_length 12 and 5 + 3 prompt tokens there is room for 4: 3 words and the end token. Prompts of 12
    tokens fill everything. Responses that differ only after the cut are the same.
    """
    good, bad = words
    pairs = [
        make_pair(5, 3, 3, good, bad),  # fits exactly
        make_pair(5, 4, 3, good, bad),  # loses the end token of its chosen response
        make_pair(5, 9, 9, good, bad),  # both are cut
        make_pair(9, 1, 1, good, bad),  # prompt of 12 tokens
        make_pair(30, 1, 1, good, bad),  # longer still
        make_pair(5, 2, 2, good, good),  # identical
        make_pair(5, 4, 9, good, good),  # identical once cut
    ]
    rows, counts = tokenise(pairs, tokenizer, 12)
    assert counts == TokenCounts(
        pairs=7, kept=3, truncated_responses=3 + 2, dropped_long_prompts=2, dropped_identical=2
    )
    assert counts.kept + counts.dropped_long_prompts + counts.dropped_identical == counts.pairs
    end = tokenizer.eos_token_id
    lengths = [(len(row["prompt_ids"]), len(row["chosen_ids"]), len(row["rejected_ids"])) for row in rows]
    assert lengths == [(8, 4, 4)] * 3
    assert [(row["chosen_ids"][-1] == end, row["rejected_ids"][-1] == end) for row in rows] == [
        (True, True),
        (False, True),
        (False, False),
    ]


def test_order_is_kept_around_dropped_pairs(tokenizer, words):
    """Row n of the reference data must be the n-th pair that was kept."""
    good, bad = words
    pairs = [make_pair(2, size, 1, good, bad) for size in (2, 3, 4)]
    pairs.insert(1, make_pair(40, 1, 1, good, bad))
    rows, _ = tokenise(pairs, tokenizer, 30)
    assert [len(row["chosen_ids"]) for row in rows] == [3, 4, 5]


def test_an_empty_response_is_its_end_token(tokenizer, words):
    """A policy may answer nothing; that is a response that can be preferred or not."""
    good, bad = words
    (row,), _ = tokenise([make_pair(2, 0, 2, good, bad)], tokenizer, 30)
    assert row["chosen_ids"] == [tokenizer.eos_token_id]


def test_nothing_left_says_what_to_change(tokenizer, words):
    """An empty data set would fail much later, in the trainer, without a reason."""
    good, bad = words
    pairs = [make_pair(9, 1, 1, good, bad), make_pair(20, 1, 1, good, bad), make_pair(2, 1, 1, good, good)]
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole text is compared
        tokenise(pairs, tokenizer, 12)
    assert str(error.value) == (
        "none of 3 pairs is left: 2 prompts fill max_length=12, 1 pairs have identical responses; "
        "raise training.max_length or look at the pairs"
    )


def test_a_template_that_renders_a_prompt_differently_alone(tokenizer, words):
    """Some templates open a thinking block behind a prompt alone: those tokens belong to the response."""
    good, bad = words
    changed = AutoTokenizer.from_pretrained(tokenizer.name_or_path)
    end = "<|assistant|>' }}{% endif %}"
    assert changed.chat_template.endswith(end)
    changed.chat_template = (
        changed.chat_template.removesuffix(end) + f"<|assistant|> {good}' }}}}{{% endif %}}"
    )
    plain, _ = tokenise([make_pair(2, 3, 2, good, bad)], tokenizer, 30)
    (row,), _ = tokenise([make_pair(2, 3, 2, good, bad)], changed, 30)
    assert row == plain[0]
