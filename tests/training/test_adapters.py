"""Cells that train an adapter: from its first step to the policy that answers."""

import json
import math
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from datasets import load_from_disk
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from lossgrid.training.logps import get_sequence_logps
from lossgrid.training.pair_trainer import PairTrainer
from lossgrid.training.policies import find_base, is_adapter, load_policy, write_full_policy
from lossgrid.training.reference import compute_reference_logps

RANK = 4
LORA = {"rank": RANK, "alpha": 8.0}
# A rate at which B, which starts at 0, is worth something after six steps.
RECIPE = {"adapter": LORA, "learning_rate": 1e-2}


@pytest.fixture
def lora(train):
    """A cell trained with an adapter on every linear layer."""
    return train("lora", **RECIPE)


def get_chosen(world, model, rows=slice(None)) -> tuple[torch.Tensor, torch.Tensor]:
    """The log-probabilities of chosen responses by a model, and those that are stored of the reference."""
    data = load_from_disk(world.reference)[rows]
    sequences = list(zip(data["prompt_ids"], data["chosen_ids"], strict=True))
    found = get_sequence_logps(model, model.config.pad_token_id, sequences, batch_size=16)
    return found, torch.tensor(data["ref_chosen_logps"])


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_an_adapter_starts_as_the_reference(train, dropout):
    """B is 0 at first, so the policy is its reference, whatever A is and whatever dropout leaves of its input.

    1e-4 nats as for whole models (test_first_step.py).
    """
    first = train(**{**RECIPE, "adapter": {**LORA, "dropout": dropout}}).records[0]
    assert [first["rho_min"], first["rho_max"]] == pytest.approx([0, 0], abs=1e-4)
    assert first["loss"] == pytest.approx(math.log(2), abs=5e-6)


def test_without_its_adapter_the_policy_is_the_reference(world, lora):
    """Training must leave the model's own weights alone: they are the reference of every other cell too."""
    base = AutoModelForCausalLM.from_pretrained(world.model, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, str(lora.folder / "policy"))
    with_adapter, stored = get_chosen(world, model)
    assert (with_adapter - stored).abs().max() > 0.1
    with model.disable_adapter():
        without, stored = get_chosen(world, model)
    assert torch.allclose(without, stored, rtol=0, atol=1e-4)


def test_the_saved_policy_has_the_margins_of_its_training(world, train, faulty, order):
    """A policy that lost its scaling, or a layer, would answer otherwise than it was trained.

    A run that stops before the update of its step 6 leaves the weights that this step's margins were computed with.
    """
    run = train(loss=faulty({6: "nan"}), **RECIPE)
    policy = load_policy(run.folder / "policy", torch.float32)
    data = load_from_disk(world.reference)
    data = data.select([row for row, each in enumerate(data["ref_chosen_logps"]) if each in set(order[5])])[:]
    ratios = []
    for side in ("chosen", "rejected"):
        sequences = list(zip(data["prompt_ids"], data[f"{side}_ids"], strict=True))
        ratios.append(get_sequence_logps(policy, 0, sequences, 16) - torch.tensor(data[f"ref_{side}_logps"]))
    rho = ratios[0] - ratios[1]
    last = run.records[-1]
    assert len(rho) == 16
    assert [rho.min().item(), rho.max().item()] == pytest.approx([last["rho_min"], last["rho_max"]], abs=1e-4)
    assert last["rho_max"] - last["rho_min"] > 0.1


