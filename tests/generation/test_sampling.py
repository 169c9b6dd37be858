"""Sampling: seeded, in order, from the policy's own distribution, cut at the end token."""

import pytest
import torch
from transformers import GenerationConfig

from lossgrid.generation.sampling import sample_responses
from lossgrid.training.logps import get_sequence_logps

SETTINGS = {"max_new_tokens": 12, "temperature": 1.0, "batch_size": 4, "seed": 5}
# Sampling at this temperature takes the likeliest token: the gap between two logits is far above it.
GREEDY = SETTINGS | {"temperature": 1e-4}


@pytest.fixture
def ending_model(model, tokenizer):
    """A model that ends about one response in eight at each token."""

    def raise_end(_module, _inputs, logits):
        probabilities = logits.float().softmax(-1) * (7 / 8)
        probabilities[..., tokenizer.eos_token_id] += 1 / 8
        return probabilities.log()

    model.lm_head.register_forward_hook(raise_end)
    return model


def render(tokenizer, prompt) -> list[int]:
    return tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=True)["input_ids"]


def decode_greedily(model, prompt_ids: list[int], length: int, end: int) -> list[int]:
    """Token by token, one prompt alone, without padding or cache."""
    ids = list(prompt_ids)
    with torch.no_grad():
        for _ in range(length):
            ids.append(model(torch.tensor([ids])).logits[0, -1].argmax().item())
            if ids[-1] == end:
                break
    return ids[len(prompt_ids) :]


def test_the_seed_decides(model, tokenizer, prompts):
    """Responses are results: the same seed must give the same tokens, whatever random state it finds."""
    torch.manual_seed(1)
    first = sample_responses(model, tokenizer, prompts, **SETTINGS)
    torch.manual_seed(2)
    assert sample_responses(model, tokenizer, prompts, **SETTINGS) == first
    other = sample_responses(model, tokenizer, prompts, **(SETTINGS | {"seed": 6}))
    assert all(one.response_ids != two.response_ids for one, two in zip(first, other, strict=True))


def test_one_response_a_prompt_in_their_order(model, tokenizer, prompts):
    """A response that is scored under another prompt's aspect would be a wrong reward."""
    responses = sample_responses(model, tokenizer, prompts, **SETTINGS)
    assert [response.prompt_ids for response in responses] == [
        render(tokenizer, prompt) for prompt in prompts
    ]


def test_padding_is_not_seen(model, tokenizer, prompts):
    """The likeliest continuation in a batch of unequal prompts is that of each prompt alone."""
    assert len({len(render(tokenizer, prompt)) for prompt in prompts[4:]}) > 2
    responses = sample_responses(model, tokenizer, prompts, **(GREEDY | {"batch_size": len(prompts)}))
    for prompt, response in zip(prompts, responses, strict=True):
        expected = decode_greedily(model, render(tokenizer, prompt), 12, tokenizer.eos_token_id)
        assert response.response_ids == expected


def test_samples_follow_the_policy_s_probabilities(model, tokenizer, prompts):
    """No top-k, top-p or hidden temperature: the mean log-probability of a sampled token is −entropy.

    1,800 first tokens of one prompt, padded by a longer one in every batch. The mean of log p over draws from
    p has the standard error √(Var log p / n); four of them are exceeded once in 16,000 seeds. Cutting off
    the least likely half of the words would move the mean by more than ten.
    """
    short, long = prompts[0], prompts[-1]
    batch = [short] * 9 + [long]
    responses = sample_responses(
        model,
        tokenizer,
        batch * 200,
        **(SETTINGS | {"max_new_tokens": 1, "batch_size": 10}),
    )
    drawn = torch.tensor([response.response_ids[0] for i, response in enumerate(responses) if i % 10 != 9])
    with torch.no_grad():
        logps = model(torch.tensor([render(tokenizer, short)])).logits[0, -1].double().log_softmax(-1)
    p = logps.exp()
    mean = (p * logps).sum()
    error = ((p * (logps - mean) ** 2).sum() / len(drawn)).sqrt()
    assert len(drawn) == 1800
    assert abs(logps[drawn].mean() - mean) < 4 * error
    kept = logps > logps.median()
    truncated_mean = (p * logps)[kept].sum() / p[kept].sum()
    assert truncated_mean - mean > 5 * error


@pytest.mark.parametrize(
    "own",
    [
        {"repetition_penalty": 50.0},
        {"min_p": 0.9, "top_k": 2, "top_p": 0.1, "do_sample": True},
        {"min_new_tokens": 12},
        {"bad_words_ids": [[5], [6], [7]]},
        {"max_length": 3},
        {"num_beams": 3},
    ],
)
def test_generation_settings_of_a_model_do_not_count(ending_model, tokenizer, prompts, own):
    """Hub models ship such settings; with them the responses would not be the policy's, nor the KL its KL."""
    expected = sample_responses(ending_model, tokenizer, prompts, **SETTINGS)
    ending_model.generation_config = GenerationConfig(**own)
    assert sample_responses(ending_model, tokenizer, prompts, **SETTINGS) == expected


def test_a_response_ends_with_its_end_token_or_is_unfinished(ending_model, tokenizer, prompts):
    """Tokens after the end are padding: counted, they would make every length and log-probability wrong."""
    responses = sample_responses(ending_model, tokenizer, prompts * 5, **SETTINGS)
    end = tokenizer.eos_token_id
    for response in responses:
        ids = response.response_ids
        assert ids.count(end) == (1 if response.finished else 0)
        if response.finished:
            assert ids[-1] == end
        else:
            assert len(ids) == SETTINGS["max_new_tokens"]
        words = tokenizer.convert_ids_to_tokens([token for token in ids if token > end])
        assert response.text.split() == words
    finished = sum(response.finished for response in responses)
    # (7/8)¹² = 20 % of 40 responses are unfinished; both kinds must have been looked at.
    assert 20 <= finished <= 38
    assert len({len(response.response_ids) for response in responses}) > 5


def test_the_end_at_the_last_allowed_token_is_an_end(ending_model, tokenizer, prompts):
    """`finished` is whether the end came, not whether there was room left."""
    responses = sample_responses(
        ending_model, tokenizer, prompts * 20, **(SETTINGS | {"max_new_tokens": 1, "batch_size": 40})
    )
    for response in responses:
        assert response.finished == (response.response_ids == [tokenizer.eos_token_id])
    # 1/8 of 160 is 20 with a standard deviation of 4.2; five of them on either side.
    assert 1 <= sum(response.finished for response in responses) <= 41


def test_logps_of_samples_are_the_probabilities_they_were_drawn_with(ending_model, tokenizer, prompts):
    """Generation pads on the left and scoring on the right: both must see the same positions.

    1e-4 nats over 12 tokens: float32 sums in two orders.
    """
    responses = sample_responses(ending_model, tokenizer, prompts, **SETTINGS)
    pairs = [(response.prompt_ids, response.response_ids) for response in responses]
    scored = get_sequence_logps(ending_model, tokenizer.pad_token_id, pairs, batch_size=8).tolist()
    for (prompt, response), logp in zip(pairs, scored, strict=True):
        with torch.no_grad():
            table = ending_model(torch.tensor([prompt + response])).logits[0].log_softmax(-1)
        alone = sum(table[len(prompt) + k - 1, token].item() for k, token in enumerate(response))
        assert logp == pytest.approx(alone, abs=1e-4)
