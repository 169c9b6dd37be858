"""Adapters on 4-bit weights, where bitsandbytes is installed: it is no part of the lock."""

import pytest
import torch
from datasets import load_from_disk
from safetensors.torch import load_file

from lossgrid.objectives.logistic import dpo_loss
from lossgrid.training.loading import load_model
from lossgrid.training.logps import get_sequence_logps
from lossgrid.training.policies import load_policy
from lossgrid.training.reference import compute_reference_logps

bitsandbytes = pytest.importorskip(
    "bitsandbytes", reason="pip install bitsandbytes to try adapters on 4-bit weights"
)

ADAPTER = {"kind": "qlora", "rank": 4, "alpha": 8.0}
LOADING = {"precision": None, "attention": None, "adapter": "qlora", "half_weights": False}
# 1/256 of the smallest weights that B takes in six steps at this rate is more than a step of bfloat16.
RECIPE = {"adapter": ADAPTER, "learning_rate": 1e-2}


@pytest.fixture(scope="module")
def reference(world, tmp_path_factory):
    """Reference log-probabilities by the 4-bit model."""
    folder = tmp_path_factory.mktemp("quantised") / "reference"
    compute_reference_logps(world.pairs, world.model, folder, 160, batch_size=16, threads=1, **LOADING)
    return folder


def test_linear_layers_are_packed_and_nothing_else(world):
    """Seven matrices of one block as NF4, two numbers a byte; embeddings and norms as they were."""
    model = load_model(world.model, **LOADING)
    packed = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, bitsandbytes.nn.Linear4bit)
    }
    assert {name.split(".")[-1] for name in packed} == {
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
    }  # fmt: skip
    for module in packed.values():
        assert module.weight.quant_state.quant_type == "nf4"
        assert module.weight.quant_state.nested
        assert module.weight.numel() == module.in_features * module.out_features / 2
    assert model.get_input_embeddings().weight.dtype == torch.float32


def test_the_first_margins_are_zero_against_the_same_rounding(train, world, reference):
    """The 4-bit model is its own reference; the whole one is a nat or so away and would be a margin of its own."""
    stored, whole = (
        torch.tensor(load_from_disk(each)["ref_chosen_logps"]) for each in (reference, world.reference)
    )
    assert (stored - whole).abs().max() > 0.01
    first = train(reference=reference, **RECIPE).records[0]
    assert [first["rho_min"], first["rho_max"]] == pytest.approx([0, 0], abs=1e-4)


def test_the_adapter_is_trained_in_float32(train, reference):
    """TRL makes it bfloat16, of which a step of a small learning rate would be rounded away."""
    run = train(reference=reference, **RECIPE)
    assert {weight.dtype for weight in run.adapter.values()} == {torch.float32}
    moved = [weight for name, weight in run.adapter.items() if "lora_B" in name]
    assert all((weight != weight.bfloat16().float()).any() for weight in moved)


def test_a_killed_run_goes_on_bit_for_bit(train, reference):
    """The weights are packed again on resuming, by the same rounding."""
    calls = []

    def die_at_fifth(*logps, beta):
        calls.append(None)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return dpo_loss(*logps, beta)

    expected = train("undisturbed", reference=reference, **RECIPE).files
    with pytest.raises(KeyboardInterrupt):
        train("killed", loss=die_at_fifth, reference=reference, **RECIPE)
    assert train("killed", reference=reference, **RECIPE).files == expected


def test_the_policy_is_merged_into_the_unrounded_model(train, world, reference):
    """What answers is the base's own weights and the adapter: with an adapter of zeros the SFT model to the bit."""
    run = train(reference=reference, **RECIPE)
    merged = load_policy(run.folder / "policy", torch.float32).state_dict()
    start = load_file(world.model / "model.safetensors")
    name = "model.layers.0.mlp.up_proj"
    a, b = (run.adapter[f"base_model.model.{name}.lora_{each}.weight"] for each in "AB")
    assert torch.allclose(merged[f"{name}.weight"], start[f"{name}.weight"] + 2.0 * b @ a, atol=1e-6)
    assert torch.equal(merged["model.norm.weight"], start["model.norm.weight"])


def test_recomputed_layers_train_the_same(train, reference):
    """As it is done on every GPU."""
    plain, again = (
        train(str(flag), reference=reference, gradient_checkpointing=flag, **RECIPE).adapter
        for flag in (False, True)
    )
    assert all(torch.allclose(again[name], weight, atol=1e-6) for name, weight in plain.items())


def test_without_the_adapter_a_quantised_model_is_its_reference(train, world, reference):
    """The frozen weights of training are those that the reference was computed with."""
    from peft import PeftModel

    run = train(reference=reference, **RECIPE)
    model = PeftModel.from_pretrained(load_model(world.model, **LOADING), str(run.folder / "policy"))
    data = load_from_disk(reference)[:]
    sequences = list(zip(data["prompt_ids"], data["chosen_ids"], strict=True))
    with model.disable_adapter():
        found = get_sequence_logps(model, model.config.pad_token_id, sequences, 16)
    assert torch.allclose(found, torch.tensor(data["ref_chosen_logps"]), rtol=0, atol=1e-4)
