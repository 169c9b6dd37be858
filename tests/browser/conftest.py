import os
import shutil
import subprocess

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.watched import Watched

# Its assertions tell what they found.
pytest.register_assert_rewrite("tests.browser.screen")

NAMES = ("chromium", "chromium-browser", "google-chrome")
# No network and no services of a vendor's; the sandbox is what root cannot have.
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser. It is installed only where that is asked for: it changes the machine."""
    found = find_browser()
    if found is None and os.environ.get("LOSSGRID_INSTALL_PACKAGES") == "1":
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", *command], check=True, stdout=subprocess.DEVNULL)
        found = find_browser()
    if found is None:
        pytest.skip(
            f"{' or '.join(NAMES)}: not installed; LOSSGRID_INSTALL_PACKAGES=1 lets the tests install Debian's "
            "package chromium, as root"
        )
    return found


def find_browser() -> str | None:
    """The first browser of those that are known."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


# Playwright runs an event loop in this thread until it is stopped, and other tests have loops of their own.
@pytest.fixture(scope="module")
def browser(chromium):
    """A running browser without a window."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture
def make_watched(browser):
    """Opens a window of a size and colour scheme; what it complained of must be nothing in the end."""
    opened = []

    def make(width: int = 1366, height: int = 900, scheme: str = "light") -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        opened.append((context, Watched(context)))
        return opened[-1][1]

    yield make
    for context, watched in opened:
        context.close()
        assert watched.complaints == []


@pytest.fixture
def watched(make_watched):
    """A window of the size of a laptop's."""
    return make_watched()
