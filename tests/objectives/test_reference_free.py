"""SimPO, ORPO, CPO and SLiC-HF: by hand, in extreme inputs, and against the installed TRL's own trainers."""

from math import exp, inf, log
from types import SimpleNamespace

import mpmath
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import mpf

from lossgrid.objectives.catalogue.reference_free import REFERENCE_FREE
from lossgrid.objectives.reference_free import cpo_loss, orpo_loss, simpo_loss, slic_hf_loss

LOSSES = {"simpo": simpo_loss, "orpo": orpo_loss, "cpo": cpo_loss, "slic_hf": slic_hf_loss}
LARGEST = torch.finfo(torch.float32).max
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def evaluate(loss, chosen, rejected, dtype=torch.float64, **setting):
    """The loss of one pair and its two slopes, as numbers."""
    pair = [torch.tensor([value], dtype=dtype, requires_grad=True) for value in (chosen, rejected)]
    value = loss(*pair, **setting)
    return value.item(), *(slope.item() for slope in torch.autograd.grad(value.sum(), pair))


def test_the_family_is_these_four_and_needs_no_reference():
    """A study would pay for a reference model, or feed sums to a loss of averages."""
    assert {each.name: each.load() for each in REFERENCE_FREE} == LOSSES
    assert all(each.reference_free and not each.couples_batch for each in REFERENCE_FREE)
    assert [each.name for each in REFERENCE_FREE if each.length_normalised] == ["simpo", "orpo"]


@pytest.mark.parametrize(
    ("loss", "chosen", "rejected", "setting", "expected"),
    [
        (simpo_loss, -0.5, -1.5, {"beta": 2.0, "gamma": 1.0}, log(1 + exp(-1))),
        (simpo_loss, -0.5, -1.0, {"beta": 2.0, "gamma": 1.0}, log(2)),
        (orpo_loss, -log(2), -log(4), {"odds_weight": 1.0}, log(2) + log(4 / 3)),
        (orpo_loss, -log(4), -log(2), {"odds_weight": 0.5}, log(4) + log(4) / 2),
        (cpo_loss, -10.0, -20.0, {"beta": 0.1, "nll_weight": 1.0}, 10 + log(1 + exp(-1))),
        (cpo_loss, -20.0, -10.0, {"beta": 0.1, "nll_weight": 0.5}, 10 + log(1 + exp(1))),
        (slic_hf_loss, -10.0, -10.5, {"margin": 1.0, "nll_weight": 0.1}, 1.5),
        (slic_hf_loss, -10.0, -12.0, {"margin": 1.0, "nll_weight": 0.1}, 1.0),
    ],
)
def test_values_by_hand(loss, chosen, rejected, setting, expected):
    """Each formula worked out.

    SimPO: β(−0.5 + 1.5) − γ = 2 − 1 = 1, then log(1 + e⁻¹); with −1.0, 2·0.5 − 1 = 0, log 2.
    ORPO: p_w = ½ has odds 1, p_l = ¼ has odds ⅓: the ratio is 3, −log σ(log 3) = log(1 + ⅓) = log(4/3). The
    other way round the ratio is ⅓: log(1 + 3) = log 4, half of it, and −ℓ̄_w = log 4.
    CPO: 0.1·10 = 1: log(1 + e⁻¹), and 1·10; reversed log(1 + e), and 0.5·20.
    SLiC-HF: 1 + 10 − 10.5 = 0.5 and 0.1·10 = 1; with −12 the hinge rests.
    """
    assert evaluate(loss, chosen, rejected, **setting)[0] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("loss", "chosen", "rejected", "setting", "slopes"),
    [
        (simpo_loss, -0.5, -1.0, {"beta": 2.0, "gamma": 1.0}, (-1.0, 1.0)),
        (orpo_loss, -log(2), -log(2), {"odds_weight": 0.4}, (-1.4, 0.4)),
        (orpo_loss, -log(4), -log(4), {"odds_weight": 0.3}, (-1.2, 0.2)),
        (cpo_loss, -10.0, -10.0, {"beta": 0.1, "nll_weight": 1.0}, (-1.05, 0.05)),
        (slic_hf_loss, -10.0, -10.5, {"margin": 1.0, "nll_weight": 0.1}, (-1.1, 1.0)),
        (slic_hf_loss, -10.0, -12.0, {"margin": 1.0, "nll_weight": 0.1}, (-0.1, 0.0)),
    ],
)
def test_slopes_by_hand(loss, chosen, rejected, setting, slopes):
    """Training would push chosen or rejected by another amount than the formula says.

    SimPO where β(ℓ̄_w − ℓ̄_l) = γ: ∓βσ(0) = ∓1.
    ORPO: d log-odds/dℓ̄ = 1/(1−p), and σ(0) = ½ where the odds are equal: λ/(2(1−p)) is 0.4 at p=½, λ=0.4 and
    0.2 at p=¼, λ=0.3 (the one form of the ratio and the other); −1 more for the chosen.
    CPO at equal sums: ∓0.1·½, and −1. SLiC-HF: ∓1 inside the hinge, and −0.1.
    """
    assert evaluate(loss, chosen, rejected, **setting)[1:] == pytest.approx(slopes, rel=1e-14)


