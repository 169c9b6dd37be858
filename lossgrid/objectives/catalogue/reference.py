"""Writes the page of all losses from the catalogue: ``python -m lossgrid.objectives.catalogue.reference``."""

import argparse
import pkgutil
import re
import sys
from collections.abc import Sequence
from difflib import unified_diff
from importlib import import_module
from math import isfinite
from pathlib import Path

from lossgrid.objectives import catalogue
from lossgrid.objectives.specification import Hyperparameter, Objective

DOCS = Path(__file__).parents[3] / "docs"

INTRODUCTION = """\
# Losses

Every loss that a study can name. `make docs` writes this page from the catalogue,
`lossgrid/objectives/catalogue/`; [add-a-loss.md](add-a-loss.md) shows how a loss gets into it, and
[study-reference.md](study-reference.md) how a study names one.

Each loss is a pure function of log-probabilities that returns one loss a pair:

```python
from lossgrid.objectives.logistic import dpo_loss

losses = dpo_loss(
    policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps, beta=0.1
)
```
"""

NOTATION = """\
## Notation

- w is the chosen response of a pair, l the rejected one. log π is a response's log-probability under the policy that
  is trained, log π_ref under the frozen reference, in nats, **summed over response tokens** unless a loss says that
  it takes averages.
- ρ = (log π_w − log π_l) − (log π_ref,w − log π_ref,l) is the margin of a pair, z = βρ the scaled margin.
- r_w = log π_w − log π_ref,w and r_l, the same of l, are the log-ratios of the responses: ρ = r_w − r_l.
- ℓ_w and ℓ_l are log-probabilities under the policy alone, ℓ̄ is averaged over response tokens.
- σ(x) = 1/(1 + e^−x), softplus(x) = log(1 + e^x) = −log σ(−x), and 1[…] is 1 where the condition holds, else 0.

Half-precision log-probabilities are raised to float32 first: the losses compute and return float32 (float64 for
float64). Where a loss offers two evaluations of one function, `published` computes it as the papers' code does, and
`log_space` is finite wherever the true value is.

The mean over pairs is left to the caller; `lossgrid` weighs every pair of an optimiser step alike. A loss that
**couples the micro-batch** holds statistics of the pairs that are given to it together: with another
`micro_batch_size` or number of devices it is another loss.
"""

# What holds for a whole family; its first sentence is the docstring of its module.
BEYOND_THE_SENTENCE = {
    "Modulated": """\
m is the mix between a logistic and an exponential loss. What follows from the definition:

1. **β_mix = β_kl is DiscoPOP**, exactly.
2. **Only the ratio r = β_mix/(τβ_kl) shapes the loss** as a function of u = β_kl·ρ: dLRML(β_kl, β_mix, τ) is
   DiscoPOP with β = β_kl and τ′ = τβ_kl/β_mix. β_mix and τ are one degree of freedom: (0.05, 0.20, 0.05),
   (0.05, 0.40, 0.10) and DiscoPOP(0.05, τ′ = 0.0125) are one function. A study trains such settings once.
3. **Training starts at ρ = 0**, where dL/du = −3/4 + r(1 − log 2)/4. From r = 9.777 on the sign is wrong: training
   first *lowers* the margin. DiscoPOP at τ = 0.05 has r = 20 and the slope +0.784; the default of dLRML,
   (0.05, 0.20, 0.05), has r = 80 and +5.39.
4. **The loss falls monotonically for r ≤ 9.109.** Between 9.109 and 9.777 the start is right, but there is a local
   minimum. At r = 20 it lies at u = −0.1186 (loss 0.7859), behind a maximum at u = 0.0720 (0.8783); at r = 80 at
   −0.0486 (0.7244), behind 0.0389 (0.9496): ρ = −0.97 and +0.78 nats at β_kl = 0.05.
5. **For u→−∞ the exponential part behaves as exp((r−1)u)**: it vanishes for r > 1, tends to 1 for r = 1 and explodes
   for r < 1, which a study must allow with `allow_exponential_tail`. So 1 ≤ r ≤ 9.109 is the safe wedge.
6. **The published formula overflows.** It multiplies m by exp(−z), 0·∞ = NaN in loss and gradient, for z below −88.72
   in float32 and bfloat16, −11.09 in float16 and −709.78 in float64 (close to these limits the loss is ∞ and its
   gradient NaN). In float32 that is ρ < −1774 at β = 0.05, −88.7 at 1, −35.5 at 2.5 and −17.7 at 5. TRL's
   `loss_type="discopop"` computes so.
7. **In log space it does not:** m·e^−z = exp(log σ(β_mix·ρ/τ) − z) and 1 − m = σ(−β_mix·ρ/τ). `evaluation:
   published` and `log_space` are the same function in two arithmetics, so that a study can tell which of the two
   fails.
8. **A learned β_mix is pushed down by positive margins and up by negative ones:** dL/dβ_mix =
   (ρ/τ)·m(1−m)·(e^−z − softplus(−z)), and e^−z > softplus(−z) everywhere. Without a bound it would run through 0,
   so its logarithm is trained.
""",
    "Discovered by a language model": """\
Three versions of these losses exist: the code that the discovery run trained with (listed in the paper's appendix E,
and behind the published MT-Bench and AlpacaEval scores), the paper's corrected formulas, and the released code. Where
they differ, the losses here are the released code, and say how to get the others.

u = z/0.05 undoes the β = 0.05 of the discovery run, which took ρ itself. At β = 0.05, u is ρ. At another β the whole
loss is the one of β = 0.05 with ρ stretched by β/0.05, where the code of the run would change its shape.
""",
    "Without a reference": """\
These take `policy_chosen_logps` and `policy_rejected_logps` alone. A study compares them with the others on the same
pairs; KL and margins of their runs are still measured against the model that training started from.
""",
}

