import pytest
from workflow_copy import copy_repository


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A copy of the repository in which the tiny study has run from end to end."""
    workflow = copy_repository(tmp_path_factory.mktemp("workflow") / "repository")
    workflow.run()
    return workflow


@pytest.fixture
def workflow(finished, tmp_path):
    """A finished study of one's own, to change at will."""
    return finished.copy(tmp_path / "repository")