def test_the_folder_holds_the_adapter_and_the_tokenizer_alone(world, lora):
    """A 7B cell would cost 14 GB. Seven linear layers of one block: widths 16 and 32 on either side of rank 4."""
    weights = lora.adapter
    assert len(weights) == 2 * 7
    assert all(".lora_" in name for name in weights)
    # q, k, v, o: 16 → 16; gate and up: 16 → 32; down: 32 → 16.
    assert sum(weight.numel() for weight in weights.values()) == RANK * (4 * 32 + 3 * 48)
    names = {file.name for file in (lora.folder / "policy").iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json"} <= names
    assert not names & {"model.safetensors", "config.json", "README.md"}
    assert str(world.model) not in (lora.folder / "policy/adapter_config.json").read_text()


def test_only_the_adapter_is_trained_and_kept_in_checkpoints(train, monkeypatch):
    """An optimiser over all weights would need the memory that the adapter was to save."""
    from lossgrid.training.checkpoints import CheckpointKeeper

    seen = SimpleNamespace(trained=set(), files=set())
    on_save = CheckpointKeeper.on_save

    def look(keeper, args, state, control, model=None, optimizer=None, **keywords):
        names = {id(weight): name for name, weight in model.named_parameters()}
        groups = optimizer.param_groups
        seen.trained |= {names[id(weight)] for group in groups for weight in group["params"]}
        folder = f"{args.output_dir}/checkpoint-{state.global_step}"
        seen.files |= set(os.listdir(folder))
        state_size = sum(tensor.numel() for each in optimizer.state.values() for tensor in each.values())
        # Two moments and a counter a matrix.
        assert state_size == 2 * RANK * (4 * 32 + 3 * 48) + 14
        on_save(keeper, args, state, control, model=model, optimizer=optimizer, **keywords)

    monkeypatch.setattr(CheckpointKeeper, "on_save", look)
    train(**RECIPE)
    assert len(seen.trained) == 14
    assert all(".lora_" in name for name in seen.trained)
    assert "adapter_model.safetensors" in seen.files
    assert "model.safetensors" not in seen.files


def test_chosen_layers_alone_get_an_adapter(train):
    """`targets` names layers as the model does."""
    weights = train(**{**RECIPE, "adapter": {**LORA, "targets": ["q_proj", "v_proj"]}}).adapter
    assert {name.split(".")[-3] for name in weights} == {"q_proj", "v_proj"}


def test_dropout_is_that_of_the_study(train, lora):
    """TRL switches every dropout off, and the study's number would be a word in a file."""
    dropped = train("dropped", **{**RECIPE, "adapter": {**LORA, "dropout": 0.5}}).adapter
    again = train("again", **{**RECIPE, "adapter": {**LORA, "dropout": 0.5}}).adapter
    assert all(torch.equal(dropped[name], again[name]) for name in dropped)
    assert any(not torch.equal(dropped[name], weight) for name, weight in lora.adapter.items())


def test_a_killed_adapter_goes_on_bit_for_bit(train, faulty):
    """Preempted cells must be those that were not preempted; dropout draws from the random state as well."""
    recipe = {**RECIPE, "adapter": {**LORA, "dropout": 0.1}}
    torch.manual_seed(1)
    expected = train("undisturbed", **recipe).files
    assert "policy/adapter_model.safetensors" in expected
    torch.manual_seed(2)
    with pytest.raises(BaseException, match=r"^$"):
        train("killed", loss=faulty({5: "kill"}), **recipe)
    again = train("killed", **recipe)
    assert again.files == expected


@pytest.mark.parametrize("checkpointing", [False, True])
def test_recomputed_layers_train_the_same(train, lora, checkpointing):
    """Gradients that stop at the frozen embeddings would leave the adapter as it was."""
    other = train("other", **RECIPE, gradient_checkpointing=checkpointing)
    assert all(
        torch.allclose(other.adapter[name], weight, atol=1e-6) for name, weight in lora.adapter.items()
    )


def test_a_bad_step_keeps_the_adapter_before_it(train, faulty):
    """`stop` ends with finite weights, which are an adapter."""
    run = train(loss=faulty({4: "nan"}), **RECIPE)
    assert (run.health["status"], run.health["first_nonfinite_step"]) == ("diverged", 4)
    assert all(torch.isfinite(weight).all() for weight in run.adapter.values())
    assert any(weight.abs().max() > 0 for name, weight in run.adapter.items() if "lora_B" in name)


def test_propagated_nan_leaves_the_last_finite_adapter(train, faulty):
    """The adapter of before the bad step stands for the spoilt one; nothing of 14 GB is copied."""
    stopped = train("stopped", loss=faulty({4: "nan"}), **RECIPE)
    run = train("propagated", loss=faulty({4: "nan"}), nonfinite="propagate", **RECIPE)
    assert run.health["status"] == "diverged"
    assert all(torch.equal(run.adapter[name], weight) for name, weight in stopped.adapter.items())


def test_without_anything_finite_the_adapter_changes_nothing(world, train, faulty, monkeypatch):
    """An update that overflows by itself spoils weights that nobody has kept."""
    monkeypatch.setattr(PairTrainer, "save_policy", lambda *_arguments: None)
    run = train(loss=faulty({2: "nan"}), nonfinite="propagate", **RECIPE)
    assert run.health["status"] == "diverged"
    found, stored = get_chosen(world, load_policy(run.folder / "policy", torch.float32))
    assert torch.allclose(found, stored, rtol=0, atol=1e-4)


def test_results_can_be_moved_and_aliased(train, world, tmp_path):
    """Results are copied from the cluster, and an alias is a link somewhere else in the tree."""
    results = tmp_path / "here" / "results"
    start = results / "sft" / "policy"
    shutil.copytree(world.model, start)
    cell = results / "cells/dpo/beta~0.1/seed~1"
    run = train("lora", start=start, folder=cell, **RECIPE)
    expected = load_policy(run.folder / "policy", torch.float32).state_dict()
    config = json.loads((cell / "policy/adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "../../../../../sft/policy"

    moved = tmp_path / "there"
    shutil.move(tmp_path / "here", moved)
    alias = moved / "results/cells/discopop/other/deeper/seed~1"
    alias.mkdir(parents=True)
    (alias / "policy").symlink_to("../../../../dpo/beta~0.1/seed~1/policy")
    for folder in (moved / "results/cells/dpo/beta~0.1/seed~1/policy", alias / "policy"):
        assert is_adapter(folder)
        assert find_base(folder) == (moved / "results/sft/policy").resolve()
        found = load_policy(folder, torch.float32).state_dict()
        assert all(torch.equal(found[name], weight) for name, weight in expected.items())

    shutil.rmtree(moved / "results/sft")
    with pytest.raises(
        FileNotFoundError, match=r"is an adapter, and its base .*sft/policy is not at .*there"
    ):
        load_policy(alias / "policy", torch.float32)


def test_a_whole_model_is_written_for_servers(world, lora, tmp_path):
    """A server would give the reference, or nothing, from an adapter that it does not know."""
    write_full_policy(lora.folder / "policy", tmp_path / "whole")
    assert not is_adapter(tmp_path / "whole")
    assert (tmp_path / "whole/tokenizer.json").is_file()
    weights, start = (load_file(folder / "model.safetensors") for folder in (tmp_path / "whole", world.model))
    assert {name: weight.shape for name, weight in weights.items()} == {
        name: weight.shape for name, weight in start.items()
    }
    one, _ = get_chosen(world, load_policy(tmp_path / "whole", torch.float32))
    other, _ = get_chosen(world, load_policy(lora.folder / "policy", torch.float32))
    assert torch.equal(one, other)


def test_a_server_gets_a_whole_model(world, lora):
    """With the settings of sampling that every other policy is served with."""
    from transformers import AutoTokenizer

    from lossgrid.judging.serving.policy_server import _link_without_settings

    policy = lora.folder / "policy"
    with _link_without_settings(policy, AutoTokenizer.from_pretrained(policy)) as folder:
        served, _ = get_chosen(world, AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32))
        settings = json.loads((Path(folder) / "generation_config.json").read_text())
    merged, _ = get_chosen(world, load_policy(policy, torch.float32))
    assert torch.equal(served, merged)
    assert (settings["do_sample"], settings["top_k"]) == (True, 0)


def test_whole_policies_load_as_ever(world):
    """The same function loads both kinds."""
    assert not is_adapter(world.model)
    model = load_policy(world.model, torch.bfloat16)
    assert model.dtype == torch.bfloat16
    assert load_policy(world.model).dtype == torch.float32


@pytest.mark.parametrize("adapter", [None, LORA], ids=["whole", "adapter"])
def test_in_bfloat16_the_first_margins_are_rounding(train, world, tmp_path, adapter):
    """The reference is computed by the model as training holds it: another number format would show as margins.

    Tokens of 3 to 6 nats, rounded to 8 bits, are off by up to 0.02 each, some 30 of them by about 0.1 nats; a
    reference in float32 is that far off in every pair.
    """
    recipe = {**RECIPE, "adapter": adapter, "precision": "bf16"}
    loading = {"precision": "bf16", "adapter": adapter and "lora", "half_weights": False}
    reference = tmp_path / "reference"
    compute_reference_logps(world.pairs, world.model, reference, 160, batch_size=16, threads=1, **loading)
    plain, half = (
        torch.tensor(load_from_disk(folder)["ref_chosen_logps"]) for folder in (world.reference, reference)
    )
    apart = (plain - half).abs()
    assert apart.median() > 0.003
    first = train("half", reference=reference, **recipe).records[0]
    assert max(abs(first["rho_min"]), abs(first["rho_max"])) < apart.max()


def test_four_bits_need_their_package(train, monkeypatch):
    """An ImportError from the depths of a library says neither which setting it is about nor what to do."""
    import lossgrid.training.loading as loading

    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    with pytest.raises(
        RuntimeError, match=r"training\.adapter\.kind: qlora needs the package bitsandbytes.*kind: lora"
    ):
        train(**{**RECIPE, "adapter": {**LORA, "kind": "qlora"}})


def test_attention_that_cannot_be_computed_is_refused(train):
    """It would fail at the first forward pass, after the data and the model were loaded, or fall back unseen."""
    with pytest.raises(
        RuntimeError, match=r"training\.attention: flash_attention_2 needs a GPU and the package"
    ):
        train(attention="flash_attention_2")


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_attention_is_that_of_the_study(train, monkeypatch, attention):
    """Both compute the same function, so nothing else would show which one did."""
    seen = []
    start = PairTrainer.train

    def look(trainer, **keywords):
        seen.append(trainer.model.config._attn_implementation)
        return start(trainer, **keywords)

    monkeypatch.setattr(PairTrainer, "train", look)
    train(attention=attention)
    assert seen == [attention]
