"""
The picture in the README: the page after a month on the emulator.

`make picture` writes it. Chromium and the fonts of the system decide on each pixel, so no test
compares it; one holds that it is there and small.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.browser.month import month
from tests.browser.screen import shown, started
from tests.cli.page.pages import write_page

PICTURE = Path(__file__).parent.parent.parent / "docs" / "coverage-page.png"
SIZE = (1180, 800)


def main() -> None:
    """Write the picture."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        with month(Path(folder)) as world:
            write_page(world, path)
        with started() as browser, shown(browser, path, size=SIZE) as screen:
            screen.page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
