"""What `radgate status` shows people."""

from typing import Any

import msgspec
import pytest

from gateway.cli.status_parts import is_well, troubled
from gateway.cli.status_text import render_status
from gateway.duoapi.calls import Preauth
from gateway.radius.discards import DiscardReason
from gateway.statistics.layout import Measure
from gateway.statistics.reading import Totals, merge, read_row
from gateway.supervisor.form import Form
from gateway.supervisor.procfs import ProcessUsage
from gateway.supervisor.status import ApplicationFacts, GatewayFacts, LogFacts, ServerFacts, WorkerFacts, build_status
from gateway.unavailable import Trouble
from gateway.words.reasons import Reason
from tests.supervisor.fleet_scene import OTHER, RECORD, SILENT, fleet_of, shown
from tests.supervisor.status_scene import (
    FIRST_FACTOR,
    GATEWAY,
    HEALTHY,
    HOME,
    IKEY,
    LAYOUT,
    NAME,
    OTHER_HOME,
    SECTION,
    SERVERS,
    S,
    Worker,
    status_of,
)


def lines_of(status: dict[str, Any]) -> list[str]:
    text = render_status(status)
    assert text.endswith("\n")
    return text.splitlines()


def test_a_healthy_gateway_says_so_in_its_second_line():
    lines = lines_of(status_of(Worker().facts()))
    assert lines[0] == "radgate 1.2.3, pid 100, generation 2, up 00:01:40, pending logins: 0"
    assert lines[1] == "All workers are ready, and no application is in fail mode."


def test_what_is_installed_and_does_not_run_yet_is_said():
    lines = lines_of({**status_of(Worker().facts()), "installed_version": "1.3.0"})
    assert " ".join(each.strip() for each in lines[1:3]).strip() == (
        "INSTALLED AND RUNNING DIFFER: 1.3.0 is installed, 1.2.3 runs: radgate upgrade puts it to use"
    )


def test_workers_of_another_version_are_named():
    """One that was killed after an installation has a successor of the new code."""
    status = status_of(Worker(11).facts(version="1.2.3"), Worker(12).facts(slot=1, version="1.3.0"))
    assert lines_of(status)[1] == "WORKERS OF ANOTHER VERSION: worker 1 1.3.0, and the supervisor 1.2.3"


@pytest.mark.parametrize(
    ("failmode", "effect"),
    [("safe", "logins are accepted without Duo"), ("secure", "logins are rejected"), ("mixed", "failmode is mixed")],
)
def test_fail_mode_is_said_first_with_what_it_does_to_logins(failmode, effect):
    application = HEALTHY._replace(fail_mode=failmode, is_fail_mode_active=True, since_ns=1_040 * S)
    lines = lines_of(status_of(Worker().facts(), application=application))
    assert lines[1] == f"FAIL MODE of {IKEY} for 00:01:00: {effect}"


@pytest.mark.parametrize("state", ["suspect", "clock_skewed"])
def test_what_is_odd_about_duo_is_said_before_fail_mode_begins(state):
    application = HEALTHY._replace(state=state, since_ns=1_040 * S)
    assert lines_of(status_of(Worker().facts(), application=application))[1:3] == [
        f"{IKEY} is {state} for 00:01:00: why stands below",
        "",
    ]


def test_workers_that_are_not_ready_are_named_but_not_those_that_a_reload_lets_go():
    one, other, old = Worker(11), Worker(12), Worker(13)
    status = status_of(
        one.facts(),
        other.facts(slot=1, state="backoff", pid=0),
        old.facts(slot=1, state="draining", generation=1),
    )
    assert lines_of(status)[1] == "NOT READY: worker 1 (backoff)"


def test_a_slot_that_nobody_serves_for_long_is_said_as_such():
    one, other = Worker(11), Worker(12)
    status = status_of(
        one.facts(unserved_s=2.0, state="starting"), other.facts(slot=1, state="backoff", unserved_s=75.0)
    )
    assert [worker["unserved_s"] for worker in status["workers"]] == [2.0, 75.0]
    assert lines_of(status)[1:4] == [
        "NOBODY SERVES slot 1 (backoff) for 00:01:15: its users get no answer; authproxy.log says why",
        "NOT READY: worker 0 (starting)",
        "",
    ]


def test_a_first_start_that_takes_long_sends_nobody_to_the_log():
    status = status_of(Worker(11).facts(unserved_s=4.0, state="starting"))
    assert lines_of(status)[1] == "NOBODY SERVES slot 0 (starting) for 00:00:04: its users get no answer yet"


