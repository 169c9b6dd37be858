// What a page must give its readers on the screen that it is on; each function returns what fails.

/* Texts whose contrast on their ground is below the least, with it. */
function listUnreadable(least) {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const parse = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    // Relative luminance of WCAG 2.1.
    const linearize = (share) => (share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4);
    const getLuminance = (colour) => {
        const [r, g, b] = colour.slice(0, 3).map((each) => linearize(each / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const getGround = (node) => {
        for (let each = node; each; each = each.parentElement) {
            const colour = parse(getComputedStyle(each).backgroundColor);
            if (colour[3] > 250) return colour;
        }
        return [255, 255, 255, 255];
    };
    const unseen = ["SCRIPT", "STYLE", "OPTION", "TITLE"];
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode.parentElement;
        const text = walker.currentNode.textContent.trim();
        if (!text || unseen.includes(node.tagName.toUpperCase()) || !node.checkVisibility() || node.disabled) continue;
        const style = getComputedStyle(node);
        const ink = getLuminance(parse(node instanceof SVGElement ? style.fill : style.color));
        const ground = getLuminance(getGround(node));
        const contrast = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
        if (contrast < least) found.push(`${text.slice(0, 40)}: ${contrast.toFixed(2)}`);
    }
    return [...new Set(found)];
}

/* What can be used or looked at and has no name. */
function listNameless() {
    const hasName = (each) =>
        each.getAttribute("aria-label") || each.textContent.trim() || each.labels?.length || each.title;
    return [...document.querySelectorAll("button, a[href], input, select, svg[role=img], [role=region]")]
        .filter((each) => each.checkVisibility() && !hasName(each))
        .map((each) => each.outerHTML.slice(0, 120));
}

/* Texts of charts that are drawn smaller than so many pixels. */
function listTiny(least) {
    return [...document.querySelectorAll("svg text")]
        .filter((each) => each.textContent.trim() && each.checkVisibility())
        .map((each) => {
            const { a, b } = each.getScreenCTM();
            return [each.textContent, parseFloat(getComputedStyle(each).fontSize) * Math.hypot(a, b)];
        })
        .filter(([, size]) => size < least)
        .map(([text, size]) => `${text}: ${size.toFixed(1)} px`);
}
