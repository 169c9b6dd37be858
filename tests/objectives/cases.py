"""The five losses at the settings that the tests of all of them run through."""

from functools import partial

from lossgrid.objectives.gpo import hinge_loss
from lossgrid.objectives.ipo import ipo_loss
from lossgrid.objectives.logistic import dpo_loss
from lossgrid.objectives.modulated import discopop_loss, dlrml_loss

LOSSES = {
    "dpo": partial(dpo_loss, beta=0.5),
    "ipo": partial(ipo_loss, beta=0.5),
    "hinge": partial(hinge_loss, beta=0.5),
    "discopop": partial(discopop_loss, beta=0.5, tau=0.2),
    "discopop-published": partial(discopop_loss, beta=0.5, tau=0.2, evaluation="published"),
    "dlrml": partial(dlrml_loss, beta_kl=0.3, beta_mix=0.1, tau=0.1),
    "dlrml-published": partial(dlrml_loss, beta_kl=0.3, beta_mix=0.1, tau=0.1, evaluation="published"),
    "dlrml-exponential-tail": partial(dlrml_loss, beta_kl=0.3, beta_mix=0.1, tau=1.0),
}