@every_loss
def test_gradients_agree_with_finite_differences(loss):
    """Training would follow another slope than the loss that is reported.

    Away from the kink of SLiC-HF (ℓ_w = ℓ_l + 1) and on both sides of ORPO's change of form (ℓ̄_w = −1).
    Central differences with step 1e-6 err by 1e-12 times the third derivative (at most 1e3) and by 1e-16/1e-6
    of the value.
    """
    chosen = torch.tensor([-0.1, -0.9, -1.1, -3.0, -7.0], dtype=torch.float64, requires_grad=True)
    rejected = torch.tensor([-2.0, -0.2, -5.0, -0.1, -7.5], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (chosen, rejected), eps=1e-6, atol=1e-7, rtol=1e-7)


# Nearer to 0 than 1e-30 the slope, λ/(1 − e^ℓ̄), leaves float32 itself.
logps = st.one_of(
    st.floats(-1e4, -(2.0**-100), width=32),
    st.floats(-3, -(2.0**-100), width=32),
    st.floats(-30, 1).map(lambda power: -(10.0**power)).map(lambda x: torch.tensor(x).item()),
)


@given(chosen=logps, rejected=logps, weight=st.sampled_from([0.1, 1.0, 10.0]))
@example(chosen=-1e-30, rejected=-1e-30, weight=1.0)
@example(chosen=-1.0, rejected=-1e-8, weight=1.0)
@example(chosen=-1e4, rejected=-1e-30, weight=1.0)
@example(chosen=-6e-8, rejected=-1e4, weight=1.0)
def test_orpo_is_accurate_from_certainty_to_impossibility(chosen, rejected, weight):
    """A policy that has learned its chosen responses by heart (ℓ̄→0) would turn the run NaN.

    Against 50 digits. Log-odds reach 1e4, of which float32 keeps 6e-8; three roundings and an exponential of
    a number of at most 104 leave 2e-5 of each term.
    """
    with mpmath.workdps(50):
        odds = [mpmath.exp(mpf(x)) / -mpmath.expm1(mpf(x)) for x in (chosen, rejected)]
        ratio = mpmath.log1p(odds[1] / odds[0])
        share = odds[1] / (odds[0] + odds[1])
        loss = -mpf(chosen) + weight * ratio
        by_chosen, by_rejected = (weight * share / -mpmath.expm1(mpf(x)) for x in (chosen, rejected))
    value, slope_chosen, slope_rejected = evaluate(
        orpo_loss, chosen, rejected, torch.float32, odds_weight=weight
    )
    assert value == pytest.approx(float(loss), rel=2e-5)
    assert slope_chosen == pytest.approx(float(-1 - by_chosen), rel=2e-5)
    assert slope_rejected == pytest.approx(float(by_rejected), rel=2e-5, abs=1e-37)


