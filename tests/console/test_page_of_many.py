"""The page of 200 directories and 51 applications, 50 of them in trouble: small, searchable, by keyboard alone."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from gateway.words.reasons import Reason
from tests.chromium import MARKS, SLOWLY_MS, Browser, Page, browser, expect
from tests.console.many import NAMES, SECTIONS, ManyDirectories, a_morning, login_at, serving
from tests.console.site import Site

__all__ = ["browser"]

pytestmark = MARKS

WIDE, NARROW = {"width": 1300, "height": 900}, {"width": 390, "height": 844}
SCREENS = 2


def home(name: str, state: str, **more: Any) -> dict[str, Any]:
    """A host of a first factor."""
    counts = {"questions": 3, "errors": 1, "outcomes": {"accepted": 2, "timeout": 1}, "discards": {"unasked": 4}}
    return {
        "host": name,
        "state": state,
        "trouble": "",
        "hint": "",
        "latency_ms": {"p50": 12, "p99": 40},
        **counts,
        **more,
    }


def first_factor(n: int, section: str, *hosts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"section": f"radius_client{n}", "kind": "radius_client", "sections": [section], "hosts": hosts, **more}


SILENT = {"trouble": "timeout", "hint": "it does not answer: see that it runs"}
WORSE: dict[str, Any] = {
    "clients": [
        first_factor(
            2, SECTIONS[1], home("10.0.0.5:1812", "up"), home("10.0.0.6:1812", "down", **SILENT), state="degraded"
        ),
        first_factor(3, SECTIONS[0], home("10.0.0.7:1812", "down", **SILENT), state="down"),
    ],
    "last_reload": {
        "ok": False,
        "age_s": 75.0,
        "changes": {"summary": "sections: 150 removed, 0 added, 2 changed; clients 400 -> 90"},
        "problems": [f"authproxy.cfg:{n} [radius_server_duo_only] skey: is empty" for n in range(9)],
    },
    "logs": [
        {"log": name, "lines_lost": 5, "lost_to": ["worker 0"], "trouble": "No space left on device"}
        for name in ("authproxy.log", "authevents.log")
    ],
}


@pytest.fixture(scope="module")
def worse_site() -> Iterator[Site]:
    gateway = ManyDirectories()
    gateway.more = WORSE
    with serving(gateway) as site:
        a_morning(gateway, site)
        yield site


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    gateway = ManyDirectories()
    with serving(gateway) as site:
        a_morning(gateway, site)
        yield site


@pytest.fixture(scope="module")
def tabs(browser: Browser) -> Iterator[list[Page]]:
    """Tabs that are open, for one test after the other: each is a process, and dearer than what it shows."""
    context = browser.new_context()
    context.set_default_timeout(SLOWLY_MS)
    yield [context.new_page(), context.new_page()]
    context.close()


@pytest.fixture
def look(tabs: list[Page], site: Site) -> Iterator[Any]:
    """Open the page, and wait until it shows logins and counts; no page may complain."""
    opened, said = ExitStack(), []

    def complain(message: Any) -> None:
        said.append(getattr(message, "text", message))

    def open_page(path: str = "", site: Site = site, *, viewport: Any, color_scheme: Any = "light") -> Page:
        page = tabs.pop()
        opened.callback(leave, page)
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=color_scheme)
        page.on("console", complain)
        page.on("pageerror", complain)
        page.goto(f"{site.url}/{path}")
        shown(page.locator("#logins tbody tr").first)
        expect(page.locator("#reasons-count")).to_contain_text("duo_denied 201" if not path else "duo_")
        return page

    def leave(page: Page) -> None:
        page.remove_listener("console", complain)
        page.remove_listener("pageerror", complain)
        page.goto("about:blank")
        tabs.append(page)

    with opened:
        yield open_page
    assert said == []


def shown(locator: Any) -> None:
    expect(locator).to_be_visible()


def says(locator: Any, text: str) -> None:
    expect(locator).to_contain_text(text)


def height_of(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollHeight"))


@pytest.mark.parametrize("path", ["", f"#/server/{SECTIONS[0]}"], ids=["all", "one"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_two_screens_at_most(look, viewport, scheme, path):
    page = look(path, viewport=viewport, color_scheme=scheme)
    assert height_of(page) <= SCREENS * viewport["height"]
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    assert page.locator("tbody tr").count() < 60


ROWS_IN_SIGHT = """(table) => {
  const end = table.parentElement.getBoundingClientRect().bottom;
  return [...table.tBodies[0].rows].filter((row) => row.getBoundingClientRect().bottom <= end + 1).length;
}"""


@pytest.mark.parametrize(("viewport", "n_rows"), [(WIDE, 5), (NARROW, 2)], ids=["wide", "narrow"])
def test_some_logins_are_seen_without_scrolling(look, viewport, n_rows):
    assert look(viewport=viewport).locator("#logins").evaluate(ROWS_IN_SIGHT) >= n_rows


def test_what_can_be_done_about_a_login_unfolds(look):
    login = look(viewport=WIDE).locator("#logins tbody tr").first
    remedy = login.get_by_text("See the user's status")
    expect(remedy).to_be_hidden()
    login.locator("summary").press("Enter")
    shown(remedy)


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_much_trouble_at_once_is_two_screens_too(look, worse_site, viewport):
    page = look(site=worse_site, viewport=viewport)
    alert = page.get_by_role("alert")
    says(alert, "50 of 51 applications in fail mode")
    says(alert.locator("summary"), "Log lost: authproxy.log; Log lost: authevents.log")
    expect(page.locator("#alerts > *")).to_have_count(2 if viewport is WIDE else 1)
    assert height_of(page) <= SCREENS * viewport["height"]
    alert.locator("summary").click()
    shown(alert.get_by_text("No space left on device").first)


PLACEHOLDER_FITS = """(input) => {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = getComputedStyle(input, "::placeholder").font;
    const room = input.clientWidth - 2 * parseFloat(getComputedStyle(input).paddingLeft) - 16; // for the clearing cross
    return pen.measureText(input.placeholder).width <= room;
}"""
DATE_AND_TIME_PX = 230  # mm/dd/yyyy, --:-- -- and the sign of a calendar


def test_no_field_is_cut_on_a_telephone(look):
    page = look(viewport=NARROW)
    assert page.locator("#search").evaluate(PLACEHOLDER_FITS)
    assert page.locator("#until").bounding_box()["width"] > DATE_AND_TIME_PX
    shown(page.get_by_text("Until", exact=True))


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_all_of_it_unfolded_is_bounded_too(look, viewport):
    page = look(viewport=viewport)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert height_of(page) < 8 * viewport["height"]


def test_trouble_of_many_is_one_box(look):
    page = look(viewport=WIDE)
    box = page.locator("#alerts > *")
    expect(box).to_have_count(1)
    says(box, "50 of 51 applications in fail mode (keys refused): directories tokyo, osaka, sapporo and 194 more")
    says(box, "users get in without a second factor")
    says(box, "compare ikey, skey and api_host")
    expect(page.locator("#state")).to_have_text("Fail mode")
    says(page.locator("#directories-count"), "200, 197 in trouble")
    says(page.locator("#applications-count"), "51, 50 in trouble")
    says(page.locator("#servers tbody tr").first, "fail mode (keys refused)")
    page.locator("#applications-box summary").click()
    says(page.locator("#applications li").first, "FAIL MODE (keys refused)")
    page.get_by_role("button", name="Next directories").click()
    says(page.locator("#directories-pager"), "26 to 50 of 200")


def test_first_factors_stand_beside_the_applications(look, worse_site, site):
    page = look(site=worse_site, viewport=WIDE)
    alerts = page.get_by_role("alert")
    says(alerts, f"First factor down: radius_client3All logins of {NAMES[SECTIONS[0]]} are rejected")
    says(alerts, "are rejected, for no host answers (10.0.0.7:1812). It does not answer: see that it runs")
    says(alerts, "10.0.0.6:1812 is down, too: others of radius_client2 are asked")
    says(page.locator("#first-factors-count"), "3 hosts, 2 down")
    page.locator("#applications-box summary").click()
    cards = page.locator("#first-factors li")
    expect(cards).to_have_count(3)
    says(cards.first, "10.0.0.6:1812")
    says(cards.first, "Home server of radius_client2. Directories: osaka")
    says(cards.first, "Questions: accepted 2, timeout 1. Answers took 12 ms, p99 40 ms")
    says(cards.first, "p99 40 ms. Replies not believed: unasked 4")
    says(cards.last, "answers")
    page.goto(f"{worse_site.url}/#/server/{SECTIONS[0]}")
    says(page.locator("#first-factors-count"), "1 host, 1 down")
    says(page.locator("#directory-state"), "first factor down")
    says(page.locator("#directory-text"), "Now all logins are rejected: no host of")
    expect(look(viewport=WIDE).locator("#first-factors-box")).to_be_hidden()


def test_what_the_last_reload_would_have_changed_stands_with_the_workers(look, worse_site):
    line = look(site=worse_site, viewport=WIDE).locator("#last-reload")
    says(line, "Last reload 1 min ago, refused: sections: 150 removed, 0 added, 2 changed; clients 400 -> 90")


def test_why_a_user_was_refused_by_keyboard_alone(look):
    page = look(viewport=WIDE)
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("TOKYO alice")
    says(page.locator("#found"), "0 directories, 0 applications, 1 login found")
    row = page.locator("#logins tbody tr")
    expect(row).to_have_count(1)
    for text in (
        "CORP\\Alice",
        "Access-Reject",
        "duo_denied",
        "Login request denied",
        "See the user's status",
        "tokyo",
    ):
        says(row, text)
    page.keyboard.press("Escape")
    expect(page.locator("#found")).to_have_text("")
    says(page.locator("#logins-count"), "801 kept")
    page.keyboard.type("duo_only137")
    says(page.locator("#found"), "1 directory, 1 application, 4 logins found")
    page.keyboard.press("Enter")
    expect(page.locator("#directory-name")).to_be_focused()
    expect(page.locator("#directory-name")).to_have_text("kobe14")
    says(page.locator("#logins-count"), "4 of 801 kept")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("link", name="All directories")).to_be_focused()
    page.keyboard.press("Enter")
    shown(page.locator("#servers"))


def test_a_directory_has_a_page_of_its_own(look):
    page = look(viewport=WIDE)
    page.locator("#search").fill("tokyo")
    page.get_by_role("link", name="tokyo", exact=True).last.click()
    expect(page.locator("#directory-name")).to_have_text("tokyo")
    expect(page.locator("#directory-section")).to_have_text(SECTIONS[0])
    expect(page.locator("#directory-state")).to_have_text("fail mode (keys refused)")
    says(page.locator("#directory-text"), "Duo application DI000000000000000000")
    page.locator("#search").fill("")
    says(page.locator("#logins-count"), "5 of 801 kept")
    says(page.locator("#tiles div", has_text="Rejected").locator("dd"), "1")
    says(page.locator("#tiles div", has_text="p99").locator("dd"), " s")
    says(page.locator("#reasons li", has_text="duo_denied"), "More: radgate explain duo_denied")
    says(page.locator("#applications-count"), "1, 1 in trouble")
    page.locator("#clients-box summary").click()
    says(page.locator("#clients li", has_text="10.80.1.11"), "1 rejected")
    assert not page.locator("#servers").is_visible()
    page.go_back()
    shown(page.locator("#servers"))


def test_a_directory_that_is_not_there_says_so(look, browser, site):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site.url}/#/server/%E0%A4%A")
    shown(page.locator("#servers"))
    page.goto(f"{site.url}/#/server/none")
    expect(page.locator("#directory-state")).to_have_text("There is no such directory")
    context.close()


def test_a_passcode_by_sms_is_neither_a_login_nor_a_reject(look):
    gateway = ManyDirectories(n_troubled=0)
    with serving(gateway) as site:
        for _ in range(20):
            gateway.login(0, Reason.SMS_SENT)
            gateway.login(0, Reason.DUO_ALLOWED)
        gateway.login(0, Reason.DUO_DENIED)
        site.ledger.ring(0).write(login_at(1, 1.8e9, section=SECTIONS[0]))
        page = look(f"#/server/{SECTIONS[0]}", site, viewport=WIDE)
        for name, n in (("Logins", "21"), ("Accepted", "20"), ("Rejected", "1")):
            expect(page.locator("#tiles div", has_text=name).locator("dd span")).to_have_text(n)
        expect(page.locator("#directory-state")).to_have_text("fine")


def test_logins_are_turned_over_by_pages(look):
    page = look(viewport=WIDE)
    says(page.locator("#logins-shown"), "1 to 25 of 801")
    page.get_by_role("button", name="Older logins").click()
    says(page.locator("#logins-shown"), "26 to 50 of 801")
    says(page.locator("#logins tbody tr").first, "user775")
    page.get_by_role("button", name="Newer logins").click()
    says(page.locator("#logins tbody tr").first, "Alice")
    page.locator("#answer").select_option("Access-Reject")
    says(page.locator("#logins-count"), "401 of 801 kept")
    page.locator("#until").fill("2020-01-01T09:00")
    says(page.locator("#logins-none"), "radgate why USER")
