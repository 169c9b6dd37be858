"""Write down the packages of the environment that this script runs in."""

import platform
from importlib.metadata import distributions
from pathlib import Path

import tyro


def main(packages: Path) -> None:
    """Write a line `name==version` for Python and for every package, in alphabetical order.

    Args:
        packages: File to write.
    """
    found = {(item.metadata["Name"].lower(), item.version) for item in distributions()}
    lines = [
        f"python=={platform.python_version()}",
        *(f"{name}=={version}" for name, version in sorted(found)),
    ]
    packages.write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} packages")


if __name__ == "__main__":
    tyro.cli(main)