def test_orpo_at_certainty():
    """Log-probabilities round to 0: log(1 − e^0) is −inf, and its slope 0·inf.

    L = −ℓ̄_w + λ·log(1 + o_l(e^{−ℓ̄_w} − 1)). At ℓ̄_w = 0 that is 0, with slope −1 − λo_l; p_l = ½ has o_l =
    1, so −1.1, and nothing pulls at the rejected response. A certain rejected response is infinitely bad.
    """
    assert evaluate(orpo_loss, 0.0, -log(2), torch.float32) == pytest.approx((0, -1.1, 0), abs=1e-6)
    for chosen in (-1e-3, -1.0, -50.0):
        assert evaluate(orpo_loss, chosen, 0.0, torch.float32)[0] == inf


@given(
    chosen=st.floats(-1e5, 0, width=32),
    rejected=st.floats(-1e5, 0, width=32),
    scale=st.floats(-3, 2).map(lambda power: 10.0**power),
)
def test_the_others_are_accurate_at_any_log_probability(chosen, rejected, scale):
    """Long responses have sums of −1e4 and beyond: nothing may overflow or vanish on the way.

    Against 50 digits, relative to the numbers that are subtracted: float32 rounds each by 6e-8, and e^−x,
    which is what the logistic losses tend to, by 104 times as much.
    """
    with mpmath.workdps(50):
        gap = mpf(chosen) - mpf(rejected)
        terms = abs(mpf(chosen)) + abs(mpf(rejected))
        reward = mpf(scale) * gap - mpf(0.5)
        simpo = mpmath.log1p(mpmath.exp(-reward))
        preference = mpmath.log1p(mpmath.exp(-mpf(scale) * gap))
        cpo = preference - mpf(scale) * mpf(chosen)
        slic_hf = max(mpf(0), mpf(scale) - gap) - mpf(scale) * mpf(chosen)
    found = {
        simpo: evaluate(simpo_loss, chosen, rejected, torch.float32, beta=scale, gamma=0.5),
        cpo: evaluate(cpo_loss, chosen, rejected, torch.float32, beta=scale, nll_weight=scale),
        slic_hf: evaluate(slic_hf_loss, chosen, rejected, torch.float32, margin=scale, nll_weight=scale),
    }
    for exact, (value, by_chosen, by_rejected) in found.items():
        assert value == pytest.approx(float(exact), rel=1e-6, abs=1e-6 * float(1 + (1 + scale) * terms))
        assert -1 - 2 * scale <= by_chosen <= 0 <= by_rejected <= 1 + scale
    # Far out the logistic part is e^−reward or −reward itself.
    if reward > 1:
        assert found[simpo][0] == pytest.approx(
            float(simpo), rel=float(1e-6 * (1 + scale * terms)), abs=1e-37
        )


@every_loss
def test_half_precision_is_raised_and_shapes_are_held_to(loss):
    """A sum of a hundred tokens in bfloat16 would lose half a nat; a wrong shape would mix pairs."""
    values = torch.tensor([-3.0, -0.5]), torch.tensor([-2.0, -4.0])
    for dtype in (torch.float16, torch.bfloat16):
        half = loss(*(value.to(dtype) for value in values))
        assert half.dtype == torch.float32
        assert torch.equal(half, loss(*values))  # these numbers are exact in either
    with pytest.raises(ValueError, match=r"policy_chosen_logps \(2,\), policy_rejected_logps \(1,\)"):
        loss(values[0], values[1][:1])


@every_loss
@pytest.mark.parametrize("broken", [0, 1])
def test_nan_in_one_pair_shows_there_and_nowhere_else(loss, broken):
    """A broken pair would pass as a good one, or spoil its whole micro-batch."""
    values = [torch.tensor([-3.0, -0.5, -0.7]), torch.tensor([-2.0, -4.0, -0.1])]
    sound = loss(*values)
    values[broken][1] = float("nan")
    values = [value.requires_grad_() for value in values]
    found = loss(*values)
    assert found.isnan().tolist() == [False, True, False]
    assert torch.equal(found[[0, 2]], sound[[0, 2]])
    for slope in torch.autograd.grad(found.sum(), values):
        assert slope.isfinite()[[0, 2]].all()


# TRL: the trainers' own methods, on a trainer that was never set up. Prompts and responses are tokens 1 of a
# vocabulary of two, so that a model can give every token the log-probability wanted.


