"""The account that jobs are charged to, looked up before any job is submitted."""

import getpass

from execution.queue import QueueError, call
from execution.site import Site, SiteError, describe_value


def check_account(site: Site) -> None:
    """See whether this user may charge the site's account, where Slurm keeps accounts.

    Raises:
        SiteError: Slurm knows accounts of this user, and this is none of them.
    """
    user = f"user={getpass.getuser()}"
    try:
        lines = call("sacctmgr", "--noheader", "--parsable2", "show", "associations", user, "format=account")
    except QueueError:
        # Without accounting nobody checks it.
        return
    known = sorted(set(lines.split()))
    if known and site.account.lower() not in {account.lower() for account in known}:
        raise SiteError(
            describe_value(("account",), f"not one of your accounts; there are {', '.join(known)}")
        )
