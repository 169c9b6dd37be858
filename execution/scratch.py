"""The folder for temporary files, as the node names it that a job runs on."""

import os
import re
import socket

from execution.site import SiteError, describe_value

# What the first process of a job has read: those inside of it do not see all variables of Slurm's.
EXPANDED = "LOSSGRID_SCRATCH"


def expand_scratch(scratch: str) -> str:
    """The folder, with its variables replaced; to be called on the node.

    Args:
        scratch: `scratch` of the site.

    Raises:
        SiteError: A variable is not set on this node.
    """
    folder = os.path.expandvars(os.environ.get(EXPANDED) or scratch)
    left = re.search(r"\$(\w+|\{\w+\})", folder)
    if left:
        raise SiteError(
            describe_value(
                ("scratch",),
                f"the variable {left[0]} is not set on {socket.gethostname()}; write a path, a variable that jobs "
                "know, or null",
            )
        )
    return folder


def keep_scratch(scratch: str | None) -> None:
    """Let the processes inside of this job take the same folder.

    Raises:
        SiteError: A variable is not set on this node.
    """
    if scratch:
        os.environ[EXPANDED] = expand_scratch(scratch)
