"""The tokenizer of the reviews world: exact round trips, prefixes and masks."""

import pytest
from transformers import AutoTokenizer

from lossgrid.worlds.reviews.corpus import make_chats, make_preference_prompts
from lossgrid.worlds.reviews.language import vocabulary
from lossgrid.worlds.reviews.tokenizer import build_tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    """The tokenizer as built."""
    return build_tokenizer()


@pytest.fixture(scope="module", params=["built", "loaded"])
def either_tokenizer(request, tokenizer, tmp_path_factory):
    """The tokenizer as built, and as every later step of a study reads it from its folder."""
    if request.param == "built":
        return tokenizer
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def chats():
    """Two hundred chats of the corpus."""
    return [chat["messages"] for chat in make_chats(1, 200)]


def test_one_token_a_word_and_none_added(either_tokenizer, chats):
    """A beginning token that the reference adds and the policy does not would shift every ratio."""
    text = chats[0][1]["content"]
    ids = either_tokenizer(text)["input_ids"]
    assert either_tokenizer.convert_ids_to_tokens(ids) == text.split(" ")
    assert len(either_tokenizer) == len(vocabulary()) + 5
    assert either_tokenizer.bos_token is None


def test_texts_survive_encoding_and_decoding(either_tokenizer, chats):
    """The reward reads decoded text: "superb." instead of "superb ." would be malformed."""
    for messages in chats:
        for message in messages:
            ids = either_tokenizer(message["content"] + " <|end|>")["input_ids"]
            assert either_tokenizer.unk_token_id not in ids
            assert either_tokenizer.decode(ids, skip_special_tokens=True) == message["content"]


def test_unknown_words_stay_visible(either_tokenizer):
    """A word outside the language must not vanish, or a malformed clause would become well-formed."""
    ids = either_tokenizer("the plot is unheard good .")["input_ids"]
    assert either_tokenizer.convert_ids_to_tokens(ids)[3] == "<unk>"
    assert len(ids) == 6


def test_a_chat_is_rendered_as_documented(either_tokenizer):
    """Generation stops at <|end|> and starts after <|assistant|>: both must be where training had them."""
    messages = [
        {"role": "user", "content": "now tell me"},
        {"role": "assistant", "content": "the plot is good ."},
    ]
    prompt = either_tokenizer.apply_chat_template(messages[:1], tokenize=False, add_generation_prompt=True)
    assert prompt == "<|user|> now tell me <|end|> <|assistant|>"
    whole = either_tokenizer.apply_chat_template(messages, tokenize=False)
    assert whole == "<|user|> now tell me <|end|> <|assistant|> the plot is good . <|end|>"


def test_a_prompt_is_a_prefix_of_its_answer(either_tokenizer):
    """Otherwise TRL would cut the prompt at the wrong token and train on the question."""
    for prompt in make_preference_prompts(1, 100):
        answered = [*prompt["prompt"], {"role": "assistant", "content": "the plot is good ."}]
        head = either_tokenizer.apply_chat_template(
            prompt["prompt"], add_generation_prompt=True, return_dict=True
        )
        whole = either_tokenizer.apply_chat_template(answered, return_dict=True)["input_ids"]
        length = len(head["input_ids"])
        assert whole[:length] == head["input_ids"]
        assert either_tokenizer.decode(whole[length:]) == "the plot is good . <|end|>"


def test_the_mask_covers_the_assistant_s_words_and_end(either_tokenizer, chats):
    """Training on the question's tokens, or never on <|end|>, would make replies that do not stop."""
    for messages in chats:
        encoded = either_tokenizer.apply_chat_template(
            messages, return_dict=True, return_assistant_tokens_mask=True
        )
        kept = [
            token
            for token, mask in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True)
            if mask
        ]
        replies = [message["content"] for message in messages if message["role"] == "assistant"]
        assert either_tokenizer.decode(kept) == " ".join(f"{reply} <|end|>" for reply in replies)


@pytest.mark.parametrize("content", ["", " the plot is good .", "the plot is good . "])
def test_odd_spaces_in_a_reply_change_nothing_but_its_words(either_tokenizer, content):
    """A collapsed policy answers nothing at all; its chat goes on to the second turn all the same."""
    messages = [{"role": "user", "content": "now tell me"}, {"role": "assistant", "content": content}]
    encoded = either_tokenizer.apply_chat_template(
        messages, return_dict=True, return_assistant_tokens_mask=True
    )
    count = len(content.split()) + 1
    assert encoded["assistant_masks"] == [0] * 6 + [1] * count
    assert either_tokenizer.decode(encoded["input_ids"][6:]) == " ".join([*content.split(), "<|end|>"])


def test_other_roles_are_refused(either_tokenizer):
    """A system prompt silently left out would be an evaluation of something else."""
    with pytest.raises(Exception, match="system"):
        either_tokenizer.apply_chat_template([{"role": "system", "content": "now"}], tokenize=False)


def test_a_saved_tokenizer_is_the_same_when_loaded(tokenizer, tmp_path, chats):
    """Every job reads the tokenizer from disk: other ids there would be another language."""
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.get_vocab() == tokenizer.get_vocab()
    assert loaded.chat_template == tokenizer.chat_template
    assert (loaded.pad_token, loaded.eos_token, loaded.unk_token) == ("<pad>", "<|end|>", "<unk>")
    assert (
        (loaded.pad_token_id, loaded.eos_token_id)
        == (tokenizer.pad_token_id, tokenizer.eos_token_id)
        == (0, 4)
    )
    assert sorted(loaded.all_special_tokens) == sorted(tokenizer.all_special_tokens)
    for messages in chats:
        assert loaded.apply_chat_template(messages) == tokenizer.apply_chat_template(messages)


def test_padding_is_not_the_end_of_a_reply(tokenizer):
    """With one token for both, masking the padding would also mask <|end|>."""
    batch = tokenizer(["the plot <|end|>", "the"], padding=True)
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert batch["attention_mask"] == [[1, 1, 1], [1, 0, 0]]
    assert batch["input_ids"][1][1:] == [tokenizer.pad_token_id] * 2
