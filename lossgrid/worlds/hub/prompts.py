"""What a judge will see of the hub's data: posts with people's summaries."""

import json
from pathlib import Path

from lossgrid.worlds.hub.conversion import Conversion, ExcludedRowError
from lossgrid.worlds.hub.repositories import HubError
from lossgrid.worlds.hub.rows import load_locked_split


def write_prompts(
    study, mt_bench: bool, alpaca_eval: int | None, summaries: int | None, folder: Path
) -> None:
    """Write the posts that a study's policies summarise.

    Args:
        study: The study, of the world `hub`, with its lock.
        mt_bench: Never: its questions are published ones.
        alpaca_eval: Never: its instructions are in a file that the study names.
        summaries: Number of rows in `summaries.jsonl`, each with `id`, `post`, `prompt` (messages) and `human`;
            None writes none.
        folder: Folder to write into.

    Raises:
        HubError: There are not that many rows.
    """
    if summaries is None:
        return
    rows = list_summaries(study)
    if len(rows) < summaries:
        raise HubError(
            f"{study.world.data.name} {study.world.summaries.split}: every {study.world.summaries.every}th row gives "
            f"{len(rows):,} posts, and summaries.rows asks for {summaries:,}; lower it"
        )
    with (folder / "summaries.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows[:summaries])


def list_summaries(study) -> list[dict]:
    """Every so many rows of the split, with the chosen response as people's; rows without a text are left out."""
    world, found = study.world, []
    conversion = Conversion(world.data, world.longest, folds_system=False)
    for index, row in enumerate(load_locked_split(world, study.lock, world.summaries.split)):
        if index % world.summaries.every or not isinstance(row["chosen"], str) or not row["chosen"].strip():
            continue
        try:
            prompt = conversion.read_prompt(row)
        except ExcludedRowError:
            continue
        human = conversion.cut_prefix(row["chosen"])
        found.append(
            {"id": f"row-{index:06d}", "post": prompt[0]["content"], "prompt": prompt, "human": human}
        )
    return found
