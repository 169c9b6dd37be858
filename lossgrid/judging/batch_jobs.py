"""Judging one evaluation of a study by OpenAI's Batch service, beside or instead of single calls."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lossgrid.judging.asking.batch import export_batch, import_batch
from lossgrid.judging.asking.endpoint import Endpoint
from lossgrid.judging.asking.ledger import Ledger
from lossgrid.judging.asking.request import JudgeRequest
from lossgrid.judging.evaluations import build_questions, get_endpoint, list_requests
from lossgrid.statistics.names import get_run_names
from lossgrid.studies import Study, StudyError


def export_evaluation(study: Study, evaluation: str, results: Path, folder: Path) -> list[Path]:
    """Write the requests that the ledger of an evaluation lacks.

    Args:
        study: The study; the responses of all its runs are there.
        evaluation: `mt_bench`, `alpaca_eval` or `summaries`.
        results: Results folder of the study.
        folder: For the input files of the service.

    Returns:
        The files.

    Raises:
        StudyError: The study does not ask for this evaluation.
        FileNotFoundError: Responses or prompts are missing.
        FileExistsError: The folder holds a batch.
    """
    return export_batch(*_prepare(study, evaluation, results), folder)


def import_evaluation(study: Study, evaluation: str, results: Path, files: Sequence[Path]) -> Counter[str]:
    """Take the answers of a batch into the ledger.

    Args:
        study: As for the export.
        evaluation: As for the export.
        results: As for the export.
        files: Output and error files of the service.

    Returns:
        How many lines gave which state; `known` counts those that were answered before.

    Raises:
        StudyError: The study does not ask for this evaluation.
        FileNotFoundError: A file, responses or prompts are missing; nothing has been imported.
        UnknownAnswers: Lines that belong to no request, after the import of all others.
    """
    requests, endpoint, ledger = _prepare(study, evaluation, results)
    return import_batch(files, requests, endpoint, ledger)


def _prepare(study: Study, evaluation: str, results: Path) -> tuple[list[JudgeRequest], Endpoint, Ledger]:
    if evaluation not in study.get_evaluations():
        raise StudyError(f"study {study.name}: has no {evaluation}; add it to the study")
    if study.judge.base_url is None:
        raise StudyError(
            f"study {study.name}: its judge is a server of its own (judge.command), which takes no batches; name the "
            "service in judge.base_url"
        )
    asked = build_questions(study, evaluation, list(get_run_names(study)), results, results / "prompts")
    endpoint = get_endpoint(study.judge, study.judge.base_url)
    return list_requests(asked), endpoint, Ledger(results / "ledgers" / evaluation)
