"""Where jobs find their packages."""

import shutil

from snakemake.settings.types import DeploymentMethod, DeploymentSettings

from execution.site import FILE, SiteError


def choose_software(settings: DeploymentSettings, software: str) -> None:
    """Let Snakemake make environments by conda, or leave jobs in its own.

    Args:
        settings: Of Snakemake's workflow; changed.
        software: `software` of the site.

    Raises:
        SiteError: conda is wanted and not there.
    """
    methods = set(settings.deployment_method)
    if software == "host":
        methods.discard(DeploymentMethod.CONDA)
    elif shutil.which(settings.conda_frontend):
        methods.add(DeploymentMethod.CONDA)
    else:
        raise SiteError(
            f"{FILE}: software: conda: there is no {settings.conda_frontend} on this node; install or load it, or "
            "write software: host, with which jobs use the environment that Snakemake runs in"
        )
    settings.deployment_method = methods
