"""Where jobs find their packages: what the site says, told before any job where it cannot be."""

import pytest
from snakemake.settings.types import DeploymentMethod, DeploymentSettings

from execution.site import SiteError
from execution.software import choose_software


def test_host_leaves_jobs_in_snakemakes_environment():
    """Conda where the site has none would end every job with `conda: command not found`."""
    methods = {DeploymentMethod.CONDA, DeploymentMethod.ENV_MODULES}
    settings = DeploymentSettings(deployment_method=methods)
    choose_software(settings, "host")
    assert settings.deployment_method == {DeploymentMethod.ENV_MODULES}


def test_conda_that_is_missing_is_told_with_both_ways_out(monkeypatch, tmp_path):
    """Snakemake's own error comes after the DAG, and knows nothing of the site's file."""
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = DeploymentSettings()
    with pytest.raises(SiteError) as error:
        choose_software(settings, "conda")
    assert str(error.value) == (
        "slurm/site.yaml: software: conda: there is no conda on this node; install or load it, or write "
        "software: host, with which jobs use the environment that Snakemake runs in"
    )
    assert settings.deployment_method == set()


def test_conda_that_is_there_is_used(monkeypatch, tmp_path):
    """The profile alone must be enough: without the method, environments are ignored in silence."""
    (tmp_path / "conda").write_text("#!/bin/sh\n")
    (tmp_path / "conda").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = DeploymentSettings()
    choose_software(settings, "conda")
    assert settings.deployment_method == {DeploymentMethod.CONDA}
