"""The table of cells: a row for the SFT model and one for every cell, aliases included."""

import json
from pathlib import Path

import pandas as pd

from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.statistics.clustered import estimate_mean, estimate_ratio
from lossgrid.statistics.frontier_scores import read_scores
from lossgrid.statistics.quality import describe_judged
from lossgrid.studies import Study, find_aliases, get_cells

HEALTH_COLUMNS = [
    "status",
    "healthy",
    "steps",
    "planned_steps",
    "nonfinite_steps",
    "first_nonfinite_step",
    "max_grad_norm",
    "rho_min",
    "rho_max",
    "final_accuracy",
    "reason",
]
# What figures read, whether or not the study's objectives have it.
HYPERPARAMETERS = ["beta", "beta_kl", "beta_mix", "tau", "evaluation"]


def collect_cells(study: Study, results: Path) -> pd.DataFrame:
    """Gather health and scores of a study.

    Args:
        study: The study.
        results: Its results folder, with `sft/scores`, and `health.json` and `scores` of every trained cell; where
            the study has no reward, those of its primary metric too.

    Returns:
        A row for the SFT model (objective `sft`), then a row a cell in study order. `kl` (nats a response,
        KL(π‖reference) estimated from the policy's own responses) and `kl_per_token` come with standard errors `_se`,
        clustered by chat over `n` responses to `chats` chats; where the study has a reward, `reward` (points, or a
        classifier's probability) and `reward_minus_sft`, paired by chat and turn; where it measures it,
        `kl_reference_per_token` (nats, KL(reference‖π) of the next token, over prompt and response). A study
        without a reward has the columns of its primary metric instead (`describe_judged`). An alias repeats its
        trained cell's numbers and names it in `alias_of`.
    """
    sft = read_scores(results / "sft")
    cells = get_cells(study)
    aliases = find_aliases(cells)
    folders = ["sft", *[f"cells/{cell.path}" for cell in cells if cell.path not in aliases]]
    judged = describe_judged(study, results, folders).to_dict("index")
    rows = [
        {
            "cell": "sft",
            "objective": "sft",
            "title": "SFT",
            **describe_scores(sft, sft, "sft"),
            **judged["sft"],
        }
    ]
    learned = {f"final_{each.name}" for cell in cells for each in CATALOGUE[cell.objective].learned}
    for cell in cells:
        trained = aliases.get(cell.path, cell.path)
        folder = results / "cells" / trained
        health = json.loads((folder / "health.json").read_text())
        rows.append(
            {
                "cell": cell.path,
                "objective": cell.objective,
                "title": CATALOGUE[cell.objective].title,
                "label": cell.label,
                **cell.setting,
                "seed": cell.seed,
                "alias_of": trained if cell.path in aliases else "",
                **{column: health[column] for column in HEALTH_COLUMNS},
                # What a cell learned beside its policy.
                **{key: value for key, value in health.items() if key in learned},
                **describe_scores(read_scores(folder), sft, cell.path),
                **judged[f"cells/{trained}"],
            }
        )
    table = pd.DataFrame(rows)
    hyperparameters = [*HYPERPARAMETERS, *(name for cell in cells for name in cell.setting)]
    first = ["cell", "objective", "title", "label", *hyperparameters, "seed", "alias_of"]
    table = table.reindex(columns=[*dict.fromkeys([*first, *table.columns])])
    whole = ["seed", "steps", "planned_steps", "nonfinite_steps", "first_nonfinite_step"]
    return table.astype(dict.fromkeys(whole, "Int64"))


def describe_scores(scores: pd.DataFrame, sft: pd.DataFrame, cell: str) -> dict[str, float | int]:
    """The numbers of one run, beside those of the SFT model on the same chats.

    Raises:
        ValueError: Where the two were not asked the same questions.
    """
    if not scores.index.equals(sft.index):
        raise ValueError(f"{cell} and the SFT model answered different chats; regenerate their responses")
    chats = scores.index.get_level_values("id")
    estimates = {}
    if "reward" in scores:
        estimates["reward"] = estimate_mean(scores["reward"], chats)
        estimates["reward_minus_sft"] = estimate_mean(scores["reward"] - sft["reward"], chats)
    estimates["kl"] = estimate_mean(scores["kl"], chats)
    estimates["kl_per_token"] = estimate_ratio(scores["kl"], scores["tokens"], chats)
    if "kl_reference" in scores:
        estimates["kl_reference_per_token"] = estimate_ratio(
            scores["kl_reference"], scores["kl_reference_tokens"], chats
        )
    row = {"n": len(scores), "chats": chats.nunique()}
    for name, estimate in estimates.items():
        row |= {name: estimate.value, f"{name}_se": estimate.standard_error}
    return {**row, "tokens": scores["tokens"].mean(), "unfinished": int((~scores["finished"]).sum())}