def test_a_lost_log_is_said_while_that_lasts_and_its_lost_lines_for_good():
    worker = Worker()
    logs = [LogFacts("authproxy.log", 7, ("worker 0",), "worker 0: Is a directory"), LogFacts("syslog", 0)]
    status = build_status(GATEWAY, [worker.facts()], SERVERS, [HEALTHY], worker.reading.totals, logs)
    assert status["logs"] == [
        {"log": "authproxy.log", "lines_lost": 7, "lost_to": ["worker 0"], "trouble": "worker 0: Is a directory"},
        {"log": "syslog", "lines_lost": 0, "lost_to": [], "trouble": ""},
    ]
    assert lines_of(status)[1] == "LOG LOST: authproxy.log (worker 0: Is a directory); lines lost so far: 7"
    status["logs"][0]["trouble"] = ""
    assert lines_of(status)[1] == "All workers are ready, and no application is in fail mode."
    assert lines_of(status)[-1] == "log lines lost: authproxy.log 7"


def test_a_refused_reload_is_said_with_its_reasons_until_another_one_succeeds():
    status = status_of(Worker().facts())
    status["last_reload"] = {"ok": False, "age_s": 75.0, "problems": ["/etc/x:7 [main] debug: wrong", "more"]}
    assert lines_of(status)[1:3] == [
        "RELOAD REFUSED 00:01:15 ago; generation 2 goes on serving: /etc/x:7 [main] debug: wrong; more",
        "",
    ]
    status["last_reload"]["ok"] = True
    assert lines_of(status)[1] == "All workers are ready, and no application is in fail mode."


def test_why_there_is_no_status_page_is_said():
    status = status_of(Worker().facts())
    status["console"] = {"url": "", "trouble": "cannot listen on tcp 127.0.0.1:8480: address already in use"}
    lines = lines_of(status)
    assert lines[1].startswith("NO STATUS PAGE: cannot listen on tcp 127.0.0.1:8480: address already in use; logins do")
    assert not is_well(troubled(status))
    status["console"]["trouble"] = ""
    assert is_well(troubled(status))


def test_the_text_as_a_whole():
    worker = Worker()
    for _ in range(4):
        worker.section.requests.add()
        worker.section.began()
    for _ in range(3):
        worker.section.finished(Reason.DUO_ALLOWED, 0.2, 0.0002)
    worker.section.discarded(DiscardReason.UNKNOWN_CLIENT)
    worker.section.retransmitted()
    worker.row.count(Measure.UNSENT, 3)
    worker.duo.called(Preauth, 0.1)
    worker.duo.troubled(Trouble.TLS)
    application = HEALTHY._replace(hint="Duo's certificate is not trusted; look at http_ca_certs_file")
    status = status_of(worker.facts(), application=application)
    status["workers"][0]["overflowed"] = 12
    assert (
        render_status(status)
        == """\
radgate 1.2.3, pid 100, generation 2, up 00:01:40, pending logins: 1
All workers are ready, and no application is in fail mode.

slot  state  gen  pid        up  restarts  requests  pending  cpu s    MB  lag ms  max ms
0     ready    2   11  00:01:30         0         4        1    1.5  45.0     0.0     0.0
    lost: unsent 3, overflowed 12

server                   requests  per s  accepts  rejects  pending  p50 ms  p99 ms
radius_server_duo_only          4    0.0        3        0        1   175.0   248.5
    listens on 0.0.0.0:1812, [::]:1812, failmode=safe
    all requests are signed so far: require_message_authenticator=yes can be set
    reasons: duo_allowed 3
    discards: unknown_client 1
    duplicates: retransmission 1
radius_server_duo_only2         0    0.0        0        0        0     0.0     0.0
    listens on 0.0.0.0:1645, failmode=safe

application           at                            state    failmode  errors
DIXXXXXXXXXXXXXXXXXX  api-12345678.duosecurity.com  healthy  safe           1
    Duo's certificate is not trusted; look at http_ca_certs_file
    calls: preauth 1
    errors: tls 1

connections to                applications  idle  busy
api-12345678.duosecurity.com             1     0     0

Hot path compiled
"""
    )


def test_first_factors_stand_below_what_decides_after_them():
    worker = Worker()
    worker.homes[HOME].answered("accepted", 0.02)
    worker.homes[HOME].show(1_003.0, 0.0, None)
    text = render_status(status_of(worker.facts(), first_factors=[FIRST_FACTOR]))
    assert "All workers are ready" in text
    assert (
        """
first factor   at             state    questions  errors  p50 ms  p99 ms
radius_client  10.0.0.5:1812  up               1       0    17.5    24.9
    outcomes: accepted 1
radius_client  10.0.0.6:1812  unasked          0       0     0.0     0.0

Hot path compiled
"""
        in text
    )


