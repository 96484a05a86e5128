"""What the console answers, and to whom, over real sockets."""

import asyncio
import json
import re
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gateway.console.door import MAX_CONNECTIONS
from gateway.console.pages import HEADERS, Rules
from gateway.console.queries import ANSWERS
from gateway.console.visitors import MAX_FAILURES, Token
from gateway.words.explanations import (
    DISCARDS,
    REASONS,
)
from gateway.words.reasons import Reason
from tests.config.certificates import certificate
from tests.console.scene import IKEY, SECTION, Gateway, record
from tests.console.site import GUARDED, LOOPBACK, TOKEN, Site, console

BEARER = {"Authorization": f"Bearer {TOKEN}"}
WRONG = {"Authorization": "Bearer a-token-of-somebody-else"}
PAGES = (
    "/",
    "/live.json",
    "/logins.json",
    "/status.json",
    "/metrics",
    "/explanations.json",
    "/static/page.js",
    "/static/uplot.js",
)


def visit(story: Callable[[Site], Coroutine[Any, Any, None]], gateway: Gateway | None = None, **options: Any) -> None:
    """Tell a story about a console."""

    async def tell() -> None:
        async with console(gateway or Gateway(), **options) as site:
            await story(site)

    asyncio.run(tell())


def test_everything_is_there():
    async def story(site: Site) -> None:
        for path in PAGES:
            assert (await site.ask(path)).status == 200, path
        assert (await site.ask("/nothing")).status == 404
        assert (await site.ask("/", "POST")).status == 405
        assert (await site.ask("/static/../__main__.py")).status == 404
        assert (await site.ask("/static/%2e%2e/pages.py")).status == 404

    visit(story)


def test_status_is_the_supervisors_own():
    gateway = Gateway()
    gateway.login(Reason.DUO_ALLOWED)

    async def story(site: Site) -> None:
        assert (await site.ask("/status.json")).json == json.loads(json.dumps(gateway.status))

    visit(story, gateway)


def test_metrics():
    async def story(site: Site) -> None:
        answer = await site.ask("/metrics")
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert f'radgate_requests_total{{server="{SECTION}"}} 0\n' in answer.text

    visit(story)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize(("failmode", "status"), [("safe", 200), ("secure", 503)])
def test_healthz(failmode, status, path):
    gateway = Gateway()
    gateway.fails(failmode)

    async def story(site: Site) -> None:
        answer = await site.ask(path)
        assert answer.status == status
        assert bool(answer.json["reasons"]) is (status == 503)

    visit(story, gateway)


@pytest.mark.parametrize("rules", [LOOPBACK, GUARDED], ids=["loopback", "guarded"])
def test_no_outage_is_a_reason_to_start_the_gateway_anew(rules):
    """A liveness probe that failed would end every pod while Duo is away, or while a worker is replaced."""
    gateway = Gateway()
    gateway.fails("secure")
    gateway.states, gateway.unserved_s = ["backoff", "backoff"], [60.0, 60.0]

    async def story(site: Site) -> None:
        answer = await site.ask("/livez")
        assert (answer.status, answer.json["status"]) == (200, "ok")
        assert (await site.ask("/readyz")).status == 503

    visit(story, gateway, rules=rules)


def test_the_page_gets_only_what_is_new():
    async def story(site: Site) -> None:
        first = (await site.ask("/live.json")).json
        assert first["is_whole"]
        assert first["status"]["applications"][0]["ikey"] == IKEY
        assert first["lately"]["sections"] == {}
        assert "histograms" not in first["status"]
        second = (await site.ask(f"/live.json?after={first['cursor']}")).json
        assert not second["is_whole"]
        for other in ("another-1", "", "x", f"{first['cursor'].split('-')[0]}-{'9' * 99}", "-", "--1"):
            assert (await site.ask("/live.json", params={"after": other})).json["is_whole"], other

    visit(story)


def test_logins_are_told_to_those_who_ask_for_them():
    async def story(site: Site) -> None:
        for n in range(3):
            site.ledger.ring(n % 2).write(record(n, client=f"10.0.0.{n}"))
        site.facts.logins.look()
        assert (await site.ask("/live.json")).json["logins"] == {"last": 3, "kept": 3}
        found = (await site.ask("/logins.json?q=USER1&limit=5")).json
        assert (found["matching"], found["kept"], found["clients"]) == (1, 3, [])
        (login,) = found["logins"]
        assert (login["number"], login["slot"], login["user_name"]) == (2, 1, "user1")
        of_section = (await site.ask(f"/logins.json?server={SECTION}&limit=1")).json
        assert [each["user_name"] for each in of_section["logins"]] == ["user2"]
        assert {each["client"] for each in of_section["clients"]} == {"10.0.0.0", "10.0.0.1", "10.0.0.2"}
        wrong = await site.ask("/logins.json?limit=9999")
        assert (wrong.status, wrong.text) == (400, "limit: write a whole number from 1 to 200\n")

    visit(story)


