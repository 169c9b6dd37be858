"""The reference log-probabilities are those of the training forward pass, token for token."""

import math

import pytest
import torch
from datasets import load_from_disk
from transformers import AutoModelForCausalLM, AutoTokenizer

from lossgrid.training.logps import get_sequence_logps


@pytest.fixture(scope="module")
def model(world):
    """The model that cells start from."""
    return AutoModelForCausalLM.from_pretrained(world.model, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def sequences(world):
    """Prompt and chosen response of some pairs of quite different lengths."""
    rows = load_from_disk(world.reference)[:24]
    return list(zip(rows["prompt_ids"], rows["chosen_ids"], strict=True))


def get_naive_logp(model, prompt: list[int], response: list[int]) -> float:
    """One sequence alone, without padding: Σ log softmax(logits before each response token)[token]."""
    with torch.no_grad():
        logits = model(torch.tensor([prompt + response])).logits[0].double()
    return sum(
        (logits[len(prompt) + place - 1].log_softmax(-1)[token]).item()
        for place, token in enumerate(response)
    )


def test_before_the_first_step_policy_and_reference_are_one(train):
    """Otherwise every cell would start from a margin that its loss did not make.

    1e-4 nats: sums of some 30 float32 terms of size 5 in two orders of summation differ by about
    30·5·2⁻²⁴ ≈ 1e-5.
    """
    first = train(setting={"beta": 0.1}).records[0]
    assert [first["rho_min"], first["rho_max"]] == pytest.approx([0, 0], abs=1e-4)
    # |dL/dρ| = β/2, so the loss is off by at most β/2·1e-4 from log 2.
    assert first["loss"] == pytest.approx(math.log(2), abs=5e-6)
    assert [first["reward_chosen"], first["reward_rejected"], first["margin"]] == pytest.approx(
        [0, 0, 0], abs=1e-5
    )


def test_sequence_logps_equal_one_sequence_at_a_time(model, sequences):
    """A wrong shift, mask or padding would show as whole tokens, 3 to 6 nats each (1e-4 as above)."""
    expected = [get_naive_logp(model, prompt, response) for prompt, response in sequences]
    found = get_sequence_logps(model, model.config.pad_token_id, sequences, batch_size=8)
    assert found.dtype == torch.float32
    assert found.tolist() == pytest.approx(expected, abs=1e-4)


def test_batch_companions_and_the_padding_token_do_not_matter(model, sequences):
    """A response's probability must not depend on which longer response it was batched with."""
    pad = model.config.pad_token_id
    together = get_sequence_logps(model, pad, sequences, batch_size=len(sequences))
    alone = get_sequence_logps(model, pad, sequences, batch_size=1)
    backwards = get_sequence_logps(model, pad, sequences[::-1], batch_size=5).flip(0)
    assert torch.allclose(together, alone, rtol=0, atol=1e-4)
    assert torch.allclose(together, backwards, rtol=0, atol=1e-4)
    assert torch.equal(together, get_sequence_logps(model, pad + 7, sequences, batch_size=len(sequences)))


def test_the_end_token_counts(world, model, sequences):
    """A policy whose ending is free would learn to ramble: log π(response) holds log π(end | response)."""
    end = AutoTokenizer.from_pretrained(world.model).eos_token_id
    prompt, response = sequences[0]
    assert response[-1] == end
    assert end not in response[:-1]
    with torch.no_grad():
        last = model(torch.tensor([prompt + response])).logits[0, -2].log_softmax(-1)[end].item()
    with_end, without = get_sequence_logps(
        model, 0, [(prompt, response), (prompt, response[:-1])], 2
    ).tolist()
    assert with_end - without == pytest.approx(last, abs=1e-4)


def test_no_sequence_gives_no_number(model):
    """A prompt set may be empty on one process; that is a shape, not an error."""
    assert get_sequence_logps(model, 0, [], batch_size=4).shape == (0,)


def test_reference_folder_says_what_it_holds(world):
    """The digest stands for the data in every cell's identity: it must change with a number of any column."""
    import json

    from lossgrid.training.reference import SUMMARY, get_digest

    summary = json.loads((world.reference / SUMMARY).read_text())
    data = load_from_disk(world.reference)
    assert (summary["pairs"], summary["kept"], len(data)) == (96, 96, 96)
    assert summary["digest"] == get_digest(data)
    other = data.map(
        lambda row, index: {"ref_chosen_logps": row["ref_chosen_logps"] + (1e-6 if index == 95 else 0)},
        with_indices=True,
    )
    assert get_digest(other) != summary["digest"]


def test_reference_refuses_a_broken_model(world, tmp_path):
    """NaN references would make every cell diverge at its first step and look like the losses' fault."""
    from safetensors.torch import load_file, save_file

    from lossgrid.training.reference import compute_reference_logps

    broken = tmp_path / "broken"
    broken.mkdir()
    for file in world.model.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    weights = load_file(broken / "model.safetensors")
    weights["model.norm.weight"][0] = torch.nan
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        ValueError, match=r"broken: the log-probabilities of 96 chosen responses are not finite"
    ):
        compute_reference_logps(world.pairs, broken, tmp_path / "out", 160, 16, threads=1)
    assert not (tmp_path / "out").exists()
