"""Supervised fine-tuning: only the assistant's tokens, resumed bit for bit, and never a broken model."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from lossgrid.studies.recipe import SftRecipe

# 128 steps; a checkpoint is written after 100.
RECIPE = {"learning_rate": 1e-3, "epochs": 8, "batch_size": 1, "max_length": 160}


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.fixture
def train(world, tmp_path):
    """A function that fine-tunes the tiny model and returns the folder written."""
    from lossgrid.training.sft import train_sft

    def run(name: str, **recipe) -> Path:
        train_sft(
            AutoModelForCausalLM.from_pretrained(world.model, dtype=torch.float32),
            AutoTokenizer.from_pretrained(world.model),
            world.corpus / "chats",
            SftRecipe(**(RECIPE | recipe)),
            output=tmp_path / name / "policy",
            checkpoints=tmp_path / name / "checkpoints",
            identity="identity",
            threads=1,
        )
        return tmp_path / name / "policy"

    return run


def test_a_kill_changes_nothing(train, monkeypatch, capsys):
    """Every cell starts from this model: other bits after a preemption would change the whole study."""
    from lossgrid.training.sft import ResumableSFTTrainer

    expected = (train("undisturbed") / "model.safetensors").read_bytes()
    step = ResumableSFTTrainer.training_step
    calls = []

    def count(trainer, *arguments, **keywords):
        calls.append(trainer.state.global_step)
        if len(calls) == 110:
            raise Killed
        return step(trainer, *arguments, **keywords)

    monkeypatch.setattr(ResumableSFTTrainer, "training_step", count)
    with pytest.raises(Killed):
        train("killed")
    calls.clear()
    policy = train("killed")
    assert calls == list(range(100, 128))
    assert (policy / "model.safetensors").read_bytes() == expected
    assert sorted(path.name for path in policy.parent.iterdir()) == ["policy"]


def test_a_model_that_is_not_finite_is_refused(train, world, tmp_path):
    """It would fail hours later as "probability tensor contains inf, nan" in sampling the pairs."""
    with pytest.raises(ValueError, match=r"not finite after 2 steps; lower sft.learning_rate, 1e\+37"):
        train("broken", learning_rate=1e37, warmup_ratio=0.0, epochs=1, batch_size=8)
    assert not (tmp_path / "broken/policy").exists()


def test_only_the_assistant_is_imitated(train, world):
    """A model that learns to ask questions wastes its size on them: the users' words get no gradient.

    Words that occur in questions alone are compared as outputs: with tied embeddings they still move as
    inputs, so the untied gradient is not visible; the mean log-probability of the questions must rise less
    than that of the answers.
    """
    from datasets import load_from_disk

    from lossgrid.training.logps import get_sequence_logps

    chats = load_from_disk(world.corpus / "chats")["messages"]
    tokenizer = AutoTokenizer.from_pretrained(world.model)
    questions, answers = [], []
    for messages in chats:
        prompt = tokenizer.apply_chat_template(messages[:1], add_generation_prompt=True, return_dict=True)
        whole = tokenizer.apply_chat_template(messages[:2], return_dict=True)
        ids = prompt["input_ids"]
        questions.append((ids[:1], ids[1:]))
        answers.append((ids, whole["input_ids"][len(ids) :]))

    def get_means(folder):
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        return [
            get_sequence_logps(model, 0, part, 16).sum().item() / sum(len(response) for _, response in part)
            for part in (questions, answers)
        ]

    before, after = get_means(world.model), get_means(train("policy", learning_rate=1e-2))
    assert after[1] - before[1] > 1.5
    assert after[0] < before[0]


def test_the_result_is_a_model_folder(train):
    """Weights, settings and tokenizer together: the next step loads nothing else."""
    policy = train("policy", epochs=1)
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= {
        path.name for path in policy.iterdir()
    }
    assert all(weight.dtype == torch.float32 for weight in load_file(policy / "model.safetensors").values())
