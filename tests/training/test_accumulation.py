"""A step is a step over its pairs, however they are split into forward passes; and its learning rate."""

import math
from functools import partial

import pytest
import torch
from datasets import load_from_disk

from lossgrid.objectives.logistic import dpo_loss
from lossgrid.objectives.modulated import dlrml_loss
from lossgrid.studies.recipe import TrainingRecipe
from lossgrid.training.recipe import get_trainer_arguments

OBJECTIVES = {
    "dpo": (dpo_loss, {"beta": 0.5}),
    "dlrml": (dlrml_loss, {"beta_kl": 0.5, "beta_mix": 0.1, "tau": 0.05}),
}


def get_distance(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> float:
    return max((first[name] - second[name]).abs().max().item() for name in first)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("pairs", [96, 90])
def test_four_times_four_is_sixteen(train, world, tmp_path, start_weights, name, pairs):
    """A smaller GPU must give the same study. Of 90 pairs the last step has 10: passes of 4, 4 and 2.

    AdamW divides the gradient by its own size, so that a rounding of 1e-7 of a component far below the rest
    can move its weight by a share of lr = 1e-3; 1e-4 is a tenth of one step, and 1/50 of what six steps do.
    A last pass weighed like a full one is off by more than that, as the third run shows.
    """
    loss, setting = OBJECTIVES[name]
    load_from_disk(world.reference).select(range(pairs)).save_to_disk(tmp_path / "reference")
    train_part = partial(train, setting=setting, reference=tmp_path / "reference")
    whole = train_part("whole", loss=loss)
    parts = train_part("parts", loss=loss, micro_batch_size=4)

    assert [record["pairs"] for record in parts.records] == [16] * 5 + [pairs - 80]
    for one, other in zip(whole.records, parts.records, strict=True):
        for key in ("loss", "grad_norm", "margin", "rho_min", "rho_median", "rho_max"):
            assert one[key] == pytest.approx(other[key], abs=1e-3), (one["step"], key)
    assert get_distance(whole.weights, parts.weights) < 1e-4
    assert get_distance(whole.weights, start_weights) > 2e-3


def test_every_pair_of_a_short_last_pass_counts_alike(train, world, tmp_path):
    """Gradient norms are those of Σ over pairs / pairs, also where the last pass holds 2 of 10 pairs.

    One step over 10 pairs from the same weights: 1e-4 of the norm is far above float32's rounding (1e-6) and
    far below the weight of 1/3 instead of 2/10 that a mean of means would give the last two pairs.
    """
    load_from_disk(world.reference).select(range(10)).save_to_disk(tmp_path / "reference")
    runs = [
        train(f"size_{size}", reference=tmp_path / "reference", micro_batch_size=size) for size in (1, 4, 16)
    ]
    norms = [run.records[0]["grad_norm"] for run in runs]
    assert [len(run.records) for run in runs] == [1, 1, 1]
    assert norms == pytest.approx([norms[0]] * 3, rel=1e-4)


def test_learning_rate_of_each_step(train):
    """The log must show the rate a step was made with: cosine after a warm-up of ⌈0.2·6⌉ = 2 steps."""
    rates = [record["learning_rate"] for record in train(warmup_ratio=0.2).records]
    expected = [0, 0.5e-3] + [1e-3 * 0.5 * (1 + math.cos(math.pi * step / 4)) for step in range(4)]
    assert rates == pytest.approx(expected, rel=1e-6)


def test_every_pair_once_an_epoch(order, world):
    """A pair trained twice while another is left out would be a different data set."""
    expected = load_from_disk(world.reference)["ref_chosen_logps"]
    seen = [pair for step in order for pair in step]
    # float32 columns come back through Python floats: the same number to 2⁻²⁴.
    assert sorted(seen) == pytest.approx(sorted(expected), rel=1e-6)
    assert seen != pytest.approx(list(expected), rel=1e-6)


@pytest.mark.parametrize(
    ("micro_batch_size", "processes", "multiple"), [(5, 1, 5), (4, 3, 12), (32, 1, 32), (16, 2, 32)]
)
def test_batch_that_cannot_be_divided(micro_batch_size, processes, multiple):
    """Rounding instead would train with another global batch than the study says."""
    recipe = TrainingRecipe(learning_rate=1e-3, epochs=1, batch_size=16, max_length=160)
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole text is compared
        get_trainer_arguments(recipe, micro_batch_size, processes)
    assert str(error.value) == (
        f"batch_size: 16 cannot be divided over {processes} processes with micro_batch_size "
        f"{micro_batch_size}; make it a multiple of {multiple}"
    )


@pytest.mark.parametrize(("micro_batch_size", "processes", "accumulation"), [(4, 1, 4), (4, 2, 2), (2, 8, 1)])
def test_global_batch_is_the_recipe_s(micro_batch_size, processes, accumulation):
    """Micro batch × processes × accumulation = batch_size, whatever the machine."""
    recipe = TrainingRecipe(learning_rate=1e-3, epochs=1, batch_size=16, max_length=160)
    arguments = get_trainer_arguments(recipe, micro_batch_size, processes)
    assert arguments["gradient_accumulation_steps"] == accumulation
    assert arguments["per_device_train_batch_size"] == micro_batch_size


def test_one_process_refuses_several_gpus(monkeypatch):
    """The trainer would wrap the model in DataParallel and train on n times the study's batch."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    recipe = TrainingRecipe(learning_rate=1e-3, epochs=1, batch_size=16, max_length=160)
    with pytest.raises(ValueError, match=r"sees 2 GPUs; set CUDA_VISIBLE_DEVICES to one of them"):
        get_trainer_arguments(recipe, 4, processes=1)


def test_each_launched_process_may_see_every_gpu(monkeypatch):
    """Under a launcher a process takes the GPU of its rank, however many it sees."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("WORLD_SIZE", "2")
    recipe = TrainingRecipe(learning_rate=1e-3, epochs=1, batch_size=16, max_length=160)
    assert get_trainer_arguments(recipe, 4, processes=2)["gradient_accumulation_steps"] == 2
