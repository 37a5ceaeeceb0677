"""What every page must be in a browser, whatever it is for."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.browser import DESK, PHONE

NARROWEST = 320
LAYOUT_SHIFT = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 200);
})"""


def looks_right(page: Page, name: str) -> None:
    """WCAG 2.2 AA by axe in both themes, no sideways scrolling at 320 px, nothing moved while it loaded."""
    expect(page.locator("#page-title")).to_be_visible()
    assert page.evaluate(LAYOUT_SHIFT) == 0
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in (NARROWEST, PHONE["width"], DESK["width"]):
            page.set_viewport_size({"width": width, "height": PHONE["height"]})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} at {width}"
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        assert found.violations_count == 0, found.generate_report()
