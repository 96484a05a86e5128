"""`radgate why`: a person's logins out of all files of the log, and `radgate explain`."""

import gzip
import io
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.engine.verdict import ACCEPT, REJECT, Verdict
from gateway.logs.lines import JsonLines, TextLines
from gateway.words.ad_codes import AD_CODES
from gateway.words.explanations import DISCARDS, REASONS, TROUBLES
from gateway.words.first_factors import DIRECTORY_TROUBLES, HOME_SERVER_TROUBLES, HOST_STATES, REPLY_DISCARDS
from gateway.words.reasons import Reason
from gateway.worker.reports import finished_line
from tests.cli.files import run_main, write_config
from tests.config.files import MINIMAL
from tests.worker.test_reports import finished

SECTION = "radius_server_duo_only"
NOW = time.time()


def line(
    user: str,
    ago_s: float,
    reason: Reason = Reason.DUO_DENIED,
    form: TextLines | JsonLines | None = None,
    section: str = SECTION,
    **fields: Any,
) -> str:
    accepts = reason is Reason.DUO_ALLOWED
    hint = "" if accepts else "see the user's status"
    verdict = Verdict(ACCEPT if accepts else REJECT, reason, "", "Duo authentication returned 'deny': 'No.'", hint)
    text, fields = finished_line(finished(user_name=user, verdict=verdict, section=section, **fields), 0)
    return (form or TextLines()).line(NOW - ago_s, 20, "gateway.worker", text, fields) + "\n"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "log"
    folder.mkdir()
    return folder


@pytest.fixture
def config(tmp_path: Path, logs: Path) -> str:
    named = MINIMAL.replace(f"[{SECTION}]\n", f"[{SECTION}]\nname=Tokyo\n")
    return write_config(tmp_path, f"[main]\nlog_dir={logs}\n{named.replace('[main]', '')}")


def put(path: Path, *lines: str, ago_s: float = 0.0) -> None:
    octets = "".join(lines).encode()
    path.write_bytes(gzip.compress(octets) if path.suffix == ".gz" else octets)
    os.utime(path, (NOW - ago_s, NOW - ago_s))


def test_a_login_by_radgate_login_is_said_to_be_one(logs, config, capsys):
    of_a_client = line("alice", 60)
    address = of_a_client.partition("(('")[2].partition("'")[0]
    put(logs / "authproxy.log", of_a_client, of_a_client.replace(address, "127.82.65.1"))
    lines = run_main(capsys, "why", "alice", "--config", config)[1].splitlines()
    assert f" from {address}: " in lines[0]
    assert " from radgate login (127.82.65.1): " in lines[1]


def test_logins_of_all_files_the_newest_last(logs, config, capsys):
    put(logs / "authproxy.log.2.gz", line("alice", 90_000), line("bob", 89_000), ago_s=89_000)
    put(logs / "authproxy.log.1", line("ALICE@corp.example", 7_000, form=JsonLines()), ago_s=7_000)
    put(logs / "authproxy.log", "Generation 1 serves\n", line("CORP\\alice", 60, Reason.DUO_ALLOWED), line("bob", 1))
    status, out, err = run_main(capsys, "why", "Alice", "--config", config)
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert " alice at Tokyo (radius_server_duo_only) from " in lines[0]
    assert "passcode asked, refused after " in lines[0]
    assert "duo_denied (Duo authentication returned 'deny': 'No.')" in lines[0]
    assert " ALICE@corp.example at " in lines[1]
    assert lines[2].startswith("    why: Duo refused: a wrong passcode")
    assert lines[3] == "    do:  See the user's status."
    assert "CORP\\alice" in lines[4]
    assert "let in after" in lines[4]
    assert lines[5:] == ["    why: Duo approved the factor."]


@pytest.mark.parametrize("reason", [Reason.FIRST_FACTOR_REJECTED, Reason.ACCOUNT_LOCKED])
def test_of_a_login_that_the_first_factor_has_ended_it_says_that_duo_was_not_asked(logs, config, capsys, reason):
    put(logs / "authproxy.log", line("alice", 60, reason, factor=""))
    _, out, _ = run_main(capsys, "why", "alice", "--config", config)
    assert ": Duo not asked, refused after " in out


