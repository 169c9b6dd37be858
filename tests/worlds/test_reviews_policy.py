"""The policy of the reviews world: reproducible weights and settings that survive saving."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from lossgrid.worlds.reviews.policy import build_policy
from lossgrid.worlds.reviews.tokenizer import build_tokenizer

SIZE = {"layers": 2, "hidden_size": 32, "heads": 4, "intermediate_size": 64, "max_position": 96}


@pytest.fixture(scope="module")
def tokenizer():
    """The tokenizer as built."""
    return build_tokenizer()


def test_weights_follow_the_seed_and_nothing_else(tokenizer):
    """Two cells that share a seed must start from the same model, whatever ran before."""
    first = build_policy(tokenizer, **SIZE, seed=0).state_dict()
    torch.manual_seed(99)
    again = build_policy(tokenizer, **SIZE, seed=0).state_dict()
    other = build_policy(tokenizer, **SIZE, seed=1).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["model.embed_tokens.weight"], other["model.embed_tokens.weight"])


def test_building_leaves_the_caller_s_random_state_alone(tokenizer):
    """Otherwise building a model would change the order of the training data."""
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    build_policy(tokenizer, **SIZE, seed=0)
    assert torch.equal(torch.rand(3), expected)


def test_size_is_as_asked(tokenizer):
    """Embeddings V×h (tied), per layer 4h² attention, 3hm feed-forward and 2h norms, and one last norm h."""
    model = build_policy(tokenizer, **SIZE, seed=0)
    h, m, vocabulary = 32, 64, len(tokenizer)
    assert (
        sum(p.numel() for p in model.parameters()) == vocabulary * h + 2 * (4 * h * h + 3 * h * m + 2 * h) + h
    )
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert model.config.max_position_embeddings == 96


def test_special_tokens_survive_saving(tokenizer, tmp_path):
    """A loaded policy without an end token never stops; one with Llama's default ids stops at words."""
    model = build_policy(tokenizer, **SIZE, seed=0)
    model.save_pretrained(tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    for policy in (model, loaded):
        for settings in (policy.config, policy.generation_config):
            assert settings.eos_token_id == tokenizer.eos_token_id
            assert settings.pad_token_id == tokenizer.pad_token_id
            assert settings.bos_token_id is None
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight
    assert loaded.dtype == torch.float32
    ids = torch.tensor([tokenizer("the plot is good .")["input_ids"]])
    assert torch.equal(model.eval()(ids).logits, loaded.eval()(ids).logits)


def test_generation_stops_at_the_end_token(tokenizer):
    """A policy that can only say <|end|> must produce one token, not max_new_tokens of them."""
    model = build_policy(tokenizer, **SIZE, seed=0).eval()
    prompt = torch.tensor([tokenizer("<|user|> now <|end|> <|assistant|>")["input_ids"]])
    with torch.no_grad():
        # Tied embeddings: the end token's row along the last hidden state gives it by far the largest logit.
        hidden = model.model(prompt).last_hidden_state[0, -1]
        model.model.embed_tokens.weight[tokenizer.eos_token_id] = 100 * hidden
    written = model.generate(
        prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=8, do_sample=False
    )
    assert written[0, prompt.shape[1] :].tolist() == [tokenizer.eos_token_id]


def test_a_width_that_heads_cannot_share_is_refused(tokenizer):
    """Llama would round the head size down and train a narrower model than the study says."""
    with pytest.raises(ValueError, match=r"30.*heads=4"):
        build_policy(tokenizer, **{**SIZE, "hidden_size": 30}, seed=0)
