"""Serve the judge of the reviews world on the loopback interface."""

import tyro

from lossgrid.worlds.reviews.oracle import OracleSettings


def main(port: int, settings: OracleSettings, model: str = "oracle", latency_ms: float = 0.0) -> None:
    """Answer chat completions as an imperfect judge of known imperfections until the process is ended.

    Args:
        port: Port of the loopback interface to listen on.
        settings: How the judge errs.
        model: Name that requests must give.
        latency_ms: Milliseconds that every answer takes at least.
    """
    from lossgrid.judging.serving.oracle import serve_oracle

    serve_oracle(port, model, settings, latency_ms / 1000)


if __name__ == "__main__":
    tyro.cli(main, config=(tyro.conf.OmitArgPrefixes,))
