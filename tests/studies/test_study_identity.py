"""A step's settings hold what decides its result, and nothing that does not."""

import hashlib

import pytest

from lossgrid.studies import (
    get_cell,
    get_corpus_settings,
    get_generation_settings,
    get_pairs_settings,
    get_reference_settings,
    get_sft_settings,
    get_training_settings,
    hash_canonical,
)

PATH = "dpo/beta~0.05/seed~1"
STEPS = {
    "corpus": get_corpus_settings,
    "sft": get_sft_settings,
    "pairs": get_pairs_settings,
    "reference": get_reference_settings,
    "training": lambda study: get_training_settings(study, get_cell(study, PATH)),
    "generation": get_generation_settings,
}

# What is changed, and the steps that must be redone for it (besides those that read their results).
CHANGES = {
    "title": (("title: A small study", "title: Another"), set()),
    "description": (("title: A small study", "title: A small study\ndescription: Text"), set()),
    "claims": (("at_most: 100", "at_most: 200"), set()),
    "another cell": (("{beta: [0.05, 0.25]}", "{beta: [0.05, 0.5]}"), set()),
    "another objective": (("  hinge:\n", ""), set()),
    "another seed": (("seeds: [1, 2]\n", "seeds: [1, 3]\n"), set()),
    "log steps": (("batch_size: 32", "batch_size: 32\n  log_steps: 1"), set()),
    "checkpoint steps": (("batch_size: 32", "batch_size: 32\n  checkpoint_steps: 1"), set()),
    "spelled-out default": (("batch_size: 32", "batch_size: 32\n  micro_batch_size: 32"), set()),
    "number spelled otherwise": (("learning_rate: 5e-7", "learning_rate: 0.0000005"), set()),
    "world seed": (("kind: reviews", "kind: reviews\n  seed: 2"), {"corpus", "pairs"}),
    "corpus size": (("corpus_chats: 100", "corpus_chats: 101"), {"corpus"}),
    "pairs": (("pairs: 20", "pairs: 21"), {"corpus", "pairs"}),
    "held-out chats": (("heldout_chats: 10", "heldout_chats: 11"), {"corpus"}),
    "label noise": (("pairs: 20", "pairs: 20\n  label_temperature: 2"), {"pairs"}),
    "policy": (("pairs: 20", "pairs: 20\n  policy: {layers: 3}"), {"sft"}),
    "SFT recipe": (("learning_rate: 3e-3", "learning_rate: 2e-3"), {"sft"}),
    "learning rate": (("learning_rate: 5e-7", "learning_rate: 6e-7"), {"training"}),
    "non-finite steps": (("batch_size: 32", "batch_size: 32\n  nonfinite: skip"), {"training"}),
    "processes": (
        ("batch_size: 32", "batch_size: 32\n  processes: 2\n  deepspeed: zero2"),
        {"training", "reference"},
    ),
    "sharding": (("batch_size: 32", "batch_size: 32\n  deepspeed: zero3"), {"training", "reference"}),
    "micro-batches": (("batch_size: 32", "batch_size: 32\n  micro_batch_size: 8"), {"training", "reference"}),
    "length": (
        ("batch_size: 32\n  max_length: 64", "batch_size: 32\n  max_length: 65"),
        {"training", "reference"},
    ),
    "cut prompts": (
        ("batch_size: 32\n  max_length: 64", "batch_size: 32\n  max_prompt_length: 32\n  max_length: 64"),
        {"training", "reference"},
    ),
    "number format": (("batch_size: 32", "batch_size: 32\n  precision: bf16"), {"training", "reference"}),
    "attention": (("batch_size: 32", "batch_size: 32\n  attention: eager"), {"training", "reference"}),
    "recomputation": (("batch_size: 32", "batch_size: 32\n  gradient_checkpointing: true"), {"training"}),
    "adapter": (("batch_size: 32", "batch_size: 32\n  adapter: {}"), {"training", "reference"}),
    "kept policies": (("claims:", "keep_policy: none\nclaims:"), set()),
    "sampling": (("claims:", "evaluation: {temperature: 0.7}\nclaims:"), {"generation"}),
    "reply length": (("claims:", "evaluation: {max_new_tokens: 9}\nclaims:"), {"generation", "pairs"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_redoes_what_it_decides_and_nothing_else(change, load_changed):
    """A new title would retrain a week of cells; a new learning rate would leave the old results in place."""
    replacement, expected = CHANGES[change]
    before = {step: hash_canonical(get(load_changed())) for step, get in STEPS.items()}
    after = {step: hash_canonical(get(load_changed(replacement))) for step, get in STEPS.items()}
    assert {step for step in STEPS if before[step] != after[step]} == expected


def test_training_settings_hold_the_whole_decision(load_changed):
    """What is missing here could change without the cell being trained again."""
    assert STEPS["training"](load_changed()) == {
        "objective": "dpo",
        "function": "logistic:dpo_loss",
        "hyperparameters": {"beta": 0.05},
        "seed": 1,
        "recipe": {
            "learning_rate": 5e-7,
            "epochs": 2.0,
            "batch_size": 32,
            "micro_batch_size": 32,
            "warmup_ratio": 0.1,
            "scheduler": "cosine",
            "weight_decay": 0.0,
            "max_grad_norm": 1.0,
            "max_length": 64,
            "max_prompt_length": None,
            "processes": 1,
            "deepspeed": None,
            "precision": None,
            "attention": None,
            "gradient_checkpointing": None,
            "adapter": None,
            "nonfinite": "stop",
        },
    }


def test_cells_have_settings_of_their_own(load_changed):
    """Two cells of one identity would resume from each other's checkpoints."""
    study = load_changed()
    paths = [PATH, "dpo/beta~0.05/seed~2", "dpo/beta~0.25/seed~1", "hinge/beta~0.1/seed~1"]
    hashes = {hash_canonical(get_training_settings(study, get_cell(study, path))) for path in paths}
    assert len(hashes) == len(paths)


def test_the_hash_is_that_of_sorted_compact_json():
    """Identities written by one version must be found again by the next."""
    expected = hashlib.sha256(b'{"a":[1,0.5],"b":"\\u03b2"}').hexdigest()
    assert hash_canonical({"b": "β", "a": [1, 0.5]}) == expected


def test_a_value_that_is_not_finite_has_no_hash():
    """NaN is not equal to itself: a cell would never be found finished."""
    with pytest.raises(ValueError, match="JSON compliant"):
        hash_canonical({"beta": float("nan")})
