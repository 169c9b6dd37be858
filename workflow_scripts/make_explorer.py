"""Make the loss explorer of a study: its losses on sliders, over the margins of its runs."""

from pathlib import Path

import tyro

THREADS = 1


def main(study: Path, results: Path, template: Path, page: Path) -> None:
    """Write the page.

    Args:
        study: Study file.
        results: Folder of the study's results; runs whose training log is there can be laid under the losses.
        template: HTML file to fill.
        page: HTML file to write.
    """
    import torch

    from lossgrid.pages.explorer.data import gather_explorer
    from lossgrid.pages.template import fill_template
    from lossgrid.studies import load_study

    torch.set_num_threads(THREADS)
    loaded = load_study(study)
    data = gather_explorer(loaded, results / "cells")
    for objective in data["objectives"]:
        if "undrawable" in objective:
            print(f"left out: {objective['undrawable']}")
    page.write_text(fill_template(template, f"{loaded.title} – loss explorer", data), encoding="utf-8")
    print(f"{len(data['objectives'])} losses, {len(data['runs'])} runs")


if __name__ == "__main__":
    tyro.cli(main)
