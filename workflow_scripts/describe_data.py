"""Describe the data of a study: counts, lengths, duplicates, overlaps, what the reference prefers."""

from pathlib import Path

import tyro


def main(
    pairs: Path, reference: Path, corpus: Path, table: Path, lengths: Path, prompts: Path | None = None
) -> None:
    """Write the table of the data and the lengths of its pairs.

    Args:
        pairs: Folder of the preference pairs.
        reference: Folder of their tokens with reference log-probabilities.
        corpus: Folder of the held-out chats and, where there are some, the SFT chats.
        table: Table to write, a row a number.
        lengths: Table to write, a row a pair that cells are trained on.
        prompts: Folder of the prompts that a judge will see, where there is one.
    """
    from lossgrid.statistics.data_card.table import describe_data

    described, tokens = describe_data(pairs, reference, corpus, prompts)
    described.to_csv(table, index=False, float_format="%.9g")
    tokens.to_csv(lengths, index=False)
    print(described[["part", "measure", "value", "low", "high", "n"]].to_string(index=False))


if __name__ == "__main__":
    tyro.cli(main)
