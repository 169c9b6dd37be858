"""The caption of each figure, from the tables that the figure is drawn from."""

from pathlib import Path

from lossgrid.paper.latex import comment, to_latex, wrap


def write_caption(text: str, figure: str, study: str, path: Path) -> None:
    r"""Write a caption as LaTeX, for ``\caption{\protect\input{…}}``.

    Args:
        text: The caption as plain text.
        figure: Name of the figure.
        study: Name of the study.
        path: File to write.
    """
    head = comment(
        [
            f"Caption of results/{study}/figures/{figure}.pdf, made from the tables by the workflow.",
            rf"\includegraphics{{results/{study}/figures/{figure}}}",
            rf"\caption{{\protect\input{{results/{study}/figures/{figure}.tex}}}}",
        ]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{head}{wrap(to_latex(text))}%\n", encoding="utf-8")
