"""Are the results of two runs of a study the same to the bit?

As a program: `python tests/cluster/compare_results.py results/mini elsewhere/results/mini`.
"""

import argparse
import hashlib
import sys
from pathlib import Path

# What jobs took, what they said on the way, and what they keep in order to go on, are no results; nor are cards and
# pages, which name the days of judging and the commit.
LEFT_OUT_FOLDERS = {"logs", "benchmarks", "ledgers", "checkpoints", "live", "cards", "report"}
LEFT_OUT_FILES = {"tables/costs.csv", "tables/judge_costs.csv"}
LEFT_OUT_NAMES = {".snakemake_timestamp", "README.md"}


def hash_results(results: Path) -> dict[str, str]:
    """SHA-256 of each result of a study: weights, responses, judgments, scores, tables, figures.

    Args:
        results: Folder `results/{study}`.

    Returns:
        By path below that folder; links to files count as files.
    """
    hashes = {}
    for file in sorted(results.rglob("*")):
        path = file.relative_to(results)
        if is_result(path) and file.is_file():
            hashes[str(path)] = hashlib.sha256(file.read_bytes()).hexdigest()
    return hashes


def is_result(path: Path) -> bool:
    """Whether a path below a study's folder holds a result."""
    return not (
        LEFT_OUT_FOLDERS & set(path.parts[:-1]) or str(path) in LEFT_OUT_FILES or path.name in LEFT_OUT_NAMES
    )


def find_differences(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """A line for each file that differs, is missing or is too many; none where all are the same to the bit."""
    lines = []
    for path in sorted(expected.keys() | found.keys()):
        if path not in found:
            lines.append(f"{path}: missing")
        elif path not in expected:
            lines.append(f"{path}: not expected")
        elif expected[path] != found[path]:
            lines.append(f"{path}: differs")
    return lines


def main() -> None:
    """Compare two folders; the exit status is 1 where they differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("expected", type=Path)
    parser.add_argument("found", type=Path)
    arguments = parser.parse_args()
    expected, found = (hash_results(folder) for folder in (arguments.expected, arguments.found))
    if not expected:
        sys.exit(f"{arguments.expected}: no results")
    differences = find_differences(expected, found)
    print(*differences, f"{len(expected)} files, {len(differences)} differences", sep="\n")
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
