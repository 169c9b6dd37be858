"""Choose the stored judgments that the judge of a study is compared on."""

from pathlib import Path

import tyro


def main(study: Path, sample: Path, downloads: Path) -> None:
    """Write the sample.

    Args:
        study: Study file.
        sample: JSON to write.
        downloads: Folder of what was fetched from public repositories.
    """
    from lossgrid.judging.judge_card.sample import write_sample
    from lossgrid.studies import load_study

    drawn = write_sample(load_study(study), sample, downloads)
    print(", ".join(f"{kind}: {count} judgments" for kind, count in drawn.items()))


if __name__ == "__main__":
    tyro.cli(main)
