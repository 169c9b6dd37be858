"""The head of a card, in the fields that the Hugging Face Hub reads."""

from collections.abc import Sequence

from huggingface_hub import EvalResult, ModelCardData

from lossgrid.cards.measured import Measured
from lossgrid.studies import Cell, Study


def make_header(
    study: Study, cell: Cell, measured: Sequence[Measured], judge: str, diverged: bool
) -> ModelCardData:
    """The head of a cell's card.

    There is no `base_model`: the model that a cell starts from is trained by the study itself, in the reviews world
    from random weights, and stands under no name on the Hub.

    Args:
        study: The study.
        cell: The cell.
        measured: What was measured of it; left out of the head of a run that diverged, where lists that are made of
            such heads would rank it.
        judge: Model that judged, for the names of judged numbers; empty without one.
        diverged: Whether its training did.
    """
    results = [
        EvalResult(
            task_type="text-generation",
            dataset_type=study.world.kind,
            dataset_name=each.questions,
            metric_type=each.kind,
            metric_name=f"{each.name}; judge: {judge}" if each.judged else each.name,
            metric_value=each.value,
        )
        for each in measured
    ]
    return ModelCardData(
        library_name="transformers",
        pipeline_tag="text-generation",
        # Nobody has said; whoever publishes a policy says it.
        license="unknown",
        tags=["lossgrid", "preference-optimization", cell.objective, *(["diverged"] if diverged else [])],
        model_name=f"{study.name}/{cell.path}",
        eval_results=None if diverged else results or None,
    )
