"""A report on a telephone, in a real browser: nothing lies outside."""

from pathlib import Path

from bench.report.page import render_run
from tests.bench.report.examples import a_run
from tests.chromium import MARKS, Browser, browser

__all__ = ["browser"]

WIDTH = 390

pytestmark = MARKS

LONG_MS = {"p50": 8123.4, "p90": 19234.5, "p99": 123456.7, "p99.9": 123456.7, "max": 223456.0}


def test_every_column_of_every_table_stays_inside(tmp_path: Path, browser: Browser) -> None:
    kinds = ("all", "wrong_passcode", "push_unanswered")
    run = a_run(latency_ms=dict.fromkeys(kinds, LONG_MS), duo={"overlaps": 123_456_789, "calls auth_status": 5})
    page = tmp_path / "page.html"
    page.write_text(render_run(run))
    seen = browser.new_page(viewport={"width": WIDTH, "height": 800})
    seen.goto(page.as_uri())
    rights = "[...document.querySelectorAll('th, td')].map(each => each.getBoundingClientRect().right)"
    assert max(seen.evaluate(rights)) <= WIDTH
    assert seen.evaluate("document.documentElement.scrollWidth") <= WIDTH
