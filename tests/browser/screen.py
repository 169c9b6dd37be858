"""What every page must give its readers, on any screen.

No text runs out of it, contrast is enough, and all that can be used has a name.
"""

from pathlib import Path

# WCAG 2.1, 1.4.3: of text on its ground.
CONTRAST = 4.5
# Pixels of a letter in a chart.
SMALLEST = 9
CHECKS = Path(__file__).with_suffix(".js").read_text()


def check_screen(page) -> None:
    """Assert that a page can be read and used on the screen that it is on.

    Args:
        page: An open page.
    """
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "runs out of the screen"
    assert page.evaluate(f"(least) => {{ {CHECKS}; return listUnreadable(least); }}", CONTRAST) == []
    assert page.evaluate(f"() => {{ {CHECKS}; return listNameless(); }}") == []
    assert page.evaluate(f"(least) => {{ {CHECKS}; return listTiny(least); }}", SMALLEST) == []
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("h1").count() == 1
