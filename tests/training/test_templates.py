"""Chat templates as models in use have them: where a response starts and ends, and what of a prompt is kept."""

import pytest
import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from lossgrid.training.logps import get_sequence_logps
from lossgrid.training.tokens import TokenCounts, tokenise_pairs

QUESTION, CHOSEN, REJECTED = "tell me more", "it was good", "no"
# Template, special tokens with beginning and end of a sequence first, what ends a response, whole prompt as text.
TEMPLATES = {
    "ChatML": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        (None, "<|im_end|>", "<|im_start|>"),
        "<|im_end|>",
        "<|im_start|> user \n tell me more <|im_end|> \n <|im_start|> assistant \n",
    ),
    "ChatML of a base model": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        (None, "<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        "<|im_end|>",
        "<|im_start|> user \n tell me more <|im_end|> \n <|im_start|> assistant \n",
    ),
    "Mistral": (
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
        "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}",
        ("<s>", "</s>"),
        "</s>",
        "<s> [INST] tell me more [/INST]",
    ),
    "Gemma": (
        "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
        "{{ m.content }}<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
        ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
        "<end_of_turn>",
        "<bos> <start_of_turn> user \n tell me more <end_of_turn> \n <start_of_turn> model \n",
    ),
    "continuation": (
        "{% for m in messages %}{{ m.content }}{% if m.role == 'assistant' %}{{ eos_token }}{% else %} {% endif %}"
        "{% endfor %}",
        ("<|endoftext|>", "<|endoftext|>"),
        "<|endoftext|>",
        "tell me more",
    ),
}


def make_tokenizer(name: str) -> PreTrainedTokenizerFast:
    """A tokenizer of words and line ends with this template, whose padding token is its end token."""
    template, (begin, end, *others), _, _ = TEMPLATES[name]
    special = list(dict.fromkeys(filter(None, [begin, end, *others])))
    words = [
        "user",
        "assistant",
        "model",
        "[INST]",
        "[/INST]",
        "tell",
        "me",
        "more",
        "it",
        "was",
        "good",
        "no",
        "\n",
    ]
    vocabulary = {word: number for number, word in enumerate(["<unk>", *words, *special])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(" ", "removed"), pre_tokenizers.Split("\n", "isolated")]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token=begin,
        eos_token=end,
        pad_token=end,
        additional_special_tokens=others,
        chat_template=template,
    )


@pytest.fixture(params=TEMPLATES)
def template(request):
    """A tokenizer, what ends a response, and the prompt of `QUESTION` as tokens."""
    _, _, end, prompt = TEMPLATES[request.param]
    return make_tokenizer(request.param), end, prompt.split(" ")


def make_pair(question=QUESTION, chosen=CHOSEN, rejected=REJECTED) -> dict:
    return {
        "prompt": [{"role": "user", "content": question}],
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }


def tokenise(tokenizer, *pairs, **lengths):
    data, counts = tokenise_pairs(Dataset.from_list(list(pairs)), tokenizer, **{"max_length": 100, **lengths})
    rows = [{key: tokenizer.convert_ids_to_tokens(ids) for key, ids in row.items()} for row in data.to_list()]
    return rows, counts


def test_a_response_is_its_words_and_its_end(template):
    """What a template writes behind the end, or the end of a prompt, would be trained though nobody generates it."""
    tokenizer, end, prompt = template
    (row,), _ = tokenise(tokenizer, make_pair())
    assert row == {
        "prompt_ids": prompt,
        "chosen_ids": [*CHOSEN.split(), end],
        "rejected_ids": [*REJECTED.split(), end],
    }
    assert "<unk>" not in row["prompt_ids"]


@pytest.mark.parametrize("name", ["Mistral", "Gemma"])
def test_a_sequence_begins_once(name):
    """A second beginning, before the one that the template wrote, makes a prompt that no model has seen."""
    tokenizer = make_tokenizer(name)
    (row,), _ = tokenise(tokenizer, make_pair())
    assert (row["prompt_ids"] + row["chosen_ids"]).count(tokenizer.bos_token) == 1
    assert row["prompt_ids"][0] == tokenizer.bos_token


def test_an_end_token_that_the_response_quotes_does_not_end_it(template):
    """Only blanks may be cut off: words behind an end token are the response's."""
    tokenizer, end, _ = template
    (row,), _ = tokenise(tokenizer, make_pair(chosen=f"it {end} was good"))
    assert row["chosen_ids"] == ["it", end, "was", "good", end]


