"""What a campaign of faults has shown, kind by kind, as a table for the docs.

python tests/cluster/summarise_campaign.py docs/reliability_events.csv
"""

import argparse
from pathlib import Path
from statistics import median

from campaign_table import read_table

HEADER = (
    "| what struck | study | times | hang | retrained cells | steps lost, most | on after, median (most) | "
    "same bits at the end |\n|---|---|---|---|---|---|---|---|"
)


def summarise(rows: list[dict[str, str]]) -> str:
    """A Markdown table with a row for every kind of fault and study, in the order of their first rows.

    Args:
        rows: Of the campaign's table, as text.
    """
    groups = dict.fromkeys((row["kind"], row["study"]) for row in rows)
    lines = [describe(kind, study, rows) for kind, study in groups]
    return "\n".join([HEADER, *lines])


def describe(kind: str, study: str, rows: list[dict[str, str]]) -> str:
    """The line of one kind in one study."""
    struck = [row for row in rows if (row["kind"], row["study"]) == (kind, study)]
    seconds = [float(row["seconds"]) for row in struck if row["seconds"]]
    lost = [int(row["steps_lost"]) for row in struck if row["steps_lost"]]
    went_on = f"{median(seconds):.0f} s ({max(seconds):.0f} s)" if seconds else "–"
    same = sum(row["ended"] == row["identical"] == "True" for row in struck)
    cells = [
        kind,
        study,
        str(len(struck)),
        str(sum("hang" in row["note"] for row in struck)),
        str(max(int(row["retrained"]) for row in struck)),
        str(max(lost)) if lost else "–",
        went_on,
        f"{same} of {len(struck)}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table of a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    print(summarise(read_table(parser.parse_args().table)))


if __name__ == "__main__":
    main()
