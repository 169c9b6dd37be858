"""Make the report of a study: one page that opens from a file, without a network."""

from pathlib import Path

import tyro


def main(study: Path, results: Path, lock: Path, template: Path, page: Path) -> None:
    """Write the page.

    Args:
        study: Study file.
        results: Folder of the study's results, with tables, training logs, answers and scores.
        lock: The list of versions that the environment was made of.
        template: HTML file to fill.
        page: HTML file to write.
    """
    import vl_convert

    from lossgrid.pages.report.data import gather_report
    from lossgrid.pages.template import fill_template
    from lossgrid.studies import load_study

    loaded = load_study(study)
    report = gather_report(loaded, study, results, lock)
    # Vega, Vega-Lite and their embedding, of the versions that vl-convert carries.
    content = fill_template(template, f"{loaded.title} – report", report, vl_convert.javascript_bundle())
    page.write_text(content, encoding="utf-8")
    answered = len(report["samples"]["answers"])
    print(f"{len(report['rows'])} cells, {answered} with sample answers, {len(content) / 1e6:.2f} MB")


if __name__ == "__main__":
    tyro.cli(main)
