"""The status page in a real browser: live, searchable, usable by keyboard and screen reader; it asks nobody else."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from bench.processes import SimulatorProcess
from tests.chromium import MARKS, SLOWLY_MS, Browser, Page, browser, expect
from tests.integration.site import Site
from tests.integration.test_console import ANY_PORT, TOKEN, url_of

__all__ = ["browser"]

pytestmark = MARKS


class Visit:
    """A page that was opened, what its console said and whom it asked."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(SLOWLY_MS)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(url)

    def row(self, text: str) -> Any:
        return self.page.locator("#logins tbody tr:not([hidden])", has_text=text)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Any]:
    """Open a page; no page may complain or ask anybody else."""
    visits: list[tuple[str, Visit]] = []

    def open_page(url: str, **options: Any) -> Visit:
        visits.append((url, Visit(browser, url, **options)))
        return visits[-1][1]

    yield open_page
    for url, each in visits:
        each.context.close()
        assert each.said == []
        assert [asked for asked in each.asked if not asked.startswith(url)] == []


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory, shared_simulator: SimulatorProcess) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"), shared_simulator)
    site.start(gateway=ANY_PORT)
    yield site
    site.stop()


@pytest.fixture
def running(shared_site: Site, simulator: SimulatorProcess) -> Site:
    """A gateway with a page, for tests that mind neither logins nor discards of others."""
    return shared_site


def expect_text(locator: Any, text: str) -> None:
    expect(locator).to_contain_text(text)


def test_a_login_is_seen_without_a_reload_and_can_be_found(site, visit):
    nas = site.start(gateway=ANY_PORT).nas()
    url = url_of(site.gateway)
    seen = visit(url)
    expect_text(seen.page.locator("#state"), "All is well")
    expect(seen.page.get_by_text("No login yet.")).to_be_visible()
    for user, password in (("alice", "123456"), ("alice", "999999"), ("nobody", "push")):
        nas.login(user, password)
    expect_text(seen.row("alice").first, "duo_denied")
    expect_text(seen.row("nobody"), "not_enrolled")
    expect(seen.page.locator("#tiles div", has_text="Accepted").locator("dd")).to_have_text("1")
    search = seen.page.get_by_role("searchbox", name="Search")
    for words, found in (("NOBODY", 1), ("127.0.0.1", 3), ("denied", 1), ("duo_denied alice", 1), ("zebra", 0)):
        search.fill(words)
        expect(seen.page.locator("#logins tbody tr:visible")).to_have_count(found)
        expect_text(seen.page.locator("#found"), f"{found} login{'' if found == 1 else 's'} found")
    search.fill("")
    seen.page.get_by_role("combobox", name="Answer", exact=True).select_option("Access-Accept")
    expect(seen.page.locator("#logins tbody tr:visible")).to_have_count(1)
    nas.login("erin", "anything")  # arrives while somebody searches
    expect_text(seen.row("erin"), "duo_bypass")


@pytest.mark.parametrize("width", [1300, 1600])
def test_no_advice_is_cut_off(running, visit, width):
    running.nas().login("alice", "123456")
    seen = visit(url_of(running.gateway), viewport={"width": width, "height": 900})
    seen.page.locator("#servers a").click()
    expect_text(seen.page.locator("#directory-text"), "require_message_authenticator=yes can be set")
    seen.page.get_by_role("link", name="All directories").click()
    hidden = "element => { const box = element.closest('.scroll'); return box.scrollWidth - box.clientWidth; }"
    assert seen.page.locator("#servers").evaluate(hidden) <= 0


def test_markup_in_a_user_name_is_text(running, visit):
    name = "<img src=x onerror=alert(1)><script>document.title='!'</script>"
    running.nas().login(name, "123456")
    seen = visit(url_of(running.gateway))
    expect_text(seen.row(name), "not_enrolled")
    assert seen.page.locator("#logins img, #logins script").count() == 0


def test_fail_mode_is_loud_in_words(site, visit):
    nas = site.start(gateway=f"{ANY_PORT}\nfailures_to_open=2", failmode="secure", api_timeout=1).nas()
    url = url_of(site.gateway)
    seen = visit(url)
    expect_text(seen.page.locator("#applications"), "healthy")
    site.simulator.fault("refuse")
    for user in ("alice", "bob", "carol"):
        nas.login(user, "123456")
    expect_text(seen.page.get_by_role("alert"), "FAIL MODE")
    expect_text(seen.page.get_by_role("alert"), "nobody gets in")
    expect_text(seen.page.locator("#state"), "Fail mode")
    expect_text(seen.page.locator("#applications"), "FAIL MODE")
    with pytest.raises(urllib.error.HTTPError, match="503") as failure:
        urllib.request.urlopen(url + "healthz", timeout=20)
    with failure.value:
        assert "fail mode" in json.load(failure.value)["reasons"][0]
    site.simulator.heal()
    nas.login("alice", "123456")
    expect(seen.page.locator("#state")).to_have_text("All is well")