def test_an_end_token_that_also_pads_counts(template):
    """Masking by the padding token's number would leave the end of every response untrained and unweighed.

    log π(response and end) is log π(response) and the log-probability of the end token after it.
    """
    tokenizer, end, _ = template
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    model = LlamaForCausalLM(config)
    data, _ = tokenise_pairs(Dataset.from_list([make_pair()]), tokenizer, 100)
    prompt, chosen = data[0]["prompt_ids"], data[0]["chosen_ids"]
    # Beside a longer one, so that there is padding.
    others = [(prompt, chosen[:-1]), (prompt, chosen * 3)]
    whole, without, _ = get_sequence_logps(
        model, tokenizer.pad_token_id, [(prompt, chosen), *others], 3
    ).tolist()
    with torch.no_grad():
        logits = model(torch.tensor([prompt + chosen])).logits[0, -2]
    last = logits.log_softmax(-1)[tokenizer.convert_tokens_to_ids(end)].item()
    assert whole - without == pytest.approx(last, abs=1e-5)


def test_an_end_token_that_also_pads_is_trained(template):
    """The collator's mask of a batch with padding: every response token, the end included, and nothing else."""
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    tokenizer, _, _ = template
    data, _ = tokenise_pairs(
        Dataset.from_list([make_pair(), make_pair("more", "no", "good")]), tokenizer, 100
    )
    batch = DataCollatorForPreference(pad_token_id=tokenizer.pad_token_id)(data.to_list())
    sides = [("chosen_ids", row) for row in data] + [("rejected_ids", row) for row in data]
    for number, (side, row) in enumerate(sides):
        trained = batch["input_ids"][number][batch["completion_mask"][number] == 1].tolist()
        assert trained == row[side]
        assert batch["attention_mask"][number].sum().item() == len(row["prompt_ids"]) + len(row[side])


def cut(name: str, question: int, chosen: int, rejected: int, **lengths):
    pair = make_pair(
        *(" ".join([word] * n) for word, n in (("more", question), ("good", chosen), ("no", rejected)))
    )
    rows, counts = tokenise(make_tokenizer(name), pair, **lengths)
    return rows[0], counts


@pytest.mark.parametrize(
    ("question", "chosen", "rejected", "expected"),
    [
        # Mistral's prompt has 3 tokens more than its question, a response its end.
        (5, 7, 2, (8, 8, 3, 0, 0)),  # 8 + 8 = 16 fit
        (9, 3, 2, (12, 4, 3, 0, 0)),  # a long prompt with room for its response is left alone
        (6, 7, 2, (6, 8, 3, 1, 0)),  # 9 + 8 do not: the prompt keeps 6, and 6 + 8 fit
        (6, 12, 2, (6, 10, 3, 1, 1)),  # 6 + 13 do not either: 16 − 6 = 10 of the response are left
        (6, 12, 12, (6, 10, 10, 1, 2)),
        (2, 12, 2, (5, 10, 3, 0, 1)),  # nothing to cut of a prompt of 5, and the response gets 10, not 11
        (40, 1, 1, (6, 2, 2, 1, 0)),  # dropped without max_prompt_length
    ],
)
def test_prompts_are_cut_as_the_published_recipes_did(question, chosen, rejected, expected):
    """TRL before 1.0, by which the published runs were made: see `tokenise_pairs`; max_length 16, 6 of the prompt."""
    row, counts = cut("Mistral", question, chosen, rejected, max_length=16, max_prompt_length=6)
    lengths = tuple(len(row[key]) for key in ("prompt_ids", "chosen_ids", "rejected_ids"))
    assert (*lengths, counts.truncated_prompts, counts.truncated_responses) == expected
    # What is left is the beginning of the sequence, our choice, and the prompt's end.
    assert (row["prompt_ids"][0], row["prompt_ids"][-1]) == ("<s>", "[/INST]")
    assert row["prompt_ids"].count("<s>") == 1


def test_a_template_without_a_beginning_keeps_the_end_alone():
    """No token is made up."""
    row, _ = cut("continuation", 20, 3, 2, max_length=12, max_prompt_length=4)
    assert row["prompt_ids"] == ["more"] * 4


def test_without_the_setting_prompts_are_whole():
    """As before: the response is cut, and a prompt that leaves no room is dropped with its pair."""
    row, counts = cut("Mistral", 6, 12, 2, max_length=16)
    assert [len(row[key]) for key in ("prompt_ids", "chosen_ids", "rejected_ids")] == [9, 7, 3]
    assert counts == TokenCounts(1, 1, truncated_responses=1, dropped_long_prompts=0, dropped_identical=0)
    with pytest.raises(ValueError, match="1 prompts fill max_length=16"):
        cut("Mistral", 40, 12, 2, max_length=16)
