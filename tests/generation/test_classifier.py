"""A classifier's probability as a reward: against the softmax, in any batch, and with what is cut counted."""

import math
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from lossgrid.generation.classifier import score_texts

WORDS = ["<s>", "<pad>", "</s>", "<unk>", "good", "bad", "film", "the", "a", "was"]
LABELS = {0: "NEGATIVE", 1: "POSITIVE"}
LONGEST = 12
TEXTS = ["the film was good", "bad", "a good good film", "the film was a bad bad film", "unheard words"]


def make_tokenizer(**limits) -> PreTrainedTokenizerFast:
    """One token a word, between the start and the end token."""
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        cls_token="<s>", sep_token="</s>", **limits,
    )  # fmt: skip


def make_config(kind, **changes):
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    tokens = {"vocab_size": len(WORDS), "pad_token_id": 1, "type_vocab_size": 1}
    # Away from 1/2: with the usual spread of the weights every probability would be all but that.
    return kind(**sizes, **tokens, initializer_range=0.5, id2label=LABELS, **changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A small RoBERTa with random weights; two positions of its table are not for tokens."""
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("classifier")
    RobertaForSequenceClassification(
        make_config(RobertaConfig, max_position_embeddings=LONGEST + 2)
    ).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def test_the_probability_is_the_softmax_of_the_two_logits(folder):
    """With two labels it is 1/(1 + exp(l_negative − l_positive)), of each text by itself."""
    classified = score_texts(folder, TEXTS, "POSITIVE", batch_size=2)
    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(folder).eval(), make_tokenizer()
    for text, probability in zip(TEXTS, classified.probabilities, strict=True):
        with torch.no_grad():
            negative, positive = model(**tokenizer(text, return_tensors="pt")).logits[0].tolist()
        # Float32 logits of a few units.
        assert probability == pytest.approx(1 / (1 + math.exp(negative - positive)), abs=1e-6)
    assert max(classified.probabilities) - min(classified.probabilities) > 0.01
    assert classified.truncated == 0


def test_the_labels_share_one(folder):
    """The other label's probability would turn every ranking round."""
    sides = [score_texts(folder, TEXTS, label, batch_size=5).probabilities for label in LABELS.values()]
    assert [sum(pair) for pair in zip(*sides, strict=True)] == pytest.approx([1.0] * len(TEXTS), abs=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, 5])
def test_what_stands_beside_a_text_changes_nothing(folder, batch_size):
    """Padding that leaks into a reward would make it depend on the order of the chats."""
    together = score_texts(folder, TEXTS, "POSITIVE", batch_size)
    again = score_texts(folder, TEXTS, "POSITIVE", batch_size)
    assert together == again
    alone = [score_texts(folder, [text], "POSITIVE", 1).probabilities[0] for text in TEXTS]
    assert together.probabilities == pytest.approx(alone, abs=1e-6)


def test_texts_lose_their_end_beyond_the_longest_and_are_counted(folder):
    """Ten words fit with the two special tokens; an eleventh, and all after it, the classifier does not read."""
    fits = ["good"] * (LONGEST - 2)
    texts = [" ".join(fits), " ".join([*fits, "bad"]), " ".join([*fits, *["bad"] * 50]), "bad"]
    classified = score_texts(folder, texts, "POSITIVE", batch_size=4)
    assert (classified.truncated, classified.max_length) == (2, LONGEST)
    first, second, third, last = classified.probabilities
    assert first == second == third != last


def test_the_tokenizer_s_own_limit_counts_where_it_is_lower(tmp_path):
    """A tokenizer that says 6 was trained with texts of 6; BERT's table has a place for every position."""
    torch.manual_seed(1)
    config = make_config(BertConfig, max_position_embeddings=LONGEST)
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    for limits, longest in (({}, LONGEST), ({"model_max_length": 6}, 6)):
        make_tokenizer(**limits).save_pretrained(tmp_path)
        classified = score_texts(tmp_path, ["good " * 5], "POSITIVE", batch_size=1)
        assert (classified.max_length, classified.truncated) == (longest, int(longest < 7))


def test_an_unknown_label_is_refused_with_those_there_are(folder):
    """A study that writes LABEL_1 for POSITIVE would otherwise score days of training by the wrong column."""
    with pytest.raises(ValueError, match="no label 'LABEL_1'; its labels are NEGATIVE, POSITIVE"):
        score_texts(folder, TEXTS, "LABEL_1", batch_size=2)


def test_a_single_output_is_no_classifier(tmp_path):
    """The softmax of one logit is 1 whatever the text."""
    config = make_config(BertConfig, max_position_embeddings=LONGEST)
    config.id2label = {0: "score"}
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    make_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="single output score gives no probability"):
        score_texts(tmp_path, TEXTS, "score", batch_size=2)


def test_logits_that_are_not_finite_are_no_reward(folder, tmp_path):
    """NaN probabilities would leave the mean without a word."""
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        model.roberta.embeddings.word_embeddings.weight[WORDS.index("bad")] = math.nan
    model.save_pretrained(tmp_path)
    make_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="logits of 2 texts are not finite, first of text 1"):
        score_texts(tmp_path, TEXTS, "POSITIVE", batch_size=5)


def test_no_texts(folder):
    """A cell without responses has no rewards."""
    assert score_texts(folder, [], "POSITIVE", batch_size=2).probabilities == []
