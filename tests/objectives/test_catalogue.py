"""The catalogue: that what a study reads of a loss is what the loss does, without importing torch."""

import inspect
import itertools
import math
import subprocess
import sys

import pytest
import torch

from lossgrid.objectives.catalogue import CATALOGUE, OBJECTIVES

from .log_probabilities import TOKENS, with_margin


def take(objective, tensors):
    """Those of the four tensors that the loss takes; averages over tokens are so much smaller than sums."""
    taken = tensors[: len(objective.arguments)]
    return [tensor / TOKENS for tensor in taken] if objective.length_normalised else taken


every_objective = pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.name)


def test_catalogue_holds_every_loss_once():
    """A loss would be out of every study's reach, or hide another of its name."""
    assert CATALOGUE.keys() >= {
        *("dpo", "cdpo", "robust_dpo", "exo", "ipo", "ipo_averaged", "discopop", "dlrml", "dlrml_learned"),
        *("hinge", "exponential", "truncated_quadratic", "squared", "savage"),
        *("nca", "bco", "sppo_hard", "apo_zero", "apo_down", "kto", "aot", "aot_unpaired"),
        *("simpo", "orpo", "cpo", "slic_hf", "cell", "padll", "pfl", "dbaql", "aql", "aqfl"),
    }
    assert len(OBJECTIVES) == len(CATALOGUE)
    assert len({objective.title for objective in OBJECTIVES}) == len(OBJECTIVES)


@every_objective
def test_hyperparameters_are_those_of_the_function(objective):
    """A study's setting would name an argument that the loss lacks, or record a default it does not use."""
    parameters = list(inspect.signature(objective.load()).parameters.values())
    count = len(objective.arguments)
    of_pair, of_loss = parameters[:count], parameters[count:]
    assert tuple(each.name for each in of_pair) == objective.arguments
    taken = objective.get_keywords(objective.defaults())
    assert {each.name: each.default for each in of_loss} == taken
    assert [each.name for each in of_loss] == list(taken)


@every_objective
def test_loss_runs_with_the_catalogue_s_defaults(objective):
    """The setting that a study gets by naming none would not train, or train something else."""
    # Below 0, as log-probabilities are: a margin of −3, 0 and 3, or a 128th of that.
    tensors = take(objective, [tensor - 4 for tensor in with_margin([-3.0, 0.0, 3.0])])
    loss = objective.load()
    assert torch.equal(loss(*tensors, **objective.get_keywords(objective.defaults())), loss(*tensors))


@every_objective
def test_every_entry_is_described(objective):
    """A reader of the study's schema or of a figure would not learn what a loss or number is, or whose it is."""
    for text in (objective.title, objective.formula, objective.reference):
        assert text.strip()
    for parameter in objective.hyperparameters:
        assert parameter.description.endswith(".")
        assert len(parameter.description.split()) >= 4
        assert parameter.source.strip()


@every_objective
def test_every_choice_is_accepted_and_every_default_allowed(objective):
    """The schema would offer a word that the loss refuses, or a default that the schema refuses."""
    tensors = with_margin([0.0])
    for parameter in objective.hyperparameters:
        if parameter.choices:
            assert parameter.default in parameter.choices
            at_default = objective.load()(*tensors)
            for choice in parameter.choices:
                # At ρ=0 nothing overflows: one function, up to the last bits of float64.
                torch.testing.assert_close(
                    objective.load()(*tensors, **{parameter.name: choice}), at_default, rtol=1e-14, atol=0
                )
        else:
            assert math.isfinite(parameter.default)
            assert 0 < parameter.default < parameter.below


# The hyper-parameters of the modulated family, so that there are duplicates to find.
NUMBERS = {
    "beta": (0.05, 0.1, 0.25, 0.5),
    "beta_kl": (0.05, 0.1, 0.5),
    "beta_mix": (0.05, 0.1, 0.2),
    "tau": (0.05, 0.1, 0.2),
    "evaluation": ("log_space", "published"),
}


def get_settings(objective):
    """A grid of settings: the numbers above, or every default halved, itself and doubled."""
    values = (
        NUMBERS[parameter.name]
        if objective.modulation
        else [factor * parameter.default for factor in (0.5, 1, 2)]
        for parameter in objective.hyperparameters
    )
    names = [parameter.name for parameter in objective.hyperparameters]
    return [dict(zip(names, each, strict=True)) for each in itertools.product(*values)]


def get_batches():
    """Two micro-batches of log-probabilities below 0.

    Of margins of both signs, in which near ρ=0 the mixes differ and further out the branches, with no response as
    likely as under the reference; and of ±20000, beyond the overflow of the published formula in float64 at β=0.05,
    where alone the two evaluations differ.
    """
    for sizes in ((0.01, 0.1, 0.5, 1, 2, 5, 10), (20000,)):
        rho = torch.tensor([sign * size for size in sizes for sign in (-1, 1)], dtype=torch.float64)
        steps = torch.arange(len(rho), dtype=torch.float64)
        rejected, reference_chosen, reference_rejected = -1000 - 1.3 * steps, -950 + steps, -952 - 2.1 * steps
        chosen = rho + rejected + reference_chosen - reference_rejected
        # The rejected response moves half of the way: the log-ratios differ, the margins do not.
        yield [
            each - 20000
            for each in (chosen - rho / 2, rejected - rho / 2, reference_chosen, reference_rejected)
        ]


