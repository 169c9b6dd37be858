"""Writes the reference of study files from their schema: ``python -m lossgrid.studies.reference``."""

import argparse
import json
import sys
from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

from lossgrid.objectives.catalogue import OBJECTIVES
from lossgrid.objectives.specification import Objective
from lossgrid.studies.blocks import Block
from lossgrid.studies.editor_schema import build_overlay_schema, build_study_schema, build_written_schema
from lossgrid.studies.expectation import describe_base, describe_limits, find_schema, get_properties, resolve
from lossgrid.studies.judging import EVALUATIONS

DOCS = Path(__file__).parents[2] / "docs"

HEADER = "| key | type | unit | range | default | meaning |\n|---|---|---|---|---|---|\n"

INTRODUCTION = """\
# Study files

A study is a file `studies/<name>.yaml`; its name is the stem of the file, of letters, digits and `_`. This
page is written by `python -m lossgrid.studies.reference`, which also writes `study.schema.json`: an editor
that knows JSON schemas completes and checks a study that begins with
`# yaml-language-server: $schema=../docs/study.schema.json` (an overlay:
`# yaml-language-server: $schema=../../docs/overlay.schema.json`).

What is required may be left out where the study `extends` another that says it
([studies.md](studies.md#studies-that-extend-others)).

Numbers are those of YAML 1.2, so that `5e-7` is a number. Text in quotes is never a number, an unknown or
repeated key is an error, and every mistake of a file is reported at once, with its line.
"""

EXAMPLE = """\
title: Does DiscoPOP need its bump?
world: {kind: reviews, corpus_chats: 6000, pairs: 2048, heldout_chats: 256}
sft: {learning_rate: 3e-3, epochs: 3, batch_size: 64, max_length: 128}
training: {learning_rate: 5e-4, epochs: 2, batch_size: 32, max_length: 128}
seeds: [1, 2]
objectives:
  dpo:                                   # null: one setting, the defaults
  ipo: {beta: [0.05, 0.25]}              # a grid
  discopop:                              # a list of grids
    - {beta: 0.05, seeds: [1, 2, 3]}
    - {beta: 5.0, evaluation: [log_space, published]}
claims:
  - id: discopop-beats-dpo
    kind: paired_difference
    statement: DiscoPOP at β 0.05 earns more reward than DPO.
    cell: discopop/beta~0.05__tau~0.05
    baseline: dpo/beta~0.1
    metric: reward
    predicted: [0.0, 1.0]
"""

OBJECTIVES_TEXT = """\
An objective holds a block or a list of blocks. A block is a grid: the product of its hyper-parameters'
values, each a value or a list; a hyper-parameter that it does not name has its default, and `null` or `{}` is
the one setting of all defaults. The same cell must not arise from two blocks.

A modulated loss (`discopop`, `dlrml`) is shaped by r = β_mix/(τβ_kl) alone. Where r < 1 its gradient grows
exponentially for ρ→−∞, which is an error unless the block says `allow_exponential_tail: true`.

Two settings that are the same function in the same evaluation are trained once a seed; the paths of the later
one are aliases.
"""

CELLS_TEXT = """\
## Cells

A cell is one objective × one setting × one seed. Its results lie in
`results/<study>/cells/<objective>/<setting>/seed~<seed>/`, where the setting spells every number in its
shortest form and a choice only where it is not the default:
`discopop/beta~5__tau~0.05__evaluation~published/seed~1`. Claims name cells without the seed:
`discopop/beta~5__tau~0.05__evaluation~published`; `sft` is the model that every cell starts from.
"""


def build_reference() -> str:
    """The page for readers, in Markdown."""
    schema = build_written_schema()
    sections = [INTRODUCTION, f"## Example\n\n```yaml\n{EXAMPLE}```\n", describe_mapping(schema, "Study", ())]
    for kind, option in get_kinds(schema, ("world",)).items():
        sections.append(describe_mapping(schema, f"`world` of kind `{kind}`", ("world", kind), option))
        sections.append(
            describe_mapping(schema, f"`world.policy` of kind `{kind}`", ("world", kind, "policy"))
        )
    keys = ("sft", "training", "evaluation", "judge", *EVALUATIONS, "reproduces")
    sections += [describe_mapping(schema, f"`{key}`", (key,)) for key in keys]
    sections.append(describe_mapping(schema, "`judge.prices`", ("judge", "prices"), level=3))
    sections.append(f"## `objectives`\n\n{OBJECTIVES_TEXT}")
    keys = "".join(
        describe_key(schema, ("objectives", OBJECTIVES[0].name, 0, key), key) for key in Block.model_fields
    )
    sections.append(f"Keys of every block:\n\n{HEADER}{keys}")
    sections += [describe_objective(schema, objective) for objective in OBJECTIVES]
    sections.append("## `claims`\n\nEach entry of the list has a `kind`.\n")
    for kind, option in get_kinds(schema, ("claims", 0)).items():
        sections.append(describe_mapping(schema, f"Claim `{kind}`", ("claims", 0, kind), option, level=3))
    sections.append(CELLS_TEXT)
    return "\n".join(sections)