def test_a_refused_reload_says_why_until_another_one_succeeds(site, visit):
    site.start(gateway=ANY_PORT)
    seen = visit(url_of(site.gateway))
    site.configure(gateway=ANY_PORT, failmode="sometimes")
    assert site.radgate("reload").returncode == 2
    expect_text(seen.page.get_by_role("alert"), "The last reload was refused; generation 1 goes on serving")
    expect_text(seen.page.get_by_role("alert"), "failmode: 'sometimes' is not known; write safe or secure")
    site.configure(gateway=ANY_PORT)
    assert site.radgate("reload").returncode == 0
    expect(seen.page.locator("#state")).to_have_text("All is well")


def test_discards_come_with_what_to_do(running, visit):
    running.nas(secret="another secret of the same size..").send("alice", "123456")
    seen = visit(url_of(running.gateway))
    entry = seen.page.locator("#discards li")
    expect_text(entry, "message_authenticator_wrong")
    expect_text(entry, "shared secret")
    expect_text(entry, "radgate explain message_authenticator_wrong")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_control_has_a_name_and_can_be_reached(running, visit, scheme):
    running.nas().login("alice", "123456")
    seen = visit(url_of(running.gateway), color_scheme=scheme)
    expect_text(seen.row("alice").first, "duo_allowed")
    assert nameless(seen.page) == []
    reached = set()
    for _ in range(30):
        seen.page.keyboard.press("Tab")
        reached.add(
            seen.page.evaluate("document.activeElement.id || document.activeElement.textContent.trim().slice(0, 9)")
        )
    assert {"span", "search", "answer", "/metrics"} <= reached
    assert seen.page.locator("h1").count() == 1
    assert seen.page.locator("html").get_attribute("lang") == "en"
    assert low_contrast(seen.page) == []


NAMELESS = """() => [...document.querySelectorAll('a, button, input, select, [tabindex], [role=img], section')]
  .filter((node) => node.checkVisibility() && !node.labels?.length && !node.ariaLabel && !node.textContent.trim()
    && !document.getElementById(node.getAttribute('aria-labelledby')))
  .map((node) => node.outerHTML)"""
LOW_CONTRAST = """() => {
  const parse = (text) => (text.match(/[0-9.]+/g) || []).map(Number);
  const linear = (c) => (c <= 10 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (node) => {
    const colour = parse(getComputedStyle(node).backgroundColor);
    return colour.length === 3 || colour[3] > 0.99 ? colour : ground(node.parentElement);
  };
  const hasText = (node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
  const contrast = (node) => {
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  return [...document.querySelectorAll('body *')]
    .filter((node) => node.checkVisibility() && node.tagName !== 'OPTION' && hasText(node) && contrast(node) < 4.5)
    .map((node) => node.outerHTML.slice(0, 120));
}"""


def nameless(page: Page) -> list[str]:
    """Return what a screen reader could not name."""
    found: list[str] = page.evaluate(NAMELESS)
    return found


def low_contrast(page: Page) -> list[str]:
    """Return texts whose contrast with their ground is below 4.5 : 1 (WCAG 2.1, 1.4.3)."""
    found: list[str] = page.evaluate(LOW_CONTRAST)
    return found


def test_it_fits_a_phone(running, visit):
    running.nas().login("a-user-with-a-name-that-is-longer-than-a-phone-is-wide@directory.example.com", "123456")
    running.nas(secret="another secret of the same size..").send("alice", "123456")
    seen = visit(url_of(running.gateway), viewport={"width": 360, "height": 740})
    expect_text(seen.row("a-user"), "not_enrolled")
    expect_text(seen.page.locator("#discards"), "message_authenticator_wrong")
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_token_is_asked_for_once(site, visit):
    (site.folder / "token").write_text(TOKEN)
    (site.folder / "token").chmod(0o600)
    site.start(gateway=f"{ANY_PORT}\nconsole_token_file=token")
    url = url_of(site.gateway)
    seen = visit(url)
    field = seen.page.get_by_label("Token of the status page")
    expect(field).to_be_focused()
    field.fill(TOKEN)
    field.press("Enter")
    expect_text(seen.page.locator("#state"), "All is well")
    assert seen.page.evaluate("document.cookie") == ""
    assert TOKEN not in seen.page.url
    seen.page.get_by_role("button", name="Log out").click()
    expect(seen.page.get_by_label("Token of the status page")).to_be_visible()
