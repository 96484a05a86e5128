"""What was written of a login is read again, in both forms, whatever the name and Duo's text are."""

import pytest

from gateway.engine.verdict import REJECT, Verdict
from gateway.logs.lines import JsonLines, TextLines
from gateway.logs.login_lines import LoggedLogin, Wanted, candidates, is_anonymous, parse_login
from gateway.words.reasons import Reason
from gateway.worker.reports import finished_line
from tests.worker.test_reports import finished

FORMS = [TextLines(), JsonLines()]
AT = 1_800_000_000.25


def line_of(form: TextLines | JsonLines, user_name: str = "alice", account: str = "Duo said no") -> bytes:
    verdict = Verdict(REJECT, Reason.DUO_DENIED, "No.", account, 'look at "this": a=b')
    text, fields = finished_line(finished(user_name=user_name, verdict=verdict), 1)
    return form.line(AT, 20, "gateway.worker", text, fields).encode()


def parsed(line: bytes) -> LoggedLogin:
    login = parse_login(line)
    assert login is not None
    return login


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "account", ["Duo said no", "Duo said 'x reply=Access-Accept reason=duo_allowed'", "(('1.2.3.4', 5), eve, 6): x"]
)
def test_a_line_is_read_as_it_was_written(form, account):
    login = parsed(line_of(form, account=account))
    assert login.at.timestamp() == AT
    assert (login.user_name, login.account) == ("alice", account)
    assert login.client == finished().peer.address[0]
    fields = {name: login.fields[name] for name in ("reply", "reason", "hint", "server", "worker")}
    assert fields == {
        "reply": "Access-Reject",
        "reason": "duo_denied",
        "hint": 'look at "this": a=b',
        "server": finished().section,
        "worker": "1",
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("written", "user", "is_found"),
    [
        ("alice", "ALICE", True),
        ("CORP\\Alice", "alice@corp.example", True),
        ("CORP\\xalice", "xalice", True),
        ("CORP\\xaddams", "xaddams", True),
        ("alice@a.example", "alice", True),
        ("a=b", "A=B", True),
        ('a"b', 'a"b', True),
        ("x):y", "x):y", True),
        ("Straße", "strasse", True),
        ("ａｌｉｃｅ", "alice", True),
        ("Jürgen", "jürgen", True),
        ("al\u200bice", "alice", True),
        ("anna  maria", "Anna Maria", True),
        ("alice2", "alice", False),
        ("alice.b", "alice", False),
        ("bob", "alice", False),
    ],
)
def test_a_person_is_found_in_every_spelling(form, written, user, is_found):
    octets = b"\n".join([line_of(form, "somebody"), line_of(form, written), line_of(form, "somebody.else")])
    wanted = Wanted(user)
    logins = [parsed(line) for line in candidates(octets, wanted.person)]
    assert any(map(wanted.is_met_by, logins)) is is_found


@pytest.mark.parametrize("form", FORMS)
def test_sections(form):
    login = parsed(line_of(form))
    assert Wanted("alice", frozenset({finished().section})).is_met_by(login)
    assert not Wanted("alice", frozenset({"other"})).is_met_by(login)


def test_lines_of_others_are_passed_over_when_they_are_looked_for():
    octets = b"\n".join([line_of(FORMS[0], f"user{n}") for n in range(50)])
    assert len(candidates(octets, "user7")) == 1
    assert candidates(b"", "user7") == []


@pytest.mark.parametrize("prefix", [b"", b"Nov 29 09:00:00 host radgate[1]: "])
def test_words_before_a_line_do_not_matter(prefix):
    assert parsed(prefix + line_of(FORMS[0])).user_name == "alice"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"{}",
        b"[1]",
        b'{"reply": "Access-Accept"}',
        b'{"reply": "Access-Accept", "timestamp": "now", "message": "(x"}',
        b"2026-11-22T09:00:00.123456+0000 [gateway.worker#info] Generation 2 serves",
        b"2026-11-22T09:00:00.123456+0000 [gateway.worker#info] (x reply=Access-Accept",
        b"2026-99-22T09:00:00.123456+0000 [gateway.worker#info] (('1.2.3.4', 5), a, 6): x reply=Access-Accept",
    ],
)
def test_other_lines_are_no_logins(line):
    assert parse_login(line) is None


def test_a_line_that_is_cut_off_has_what_is_left():
    assert parsed(line_of(FORMS[0])[:-5]).fields["reason"] == "duo_denied"


def test_aliases_are_known():
    assert is_anonymous(parsed(line_of(FORMS[0], "user-0012")))
    assert not is_anonymous(parsed(line_of(FORMS[0], "alice")))


def test_a_line_that_is_too_long_is_none():
    assert candidates(b"alice" + b"x" * 100_000, "alice") == []