def main(arguments: Sequence[str] | None = None, docs: Path = DOCS) -> int:
    """Write the reference and the schema, or compare them with what is there.

    Returns:
        Exit status: 1 where ``--check`` found a difference.
    """
    parser = argparse.ArgumentParser(description="Write docs/study-reference.md and the schemas.")
    parser.add_argument("--check", action="store_true", help="write nothing; print what would change")
    check = parser.parse_args(arguments).check
    pages = {
        "study-reference.md": build_reference(),
        "study.schema.json": spell_schema(build_study_schema()),
        "overlay.schema.json": spell_schema(build_overlay_schema()),
    }
    changed = False
    for name, page in pages.items():
        path = docs / name
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if check and present != page:
            changed = True
            lines = present.splitlines(keepends=True), page.splitlines(keepends=True)
            sys.stdout.writelines(
                unified_diff(*lines, f"docs/{name}", "python -m lossgrid.studies.reference")
            )
        elif not check:
            path.write_text(page, encoding="utf-8")
    return int(changed)


def spell_schema(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def describe_mapping(
    root: dict[str, Any],
    title: str,
    location: tuple[int | str, ...],
    schema: dict[str, Any] | None = None,
    level: int = 2,
) -> str:
    schema = schema or find_schema(root, location)
    keys = "".join(describe_key(root, (*location, key), key) for key in get_properties(root, schema))
    meaning = schema.get("description", "").partition("\n")[0]
    return f"{'#' * level} {title}\n\n{meaning}\n\n{HEADER}{keys}"


def describe_key(root: dict[str, Any], location: tuple[int | str, ...], key: str) -> str:
    schema = find_schema(root, location)
    above = find_schema(root, location[:-1])
    options = [resolve(root, option) for option in above.get("anyOf", [above])]
    required = any(key in option.get("required", ()) for option in options)
    values = schema.get("anyOf", [schema])
    # "a value, or a list of such values" says more than the type of either.
    listed = [value for value in values if value.get("type") == "array" and values[0] == value.get("items")]
    kept = values[:1] if listed else values
    kind = " or ".join(describe_base(value) for value in kept) + (
        ", or a list of such values" if listed else ""
    )
    limits = ", ".join(filter(None, (describe_limits(value).removeprefix("of ") for value in kept)))
    default = "required" if required else spell_default(schema["default"]) if "default" in schema else ""
    cells = [f"`{key}`", kind, schema.get("unit", ""), limits, default, schema.get("description", "")]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def describe_objective(root: dict[str, Any], objective: Objective) -> str:
    location = ("objectives", objective.name, 0)
    keys = "".join(
        describe_key(root, (*location, parameter.name), parameter.name)
        for parameter in objective.hyperparameters
    )
    table = f"{HEADER}{keys}" if keys else "It has no hyper-parameters.\n"
    return (
        f"### `{objective.name}`: {objective.title}\n\n"
        f"Loss of one pair: {objective.formula}. Source: {objective.reference}.\n\n{table}"
    )


def get_kinds(root: dict[str, Any], location: tuple[int | str, ...]) -> dict[str, dict[str, Any]]:
    mapping = find_schema(root, location)["discriminator"]["mapping"]
    return {kind: resolve(root, {"$ref": reference}) for kind, reference in mapping.items()}


def spell_default(default: Any) -> str:
    if isinstance(default, dict):
        return "the defaults below"
    if isinstance(default, list) and len(default) == 1 and not isinstance(default[0], int):
        default = default[0]
    return f"`{json.dumps(default, ensure_ascii=False)}`"


if __name__ == "__main__":
    sys.exit(main())
