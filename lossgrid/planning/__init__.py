"""What a study will take, before anything runs: memory, time, disk, calls and money. Imports no torch."""

from lossgrid.planning.requirements import Requirements, get_requirements

__all__ = ["Requirements", "get_requirements"]
