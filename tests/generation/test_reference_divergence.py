"""KL(reference ‖ policy) of the next token: against closed forms, and in any batch."""

import json
from math import log
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from lossgrid.generation import responses
from lossgrid.training import reference_divergence
from lossgrid.training.reference_divergence import get_reference_divergences

END = 0


class Bigram(torch.nn.Module):
    """A model whose next token depends on the last one alone: a table of probabilities, a row a token."""

    device = torch.device("cpu")

    def __init__(self, probabilities):
        super().__init__()
        self.logits = torch.as_tensor(probabilities, dtype=torch.float64).log().float()

    def forward(self, input_ids, attention_mask, past_key_values, use_cache):
        """The rows of the tokens; the count of tokens read stands for a cache."""
        assert use_cache
        read = (past_key_values or 0) + input_ids.shape[1]
        assert attention_mask.shape[1] == read
        return SimpleNamespace(logits=self.logits[input_ids], past_key_values=read)


def test_closed_form_of_two_categorical_models():
    """Two tokens besides the end. After token 1 the reference is (1/4, 1/4, 1/2) and the policy (1/2, 1/4, 1/4):
    KL = 1/4·log(1/2) + 1/2·log 2 = 1/4·log 2. After token 2 both are alike: 0. After the end token they differ and
    nothing counts. Of the text 1 2 1 | 1 end: 3/4·log 2 over four positions; of 2 | 2: 0 over two.
    """
    alike = [0.2, 0.3, 0.5]
    reference = Bigram([[0.9, 0.05, 0.05], [0.25, 0.25, 0.5], alike])
    policy = Bigram([[0.05, 0.05, 0.9], [0.5, 0.25, 0.25], alike])
    texts = [([1, 2, 1], [1, END]), ([2], [2])]
    sums, counts = get_reference_divergences(policy, reference, END, texts)
    # In float32 each probability has a relative error of 6e-8.
    assert sums.tolist() == pytest.approx([0.75 * log(2), 0.0], abs=1e-6)
    assert counts.tolist() == [4, 2]


def test_an_end_token_within_the_text_is_left_out_too():
    """The released code masks every token that equals the end token, also one that ends a turn."""
    model, other = Bigram([[0.9, 0.1], [0.5, 0.5]]), Bigram([[0.1, 0.9], [0.5, 0.5]])
    sums, counts = get_reference_divergences(model, other, END, [([1, END, 1], [1, END])])
    assert sums.tolist() == [0.0]
    assert counts.tolist() == [3]


def test_it_is_the_divergence_from_the_reference_s_side():
    """Swapped, it would be KL(policy ‖ reference): where the policy never goes, this one explodes and that one not.

    KL(ref‖π) = 1/2·log(1/2 / 0.001) + 1/2·log(1/2 / 0.999).
    """
    policy, reference = Bigram([[0.5, 0.5], [0.001, 0.999]]), Bigram([[0.5, 0.5], [0.5, 0.5]])
    (total,), _ = get_reference_divergences(policy, reference, END, [([1], [])])
    assert total.item() == pytest.approx(0.5 * log(500) + 0.5 * log(0.5 / 0.999), abs=1e-5)


@pytest.fixture(scope="module")
def models(folders):
    """Two models with random weights."""
    return [AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32) for folder in folders]


def get_plainly(policy, reference, text: list[int], end: int) -> tuple[float, int]:
    """What the released code computes of one text: all logits at once."""
    ids = torch.tensor([text])
    with torch.no_grad():
        own, others = (model(input_ids=ids).logits.log_softmax(-1)[0] for model in (policy, reference))
    kept = ids[0] != end
    return (others.exp() * (others - own)).sum(-1)[kept].sum().item(), int(kept.sum())


TEXTS = st.lists(st.lists(st.integers(0, 155), min_size=2, max_size=90), min_size=1, max_size=10)


@given(texts=TEXTS, end=st.integers(0, 155))
def test_any_batch_gives_what_each_text_gives_alone(models, texts, end):
    """Padding that leaks into a divergence would make it depend on what stands beside it.

    Sums of at most 90 divergences of a few nats, in float32: 1e-3 is a relative 1e-5.
    """
    sums, counts = get_reference_divergences(*models, end, [(text[:1], text[1:]) for text in texts])
    for text, total, count in zip(texts, sums.tolist(), counts.tolist(), strict=True):
        expected, positions = get_plainly(*models, text, end)
        assert total == pytest.approx(expected, abs=1e-3)
        assert count == positions
        assert total >= -1e-4


@given(texts=TEXTS)
def test_a_model_has_no_divergence_from_itself(models, texts):
    """The SFT model's point lies on the axis, and not about it."""
    sums, _ = get_reference_divergences(models[0], models[0], END, [(text[:1], text[1:]) for text in texts])
    assert sums.tolist() == [0.0] * len(texts)


def test_pieces_change_nothing(models, monkeypatch):
    """Where a text is cut is a question of memory and no part of the result."""
    texts = [(list(range(1, 60)), list(range(60, 150))), ([5], [6, 7])]
    whole, counts = get_reference_divergences(*models, END, texts)
    monkeypatch.setattr(reference_divergence, "POSITIONS", 7)
    monkeypatch.setattr(reference_divergence, "ROWS", 1)
    pieces, same = get_reference_divergences(*models, END, texts)
    assert pieces.tolist() == pytest.approx(whole.tolist(), rel=1e-5)
    assert counts.tolist() == same.tolist() == [149, 3]


def test_two_vocabularies_are_refused():
    """Token 7 of one is another word in the other."""
    small, large = Bigram([[0.5, 0.5]] * 2), Bigram([[0.25] * 4] * 4)
    with pytest.raises(ValueError, match="vocabularies of 2 and 4 tokens"):
        get_reference_divergences(small, large, END, [([1], [1])])


def test_nothing_to_measure():
    """A study without held-out chats has no texts."""
    model = Bigram([[0.5, 0.5]] * 2)
    assert [len(values) for values in get_reference_divergences(model, model, END, [])] == [0, 0]


def test_responses_carry_it_where_the_study_asks(folders, tmp_path):
    """Another model than the reference diverges; the log-probabilities beside it are those without it."""
    chats = [{"id": 0, "turns": ["how is the acting ?"]}, {"id": 1, "turns": ["how is the plot ?"]}]
    written = {}
    for asked in (False, True):
        settings = SimpleNamespace(
            max_new_tokens=6, temperature=1.0, batch_size=4, seed=3, reference_kl=asked
        )
        outputs = (tmp_path / f"{asked}.jsonl", tmp_path / "judged.jsonl")
        responses.generate_responses(*folders, chats, [], outputs, settings, threads=1)
        written[asked] = [json.loads(line) for line in outputs[0].read_text().splitlines()]
    for line, plain in zip(written[True], written[False], strict=True):
        total, positions = line.pop("kl_reference"), line.pop("kl_reference_tokens")
        assert line == plain
        assert total > 0
        # The prompt, and the response without its end token.
        assert positions > line["tokens"] - line["finished"]
        assert type(positions) is int
