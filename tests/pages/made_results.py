"""Results of a study that nobody trained: tables, logs, answers and judgments with numbers of a fixed seed."""

import csv
import json
import random
from pathlib import Path

from lossgrid.studies import Cell, Study, get_cells, load_study

CATEGORIES = ("writing", "math", "coding")
# Hostile on purpose: what a policy says must not end up as a part of the page.
ANSWER = "an answer </script><script>console.error('escaped')</script> & more"
STUDY = """\
title: Results that were made up
description: For tests of pages.
world: {kind: reviews, corpus_chats: 100, pairs: 64, heldout_chats: 10}
sft: {learning_rate: 1e-3, epochs: 1, batch_size: 8, max_length: 128}
training: {learning_rate: 1e-4, epochs: 1, batch_size: 8, max_length: 128}
judge: {model: oracle, command: "python workflow_scripts/serve_oracle.py --port {port}"}
mt_bench: {}
alpaca_eval: {prompts: 10}
seeds: SEEDS
objectives:
  dpo: {beta: BETAS}
  dlrml: {beta_kl: BETAS, beta_mix: [0.01, 0.2], allow_exponential_tail: true}
claims:
  - id: better
    kind: paired_difference
    statement: dLRML is rated higher than DPO.
    cell: dlrml/beta_kl~0.05__beta_mix~0.01__tau~0.05
    baseline: dpo/beta~0.05
    metric: mt_bench
"""


def make_study(folder: Path, seeds: list[int], betas: list[float]) -> Path:
    """Write a study of 3 · betas · seeds cells; its file."""
    file = folder / "studies" / "made.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(STUDY.replace("SEEDS", str(seeds)).replace("BETAS", str(betas)), encoding="utf-8")
    return file


def make_results(folder: Path, file: Path, steps: int = 40) -> Path:
    """Write everything that the report reads of a study; the last cell has diverged.

    Args:
        folder: Gets the folder `results`.
        file: The study's file.
        steps: Of each training.
    """
    study, chance, results = load_study(file), random.Random(1), folder / "results"
    cells = get_cells(study)
    write_tables(results / "tables", study, cells, chance)
    write_prompts(results / "prompts")
    for place, cell in enumerate(cells):
        write_cell(results / "cells" / cell.path, steps, place == len(cells) - 1, chance)
        write_machine(results / "live" / cell.path)
    write_answers(results / "sft", chance)
    return results


def make_unjudged_results(folder: Path) -> tuple[Path, Path]:
    """A study of three cells that judges nothing and claims nothing: its file and its results."""
    file = make_study(folder, [1], [0.05])
    text = "".join(
        line for line in file.read_text().splitlines(keepends=True)
        if not line.startswith(("judge:", "mt_bench:", "alpaca_eval:"))
    ).partition("claims:")[0]  # fmt: skip
    file.write_text(text)
    results = make_results(folder, file)
    for name in ("mt_bench", "leaderboard", "judge", "judge_costs"):
        (results / f"tables/{name}.csv").unlink()
    for judged in (*results.glob("prompts/**/*.json*"), *results.glob("**/judged.jsonl")):
        judged.unlink()
    return file, results


def write_tables(folder: Path, study: Study, cells: list[Cell], chance: random.Random) -> None:
    """The tables that the report reads."""
    folder.mkdir(parents=True)
    runs = [{"cell": "sft", "objective": "sft", "title": "SFT", "label": "", "seed": ""}]
    runs += [
        {
            "cell": cell.path,
            "objective": cell.objective,
            "title": {"dpo": "DPO", "dlrml": "dLRML"}[cell.objective],
            "label": cell.label,
            "seed": cell.seed,
        }
        for cell in cells
    ]
    settings = [{}, *(dict(cell.setting) for cell in cells)]
    health = [{}] + [
        {
            "status": "finished",
            "steps": 40,
            "planned_steps": 40,
            "nonfinite_steps": 0,
            "max_grad_norm": chance.uniform(1, 9),
        }
        for _ in cells
    ]
    health[-1] = {
        "status": "diverged", "steps": 20, "planned_steps": 40, "nonfinite_steps": 1, "first_nonfinite_step": 20,
        "reason": "the loss is not finite", "max_grad_norm": 1e4,
    }  # fmt: skip
    write(
        folder / "cells.csv",
        [
            {
                **run, **setting, "alias_of": "", "n": 512, "reward": chance.gauss(1, 0.5), "reward_se": 0.1,
                "kl": chance.uniform(0, 3), "kl_se": 0.05, "first_nonfinite_step": "", "reason": "", **ending,
            }
            for run, setting, ending in zip(runs, settings, health, strict=True)
        ],
    )  # fmt: skip
    write(
        folder / "mt_bench.csv",
        [
            {
                **run, "category": category, "turn": "all", "score": chance.uniform(2, 9), "score_se": 0.2,
                "questions": 20, "n_ok": 38, "n_parse_error": 2, "n_api_error": 0,
            }
            for run in runs
            for category in ("all", *CATEGORIES)
        ],
    )  # fmt: skip
    write(
        folder / "leaderboard.csv",
        [
            {
                **run, "win_rate": chance.uniform(20, 80), "standard_error": 2.0,
                "avg_length": chance.randint(50, 900),
                "lc_study": chance.uniform(20, 80), "lc_study_standard_error": 2.1, "n_ok": 158, "n_parse_error": 1,
                "n_api_error": 1,
            }
            for run in runs
        ],
    )  # fmt: skip
    write(
        folder / "claims.csv",
        [
            {
                "claim": claim.id, "statement": claim.statement, "kind": claim.kind, "verdict": "inconclusive",
                "effect": 0.1, "low": -0.2, "high": 0.4, "n": 80, "detail": "By hand.", "predicted_low": 0.5,
                "predicted_high": 1.0,
            }
            for claim in study.claims
        ],
    )  # fmt: skip
    write(
        folder / "audit.csv",
        [
            {
                "objective": cell.objective,
                "title": cell.objective,
                "setting": cell.setting_path,
                "label": cell.label,
                "verdict": "right sign at the start",
            }
            for cell in {cell.reference: cell for cell in cells}.values()
        ],
    )
    write(
        folder / "predictions.csv",
        [
            {
                **run,
                "predicted_start": "right",
                "early_margin": 0.1,
                "early_margin_low": 0.05,
                "early_margin_high": 0.15,
                "start_holds": True,
            }
            for run in runs[1:]
        ],
    )
    write(
        folder / "data.csv",
        [
            {"part": "pairs", "measure": "pairs", "value": 4096, "what": "preference pairs"},
            {
                "part": "reference", "measure": "chosen_longer", "value": 0.426, "low": 0.411, "high": 0.442,
                "n": 4096, "clusters": 4096, "unit": "share",
                "what": "share of pairs whose chosen response is longer",
            },
        ],
    )  # fmt: skip
    write(
        folder / "judge.csv",
        [{"evaluation": "mt_bench", "model": "oracle", "n": 100, "n_parse_error": 2, "n_api_error": 0}],
    )
    write(
        folder / "judge_costs.csv",
        [
            {
                "evaluation": "mt_bench",
                "asked_from": "2026-01-02",
                "asked_to": "2026-01-03",
                "calls": 98,
                "cost": 1.25,
            }
        ],
    )
    write(
        folder / "costs.csv",
        [
            {
                "rule": "train_cell",
                "run": run["cell"],
                "seconds": 36,
                "cpu_seconds": 30,
                "peak_memory_mb": 700,
            }
            for run in runs[1:]
        ],
    )