@pytest.fixture(scope="module")
def trainers():
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HF_HUB_OFFLINE", "1")
        environment.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        # The methods tested need no experimental feature; the warning is about the module as a whole.
        environment.setenv("TRL_EXPERIMENTAL_SILENCE", "1")
        from trl.experimental.cpo.cpo_trainer import CPOTrainer
        from trl.experimental.orpo.orpo_trainer import ORPOTrainer
    return SimpleNamespace(cpo=CPOTrainer, orpo=ORPOTrainer)


def set_up(trainer_class, **attributes):
    trainer = object.__new__(trainer_class)
    accelerator = SimpleNamespace(device=torch.device("cpu"), gather_for_metrics=lambda each: each)
    common = {"is_encoder_decoder": False, "aux_loss_enabled": False, "pad_token_id": 0, "padding_value": 0}
    cpo = {"label_smoothing": 0.0, "alpha": 0.0, "cpo_alpha": 1.0, "simpo_gamma": 0.5, "loss_type": "sigmoid"}
    trainer.__dict__.update({"accelerator": accelerator, **common, **cpo, **attributes})
    return trainer


def get_trl_loss(trainer, chosen, rejected, prompt=(-0.3, -0.2)):
    """TRL's whole loss of one pair whose responses' and prompt's tokens have these log-probabilities."""
    responses = {"chosen": chosen, "rejected": rejected}
    longest = len(prompt) + max(len(chosen), len(rejected))
    batch, table = {}, []
    for name, response in responses.items():
        length = len(prompt) + len(response)
        batch[f"{name}_input_ids"] = torch.ones(1, length, dtype=torch.long)
        batch[f"{name}_attention_mask"] = torch.ones(1, length, dtype=torch.long)
        batch[f"{name}_labels"] = torch.tensor([[-100] * len(prompt) + [1] * len(response)])
        # The log-probability of a token is read where the one before it stands.
        table.append([*prompt[1:], *response, *[-1.0] * (longest - length + 1)])
    logp = torch.tensor(table, dtype=torch.float64)
    logits = torch.stack([torch.log(-torch.expm1(logp)), logp], dim=-1)
    return trainer.get_batch_loss_metrics(lambda *_, **__: SimpleNamespace(logits=logits), batch)[0].item()


CHOSEN, REJECTED = (-0.5, -1.0, -0.75, -0.25), (-0.5, -2.0)  # sums −2.5, −2.5; averages −0.625, −1.25


def of_sums():
    return [torch.tensor([sum(response)], dtype=torch.float64) for response in (CHOSEN, REJECTED)]


def of_averages():
    return [
        torch.tensor([sum(response) / len(response)], dtype=torch.float64) for response in (CHOSEN, REJECTED)
    ]


def test_simpo_is_trl_s_with_gamma_as_it_is_and_without_its_nll(trainers):
    """Our γ would be another number than TRL's `simpo_gamma`.

    TRL writes β(Δ − γ/β), we βΔ − γ: equal up to rounding.
    """
    trainer = set_up(trainers.cpo, loss_type="simpo", beta=2.0, simpo_gamma=1.2, cpo_alpha=0.0)
    expected = get_trl_loss(trainer, CHOSEN, REJECTED)
    assert simpo_loss(*of_averages(), beta=2.0, gamma=1.2).item() == pytest.approx(expected, rel=1e-13)


def test_trl_simpo_adds_the_nll_per_token_by_default(trainers):
    """`loss_type: simpo` alone is CPO-SimPO: TRL's `cpo_alpha` is 1 unless it is set to 0. 0.625 is −ℓ̄_w."""
    from trl.experimental.cpo import CPOConfig

    assert CPOConfig.cpo_alpha == 1.0
    trainer = set_up(trainers.cpo, loss_type="simpo", beta=2.0, simpo_gamma=1.2)
    ours = simpo_loss(*of_averages(), beta=2.0, gamma=1.2).item()
    assert get_trl_loss(trainer, CHOSEN, REJECTED) == pytest.approx(ours + 0.625, rel=1e-13)


def test_authors_simpo_ratio_is_gamma_over_beta():
    """`gamma_beta_ratio: 0.5` of the authors' code at β=2 is the default here, γ=1: softplus(−β(Δ − 0.5))."""
    averages = of_averages()
    expected = torch.nn.functional.softplus(-2.0 * (averages[0] - averages[1] - 0.5))
    torch.testing.assert_close(simpo_loss(*averages), expected, rtol=1e-13, atol=0)


