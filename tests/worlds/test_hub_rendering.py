"""Tokenizers of strangers' models: where chats begin, where responses begin and end, and what pads."""

import pytest
from datasets import Dataset

from lossgrid.training.tokens import tokenise_pairs
from lossgrid.worlds.hub.rendering import knows_system, prepare_tokenizer
from lossgrid.worlds.hub.repositories import HubError, find_snapshot

# The rendering of each stand-in, the token that ends a turn, and how often a chat begins.
FAMILIES = {
    "mistral-instruct": ("chat", "</s>", 1),
    "zephyr-gemma-sft": ("chat", "<|im_end|>", 1),
    "gemma-it": ("chat", "<end_of_turn>", 1),
    "gpt2-imdb": ("continuation", "<|endoftext|>", 0),
}


@pytest.fixture(params=FAMILIES)
def family(request, offline_hub):
    """Name and prepared tokenizer of a stand-in."""
    rendering, *expected = FAMILIES[request.param]
    return prepare_tokenizer(find_model(request.param), request.param, rendering), *expected


def find_model(name):
    return find_snapshot(f"shrunk/{name}", "models", None)


def test_responses_begin_at_their_text_and_end_with_the_end_of_a_turn(family):
    """One token off, and the loss trains on a marker of roles, or never on the end."""
    tokenizer, end, beginnings = family
    prompt = [{"role": "user", "content": "how is the music ?"}]
    pair = {
        "prompt": prompt,
        **{side: [{"role": "assistant", "content": side}] for side in ("chosen", "rejected")},
    }
    rows, _ = tokenise_pairs(Dataset.from_list([pair]), tokenizer, 256)
    row = rows[0]
    assert row["prompt_ids"].count(tokenizer.bos_token_id) == beginnings
    assert tokenizer.eos_token == end
    for side in ("chosen", "rejected"):
        ids = row[f"{side}_ids"]
        assert ids[-1] == tokenizer.eos_token_id
        assert tokenizer.decode(ids[:-1]).strip() == side
    assert "how is the music ?" in tokenizer.decode(row["prompt_ids"])


def test_every_model_can_pad_a_batch(family):
    tokenizer, _, _ = family
    batch = tokenizer.pad({"input_ids": [[5], [5, 6]]}, return_tensors="pt")
    assert batch["attention_mask"].sum() == 3


def test_what_was_prepared_survives_saving(family, tmp_path):
    """The policy's folder is what everything reads from then on."""
    from transformers import AutoTokenizer

    tokenizer, *_ = family
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    for one in ("eos_token_id", "pad_token_id", "chat_template"):
        assert getattr(loaded, one) == getattr(tokenizer, one)
    assert loaded.apply_chat_template(chat) == tokenizer.apply_chat_template(chat)


@pytest.mark.parametrize(
    ("name", "known"), [("mistral-instruct", False), ("gemma-it", False), ("zephyr-gemma-sft", True)]
)
def test_templates_without_a_system_role_are_recognised(name, known, offline_hub):
    assert knows_system(prepare_tokenizer(find_model(name), name, "chat")) is known


def test_a_template_that_leaves_the_system_message_out_does_not_know_it(offline_hub):
    tokenizer = prepare_tokenizer(find_model("zephyr-gemma-sft"), "zephyr", "chat")
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] != 'system' %}{{ m['content'] }}{% endif %}{% endfor %}"
    )
    assert not knows_system(tokenizer)


def test_a_model_without_a_template_cannot_chat(offline_hub):
    with pytest.raises(HubError, match="no chat template; write rendering: continuation"):
        prepare_tokenizer(find_model("gpt2-imdb"), "shrunk/gpt2-imdb", "chat")


def test_a_template_that_begins_twice_is_refused(offline_hub, tmp_path):
    """Models that see two beginning tokens answer worse, and nobody notices."""
    tokenizer = prepare_tokenizer(find_model("mistral-instruct"), "mistral", "chat")
    tokenizer.chat_template = "{{ bos_token }}" + tokenizer.chat_template
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(HubError, match="<s> twice"):
        prepare_tokenizer(tmp_path, "mistral", "chat")


@pytest.mark.parametrize(("end_token", "ends"), [(True, True), (False, False)])
def test_a_continuation_that_was_cut_has_no_end(end_token, ends, offline_hub):
    tokenizer = prepare_tokenizer(find_model("gpt2-imdb"), "gpt2", "continuation", end_token)
    chat = [{"role": "user", "content": "It was"}, {"role": "assistant", "content": " good"}]
    ids = tokenizer.apply_chat_template(chat, tokenize=True, return_dict=True)["input_ids"]
    assert (ids[-1] == tokenizer.eos_token_id) is ends
    assert tokenizer.decode(ids, skip_special_tokens=True) == "It was good"