@pytest.mark.parametrize("reason", [Reason.FAILMODE_SAFE, Reason.FAILMODE_SECURE, Reason.DUO_BYPASS])
def test_of_a_login_that_ended_before_its_factor_was_asked_it_says_that_it_was_wanted(logs, config, capsys, reason):
    put(logs / "authproxy.log", line("alice", 60, reason, factor="push"))
    _, out, _ = run_main(capsys, "why", "alice", "--config", config)
    assert ": push wanted, " in out


def test_since_server_and_last(logs, config, capsys):
    put(
        logs / "authproxy.log",
        line("alice", 9_000),
        line("alice", 100, section="radius_server_duo_only2"),
        line("alice", 50),
    )
    for arguments, n_found in (
        (["--since", "1h"], 2),
        (["--server", "tokyo"], 2),
        (["--server", SECTION], 2),
        (["--since", "1h", "--server", "TOKYO"], 1),
    ):
        status, out, _ = run_main(capsys, "why", "alice", "--config", config, *arguments)
        assert (status, out.count(" from ")) == (0, n_found), arguments
    status, _, err = run_main(capsys, "why", "alice", "--config", config, "--server", "osaka")
    assert (status, "has no server section of the name osaka" in err) == (1, True)
    _, out, _ = run_main(capsys, "why", "alice", "--config", config, "--last", "1")
    assert out.startswith("2 older ones are left out; --last 3 shows more.")
    assert out.count(" from ") == 1


@pytest.mark.parametrize(
    ("what", "text"), [("joined", "decided by host gw-a"), ("took_over", "taken over from host gw-a")]
)
def test_another_host_is_named_with_what_was_done(logs, config, capsys, what, text):
    put(logs / "authproxy.log", line("alice", 9, other_host=(what, "gw-a")))
    _, out, _ = run_main(capsys, "why", "alice", "--config", config)
    assert f", {text}: duo_denied" in out


def test_refused_alone(logs, config, capsys):
    put(logs / "authproxy.log", line("alice", 9, Reason.DUO_ALLOWED), line("alice", 5))
    _, out, _ = run_main(capsys, "why", "alice", "--config", config, "--refused")
    assert out.count(" from ") == out.count("duo_denied") == 1


def test_json(logs, config, capsys):
    put(logs / "authproxy.log", line("alice", 50))
    status, out, _ = run_main(capsys, "why", "alice", "--json", "--config", config)
    (login,) = json.loads(out)["logins"]
    assert status == 0
    assert (login["name"], login["server"], login["reason"], login["user"]) == ("Tokyo", SECTION, "duo_denied", "alice")
    assert login["explanation"] == REASONS[Reason.DUO_DENIED].happened
    assert login["hint"] == "see the user's status"


def test_what_the_logs_cannot_say_is_said(logs, config, capsys):
    put(logs / "authproxy.log", line("bob", 3_000))
    status, out, err = run_main(capsys, "why", "alice", "--since", "2h", "--config", config)
    assert (status, out) == (1, "")
    assert "no login of alice was found" in err
    assert "nothing older is there" in err
    put(logs / "authproxy.log.1", line("bob", 4_000), ago_s=4_000)
    _, _, err = run_main(capsys, "why", "alice", "--since", "2h", "--config", config)
    assert "older files are rotated away" in err
    (logs / "authproxy.log.1").unlink()
    put(logs / "authproxy.log", line("user-0001", 3_000), line("user-0002", 3_000))
    _, _, err = run_main(capsys, "why", "alice", "--config", config)
    assert "radgate support --anonymous" in err


def test_logs_that_are_not_there_or_damaged_are_named(logs, config, capsys):
    status, _, err = run_main(capsys, "why", "alice", "--config", config)
    assert status == 1
    assert "authproxy.log: there is no such log" in err
    (logs / "authproxy.log.1.gz").write_bytes(b"none")
    put(logs / "authproxy.log", line("alice", 50))
    status, out, err = run_main(capsys, "why", "alice", "--config", config)
    assert (status, out.count(" from ")) == (0, 1)
    assert "authproxy.log.1.gz cannot be read: damaged" in err


def test_a_log_that_may_not_be_read_says_who_may(logs, config, capsys, monkeypatch):
    put(logs / "authproxy.log", line("alice", 50))

    def refuse(path: Path) -> Iterator[bytes]:
        yield from ()
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("gateway.cli.why_log.portions", refuse)
    status, _, err = run_main(capsys, "why", "alice", "--config", config)
    assert status == 1
    assert "cannot be read: Permission denied; ask as root, or as the gateway's user" in err