def test_settings_share_a_shape_exactly_where_they_are_one_loss():
    """Duplicates in a grid would be trained twice, or two different losses merged into one run.

    All pairs of some 200 settings of all losses.
    """
    batches = list(get_batches())
    evaluated = [
        (
            objective.get_shape(setting),
            torch.cat([objective.load()(*take(objective, batch), **setting) for batch in batches]),
        )
        for objective in OBJECTIVES
        if not objective.learned
        for setting in get_settings(objective)
    ]
    assert len({shape for shape, _ in evaluated}) < len(evaluated)  # there are duplicates to find
    for (shape, values), (other_shape, other_values) in itertools.combinations(evaluated, 2):
        # Equal shapes round their mix logit differently by some 1e-16; at the exponents below 100 that still
        # weigh in the loss that is 1e-14. Different settings here differ by a half in some hyper-parameter.
        same = torch.allclose(values, other_values, rtol=1e-12, atol=1e-300, equal_nan=True)
        assert same == (shape == other_shape), (shape, other_shape)


def test_a_learned_setting_is_a_function_of_its_own():
    """A trained β_mix would be merged with the fixed one that it starts from, or with another learning rate."""
    learned = CATALOGUE["dlrml_learned"]
    setting = learned.defaults()
    shapes = {learned.get_shape(setting), learned.get_shape({**setting, "mix_learning_rate": 0.02})}
    assert len(shapes) == 2
    assert CATALOGUE["dlrml"].get_shape(CATALOGUE["dlrml"].defaults()) not in shapes


def test_known_duplicates_share_their_shape():
    """The aliases that the study's documentation names would be trained twice.

    dLRML(0.05, 0.05, 0.05) is DiscoPOP(0.05, 0.05); (0.05, 0.2, 0.05) is (0.05, 0.4, 0.1), as 0.2/0.05 =
    0.4/0.1, and DiscoPOP of τ′ = 0.05·0.05/0.2 = 0.0125. 0.3/0.1 = 3/1, though not in binary floating point.
    """

    def dlrml(beta_kl, beta_mix, tau):
        setting = {"beta_kl": beta_kl, "beta_mix": beta_mix, "tau": tau, "evaluation": "log_space"}
        return CATALOGUE["dlrml"].get_shape(setting)

    def discopop(beta, tau):
        return CATALOGUE["discopop"].get_shape({"beta": beta, "tau": tau, "evaluation": "log_space"})

    assert dlrml(0.05, 0.05, 0.05) == discopop(0.05, 0.05)
    assert dlrml(0.05, 0.2, 0.05) == dlrml(0.05, 0.4, 0.1) == discopop(0.05, 0.0125)
    assert dlrml(0.1, 0.3, 0.1) == dlrml(0.1, 0.15, 0.05) == dlrml(0.1, 3, 1)
    assert dlrml(0.05, 0.2, 0.05) != dlrml(0.1, 0.4, 0.05)  # the same r at another β_kl


@pytest.mark.parametrize(
    ("name", "changes", "ratio"),
    [
        ("discopop", {}, 20.0),
        ("dlrml", {}, 80.0),
        ("dlrml", {"beta_mix": 0.001}, 0.4),
        ("dlrml", {"beta_kl": 0.01, "beta_mix": 0.5}, 1000.0),
        ("dlrml", {"beta_kl": 0.5, "beta_mix": 0.05}, 2.0),
        ("dlrml", {"beta_kl": 2.5, "beta_mix": 0.01}, 0.08),
        ("dpo", {}, None),
        ("ipo", {}, None),
        ("hinge", {}, None),
    ],
)
def test_mix_ratio_by_hand(name, changes, ratio):
    """The audit would judge the shape of another loss than the one that is trained.

    r = β_mix/(τβ_kl): 1/0.05 = 20; 0.2/(0.05·0.05) = 80; 0.001/0.0025 = 0.4; 0.5/(0.05·0.01) = 1000;
    0.05/(0.05·0.5) = 2; 0.01/(0.05·2.5) = 0.08. The quotient is exact, so compared exactly.
    """
    found = CATALOGUE[name].get_mix_ratio(CATALOGUE[name].defaults() | changes)
    assert (None if found is None else float(found)) == ratio


def modules_after_importing(modules: str) -> set[str]:
    """What a fresh interpreter holds after one import statement."""
    command = f"import {modules}, sys; print('\\n'.join(sys.modules))"
    finished = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    return set(finished.stdout.split())


@pytest.mark.parametrize("module", ["catalogue", "specification"])
def test_parsing_a_study_imports_no_torch(module):
    """Every job of the workflow parses the study: it would wait seconds for torch, or fail without it."""
    imported = modules_after_importing(f"lossgrid.objectives.{module}")
    assert f"lossgrid.objectives.{module}" in imported
    assert not {"torch", "numpy", "transformers", "trl"} & imported


LOSS_MODULES = sorted({objective.function.split(":")[0] for objective in OBJECTIVES} | {"pairs"})


def test_losses_import_nothing_else_of_this_package():
    """The losses could not be taken into another training run without the workflow around them."""
    losses = {f"lossgrid.objectives.{name}" for name in LOSS_MODULES}
    imported = modules_after_importing(", ".join(sorted(losses)))
    ours = {name for name in imported if name.split(".")[0] == "lossgrid"}
    assert ours == losses | {"lossgrid", "lossgrid.objectives"}
    assert "torch" in imported
    assert not {"transformers", "trl", "datasets", "pydantic", "pandas"} & imported