def test_logins_can_be_narrowed_to_every_answer():
    async def story(site: Site) -> None:
        page = (await site.ask("/")).text
        (choice,) = re.findall(r'<select id="answer">(.*?)</select>', page, re.DOTALL)
        offered = re.findall(r'<option(?: value="([^"]*)")?>([^<]*)</option>', choice)
        assert [value or text for value, text in offered] == ["all", *ANSWERS]
        assert offered[-1] == ("none", "nobody waits")  # as the list calls it

    visit(story)


def test_every_word_is_explained():
    async def story(site: Site) -> None:
        known = (await site.ask("/explanations.json")).json
        assert known["reasons"].keys() == set(REASONS)
        assert known["discards"].keys() == set(DISCARDS)

    visit(story)


@pytest.mark.parametrize("path", ["/", "/metrics", "/nothing", "/static/page.js"])
def test_headers_of_every_answer(path):
    async def story(site: Site) -> None:
        headers = (await site.ask(path)).headers
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Server"] == "radgate"
        assert headers["Connection"] == "close"
        assert not any(name.lower().startswith("access-control-") for name in headers)

    visit(story)


@pytest.mark.parametrize(
    "octets",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 3_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["tls", "version", "line", "headers", "hosts", "lengths"],
)
def test_what_is_no_request_gets_the_same_headers_and_learns_nothing_of_what_serves_it(octets):
    async def story(site: Site) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(octets)
        head = (await reader.read()).partition(b"\r\n\r\n")[0].decode().split("\r\n")
        writer.close()
        assert head[0].split()[1] == "400"
        assert {f"{name}: {value}" for name, value in HEADERS.items()} <= set(head)
        assert "Server: radgate" in head

    visit(story, rules=GUARDED)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8480", "127.0.0.1.evil.example", "localhost.", ""])
def test_a_foreign_name_that_leads_here_gets_nothing(host):
    async def story(site: Site) -> None:
        for path in (*PAGES, "/healthz", "/livez", "/login"):
            answer = await site.ask(path, headers={"Host": host})
            assert answer.status in (400, 421), path
            assert SECTION not in answer.text

    visit(story)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8480", "[::1]:8480"])
def test_names_of_this_machine(host):
    async def story(site: Site) -> None:
        assert (await site.ask("/status.json", headers={"Host": host})).status == 200

    visit(story)


# Where a token is wanted.


def test_without_a_token_there_is_a_form_and_nothing_else():
    async def story(site: Site) -> None:
        answer = await site.ask("/")
        assert (answer.status, answer.headers["Location"]) == (303, "/login")
        for path in PAGES[1:]:
            refused = await site.ask(path)
            assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, 'Bearer realm="radgate"'), path
            assert SECTION not in refused.text
        for path in ("/login", "/static/page.css", "/static/icon.svg"):
            assert (await site.ask(path)).status == 200, path

    visit(story, rules=GUARDED)


def test_scrapers_give_it_in_a_header():
    async def story(site: Site) -> None:
        for path in PAGES:
            assert (await site.ask(path, headers=BEARER)).status == 200
        assert (await site.ask("/metrics", headers=WRONG)).status == 401

    visit(story, rules=GUARDED)


def test_load_balancers_learn_whether_and_those_who_may_know_why():
    gateway = Gateway()
    gateway.fails("secure")

    async def story(site: Site) -> None:
        stranger = await site.ask("/healthz")
        assert (stranger.status, stranger.json) == (503, {"status": "failing"})
        assert IKEY in (await site.ask("/healthz", headers=BEARER)).text

    visit(story, gateway, rules=GUARDED)


def test_people_give_it_once_and_get_a_session():
    async def story(site: Site) -> None:
        answer = await site.ask("/login", "POST", data={"token": TOKEN})
        cookie = answer.cookies["radgate_session"]
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Strict", "/", "")
        assert TOKEN not in cookie.value
        with_cookie = {"Cookie": f"radgate_session={cookie.value}"}
        assert (await site.ask("/status.json", headers=with_cookie)).status == 200
        assert (await site.ask("/status.json", headers={"Cookie": f"radgate_session={cookie.value}0"})).status == 401
        gone = await site.ask("/logout", "POST", headers=with_cookie)
        assert gone.cookies["radgate_session"].value == ""
        assert (await site.ask("/status.json", headers=with_cookie)).status == 401

    visit(story, rules=GUARDED)


def test_those_who_guess_are_not_heard_even_if_they_guess_right():
    async def story(site: Site) -> None:
        session = (await site.ask("/login", "POST", data={"token": TOKEN})).cookies["radgate_session"].value
        for _ in range(MAX_FAILURES):
            assert (await site.ask("/login", "POST", data={"token": "guess"})).status == 401
        locked = await site.ask("/login", "POST", data={"token": TOKEN})
        assert locked.status == 429
        assert 0 < int(locked.headers["Retry-After"]) <= 60
        assert (await site.ask("/metrics", headers=BEARER)).status == 429
        assert (await site.ask("/healthz")).status == 200
        assert (await site.ask("/", headers={"Cookie": f"radgate_session={session}"})).status == 200

    visit(story, rules=GUARDED)


