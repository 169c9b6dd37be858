"""What two judges said of the same, made up to hold what the judge card must cope with."""

from random import Random

JUDGE = "Qwen/Qwen2.5-72B-Instruct, 2026-11"
FILES = {
    kind: {"judge": "gpt-4", "lines": 60, "superseded": 0, "unreadable": 3} for kind in ("single", "pairs")
}


def make_card_rows(kinds: tuple[str, ...] = ("single", "pairs")) -> list[dict]:
    """Sixty rows a kind, every tenth of them unreadable, and ten asked again."""
    rng, rows = Random(1), []
    for kind in kinds:
        for place in range(70):
            stored = (
                [rng.choice([1.0, 5.5, 10.0, 7.0])]
                if kind == "single"
                else rng.choices(["A", "B", "tie"], k=2)
            )
            other = [rng.choice([1.0, 9.0, 7.0])] if kind == "single" else rng.choices(["A", "B", "tie"], k=2)
            unread = place % 10 == 9
            rows.append(
                {
                    "kind": kind, "question_id": 81 + place % 60 // 2, "turn": 1 + place % 2,
                    "models": ["one", "two"], "repeat": int(place >= 60), "stored": stored,
                    "state": "parse_error" if unread else "ok",
                    "judged": None if unread else rng.choice([stored, other]),
                    "lengths": [rng.randint(1, 90), rng.randint(1, 90)],
                }
            )  # fmt: skip
    return rows