def test_a_first_factor_that_is_down_is_said_first_with_what_to_do():
    worker = Worker()
    worker.homes[HOME].show(1_003.0, 1_004.0, Trouble.BAD_ANSWER)
    lines = lines_of(status_of(worker.facts(), first_factors=[FIRST_FACTOR]))
    assert lines[1].startswith("HOST OF [radius_client] DOWN: 10.0.0.5:1812: its answers are not believed: ")
    worker.homes[OTHER_HOME].show(0.0, 1_004.0, Trouble.TIMEOUT)
    lines = lines_of(status_of(worker.facts(), first_factors=[FIRST_FACTOR]))
    assert lines[1].startswith("FIRST FACTOR DOWN: no host of [radius_client] answers; all logins are rejected at")
    assert lines[2].strip() == "radius_server_duo_only"
    assert max(map(len, lines)) <= 100


def test_rates_are_those_since_the_start():
    worker = Worker()
    for _ in range(200):
        worker.section.requests.add()
    status = status_of(worker.facts())
    assert rate_of(render_status(status)) == "2.0"
    assert rate_of(render_status({**status, "uptime_s": 0.0})) == "0.0"


def rate_of(text: str) -> str:
    (line,) = (line for line in text.splitlines() if line.startswith(f"{SECTION} "))
    return line.split()[2]


def test_even_the_greatest_numbers_and_names_fit_into_100_columns():
    cells = [2**64 - 1] * LAYOUT.n_cells
    section, host = "radius_server_duo_only_of_the_directory_with_a_long_name", "duo." * 30 + "example"
    reading = read_row(cells, LAYOUT)
    totals = merge(reading.totals, reading.totals)
    gateway = GatewayFacts("1.2.3", 4_194_304, 9_999, 0, 10**19, Form(is_compiled=False, why_not="x" * 120))
    usage = ProcessUsage(1e12, 10**15)
    workers = [WorkerFacts(slot, 999, "draining", 2**64 - 1, 10**9, usage, reading) for slot in range(1_000, 1_003)]
    workers = [worker._replace(pid=4_194_304) for worker in workers]
    servers = [ServerFacts(section, ("[2001:db8:1111:2222:3333:4444:5555:6666]:1812",) * 9), ServerFacts(SECTION, ())]
    application = ApplicationFacts(NAME, host, IKEY * 3, "secure", "a state of its own", True, 0, "a hint " * 50)
    first_factor = FIRST_FACTOR._replace(
        section="radius_client" + "9" * 30, hosts=(HOME, "home." * 30 + "example:65535")
    )
    lines = lines_of(
        build_status(gateway, workers, servers, [application], totals, first_factors=[first_factor, FIRST_FACTOR])
    )
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("radius_server_duo_only_of_t… ") for line in lines)


def test_nothing_that_a_peer_said_drives_the_terminal():
    application = HEALTHY._replace(hint="Duo answered \x1b[2J\x07 \u202e", is_fail_mode_active=True)
    text = render_status(status_of(Worker().facts(), application=application))
    assert "Duo answered ?[2J? ?" in text
    assert all(letter.isprintable() or letter == "\n" for letter in text)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"),
        (99_999, "99999"),
        (100_000, "100.0k"),
        (999_949, "999.9k"),
        (999_999, "1.0M"),
        (12_345_678, "12.3M"),
        (2**64, "18.4E"),
    ],
)
def test_great_counts_are_shown_in_six_letters(count, shown):
    worker = Worker()
    status = status_of(worker.facts())
    status["workers"][0]["restarts"] = count
    (line,) = (line for line in lines_of(status) if line.startswith("0 "))
    assert line.split()[5] == shown


def test_a_gateway_that_is_only_starting_can_be_shown():
    status = build_status(GATEWAY, [], [], [], Totals(*read_row([0] * LAYOUT.n_cells, LAYOUT).totals))
    assert lines_of(status)[0].startswith("radgate 1.2.3")


def test_a_slot_whose_worker_is_ready_and_does_nothing_is_said_to_hang():
    status = status_of(Worker(11).facts(state="ready", unserved_s=12.0))
    assert lines_of(status)[1].startswith("NOBODY SERVES slot 0 (hangs) for 00:00:12: ")


def with_fleet(fleet: dict[str, Any]) -> dict[str, Any]:
    return {**status_of(Worker().facts()), "fleet": fleet}


