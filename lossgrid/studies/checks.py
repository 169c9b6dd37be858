"""What only the whole grid can tell: cells that arise twice, and claims about cells that do not exist."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from lossgrid.studies.errors import StudyError, find_nearest
from lossgrid.studies.schema import Grid
from lossgrid.studies.spelling import get_objective, spell_setting

Found = tuple[tuple[int | str, ...], str]


def check_grid(grid: Grid) -> Iterator[Found]:
    """Find the mistakes that no single field shows.

    Returns:
        The location of each mistake and the sentence about it.
    """
    references: dict[str, None] = {}
    try:
        yield from find_overlaps(grid, references)
    except StudyError as error:
        yield ("objectives",), str(error)
    yield from find_repeated_claims(grid)
    yield from find_lost_references(grid, list(references))


def find_overlaps(grid: Grid, references: dict[str, None]) -> Iterator[Found]:
    """Blocks that share a cell, each pair of them once; fills in the ``objective/setting`` of the grid."""
    origin: dict[str, int] = {}
    for objective, index, block in grid.objectives.iterate():
        shared: dict[int, list[str]] = {}
        for setting in block.get_settings():
            reference = f"{objective}/{spell_setting(get_objective(objective), setting)}"
            references[reference] = None
            for seed in grid.seeds if block.seeds is None else block.seeds:
                path = f"{reference}/seed~{seed}"
                earlier = origin.setdefault(path, index)
                if earlier != index:
                    shared.setdefault(earlier, []).append(path)
        for earlier, paths in shared.items():
            more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
            yield (
                ("objectives", objective, index),
                f"the cell {paths[0]}{more} already comes from objectives.{objective}[{earlier}]; "
                "remove it from one of the two blocks",
            )


def find_repeated_claims(grid: Grid) -> Iterator[Found]:
    first: dict[str, int] = {}
    for index, claim in enumerate(grid.claims):
        if first.setdefault(claim.id, index) != index:
            message = f"is already the id of claims[{first[claim.id]}]; give each claim an id of its own"
            yield ("claims", index, "id"), message


def find_lost_references(grid: Grid, references: Sequence[str]) -> Iterator[Found]:
    known = [*references, "sft"]
    for index, claim in enumerate(grid.claims):
        for key in ("cell", "baseline"):
            name = getattr(claim, key, "sft")
            if name not in known:
                message = f"no such cell in the grid; the nearest is '{find_nearest_cell(name, known)}'"
                yield ("claims", index, key), message
        pattern = getattr(claim, "cells", None)
        if pattern is not None and not any(fnmatchcase(name, pattern) for name in references):
            message = (
                f"matches no cell of the grid; the nearest is '{find_nearest_cell(pattern, references)}'"
            )
            yield ("claims", index, "cells"), message


def find_nearest_cell(name: str, references: Sequence[str]) -> str:
    """The cell that was probably meant: one of the same objective, where there is one."""
    objective = name.partition("/")[0]
    same = [reference for reference in references if reference.partition("/")[0] == objective]
    return find_nearest(name, same or references)
