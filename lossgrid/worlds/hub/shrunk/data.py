"""Preference data with the columns of the data sets that they stand for, in the language of the reviews world."""

from collections.abc import Callable
from pathlib import Path
from random import Random

from datasets import Dataset

from lossgrid.worlds.reviews.corpus import make_preference_prompts
from lossgrid.worlds.reviews.language import sample_reply
from lossgrid.worlds.reviews.reward import score_reply

# Rows of each split. The comparisons are more, because their study reads a tenth and a twentieth of them.
ROWS = {"train": 160, "test": 96}
COMPARISONS = {"train": 1000, "test": 1440}
_SEED = 7
# A row of every kind that the loaders leave out or change.
_SPOILED = ("identical", "empty", "system", "turns", "encoding", "duplicate")

Case = tuple[list[dict[str, str]], str, str]


def list_texts() -> list[str]:
    """Prompts and replies, from which tokenizers are made."""
    cases = [case for split in ROWS for case in _make_cases(split, ROWS)]
    return [
        text for prompt, *replies in cases for text in (*(message["content"] for message in prompt), *replies)
    ]


def _make_cases(split: str, rows: dict[str, int]) -> list[Case]:
    """Prompts with a better and a worse reply; the splits share no prompt."""
    prompts = make_preference_prompts(_SEED, sum(rows.values()))
    begin = 0 if split == "train" else rows["train"]
    cases = []
    for index, row in enumerate(prompts[begin : begin + rows[split]]):
        rng = Random(f"{_SEED}/shrunk/{split}/{index}")
        replies = [sample_reply(rng, row["aspect"]) for _ in range(2)]
        replies.sort(key=lambda reply: -score_reply(reply, row["aspect"]).total)
        cases.append((row["prompt"], *replies))
    return cases


def make_mix(split: str) -> list[dict]:
    """Rows like those of argilla/dpo-mix-7k: whole conversations with ratings; some rows are spoiled."""
    cases = [_spoil_conversation(index, *case) for index, case in enumerate(_make_cases(split, ROWS))]
    return [
        {
            "dataset": "shrunk",
            "chosen": [*prompt, {"role": "assistant", "content": chosen}],
            "rejected": [*prompt, {"role": "assistant", "content": rejected}],
            "chosen_rating": 4.0 + index % 2,
            "rejected_rating": 4.0,
        }
        for index, (prompt, chosen, rejected) in enumerate(cases)
    ]


def _spoil_conversation(index: int, prompt, chosen: str, rejected: str) -> Case:
    kind = _SPOILED[index] if index < len(_SPOILED) else ""
    match kind:
        case "identical":
            return prompt, chosen, chosen
        case "empty":
            return prompt, chosen, " "
        case "system":
            return [{"role": "system", "content": "Answer as a film critic."}, *prompt], chosen, rejected
        case "turns":
            return [*prompt, prompt[-1]], chosen, rejected
        case "encoding":
            return prompt, chosen + "\N{REPLACEMENT CHARACTER}", rejected
    return prompt, chosen, rejected


def make_comparisons(split: str) -> list[dict]:
    """Rows like those of CarperAI/openai_summarize_comparisons: posts, and summaries that begin with TL;DR."""
    rows = []
    for index, (prompt, chosen, rejected) in enumerate(_make_cases(split, COMPARISONS)):
        post = "\n".join(message["content"] for message in prompt)
        rows.append(
            {
                "prompt": f"SUBREDDIT: r/films\nTITLE: Film {index}\nPOST: {post}",
                "chosen": f"TL;DR: {chosen}",
                "rejected": f"TL;DR: {rejected}" if index else f"TL;DR: {chosen}",
            }
        )
    # Some posts have two rows, which differ in their summaries.
    return [
        *rows[:-4],
        *({**rows[place], "chosen": rows[place]["chosen"] + " really ."} for place in range(4)),
    ]


def make_sentiments(split: str) -> list[dict]:
    """Rows like those of ZHZisZZ/imdb_preference: the first words of a review, two continuations, the better one."""
    rows = []
    for index, (_, chosen, rejected) in enumerate(_make_cases(split, ROWS)):
        first = " ".join(rejected.split()[:2])
        responses = [f" {chosen}", f" {rejected}"]
        better = index % 2
        rows.append(
            {"prompt": first, "responses": responses[::-1] if better else responses, "chosen": better}
        )
    return rows


# What stands for which data set of the studies, below the owner `shrunk`.
DATASETS: dict[str, Callable[[str], list[dict]]] = {
    "dpo-mix": make_mix,
    "summarize-comparisons": make_comparisons,
    "imdb-preference": make_sentiments,
}


def write_dataset(name: str, folder: Path) -> None:
    """Write a data set as a repository of the hub holds it: Parquet files, and a card that names its splits."""
    (folder / "data").mkdir(parents=True)
    for split in ROWS:
        Dataset.from_list(DATASETS[name](split)).to_parquet(
            folder / "data" / f"{split}-00000-of-00001.parquet"
        )
    splits = "".join(f"  - split: {split}\n    path: data/{split}-*\n" for split in ROWS)
    (folder / "README.md").write_text(
        f"---\nconfigs:\n- config_name: default\n  data_files:\n{splits}---\nStands for a data set of the hub.\n"
    )