def test_a_fleet_is_shown_host_by_host_with_what_becomes_of_logins():
    lines = lines_of(with_fleet(fleet_of(shown())))
    assert lines[1] == "All workers are ready, and no application is in fail mode."
    begin = next(number for number, line in enumerate(lines) if line.startswith("host "))
    assert lines[begin : begin + 9] == [
        "host         state  version        up  workers  pending  logins",
        "gw-a (this)  ready  1.2.3    00:01:40      2/2        3      42",
        "    duo: api-12345678.duosecurity.com:443/DIXXXXXXXXXXXXXXXXXX healthy",
        "    reasons: duo_allowed 40, duo_denied 2",
        "gw-b         ready  1.2.3    00:01:40      2/2        3      42",
        "    duo: api-12345678.duosecurity.com:443/DIXXXXXXXXXXXXXXXXXX healthy",
        "    reasons: duo_allowed 40, duo_denied 2",
        "Logins are shared; a claim takes 0.3 ms, 1 of 100 more than 1.2 ms.",
        "    claims: granted 5, joined 2, takeover 1",
    ]


def test_what_is_wrong_among_hosts_is_said_first():
    silent = shown(SILENT._replace(name="gw-c"))
    other = shown(OTHER._replace(record=msgspec.structs.replace(RECORD, sections={SECTION: "zz"})))
    newer = shown(OTHER._replace(name="gw-g", record=msgspec.structs.replace(RECORD, version="1.3")))
    idle = shown(OTHER._replace(name="gw-d", record=msgspec.structs.replace(RECORD, n_ready=0)))
    key = {**shown(OTHER._replace(name="gw-f")), "other_first_key": True}
    why = "connection refused by 127.0.0.1:6379"
    hosts = (other, newer, silent, idle, key)
    fleet = fleet_of(*hosts, up=False, detail=why, leaving=True, strangers=1, same_names=["gw-e"])
    text = "\n".join(" ".join(line.split()) for line in lines_of(with_fleet(fleet)))
    for said in (
        "LEAVING: this host stops, and takes no more logins",
        "NOT SHARED (connection refused by 127.0.0.1:6379): this host decides alone, and a login",
        "ANOTHER FLEET KEY: 1 host uses this store with another key. If it belongs to this fleet, give it the same",
        f"OTHER SETTINGS at host gw-b for [{SECTION}], [{SECTION}2]: logins there may end",
        "HOST gw-c IS SILENT: it does not beat",
        "HOST gw-d SERVES NOBODY",
        "SAME NAME: two hosts beat as gw-e; give each",
        "OTHER FIRST KEY at host gw-f: a login that is asked at both is pushed twice",
        "OTHER VERSIONS: gw-g 1.3, and 1.2.3 here",
        "Logins are not shared: connection refused by 127.0.0.1:6379.",
        "gw-c silent 7 s",
    ):
        assert said in text.replace("\n", " "), said


def test_who_of_its_workers_does_not_share_is_said():
    fleet = fleet_of(up=False, detail="2 of 8 workers: the store's answers are late", workers_alone=2)
    text = " ".join(" ".join(lines_of(with_fleet(fleet))).split())
    assert (
        "NOT SHARED (2 of 8 workers: the store's answers are late): some workers of this host decide alone, and a login"
        in text
    )
    assert "Logins are not shared by 2 of 8 workers: the store's answers are late." in text


def test_a_fleet_of_hosts_with_long_names_fits_into_100_columns():
    long = shown(SILENT._replace(name="h" * 63, silent_s=59.0))
    fleet = fleet_of(*[{**long, "instance": str(n)} for n in range(9)], up=False, detail="why " * 60)
    assert max(map(len, lines_of(with_fleet(fleet)))) <= 100


def test_with_another_fleet_key_it_is_said_with_whom_nothing_is_shared():
    text = " ".join(lines_of(with_fleet(fleet_of(strangers=1))))
    assert "Logins are shared with nobody: the others have another fleet key" in text
    text = " ".join(lines_of(with_fleet(fleet_of(shown(), strangers=1))))
    assert "Logins are shared, but not with 1 host of another fleet key" in text


def test_a_host_that_is_isolated_says_so():
    status = with_fleet(fleet_of(isolated=["api.example.com/DIX", "b"]))
    status["applications"][0].update(application="api.example.com/DIX", sections=[SECTION, "radius_server_duo_only9"])
    text = " ".join(" ".join(lines_of(status)).split())
    why = "ISOLATED: another host reaches api.example.com/DIX and this one does not"
    assert f"{why}, so nobody is answered at {SECTION}, radius_server_duo_only9" in text
    assert "ISOLATED: another host reaches b and this one does not, so it answers nobody there" in text


def test_a_host_that_is_silent_lets_nobody_in_by_fail_mode():
    status = with_fleet(fleet_of(isolated=["api.example.com/DIX"]))
    away = {"application": "api.example.com/DIX", "state": "unreachable", "failmode": "safe", "failmode_active": True}
    status["applications"][0].update(away)
    text = " ".join(" ".join(lines_of(status)).split())
    assert "ISOLATED: another host reaches api.example.com/DIX" in text
    assert "FAIL MODE" not in text.partition("Workers")[0]
