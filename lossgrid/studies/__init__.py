"""Studies: their schema, their files, their cells and what each step depends on. Imports no torch."""

from lossgrid.studies.cells import Cell, find_aliases, get_cell, get_cells, get_trained_cells, parse_cell
from lossgrid.studies.errors import StudyError
from lossgrid.studies.identity import (
    get_audit_settings,
    get_corpus_settings,
    get_frontier_settings,
    get_generation_settings,
    get_judging_settings,
    get_length_control_settings,
    get_pairs_settings,
    get_prompts_settings,
    get_reference_settings,
    get_sft_settings,
    get_training_settings,
    hash_canonical,
)
from lossgrid.studies.loading import load_studies, load_study
from lossgrid.studies.schema import Study
from lossgrid.studies.spelling import parse_number, parse_setting, spell_number, spell_setting

__all__ = [
    "Cell",
    "Study",
    "StudyError",
    "find_aliases",
    "get_audit_settings",
    "get_cell",
    "get_cells",
    "get_corpus_settings",
    "get_frontier_settings",
    "get_generation_settings",
    "get_judging_settings",
    "get_length_control_settings",
    "get_pairs_settings",
    "get_prompts_settings",
    "get_reference_settings",
    "get_sft_settings",
    "get_trained_cells",
    "get_training_settings",
    "hash_canonical",
    "load_studies",
    "load_study",
    "parse_cell",
    "parse_number",
    "parse_setting",
    "spell_number",
    "spell_setting",
]
