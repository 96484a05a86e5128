"""A real browser for the tests of pages; without it they are skipped, and say what is missing."""

import shutil
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Browser, Page, expect, sync_playwright

__all__ = ["MARKS", "SLOWLY_MS", "Browser", "Page", "browser", "expect"]

SLOWLY_MS = 60_000  # what a page does at once may take so long beside other tests
expect.set_options(timeout=SLOWLY_MS)

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

MARKS = [
    pytest.mark.integration,
    pytest.mark.skipif(_CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.filterwarnings("default"),  # the library's own
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
