"""A page in the Chromium of the system, as a person has it: seen, typed at, read out, printed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests import installed

REQUIRED = "REQUIRE_BROWSER"
AXE = Path(__file__).parent / "node" / "node_modules" / "axe-core" / "axe.min.js"
NAMES = ("chromium", "chromium-browser", "google-chrome")
TIME_LIMIT_MS = 10_000
"""For whatever a test waits for; it is there at once, but on a busy machine."""
LOADING_MS = 120_000
DESKTOP, PHONE, SMALL_PHONE = (1280, 900), (390, 844), (320, 640)
# Chromium's sandbox does not work for root, and nothing but pages of these tests is opened.
ARGUMENTS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def require_browser() -> None:
    """Skip a module of tests, or fail it, if something is missing that they need."""
    if _chromium() is None:
        why = "no Chromium is installed: on Debian `apt-get install chromium` does that"
        installed.unavailable(why, required_by=REQUIRED)
    if not AXE.exists():
        why = "axe-core is not installed: `make browser-tools` does that, and needs Node"
        installed.unavailable(why, required_by=REQUIRED)


def _chromium() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def started() -> Iterator[Browser]:
    """Run Chromium, with a profile of its own, until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_chromium(), args=list(ARGUMENTS), chromium_sandbox=False
        )
        yield browser
        browser.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One page in one window."""

    page: Page
    messages: list[str] = field(default_factory=list)
    """What the browser's console says, exceptions included."""
    requests: list[str] = field(default_factory=list)
    """The addresses that were asked for."""

    def rows(self) -> list[str]:
        """Return what the drawn disks are called, in the order of the document."""
        return self.page.locator("tbody .open").all_inner_texts()

    def figure(self, label: str) -> str:
        """Return the number of a figure."""
        tile = self.page.locator(".tile").filter(has=self.page.get_by_text(label, exact=True))
        return tile.locator(".number").inner_text()

    def control(self, name: str) -> Locator:
        """Return a control by what a screen reader calls it."""
        return self.page.get_by_label(name, exact=True)

    def counted(self, text: str) -> None:
        """Wait until the live region says so many disks."""
        self.page.get_by_role("status").get_by_text(text, exact=True).wait_for()

    def wide(self) -> int:
        """Return how far the page reaches to the right, in pixels."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def violations(self) -> list[str]:
        """Return what axe-core finds serious or critical."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = self.page.evaluate("axe.run()")
        assert len(found["passes"]) > 10, "axe-core checked nothing"
        return [
            f"{one['id']}: {node['html']}: {node['failureSummary']}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]


@contextmanager
def shown(
    browser: Browser,
    path: Path,
    fragment: str = "",
    *,
    size: tuple[int, int] = DESKTOP,
    **context: Any,
) -> Iterator[Screen]:
    """
    Open a page in a window of its own.

    Args:
        browser: Chromium.
        path: The file.
        fragment: What stands after `#` in the address.
        size: Of the window, in pixels.
        context: More about the window, such as `color_scheme`.

    """
    window = browser.new_context(viewport={"width": size[0], "height": size[1]}, **context)
    screen = Screen(page=window.new_page())
    screen.page.set_default_timeout(TIME_LIMIT_MS)
    screen.page.on("console", lambda message: screen.messages.append(message.text))
    screen.page.on("pageerror", lambda error: screen.messages.append(str(error)))
    screen.page.on("request", lambda request: screen.requests.append(request.url))
    screen.page.goto(f"{path.as_uri()}{fragment}", timeout=LOADING_MS)
    yield screen
    window.close()
