"""A tiny reviews world on disk (random weights, 96 pairs), and runs of a cell on it that take a second."""

import json
import os
from pathlib import Path
from random import Random
from types import SimpleNamespace

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# These tests compare bits and processes on CPUs, on a machine with a GPU as well.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import pytest
import torch
from datasets import Dataset, load_from_disk
from safetensors.torch import load_file
from transformers import AutoTokenizer

from lossgrid.objectives.logistic import dpo_loss
from lossgrid.objectives.specification import POLICY, REFERENCE, Objective
from lossgrid.studies.recipe import TrainingRecipe
from lossgrid.training.reference import compute_reference_logps
from lossgrid.worlds.reviews.files import write_corpus
from lossgrid.worlds.reviews.language import sample_reply
from lossgrid.worlds.reviews.policy import build_policy
from lossgrid.worlds.reviews.preferences import label_pair

PAIRS = 96
MAX_LENGTH = 160
RECIPE = {
    "learning_rate": 1e-3,
    "epochs": 1,
    "batch_size": 16,
    "max_length": MAX_LENGTH,
    "checkpoint_steps": 2,
    "log_steps": 1,
}


class Killed(BaseException):
    """Stands for SIGKILL: nothing between the step and the process's end may catch it."""


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> SimpleNamespace:
    """Folders `corpus`, `model`, `pairs` and `reference`."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("world")
    corpus, model, pairs, reference = (folder / name for name in ("corpus", "model", "pairs", "reference"))
    settings = SimpleNamespace(seed=1, corpus_chats=16, pairs=2 * PAIRS, heldout_chats=6)
    write_corpus(SimpleNamespace(world=settings), corpus)
    tokenizer = AutoTokenizer.from_pretrained(corpus / "tokenizer")
    policy = build_policy(
        tokenizer,
        layers=1,
        hidden_size=16,
        heads=2,
        intermediate_size=32,
        seed=1,
        max_position=MAX_LENGTH,
    )
    policy.save_pretrained(model)
    tokenizer.save_pretrained(model)

    rng = Random(1)
    rows = []
    for prompt in load_from_disk(corpus / "preference_prompts"):
        replies = [sample_reply(rng, prompt["aspect"]) for _ in range(2)]
        label = label_pair(rng, *replies, prompt["aspect"], 0.5)
        if label and len(rows) < PAIRS:
            chosen, rejected = ([{"role": "assistant", "content": text}] for text in label[:2])
            rows.append({"prompt": prompt["prompt"], "chosen": chosen, "rejected": rejected})
    assert len(rows) == PAIRS
    Dataset.from_list(rows).save_to_disk(pairs)
    compute_reference_logps(pairs, model, reference, MAX_LENGTH, batch_size=16, threads=1)
    return SimpleNamespace(corpus=corpus, model=model, pairs=pairs, reference=reference)


class Run(SimpleNamespace):
    """A cell's folder, and what a run wrote there."""

    @property
    def records(self) -> list[dict]:
        return [json.loads(line) for line in (self.folder / "training.jsonl").read_text().splitlines()]

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        return load_file(self.folder / "policy/model.safetensors")

    @property
    def adapter(self) -> dict[str, torch.Tensor]:
        return load_file(self.folder / "policy/adapter_model.safetensors")

    @property
    def files(self) -> dict[str, bytes]:
        weights = sorted((self.folder / "policy").glob("*.safetensors"))
        files = [*weights, self.folder / "training.jsonl", self.folder / "health.json"]
        return {str(file.relative_to(self.folder)): file.read_bytes() for file in files}


def as_objective(loss) -> SimpleNamespace:
    """An objective that is this function of the four log-probability tensors."""
    return SimpleNamespace(
        load=lambda: loss,
        get_keywords=dict,
        arguments=POLICY + REFERENCE,
        length_normalised=False,
        learned=(),
    )


@pytest.fixture
def train(world, tmp_path):
    """A function that trains a cell on the tiny world: `train(name, loss, setting, **recipe)`.

    `loss` is a function of the four log-probability tensors or an objective of the catalogue.
    """
    from lossgrid.training.preference import CellOutputs, train_cell

    def run(
        name="cell",
        loss=dpo_loss,
        setting=None,
        identity="identity",
        reference=None,
        start=None,
        folder=None,
        **recipe,
    ) -> Run:
        folder = folder or tmp_path / name
        health = train_cell(
            loss if isinstance(loss, Objective) else as_objective(loss),
            {"beta": 0.1} if setting is None else setting,
            1,
            TrainingRecipe(**{**RECIPE, **recipe}),
            model=start or world.model,
            reference=reference or world.reference,
            outputs=CellOutputs(folder / "policy", folder / "training.jsonl", folder / "health.json"),
            checkpoints=folder / "checkpoints",
            identity=identity,
            threads=1,
        )
        return Run(folder=folder, health=health)

    return run


@pytest.fixture(scope="session")
def start_weights(world) -> dict[str, torch.Tensor]:
    """The weights that every cell starts from."""
    return load_file(world.model / "model.safetensors")


@pytest.fixture(scope="session")
def order(world, tmp_path_factory) -> list[list[float]]:
    """For each step of the recipe, the reference log-probabilities of its chosen responses: they name pairs."""
    from lossgrid.training.preference import CellOutputs, train_cell

    steps = []

    def record(chosen, rejected, reference_chosen, reference_rejected, beta):
        steps.append(reference_chosen.tolist())
        return dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta)

    folder: Path = tmp_path_factory.mktemp("order")
    train_cell(
        as_objective(record),
        {"beta": 0.1},
        1,
        TrainingRecipe(**RECIPE),
        model=world.model,
        reference=world.reference,
        outputs=CellOutputs(folder / "policy", folder / "training.jsonl", folder / "health.json"),
        checkpoints=folder / "checkpoints",
        identity="order",
        threads=1,
    )
    assert len({pair for step in steps for pair in step}) == PAIRS
    return steps


@pytest.fixture
def faulty(order):
    """Makes a DPO loss that goes wrong for the first pair of some steps and is otherwise untouched.

    `faulty({3: "nan"})` gives NaN with a NaN gradient, `inf` an infinite loss with a finite gradient,
    `gradient` a finite loss with an infinite gradient, `kill` ends the process there. The pair is known by its
    reference log-probability, so that a resumed run or other micro-batches meet it at the same step.
    """

    def make(faults: dict[int, str]):
        bad_pairs = {kind: torch.tensor([order[step - 1][0] for step in faults if faults[step] == kind])
                     for kind in set(faults.values())}  # fmt: skip

        def loss(chosen, rejected, reference_chosen, reference_rejected, beta):
            losses = dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta)
            for kind, pairs in bad_pairs.items():
                is_bad = torch.isin(reference_chosen, pairs)
                if kind == "kill" and is_bad.any():
                    raise Killed
                if kind == "nan":
                    losses = losses * torch.where(is_bad, torch.nan, 1.0)
                if kind == "inf":
                    losses = losses + torch.where(is_bad, torch.inf, 0.0)
                if kind == "gradient":
                    # √0 is 0 with an infinite slope.
                    zeros = (chosen - chosen.detach())[is_bad].sqrt()
                    losses = losses + torch.zeros_like(losses).masked_scatter(is_bad, zeros)
            return losses

        return loss

    return make
