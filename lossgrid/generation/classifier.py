"""The reward of a text by a classifier: the probability that it gives to one of its labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

# A tokenizer that knows no limit has a number beyond any.
NO_LIMIT = 1_000_000


@dataclass(frozen=True)
class Classified:
    """What a classifier makes of texts.

    Attributes:
        probabilities: Of the label, for each text, from 0 to 1.
        truncated: How many texts were cut at the longest that the classifier reads.
        max_length: That length, in tokens.
    """

    probabilities: list[float]
    truncated: int
    max_length: int


@torch.no_grad()
def score_texts(
    model_folder: Path, texts: Sequence[str], label: str, batch_size: int, device: str = "cpu"
) -> Classified:
    """Classify texts: softmax over the labels, in float32.

    A text that is longer than the classifier reads loses its end, as where the published code truncates.

    Args:
        model_folder: Folder of a sequence classifier of transformers and of its tokenizer.
        texts: What to score.
        label: Name of a label of the classifier, as its configuration spells it.
        batch_size: Texts in one forward pass, in the order given; part of the result's last bits.
        device: Where the classifier runs.

    Raises:
        ValueError: The classifier has no such label, has a single output, or gives logits that are not finite.
    """
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    model = AutoModelForSequenceClassification.from_pretrained(model_folder, dtype=torch.float32).to(device)
    model.eval()
    place = find_label(model_folder, model.config.id2label, label)
    max_length = get_max_length(tokenizer, model)
    probabilities: list[float] = []
    truncated = 0
    for start in range(0, len(texts), batch_size):
        batch = list(texts[start : start + batch_size])
        lengths = [len(ids) for ids in tokenizer(batch)["input_ids"]]
        truncated += sum(length > max_length for length in lengths)
        encoded = tokenizer(
            batch, padding=True, truncation=True, max_length=max_length, return_tensors="pt"
        ).to(device)
        logits = model(**encoded).logits.float()
        finite = torch.isfinite(logits).all(-1)
        if not finite.all():
            first = start + int((~finite).nonzero()[0])
            raise ValueError(
                f"{model_folder}: the logits of {int((~finite).sum())} texts are not finite, first of text {first}; "
                "check the classifier's weights"
            )
        probabilities += logits.softmax(-1)[:, place].tolist()
    return Classified(probabilities, truncated, max_length)


def find_label(model_folder: Path, labels: dict[int, str], label: str) -> int:
    """The output that belongs to a label.

    Raises:
        ValueError: There is none, or a single output, whose probability would be 1 whatever the text.
    """
    known = ", ".join(labels.values())
    if len(labels) < 2:
        raise ValueError(
            f"{model_folder}: a model with the single output {known} gives no probability; name a classifier"
        )
    places = [place for place, name in labels.items() if name == label]
    if not places:
        raise ValueError(f"{model_folder}: no label {label!r}; its labels are {known}")
    return int(places[0])


def get_max_length(tokenizer, model) -> int:
    """The longest text that a classifier reads, in tokens with the special ones.

    Raises:
        ValueError: Neither the tokenizer nor the model says.
    """
    limits = [tokenizer.model_max_length] if tokenizer.model_max_length < NO_LIMIT else []
    positions = getattr(model.config, "max_position_embeddings", None)
    if positions is not None:
        # RoBERTa counts its positions from behind the padding's.
        table = getattr(getattr(model.base_model, "embeddings", None), "position_embeddings", None)
        padding = getattr(table, "padding_idx", None)
        limits.append(positions - (0 if padding is None else padding + 1))
    if not limits:
        raise ValueError(
            f"{model.config.model_type}: neither tokenizer nor model says how long a text may be; set "
            "model_max_length in its tokenizer_config.json"
        )
    return min(limits)