OVERVIEW_HEADER = "| in a study | loss of one pair | log-probabilities |\n|---|---|---|\n"
TABLE_HEADER = (
    "| hyper-parameter | default | unit | range | default from | meaning |\n|---|---|---|---|---|---|\n"
)


def build_page() -> str:
    """The page for readers, in Markdown."""
    sections = [INTRODUCTION, f"## Overview\n\n{OVERVIEW_HEADER}"]
    sections[-1] += "".join(map(describe_in_one_row, catalogue.OBJECTIVES))
    sections.append(NOTATION)
    for title, losses in catalogue.FAMILIES.items():
        if losses:
            sections.append(f"## {title}\n\n{get_sentence(losses)}\n")
            sections += [BEYOND_THE_SENTENCE[title]] if title in BEYOND_THE_SENTENCE else []
            sections += map(describe, losses)
    return "\n".join(sections)


def main(arguments: Sequence[str] | None = None, docs: Path = DOCS) -> int:
    """Write docs/losses.md, or compare it with what is there.

    Returns:
        Exit status: 1 where ``--check`` found a difference.
    """
    parser = argparse.ArgumentParser(description="Write docs/losses.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; print what would change")
    path, page = docs / "losses.md", build_page()
    if not parser.parse_args(arguments).check:
        path.write_text(page, encoding="utf-8")
        return 0
    present = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = present.splitlines(keepends=True), page.splitlines(keepends=True)
    sys.stdout.writelines(
        unified_diff(*lines, "docs/losses.md", "python -m lossgrid.objectives.catalogue.reference")
    )
    return int(present != page)


def describe(objective: Objective) -> str:
    module, function = objective.function.split(":")
    parts = [
        f"### {get_heading(objective)}\n",
        f"`{objective.formula}`\n",
        f"- Function: `from lossgrid.objectives.{module} import {function}`",
        f"- Source: {objective.reference}.",
        f"- Log-probabilities: {get_inputs(objective)}.",
    ]
    if objective.couples_batch:
        parts.append("- Couples the micro-batch: a pair's loss depends on the other pairs given with it.")
    parts += [
        f"- Trained with the policy: log `{learned.name}`, at the learning rate `{learned.learning_rate}`."
        for learned in objective.learned
    ]
    if objective.convention:
        parts.append(f"- Convention: {objective.convention}")
    table = "".join(map(describe_hyperparameter, objective.hyperparameters))
    parts.append(f"\n{TABLE_HEADER}{table}" if table else "\nIt has no hyper-parameters.\n")
    return "\n".join(parts)


def describe_in_one_row(objective: Objective) -> str:
    name = f"[`{objective.name}`](#{get_anchor(get_heading(objective))}) {objective.title}"
    notes = [get_inputs(objective), "couples the micro-batch" if objective.couples_batch else ""]
    return f"| {name} | `{escape(objective.formula)}` | {'; '.join(filter(None, notes))} |\n"


def describe_hyperparameter(parameter: Hyperparameter) -> str:
    if parameter.choices:
        default, limits = parameter.default, ", ".join(parameter.choices)
    else:
        default = f"{parameter.default:g}"
        limits = "above 0" + (f", below {parameter.below:g}" if isfinite(parameter.below) else "")
    cells = [f"`{parameter.name}`", f"`{default}`", parameter.unit, limits, parameter.source]
    return f"| {' | '.join(map(escape, [*cells, parameter.description]))} |\n"


def get_inputs(objective: Objective) -> str:
    """Which log-probabilities a loss takes, in the words of the page."""
    tokens = "averaged" if objective.length_normalised else "summed"
    return f"{tokens}, policy alone" if objective.reference_free else f"{tokens}, policy and reference"


def get_sentence(losses: tuple[Objective, ...]) -> str:
    """The first paragraph of the docstring of the module that holds a family."""
    modules = [
        import_module(f"{catalogue.__name__}.{each.name}")
        for each in pkgutil.iter_modules(catalogue.__path__)
        if each.name != "reference"
    ]
    docstring = next(
        each.__doc__ for each in modules if any(value is losses for value in vars(each).values())
    )
    return docstring.partition("\n\n")[0]


def get_heading(objective: Objective) -> str:
    return f"`{objective.name}`: {objective.title}"


def get_anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def escape(text: str) -> str:
    """The text for a cell of a table."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