def test_load_balancers_that_guess_learn_whether_all_the_same():
    async def story(site: Site) -> None:
        for _ in range(MAX_FAILURES + 1):
            answer = await site.ask("/healthz", headers=WRONG)
            assert (answer.status, answer.json) == (200, {"status": "ok"})

    visit(story, rules=GUARDED)


@pytest.mark.parametrize(
    ("site_of_form", "status"), [("same-origin", 303), ("none", 303), ("same-site", 403), ("cross-site", 403)]
)
def test_a_foreign_page_cannot_send_the_form_and_guess_in_a_visitors_name(site_of_form, status):
    async def story(site: Site) -> None:
        headers = {"Sec-Fetch-Site": site_of_form}
        assert (await site.ask("/login", "POST", data={"token": TOKEN}, headers=headers)).status == status
        for _ in range(MAX_FAILURES if status == 403 else 0):
            await site.ask("/login", "POST", data={"token": "guess"}, headers=headers)
        assert (await site.ask("/metrics", headers=BEARER)).status == 200

    visit(story, rules=GUARDED)


def test_over_tls_the_cookie_stays_there():
    chain, key = certificate()
    context = ssl.create_default_context(cadata=chain.decode())
    rules = Rules("127.0.0.1", Token(TOKEN.encode()), is_encrypted=True)

    async def story(site: Site) -> None:
        answer = await site.ask("/login", "POST", data={"token": TOKEN})
        assert answer.cookies["radgate_session"]["secure"]
        assert (await site.ask("/metrics", headers=BEARER)).status == 200
        assert b"200" not in await site.send(b"GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await site.ask("/metrics", headers=BEARER)).status == 200

    visit(story, rules=rules, certificate=chain + key, context=context)


# Whatever comes.


def test_visitors_who_never_finish_their_handshake_keep_nobody_out():
    chain, key = certificate()
    context = ssl.create_default_context(cadata=chain.decode())

    async def story(site: Site) -> None:
        silent = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(3 * MAX_CONNECTIONS)]
        for n, (_, writer) in enumerate(silent):
            writer.write(b"\x16\x03\x01" if n % 2 else b"")
        assert (await site.ask("/healthz")).status == 200
        for _, writer in silent:
            writer.close()

    visit(story, certificate=chain + key, context=context)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\r\n\r\n",
        b"\x00" * 4_000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000,
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 50_000 + b"\r\n",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 10_000,
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        b"GET /live.json?after=%ff%00- HTTP/1.1\r\nHost: localhost\r\nCookie: \xff=\x01; radgate_session=\xe9\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: deflate\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    ],
    ids=range(17),
)
@pytest.mark.parametrize("rules", [GUARDED, Rules("127.0.0.1", None, is_encrypted=False)], ids=["guarded", "open"])
def test_garbage_harms_nobody_and_is_shown_no_traceback(octets, rules, caplog):
    async def story(site: Site) -> None:
        answer = await site.send(octets)
        assert b"Traceback" not in answer
        assert b"File " not in answer
        assert b" 500 " not in answer[:40]
        assert (await site.ask("/status.json", headers=BEARER)).status == 200

    visit(story, rules=rules)
    assert "Internal error" not in caplog.text


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded; charset=nosuch", b"token=x"),
        ("application/x-www-form-urlencoded; charset=unicode_escape", rb"token=\ud800"),
        ("application/x-www-form-urlencoded", b"token=%ed%a0%80&token=\xff"),
        ("multipart/form-data", b"token=x"),
        ("text/plain", b"\x00&&=%zz"),
    ],
)
def test_a_form_that_is_none_is_a_wrong_token(content_type, body, caplog):
    async def story(site: Site) -> None:
        answer = await site.ask("/login", "POST", data=body, headers={"Content-Type": content_type})
        assert answer.status == 401

    visit(story, rules=GUARDED)
    assert "Internal error" not in caplog.text


def test_our_own_mistakes_are_logged_and_not_shown(monkeypatch, caplog):
    async def story(site: Site) -> None:
        monkeypatch.setattr(site.facts, "octets", None)
        site.facts.status = {"workers": object()}
        answer = await site.ask("/healthz")
        assert (answer.status, "Traceback" in answer.text) == (500, False)

    visit(story)
    assert "Internal error in the console" in caplog.text


def test_a_mistake_that_visitors_can_repeat_does_not_fill_the_log(monkeypatch, caplog):
    monkeypatch.setattr("gateway.console.pages.MISTAKE_EVERY_S", 1e6)

    async def story(site: Site) -> None:
        monkeypatch.setattr(site.facts, "octets", None)
        site.facts.status = {"workers": object()}
        for _ in range(5):
            assert (await site.ask("/healthz")).status == 500

    visit(story)
    assert caplog.text.count("Internal error in the console") == 1