def write_cell(folder: Path, steps: int, diverged: bool, chance: random.Random) -> None:
    """The log, answers and scores of one cell."""
    folder.mkdir(parents=True)
    records = [
        {
            "step": step, "loss": chance.uniform(0.4, 0.8), "grad_norm": chance.uniform(0.5, 2), "nonfinite": False,
            "accuracy": chance.random(), "rho_min": -2.0, "rho_q05": -1.5, "rho_median": chance.gauss(0, 1),
            "rho_q95": 1.5, "rho_max": 2.0,
        }
        for step in range(1, steps + 1)
    ]  # fmt: skip
    if diverged:
        records = records[: steps // 2]
        records[-1] |= {"loss": "nan", "nonfinite": True}
    (folder / "training.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    write_answers(folder, chance)


def write_machine(folder: Path) -> None:
    """What the cell was trained on."""
    folder.mkdir(parents=True)
    (folder / "machine.json").write_text('{"processes": 8, "device": "NVIDIA A100-SXM4-80GB"}')


def write_answers(folder: Path, chance: random.Random) -> None:
    """Answers and what a judge said of them."""
    answers = [
        {"set": "mt_bench", "id": number, "category": category, "turn": turn, "response": ANSWER}
        for number, category in enumerate(CATEGORIES)
        for turn in (1, 2)
    ]
    answers += [{"set": "alpaca_eval", "id": number, "turn": 1, "response": ANSWER} for number in range(4)]
    ratings = [
        {
            "question_id": each["id"],
            "turn": each["turn"],
            "repeat": 0,
            "state": "ok",
            "score": chance.randint(1, 10),
            "reply": "Good. Rating: [[7]]",
            "error": None,
        }
        for each in answers
        if each["set"] == "mt_bench"
    ]
    ratings[0] |= {"state": "parse_error", "score": None, "reply": "I cannot say."}
    preferences = [
        {"id": number, "repeat": 0, "state": "ok", "preference": chance.uniform(1, 2), "error": None}
        for number in range(4)
    ]
    chats = [
        {
            "id": f"heldout-{number}", "turn": turn, "response": ANSWER,
            "prompt": [{"role": "user", "content": f"question {number}"}],
        }
        for turn in (1, 2)
        for number in range(8)
    ]  # fmt: skip
    rewards = [{"id": chat["id"], "turn": chat["turn"], "reward": chance.gauss(1, 1)} for chat in chats]
    for name, lines in (
        ("responses/judged", answers),
        ("responses/heldout", chats),
        ("scores/frontier", rewards),
        ("scores/mt_bench", ratings),
        ("scores/alpaca_eval", preferences),
    ):
        file = folder / f"{name}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))


def write_prompts(folder: Path) -> None:
    """What the judge's questions were."""
    (folder / "mt_bench").mkdir(parents=True)
    questions = [
        {"question_id": number, "category": category, "turns": ["first?", "second?"]}
        for number, category in enumerate(CATEGORIES)
    ]
    (folder / "mt_bench/question.jsonl").write_text("".join(json.dumps(each) + "\n" for each in questions))
    instructions = [
        {"instruction": f"do {number}", "output": "done", "dataset": "tasks"} for number in range(4)
    ]
    (folder / "alpaca_eval.json").write_text(json.dumps(instructions))


def write(file: Path, rows: list[dict]) -> None:
    """A table of rows that need not have the same columns; none without rows."""
    if not rows:
        return
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with file.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, columns)
        writer.writeheader()
        writer.writerows(rows)
