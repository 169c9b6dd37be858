"""What tells an outage of Slurm, which passes by itself, from a refusal, which does not."""

import re

# Slurm's own words (slurm_errno.c, and what its programs say of a controller whose settings they fetch), and ours of
# a program that does not end or cannot be started for want of memory.
OUTAGE = re.compile(
    "|".join(
        (
            "unable to contact slurm controller",
            "communication (connection|shutdown) failure",
            "message (send|receive) failure",
            "socket timed out",
            "zero bytes were transmitted",
            "connection (refused|reset|timed out)",
            "no route to host",
            "network is unreachable",
            "temporary failure in name resolution",
            "backup controller.* in standby mode",
            "backing off",
            "temporarily un(able|available)",
            "could not establish a configuration source",
            "unable to connect to database",
            "no answer within",
            "cannot be started",
        )
    ),
    re.IGNORECASE,
)


def is_outage(words: str) -> bool:
    """Whether a program of Slurm has failed because its daemons did not answer: to ask again later is of use.

    Args:
        words: What the program said.
    """
    return OUTAGE.search(words) is not None
