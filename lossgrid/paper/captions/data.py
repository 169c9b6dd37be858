"""The caption of the figure of a study's data: the lengths of its pairs."""

import pandas as pd

from lossgrid.figures.length_differences import FEW, count_beyond
from lossgrid.paper.captions.sentences import count, join


def describe_length_differences(lengths: pd.DataFrame, data: pd.DataFrame) -> str:
    """The caption of the length differences; the tables as the figure takes them."""
    measures = data[data["part"] == "reference"].set_index("measure")
    clusters = int(measures.loc["length_difference_mean", "clusters"])
    differences = lengths["chosen_tokens"] - lengths["rejected_tokens"]
    limit, left, right = count_beyond(differences.to_numpy())
    points = len(lengths) <= FEW
    return join(
        f"Lengths of the responses of {count(len(lengths), 'preference pair')} that cells are trained on, in tokens.",
        "Left: length of the chosen minus that of the rejected response; the diamond is the mean with its 95 % "
        "interval (Student's t) and shares have exact 95 % intervals, "
        + (
            f"both clustered by prompt ({count(clusters, 'prompt')})."
            if clusters < len(lengths)
            else "every pair having a prompt of its own."
        ),
        f"Hatched at the ends: {count(left + right, 'pair')} beyond {count(limit, 'token')}."
        if left or right
        else "",
        f"Right: the two lengths, {'a point a pair' if points else 'counted in cells on a logarithmic scale'}; above "
        "the line the chosen response is longer.",
        "All runs are trained on these pairs; none is shown.",
    )