def test_odds_ratio_is_trl_s(trainers):
    """The preference term of ORPO would be another one than TRL's, whose `beta` is our `odds_weight`."""
    chosen = torch.tensor([-0.01, -0.5, -1.5, -9.0, -40.0], dtype=torch.float32)
    rejected = torch.tensor([-2.0, -0.5, -0.01, -3.0, -60.0], dtype=torch.float32)
    term, *_ = set_up(trainers.orpo, beta=0.3).odds_ratio_loss(chosen, rejected)
    ours = orpo_loss(chosen, rejected, odds_weight=0.3) + chosen
    # −ℓ̄_w, up to 40, was added and taken off again: 40·6e-8.
    torch.testing.assert_close(ours, -term, rtol=1e-6, atol=5e-6)


def test_trl_orpo_counts_the_prompt_in_its_likelihood(trainers):
    """ORPO results would be compared with TRL's though the likelihood terms differ.

    Chosen −0.5 −1 −0.75 −0.25: −2.5 over 4 tokens, 0.625. TRL adds the prompt's second token (the first has
    no prediction), −0.2: 2.7 over 5 tokens, 0.54.
    """
    trl = get_trl_loss(set_up(trainers.orpo, beta=0.1), CHOSEN, REJECTED, prompt=(-0.3, -0.2))
    # TRL computes the odds ratio in float32.
    assert orpo_loss(*of_averages()).item() - trl == pytest.approx(0.625 - 0.54, abs=1e-6)


def test_trl_orpo_is_ours_without_a_prompt_to_predict(trainers):
    """The two would differ in more than the prompt."""
    trl = get_trl_loss(set_up(trainers.orpo, beta=0.1), CHOSEN, REJECTED, prompt=(-0.3,))
    assert orpo_loss(*of_averages()).item() == pytest.approx(trl, abs=1e-6)


def test_trl_cpo_averages_its_likelihood_where_ours_sums(trainers):
    """CPO at one `cpo_alpha` is another loss in TRL: 4 tokens, −2.5 in sum, 0.625 on average.

    Our λ = ¼ is TRL's 1 for this pair; for a response of another length it is not.
    """
    trl = get_trl_loss(set_up(trainers.cpo, beta=0.4), CHOSEN, REJECTED)
    assert cpo_loss(*of_sums(), beta=0.4).item() - trl == pytest.approx(2.5 - 0.625, rel=1e-12)
    assert cpo_loss(*of_sums(), beta=0.4, nll_weight=0.25).item() == pytest.approx(trl, rel=1e-13)


def test_cpo_is_trl_s_for_responses_of_one_token(trainers):
    """The two would differ in more than the average over tokens."""
    trl = get_trl_loss(set_up(trainers.cpo, beta=0.4), (-0.7,), (-1.9,))
    pair = [torch.tensor([value], dtype=torch.float64) for value in (-0.7, -1.9)]
    assert cpo_loss(*pair, beta=0.4).item() == pytest.approx(trl, rel=1e-13)


def test_trl_cpo_hinge_is_beta_times_slic_hf_s_first_term(trainers):
    """TRL's hinge would be taken for SLiC-HF: max(0, 1 − βΔ) = β·max(0, 1/β − Δ), so δ = 1/β."""
    trainer = set_up(trainers.cpo, loss_type="hinge", beta=0.25, cpo_alpha=0.0)
    ours = slic_hf_loss(*of_sums(), margin=4.0, nll_weight=1.0) + of_sums()[0]
    assert get_trl_loss(trainer, CHOSEN, REJECTED) == pytest.approx(0.25 * ours.item(), rel=1e-13)


def test_defaults_are_those_of_trl_where_the_catalogue_says_so():
    """A source in the catalogue would be wrong."""
    from trl.experimental.cpo import CPOConfig
    from trl.experimental.orpo import ORPOConfig

    defaults = {each.name: each.defaults() for each in REFERENCE_FREE}
    assert defaults["cpo"]["beta"] == CPOConfig.beta
    assert defaults["orpo"]["odds_weight"] == ORPOConfig.beta
