"""The page of a run: whole, by itself, in the colours of light and dark."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from bench.report.charts import VARIABLES, charts_of, steps_chart
from bench.report.page import render_run, table
from bench.report.record import Finding, Judgement
from tests.bench.report.examples import STEPS, a_run

pytestmark = pytest.mark.usefixtures("drawn_once")

UNITS = ("logins/s", "ms", "logins", "cores", "MB", "connections", "answered within, ms")


@pytest.fixture(scope="module")
def page():
    return render_run(
        a_run(findings=[Finding(Judgement.WRONG, "2 logins were lost.")], limit=500.0, p99_bound_ms=100.0, steps=STEPS)
    )


def test_the_page_needs_no_other_host_and_no_script(page):
    addresses = set(re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"')>\s]+)", page))
    assert all(address.startswith("#") for address in addresses)
    assert "<script" not in page
    assert "@import" not in page


def test_every_element_is_closed(page):
    open_elements = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "br"):
                open_elements.append(tag)

        def handle_endtag(self, tag):
            assert open_elements.pop() == tag

    Parser().feed(page)
    assert not open_elements


def test_text_is_escaped(page):
    assert "Is &lt;anybody&gt; pushed twice?" in page
    assert "<pre>[scenario]\nquestion = Is &lt;anybody&gt; pushed twice?" in page


def test_what_went_wrong_stands_out(page):
    assert '<li class="wrong">2 logins were lost.</li>' in page


def test_events_have_a_number_in_the_table_and_in_the_charts(page):
    assert "2\xa0 Duo: black hole" in page
    assert "served after 0.25 s" in page


def test_charts_take_their_colours_from_the_page(page):
    style = page[page.index("<style>") : page.index("</style>")]
    for chart in (*(svg for _, svg in charts_of(a_run())), steps_chart(STEPS, 100.0)):
        assert not re.search(r"#[0-9a-f]{6}", re.sub(r"(href|url\(|id=)[^;>]*", "", chart))
        assert "var(--ink)" in chart
        ET.fromstring(chart)
    for variable in VARIABLES.values():
        assert style.count(f"{variable}:") == 2, f"{variable} has one colour for light and one for dark"


def test_every_axis_is_named_with_its_unit():
    for what, svg in charts_of(a_run()):
        texts = re.findall(r">([^<>]+)</text>", svg)
        assert any("seconds" in text or "percentile" in text for text in texts), what
        assert any(
            text in ("logins/s", "ms", "logins", "cores", "MB", "connections", "answered within, ms") for text in texts
        ), what


def test_a_run_without_answers_has_a_page():
    nothing = a_run(latency_ms={}, curves={}, gateway_ms={}, seconds=[], looks=[], processes=[], events=[])
    assert "<svg" in render_run(nothing)


def test_a_table_without_rows_is_nothing():
    assert table("Nothing", ("a",), []) == ""


def test_what_duo_counts_has_plain_names():
    names = ("n_calls", "pushed_users", "overlaps", "verified", "wrongly_signed", "decided", "accepted")
    page = render_run(a_run(duo=dict.fromkeys(names, 3)))
    assert "pushes beside another of the same user" in page
    assert not [name for name in names if f'<td class="words">{name}</td>' in page]
