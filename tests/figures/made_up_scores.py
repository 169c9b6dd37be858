"""Tables of judgments, made up to hold what figures must cope with."""

import math

import numpy as np
import pandas as pd
from scipy.stats import norm

CATEGORIES = ("writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities")
TITLES = {
    "sft": "SFT", "dpo": "DPO", "ipo": "IPO", "hinge": "Hinge (SLiC)", "discopop": "DiscoPOP (LRML)",
    "dlrml": "dLRML", "dlrml_learned": "dLRML, learned mix",
}  # fmt: skip
# Settings of a study with their seeds, in its order.
SETTINGS = {
    ("dpo", "β 0.05"): (1, 2),
    ("dpo", "β 0.25"): (1,),
    ("dpo", "β 1"): (1,),
    ("ipo", "β 0.05"): (1,),
    ("ipo", "β 0.25"): (1, 2, 3),
    ("ipo", "β 1"): (1,),
    ("hinge", "β 0.05"): (1,),
    ("hinge", "β 0.25"): (1,),
    ("discopop", "β 0.05"): (1, 2),
    ("discopop", "β 0.25"): (1,),
    ("discopop", "β 100"): (1,),
    ("discopop", "β 100, published"): (1,),
    ("dlrml", "β_kl 0.05, β_mix 0.2"): (1, 2),
    ("dlrml", "β_kl 0.05, β_mix 0.1"): (1,),
    ("dlrml", "β_kl 0.05, β_mix 0.01"): (1, 2),
    ("dlrml", "β_kl 0.25, β_mix 0.05"): (1,),
    ("dlrml", "β_kl 0.25, β_mix 0.2"): (1,),
    ("dlrml_learned", "β_kl 0.05, β_mix 0.2, mix_learning_rate 0.01"): (1,),
    ("dlrml_learned", "β_kl 0.05, β_mix 0.01, mix_learning_rate 0.01"): (1,),
    ("dlrml_learned", "β_kl 0.25, β_mix 0.05, mix_learning_rate 0.01"): (1,),
}
DIVERGED = ("discopop", "β 100, published")


def make_runs(settings=None) -> pd.DataFrame:
    """A row for the SFT model and one for each seed of each setting."""
    rows = [{"cell": "sft", "objective": "sft", "title": "SFT", "label": None, "seed": math.nan}]
    for (objective, label), seeds in (SETTINGS if settings is None else settings).items():
        folder = label.replace(" ", "~").replace(",~", "__")
        rows += [
            {
                "cell": f"{objective}/{folder}/seed~{seed}", "objective": objective, "label": label, "seed": seed,
                "title": TITLES.get(objective, objective),
            }
            for seed in seeds
        ]  # fmt: skip
    return pd.DataFrame(rows)


def make_cells(runs: pd.DataFrame, diverged=DIVERGED) -> pd.DataFrame:
    """The table of cells, as far as these figures read it."""
    is_diverged = (runs["objective"] == diverged[0]) & (runs["label"] == diverged[1])
    status = is_diverged.map({True: "diverged", False: "finished"}).mask(runs["objective"] == "sft")
    return runs.assign(status=status, alias_of="")


def make_mt_bench(
    runs: pd.DataFrame, questions: int = 80, mean: float = 5.0, spread: float = 0.8
) -> pd.DataFrame:
    """Scores of every run, category and turn; one judgment in fifty fails."""
    random = np.random.default_rng(1)
    shared = random.normal(0, 0.7, len(CATEGORIES))
    rows = []
    for run in runs.to_dict("records"):
        level = random.normal(mean, spread)
        own = {name: level + shared[place] + random.normal(0, 0.4) for place, name in enumerate(CATEGORIES)}
        for category in ("all", *CATEGORIES):
            count = questions if category == "all" else questions // len(CATEGORIES)
            base = np.mean(list(own.values())) if category == "all" else own[category]
            for turn, shift in (("all", 0.0), ("1", 0.35), ("2", -0.35)):
                judgments = 2 * count if turn == "all" else count
                failed = judgments // 50
                rows.append(
                    {
                        **run, "category": category, "turn": turn, "score": float(np.clip(base + shift, 1, 10)),
                        "score_se": 2.2 / math.sqrt(count), "n_ok": judgments - failed, "n_parse_error": failed,
                        "n_api_error": 0, "questions": count,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def lose_scores(scores: pd.DataFrame, rows) -> pd.DataFrame:
    """The table without a readable judgment in some rows."""
    judgments = scores["n_ok"] + scores["n_parse_error"]
    return scores.assign(
        score=scores["score"].mask(rows), score_se=scores["score_se"].mask(rows), n_ok=scores["n_ok"].mask(rows, 0),
        n_parse_error=scores["n_parse_error"].mask(rows, judgments),
    )  # fmt: skip


def make_comparisons(runs: pd.DataFrame, metrics: dict[str, float], baseline: str = "sft") -> pd.DataFrame:
    """Differences of every setting from the baseline, by metrics with their standard errors."""
    random = np.random.default_rng(2)
    rows = []
    for metric, error in metrics.items():
        clusters = 80 if metric == "mt_bench" else 805
        for (objective, label), group in runs[runs["objective"] != "sft"].groupby(
            ["objective", "label"], sort=False
        ):
            setting = group["cell"].iloc[0].rpartition("/")[0]
            if setting == baseline:
                continue
            seeds = {int(seed): random.normal(0, 2 * error) for seed in group["seed"]}
            difference, se = float(np.mean(list(seeds.values()))), error * random.uniform(0.8, 1.2)
            p = float(2 * norm.sf(abs(difference) / se))
            left_out = int(random.integers(0, 5))
            rows.append(
                {
                    "metric": metric, "setting": setting, "objective": objective, "title": group["title"].iloc[0],
                    "label": label, "alias_of": "", "baseline": baseline, "difference": difference, "se": se,
                    "low": difference - 1.96 * se, "high": difference + 1.96 * se, "clusters": clusters - left_out,
                    "n": 2 * clusters, "left_out": left_out, "p": p, "q": min(2 * p, 1.0), "mde": 2.8 * se,
                    "diverged": False, "seeds": len(seeds), "seed_low": min(seeds.values()),
                    "seed_high": max(seeds.values()),
                    "seed_values": " ".join(f"{seed}:{value:.6g}" for seed, value in seeds.items()),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def lose_difference(comparisons: pd.DataFrame, rows) -> pd.DataFrame:
    """The table without a pair to compare in some rows."""
    numbers = ["difference", "se", "low", "high", "p", "q", "mde"]
    lost = {column: comparisons[column].mask(rows) for column in numbers}
    return comparisons.assign(**lost, clusters=comparisons["clusters"].mask(rows, 0))


def make_leaderboard(runs: pd.DataFrame, controlled: str = "lc_study", prompts: int = 805) -> pd.DataFrame:
    """Win rates that grow with length, and less so once it is controlled."""
    random = np.random.default_rng(3)
    error = {"lc_study": "lc_study_standard_error"}.get(controlled, "lc_standard_error")
    rows = []
    for run in runs.to_dict("records"):
        length = 1500.0 if run["cell"] == "sft" else float(random.uniform(900, 2600))
        rate = 50.0 if run["cell"] == "sft" else float(50 + random.normal(4, 5) + (length - 1500) / 80)
        failed = int(random.integers(0, 12))
        rows.append(
            {
                **run, "win_rate": rate, "standard_error": 1.4, "n_total": prompts - failed,
                "discrete_win_rate": rate + 1, "avg_length": length, controlled: rate - (length - 1500) / 100,
                error: 1.2, "n_ok": prompts - failed, "n_error": failed,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
