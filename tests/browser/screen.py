"""What every page must give its readers, on any screen: no text out of it, enough contrast, names for what is used."""

# WCAG 2.1, 1.4.3: of text on its ground.
CONTRAST = 4.5
UNREADABLE = """(least) => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const parse = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = (rgb) => {
        const [r, g, b] = rgb.slice(0, 3).map((each) => each / 255).map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const getGround = (node) => {
        for (let each = node; each; each = each.parentElement) {
            const colour = parse(getComputedStyle(each).backgroundColor);
            if (colour[3] > 250) return colour;
        }
        return [255, 255, 255, 255];
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode.parentElement;
        if (!walker.currentNode.textContent.trim() || ["SCRIPT", "STYLE", "OPTION", "TITLE"].includes(node.tagName.toUpperCase())) continue;
        if (!node.checkVisibility() || node.disabled) continue;
        const style = getComputedStyle(node);
        const ink = light(parse(node instanceof SVGElement ? style.fill : style.color)), ground = light(getGround(node));
        const contrast = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
        if (contrast < least) found.push(`${walker.currentNode.textContent.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
    }
    return [...new Set(found)];
}"""
NAMELESS = """() => [...document.querySelectorAll("button, a[href], input, select, svg[role=img], [role=region]")]
    .filter((each) => each.checkVisibility() && !(each.getAttribute("aria-label") || each.textContent.trim() || each.labels?.length || each.title))
    .map((each) => each.outerHTML.slice(0, 120))"""


def check_screen(page) -> None:
    """Assert that a page can be read and used on the screen that it is on.

    Args:
        page: An open page.
    """
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "runs out of the screen"
    assert page.evaluate(UNREADABLE, CONTRAST) == []
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("h1").count() == 1
