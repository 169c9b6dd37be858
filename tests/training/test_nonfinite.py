"""What a loss or gradient that is not finite leads to, under each of the three policies."""

import math
import shutil

import pytest
import torch

import lossgrid.training.preference as preference
from lossgrid.objectives.logistic import dpo_loss
from lossgrid.training.pair_trainer import PairTrainer
from lossgrid.training.training_log import read_records

STEPS = 6


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture
def weights_before(monkeypatch):
    """Captures the weights before each optimiser step, by number of the step, of the runs that follow."""
    captured = {}
    close_step = PairTrainer.close_step

    def capture(trainer, grad_norm):
        weights = {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}
        captured[trainer.state.global_step + 1] = weights
        return close_step(trainer, grad_norm)

    monkeypatch.setattr(PairTrainer, "close_step", capture)
    return captured


def saved_equals(run, captured: dict[str, torch.Tensor]) -> bool:
    """Whether policy/ holds exactly these weights (tied ones are saved once)."""
    return all(torch.equal(weight, captured[name]) for name, weight in run.weights.items())


@pytest.mark.parametrize("kind", ["nan", "inf", "gradient"])
def test_stop_keeps_the_weights_before_the_bad_step(train, faulty, weights_before, kind):
    """The policy of a diverged cell is evaluated like any other: it must be the last one that was finite."""
    run = train(loss=faulty({4: kind}), nonfinite="stop")
    assert sorted(weights_before) == [1, 2, 3, 4]
    assert saved_equals(run, weights_before[4])
    assert not equal(weights_before[4], weights_before[3])
    health = run.health
    assert (health["status"], health["healthy"], health["first_nonfinite_step"]) == ("diverged", False, 4)
    assert (health["steps"], health["planned_steps"], health["nonfinite_steps"]) == (4, STEPS, 1)
    assert not (run.folder / "checkpoints").exists()


def test_stop_at_the_first_step_keeps_the_model_it_started_from(train, faulty, start_weights):
    """A loss that is broken from the start still gives a cell, whose policy is the SFT model."""
    run = train(loss=faulty({1: "nan"}), nonfinite="stop")
    assert equal(run.weights, start_weights)
    assert (run.health["steps"], run.health["first_nonfinite_step"]) == (1, 1)


def test_what_a_bad_pair_leaves_in_the_record(train, faulty):
    """One pair of sixteen must not vanish in a mean, nor be written as the loss 0.0 that TRL logs."""
    record = train("nan", loss=faulty({4: "nan"})).records[-1]
    assert (record["loss"], record["grad_norm"], record["nonfinite_pairs"]) == ("nan", "nan", 1)
    record = train("inf", loss=faulty({4: "inf"})).records[-1]
    assert (record["loss"], record["nonfinite_pairs"], record["nonfinite"]) == ("inf", 1, True)
    assert math.isfinite(record["grad_norm"])
    record = train("gradient", loss=faulty({4: "gradient"})).records[-1]
    assert math.isfinite(record["loss"])
    assert (record["nonfinite_pairs"], record["nonfinite"]) == (0, True)
    assert record["grad_norm"] in ("inf", "nan")


@pytest.mark.parametrize("kind", ["nan", "inf", "gradient"])
def test_skip_leaves_out_the_step_and_nothing_else(train, faulty, monkeypatch, kind):
    """Compared with the undisturbed run in which the optimiser alone is told to do nothing at step 4.

    Anything else would differ: a decayed weight, a moment or a step count of AdamW, another order of the
    pairs, another learning rate later on.
    """
    skipped = train("skipped", loss=faulty({4: kind}), nonfinite="skip", weight_decay=0.1)

    step, calls = torch.optim.AdamW.step, []

    def step_but_the_fourth(optimizer, closure=None):
        calls.append(None)
        return None if len(calls) == 4 else step(optimizer, closure)

    monkeypatch.setattr(torch.optim.AdamW, "step", step_but_the_fourth)
    left_out = train("left_out", nonfinite="skip", weight_decay=0.1)
    assert len(calls) == STEPS
    assert equal(skipped.weights, left_out.weights)
    for number, (one, other) in enumerate(zip(skipped.records, left_out.records, strict=True), start=1):
        if number != 4:
            assert one == other
    assert skipped.records[3]["learning_rate"] == left_out.records[3]["learning_rate"]
    health = skipped.health
    assert (health["status"], health["healthy"], health["steps"]) == ("finished", False, STEPS)
    assert (health["nonfinite_steps"], health["first_nonfinite_step"]) == (1, 4)
    assert health["reason"].startswith("step 4: ")


def test_skip_drops_the_whole_step_under_accumulation(train, faulty, weights_before):
    """Three good micro-batches beside a bad one would otherwise be a step on twelve of sixteen pairs."""
    run = train(loss=faulty({4: "nan"}), nonfinite="skip", micro_batch_size=4)
    assert equal(weights_before[5], weights_before[4])
    assert not equal(weights_before[6], weights_before[5])
    assert [record["nonfinite_pairs"] for record in run.records] == [0, 0, 0, 1, 0, 0]
    assert [record["pairs"] for record in run.records] == [16] * STEPS


def test_propagate_writes_the_last_finite_weights(train, faulty, weights_before):
    """The papers' code trains on with NaN; the cell still needs a policy that can be evaluated."""
    run = train(loss=faulty({4: "nan"}), nonfinite="propagate")
    assert saved_equals(run, weights_before[4])
    assert all(weight.isnan().any() for weight in weights_before[5].values())
    assert [record["nonfinite"] for record in run.records] == [False] * 3 + [True] * 3
    health = run.health
    assert (health["status"], health["healthy"]) == ("diverged", False)
    assert (health["first_nonfinite_step"], health["nonfinite_steps"], health["steps"]) == (4, 3, STEPS)
    assert (health["final_loss"], math.isfinite(health["rho_min"])) == ("nan", True)


