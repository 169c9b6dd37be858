"""The numbers of a study that a text may quote, from its tables: cells, settings, differences, claims."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.paper.measures import read_measures
from lossgrid.paper.quoted import P_DIGITS, Quoted, quote_estimate
from lossgrid.studies import parse_setting
from lossgrid.studies.exponential_tail import get_ratio

COUNTS = ("steps", "nonfinite_steps", "unfinished")


def collect_numbers(study: str, tables: Mapping[str, pd.DataFrame]) -> Iterator[Quoted]:
    """Give every number its key.

    Args:
        study: Name of the study.
        tables: Its tables by name: `cells`, and what there is of `mt_bench`, `leaderboard`, `summaries`,
            `comparisons`, `claims`.

    Yields:
        The numbers of the study, of the SFT model (`{study}/sft/…`), of every cell
        (`{study}/{objective}/{setting}/seed~{seed}/…`) and setting (`{study}/{objective}/{setting}/…`, means over
        seeds with the mean of their standard errors, the most that theirs can be, and the sum of their n), of the
        differences (`…/minus/{baseline}/…`) and of the claims (`{study}/claims/{id}/…`).
    """
    cells = tables["cells"]
    yield from _count_runs(study, cells)
    measures = read_measures(tables)
    for _, cell in cells.iterrows():
        yield from _quote_cell(f"{study}/{cell['cell']}", cell, measures)
    trained = cells[cells["objective"] != "sft"]
    for reference, group in trained.groupby(trained["cell"].str.rpartition("/")[0], sort=False):
        yield from _quote_setting(f"{study}/{reference}", group, measures)
    yield from _quote_differences(study, tables.get("comparisons"))
    yield from _quote_claims(study, tables.get("claims"))


def _count_runs(study: str, cells: pd.DataFrame) -> Iterator[Quoted]:
    trained = cells[(cells["objective"] != "sft") & (cells["alias_of"].fillna("") == "")]
    yield Quoted(f"{study}/runs", len(trained))
    yield Quoted(f"{study}/settings", trained.groupby(["objective", "label"], dropna=False).ngroups)
    yield Quoted(f"{study}/losses", trained["objective"].nunique())
    yield Quoted(f"{study}/diverged", int((trained["status"] == "diverged").sum()))


def _quote_cell(key: str, cell: pd.Series, measures: pd.DataFrame) -> Iterator[Quoted]:
    run = cell["alias_of"] if isinstance(cell["alias_of"], str) and cell["alias_of"] else cell["cell"]
    for row in measures[measures["cell"] == run].itertuples():
        yield quote_estimate(f"{key}/{row.measure}", row.value, row.error, row.n)
    if cell["objective"] == "sft":
        return
    yield Quoted(f"{key}/status", cell["status"])
    yield from (Quoted(f"{key}/{name}", float(cell[name])) for name in COUNTS)
    yield Quoted(f"{key}/max_grad_norm", float(cell["max_grad_norm"]))
    for name in cell.index[cell.index.str.startswith("final_beta")]:
        if np.isfinite(float(cell[name])):
            yield Quoted(f"{key}/{name}", float(cell[name]))


def _quote_setting(key: str, cells: pd.DataFrame, measures: pd.DataFrame) -> Iterator[Quoted]:
    runs = cells["alias_of"].where(cells["alias_of"].fillna("") != "", cells["cell"])
    own = measures[measures["cell"].isin(set(runs))]
    for measure, rows in own.groupby("measure", sort=False):
        scored = rows[np.isfinite(rows["value"])]
        if scored.empty:
            continue
        error = scored["error"].mean(skipna=False)
        yield quote_estimate(f"{key}/{measure}", scored["value"].mean(), error, scored["n"].sum(skipna=False))
    yield Quoted(f"{key}/seeds", len(cells))
    yield Quoted(f"{key}/diverged", int((cells["status"] == "diverged").sum()))
    yield Quoted(f"{key}/max_grad_norm", float(cells["max_grad_norm"].astype(float).max()))
    objective, _, setting = cells["cell"].iloc[0].rpartition("/")[0].partition("/")
    if objective in CATALOGUE:
        ratio = get_ratio(objective, parse_setting(CATALOGUE[objective], setting))
        if ratio is not None:
            # What the floats of β_mix/(τβ_kl) leave of a round number.
            yield Quoted(f"{key}/r", float(f"{ratio:.12g}"))


def _quote_differences(study: str, comparisons: pd.DataFrame | None) -> Iterator[Quoted]:
    for row in _iterate(comparisons):
        key = f"{study}/{row['setting']}/minus/{row['baseline']}/{row['metric']}"
        yield Quoted(key, row["difference"], row["se"], row["low"], row["high"], int(row["n"]))
        yield from (Quoted(f"{key}/{name}", float(row[name]), digits=P_DIGITS) for name in ("p", "q"))
        yield Quoted(f"{key}/mde", float(row["mde"]), digits=P_DIGITS)
        yield from (Quoted(f"{key}/{name}", int(row[name])) for name in ("clusters", "left_out"))


def _quote_claims(study: str, claims: pd.DataFrame | None) -> Iterator[Quoted]:
    for row in _iterate(claims):
        key = f"{study}/claims/{row['claim']}"
        yield Quoted(f"{key}/verdict", row["verdict"])
        yield Quoted(f"{key}/effect", float(row["effect"]), low=row["low"], high=row["high"], n=int(row["n"]))
        yield from (
            Quoted(f"{key}/{name}", float(row[name]), digits=P_DIGITS) for name in ("p", "p_holm", "mde")
        )
        yield Quoted(f"{key}/runs", int(row["runs"]))
        for name in ("threshold", "predicted_low", "predicted_high", "left_out"):
            if np.isfinite(float(row[name])):
                yield Quoted(f"{key}/{name}", float(row[name]))


def _iterate(table: pd.DataFrame | None) -> Iterable[dict]:
    return [] if table is None else table.to_dict("records")
