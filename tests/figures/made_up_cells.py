"""Rows of the table of cells, made up."""

import math

import pandas as pd

SHARED = {
    "alias_of": "", "n": 512, "chats": 256, "reward_se": 0.1, "kl_se": 0.02, "status": "finished", "steps": 20,
    "nonfinite_steps": 0, "max_grad_norm": 0.25, "seed": 1, "tau": math.nan, "evaluation": None,
}  # fmt: skip
TITLES = {
    "dpo": "DPO",
    "ipo": "IPO",
    "hinge": "Hinge (SLiC)",
    "discopop": "DiscoPOP (LRML)",
    "dlrml": "dLRML",
    "dlrml_learned": "dLRML, learned mix",
}


def make_cell(objective: str, label: str, kl: float, reward: float, seed: int = 1, **changes) -> dict:
    modulated = {"tau": 0.05, "evaluation": "log_space"} if objective in ("discopop", "dlrml") else {}
    path = f"{objective}/{label.replace(' ', '~').replace(', ', '__')}/seed~{seed}"
    row = {"cell": path, "objective": objective, "title": TITLES[objective], "label": label, "kl": kl}
    return {**SHARED, **modulated, **row, "reward": reward, "seed": seed, **changes}


def make_table(rows: list[dict]) -> pd.DataFrame:
    sft = {"cell": "sft", "objective": "sft", "title": "SFT", "n": 512, "reward": 0.5, "reward_se": 0.06}
    columns = {"beta": math.nan, "beta_kl": math.nan, "beta_mix": math.nan, **SHARED}
    return pd.DataFrame([{**sft, "kl": 0.0, "kl_se": 0.0}, *rows]).reindex(
        columns=[*dict.fromkeys(["cell", "objective", "title", "label", "kl", "reward", *columns])]
    )
