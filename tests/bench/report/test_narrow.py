"""A report on a telephone, in a real browser: nothing lies outside."""

import shutil
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import sync_playwright

from bench.report.page import render_run
from tests.bench.report.examples import a_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDTH = 390

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.filterwarnings("default"),  # the library's own
]

LONG_MS = {"p50": 8123.4, "p90": 19234.5, "p99": 123456.7, "p99.9": 123456.7, "max": 223456.0}


def test_every_column_of_every_table_stays_inside(tmp_path: Path) -> None:
    kinds = ("all", "wrong_passcode", "push_unanswered")
    run = a_run(latency_ms=dict.fromkeys(kinds, LONG_MS), duo={"overlaps": 123_456_789, "calls auth_status": 5})
    page = tmp_path / "page.html"
    page.write_text(render_run(run))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        seen = browser.new_page(viewport={"width": WIDTH, "height": 800})
        seen.goto(page.as_uri())
        rights = "[...document.querySelectorAll('th, td')].map(each => each.getBoundingClientRect().right)"
        assert max(seen.evaluate(rights)) <= WIDTH
        assert seen.evaluate("document.documentElement.scrollWidth") <= WIDTH
        browser.close()