def test_lines_on_standard_output_are_read_from_the_journal(tmp_path, capsys, monkeypatch):
    config = write_config(tmp_path, f"[main]\nlog_dir={tmp_path}\nlog_stdout=true\n{MINIMAL.replace('[main]', '')}")
    _, _, err = run_main(capsys, "why", "alice", "--config", config)
    assert "journalctl -u radgate -o cat | radgate why USER --log -" in err
    stdin = SimpleNamespace(buffer=io.BytesIO(line("alice", 50).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    status, out, _ = run_main(capsys, "why", "alice", "--log", "-", "--config", str(tmp_path / "none"))
    assert (status, out.count(" from ")) == (0, 1)


@pytest.mark.parametrize(
    "arguments", [["--since", "yesterday"], ["--since", "2"], ["--last", "0"], ["--last", "99999"]]
)
def test_wrong_arguments(config, capsys, arguments):
    with pytest.raises(SystemExit) as end:
        run_main(capsys, "why", "alice", "--config", config, *arguments)
    assert end.value.code == 2
    assert "write a" in capsys.readouterr().err


@pytest.mark.parametrize("word", [str(word) for table in (REASONS, DISCARDS, TROUBLES) for word in table])
def test_every_word_is_explained(capsys, word):
    status, out, _ = run_main(capsys, "explain", word)
    assert status == 0
    assert out.startswith(f"{word} (")
    assert f"/docs/troubleshooting.md#{word}" in out


def test_words_as_they_stand_in_the_log(capsys):
    _, out, _ = run_main(capsys, "explain", "reason=DUO_DENIED")
    assert "duo_denied (why a login ended)\n  Duo refused: a wrong passcode" in out
    assert "\n  do: See the user's status" in out


@pytest.mark.parametrize("word", ["52e", "ad_code=52E"])
def test_codes_of_active_directory_are_words_too(capsys, word):
    _, out, _ = run_main(capsys, "explain", word)
    assert out.startswith("52e (why Active Directory refused a user)\n  A wrong password")
    assert out.endswith("/docs/troubleshooting.md#first_factor_rejected\n")


def test_a_word_that_duo_and_first_factors_share_is_explained_for_each(capsys):
    _, out, _ = run_main(capsys, "explain", "timeout")
    heads = [line for line in out.splitlines() if not line.startswith(" ")]
    assert heads == [
        "timeout (trouble on the way to Duo)",
        "timeout (trouble with a home server, of a section [radius_client])",
        "timeout (trouble with a host of a directory, of a section [ad_client])",
    ]
    assert "no firewall drops UDP to its port" in out
    assert "/docs/troubleshooting.md#first-factors" in out
    _, out, _ = run_main(capsys, "explain", "timeout", "--json")
    found = json.loads(out)
    assert (found["kind"], len(found["also"])) == ("trouble on the way to Duo", 2)


@pytest.mark.parametrize("word", [*HOST_STATES, *map(str, REPLY_DISCARDS), *map(str, DIRECTORY_TROUBLES)])
def test_words_of_first_factors_are_explained(capsys, word):
    status, out, _ = run_main(capsys, "explain", word)
    assert (status, "/docs/troubleshooting.md#first-factors" in out) == (0, True)


def test_an_unknown_word_gets_the_nearest(capsys):
    status, out, err = run_main(capsys, "explain", "duo-denid")
    assert (status, out) == (1, "")
    assert "did you mean duo_denied" in err
    assert "lists them all" in run_main(capsys, "explain", "xyzzy")[2]


def test_all_words_are_listed(capsys):
    status, out, _ = run_main(capsys, "explain")
    assert status == 0
    for heading in ("Why a login ended.", "Why a packet got no answer.", "Trouble on the way to Duo."):
        assert heading in out
    assert all(f"\n  {word} " in out for word in REASONS)
    words = json.loads(run_main(capsys, "explain", "--json")[1])
    of_first_factors = (HOME_SERVER_TROUBLES, DIRECTORY_TROUBLES, HOST_STATES, REPLY_DISCARDS)
    assert len(words) == sum(map(len, (REASONS, AD_CODES, DISCARDS, TROUBLES, *of_first_factors)))


def test_documents_that_are_not_installed_are_not_named(capsys, monkeypatch):
    monkeypatch.setattr("gateway.cli.explain.shared_folder", lambda: None)
    assert "more:" not in run_main(capsys, "explain", "duo_denied")[1]