def test_propagate_past_a_step_that_spoils_nothing(train, faulty, weights_before):
    """An infinite loss may have finite gradients: the last finite weights are those before the spoiling step."""
    run = train(loss=faulty({2: "inf", 5: "nan"}), nonfinite="propagate")
    assert saved_equals(run, weights_before[5])
    assert (run.health["first_nonfinite_step"], run.health["nonfinite_steps"]) == (2, 3)
    harmless = train("harmless", loss=faulty({2: "inf"}), nonfinite="propagate")
    undisturbed = train("undisturbed")
    assert equal(harmless.weights, undisturbed.weights)
    assert (harmless.health["status"], harmless.health["healthy"]) == ("finished", False)


@pytest.fixture
def overflowing_update(monkeypatch):
    """A function that lets one step of AdamW leave the range of float32, as a huge learning rate does."""
    step, calls = torch.optim.AdamW.step, []

    def overflow_at(number):
        def step_and_overflow(optimizer, closure=None):
            step(optimizer, closure)
            calls.append(None)
            if len(calls) == number:
                optimizer.param_groups[0]["params"][0].data[0, 0] = torch.inf

        monkeypatch.setattr(torch.optim.AdamW, "step", step_and_overflow)

    return overflow_at


@pytest.mark.parametrize("nonfinite", ["stop", "skip", "propagate"])
def test_an_update_that_leaves_float32_is_a_divergence(train, overflowing_update, nonfinite, start_weights):
    """Loss and gradient were finite, the weights after them are not: no finite ones were kept, and the cell
    still ends with a policy and its record instead of failing on a missing file.
    """
    overflowing_update(3)
    run = train(nonfinite=nonfinite)
    assert (run.health["status"], run.health["healthy"]) == ("diverged", False)
    assert run.health["first_nonfinite_step"] == 4
    assert equal(run.weights, start_weights)


def test_a_last_update_that_leaves_float32_is_a_divergence(train, overflowing_update, start_weights):
    """No later step would notice it: the weights are looked at."""
    overflowing_update(STEPS)
    run = train()
    assert (run.health["steps"], run.health["status"], run.health["healthy"]) == (STEPS, "diverged", False)
    assert (run.health["nonfinite_steps"], run.health["first_nonfinite_step"]) == (0, None)
    assert run.health["reason"] == "the last step made the weights non-finite"
    assert equal(run.weights, start_weights)


def test_gradient_norm_is_that_before_clipping(train):
    """A clipped norm is flat at max_grad_norm and hides every spike. Here 100 times DPO is clipped to 0.01.

    Both runs see the same weights at step 1, and backpropagation is linear: 1e-5 is 100 roundings of float32.
    """

    def scaled(*logps, beta):
        return 100 * dpo_loss(*logps, beta)

    plain = train("plain").records[0]["grad_norm"]
    run = train("scaled", loss=scaled, max_grad_norm=0.01)
    assert plain > 0.01
    assert run.records[0]["grad_norm"] == pytest.approx(100 * plain, rel=1e-5)
    assert run.health["max_grad_norm"] == max(record["grad_norm"] for record in run.records)


@pytest.mark.parametrize(("nonfinite", "bad_steps"), [("skip", 2), ("propagate", 5)])
@pytest.mark.parametrize("killed_at", [3, 4, 6])
def test_a_kill_keeps_the_counts(train, faulty, nonfinite, bad_steps, killed_at):
    """A bad step before the kill must still be counted after the resume, and none twice.

    Checkpoints are written after steps 2 and 4; the bad steps are 2 and 5.
    """
    faults = {2: "nan", 5: "nan"}
    undisturbed = train("undisturbed", loss=faulty(faults), nonfinite=nonfinite)
    with pytest.raises(BaseException, match=r"^$"):
        train("killed", loss=faulty({**faults, killed_at: "kill"}), nonfinite=nonfinite)
    resumed = train("killed", loss=faulty(faults), nonfinite=nonfinite)
    assert resumed.health["nonfinite_steps"] == bad_steps
    assert resumed.files == undisturbed.files


def test_stop_on_a_checkpoint_step_is_final(train, faulty, monkeypatch):
    """A run killed after it stopped must stop again, not train on from a checkpoint of the bad step."""
    expected = train("undisturbed", loss=faulty({4: "nan"}), nonfinite="stop")

    def die(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(PairTrainer, "save_policy", die)
        with pytest.raises(KeyboardInterrupt):
            train("killed", loss=faulty({4: "nan"}), nonfinite="stop")
    again = train("killed", loss=faulty({4: "nan"}), nonfinite="stop")
    assert again.files == expected.files


def test_propagate_killed_before_its_outputs_were_written(train, faulty, monkeypatch):
    """The last finite weights must outlive a kill after training: the checkpoint's own are NaN by then."""
    expected = train("undisturbed", loss=faulty({2: "nan"}), nonfinite="propagate")

    def die(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(preference, "_write", die)
        with pytest.raises(KeyboardInterrupt):
            train("killed", loss=faulty({2: "nan"}), nonfinite="propagate")
    # Snakemake deletes the outputs of a killed job.
    shutil.rmtree(expected.folder.parent / "killed" / "policy")
    again = train("killed", loss=faulty({2: "nan"}), nonfinite="propagate")
    assert again.files == expected.files
    assert len(read_records(again.folder / "training.jsonl")) == STEPS
