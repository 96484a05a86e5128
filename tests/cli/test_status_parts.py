"""`radgate status --server` and `--troubled`: what is left of a status."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.cli.status_parts import NoSuchServer, is_well, of_server, troubled
from gateway.cli.status_text import render_status
from gateway.supervisor.first_factors import FirstFactorFacts
from gateway.supervisor.status import ApplicationFacts, LogFacts, ServerFacts, Status, WorkerFacts, build_status
from gateway.unavailable import Trouble
from gateway.words.reasons import Reason
from tests.supervisor.fleet_scene import fleet_of, shown
from tests.supervisor.status_scene import (
    CLIENT,
    FIRST_FACTOR,
    GATEWAY,
    HEALTHY,
    HOME,
    HOST,
    IKEY,
    NAME,
    OTHER_HOME,
    QUIET,
    SECTION,
    SERVERS,
    Worker,
)

OTHER_HOST = "api-87654321.duosecurity.com"
OTHER_NAME = f"{OTHER_HOST}:443/{IKEY}"
TOKYO = SERVERS[0]._replace(name="Tokyo", requires_signature=True)
OSAKA = SERVERS[1]._replace(name="Osaka", requires_signature=True)
OF_TOKYO = HEALTHY._replace(sections=(SECTION,))
OF_OSAKA = HEALTHY._replace(name=OTHER_NAME, api_host=OTHER_HOST, sections=(QUIET,))
LOST = LogFacts("authproxy.log", 7, ("worker 0",), "worker 0: Is a directory")


def status_of(
    worker: Worker | None = None,
    *,
    workers: Sequence[WorkerFacts] = (),
    servers: Sequence[ServerFacts] = (TOKYO, OSAKA),
    applications: Sequence[ApplicationFacts] = (OF_TOKYO, OF_OSAKA),
    logs: Sequence[LogFacts] = (LogFacts("syslog", 0),),
    first_factors: Sequence[FirstFactorFacts] = (),
) -> Status:
    worker = worker or Worker()
    totals = worker.reading.totals
    status = build_status(GATEWAY, workers or [worker.facts()], servers, applications, totals, logs, first_factors)
    return {**status, "fleet": fleet_of(shown())}


def refused(n_rejects: int, n_accepts: int, why: Reason = Reason.DUO_DENIED) -> Worker:
    worker = Worker()
    for reason, number in ((why, n_rejects), (Reason.DUO_ALLOWED, n_accepts)):
        for _ in range(number):
            worker.section.requests.add()
            worker.section.began()
            worker.section.finished(reason, 0.2, 0.0002)
    return worker


def names(part: Status) -> dict[str, list[Any]]:
    """Return what the lists hold that are not empty."""
    keys = {"workers": "slot", "servers": "name", "applications": "application", "logs": "log"}
    return {name: [each[key] for each in part[name]] for name, key in keys.items() if part[name]}


@pytest.mark.parametrize("wanted", ["Tokyo", "TOKYO", SECTION])
def test_a_directory_is_shown_alone_with_its_application(wanted: str):
    part = of_server(status_of(), wanted)
    assert names(part) == {"servers": ["Tokyo"], "applications": [NAME]}
    assert [host["api_host"] for host in part["duo_hosts"]] == [HOST]
    assert list(part["histograms"]["servers"]) == [SECTION]
    assert list(part["histograms"]["applications"]) == [NAME]
    assert part.keys() == status_of().keys() - {"fleet"}


def test_first_factors_are_those_of_the_directory_and_those_that_are_down():
    other = FIRST_FACTOR._replace(section="radius_client2", sections=(QUIET,))
    worker = Worker()
    worker.homes[HOME].show(1_003.0, 1_004.0, Trouble.TIMEOUT)
    status = status_of(worker, first_factors=[FIRST_FACTOR, other])
    parts = [of_server(status, "Tokyo"), of_server(status, "Osaka"), troubled(status)]
    sections = [[client["section"] for client in part["clients"]] for part in parts]
    assert sections == [[CLIENT], ["radius_client2"], [CLIENT]]
    assert [list(part["histograms"]["clients"]) for part in parts] == sections
    assert not is_well(parts[2])


def test_a_directory_whose_first_factor_is_down_is_troubled():
    worker = Worker()
    worker.homes[HOME].show(1_003.0, 1_004.0, Trouble.TIMEOUT)
    status = status_of(worker, first_factors=[FIRST_FACTOR])
    assert "servers" not in names(troubled(status))
    worker.homes[OTHER_HOME].show(1_003.0, 1_004.0, Trouble.TIMEOUT)
    status = status_of(worker, first_factors=[FIRST_FACTOR])
    assert names(troubled(status))["servers"] == ["Tokyo"]
    assert "all logins are rejected at Tokyo [radius_server_duo_only]" in " ".join(render_status(status).split())


def test_a_gateway_of_an_older_version_tells_of_no_first_factors():
    status = status_of()
    del status["clients"], status["histograms"]["clients"]
    assert is_well(troubled(status))
    assert "first factor" not in render_status(status)


def test_an_unknown_directory_is_told_with_the_nearest():
    with pytest.raises(NoSuchServer, match=r"no server section 'Tokio'; the nearest: Tokyo \[radius_server_duo_only\]"):
        of_server(status_of(), "Tokio")
    with pytest.raises(NoSuchServer, match="it has none"):
        of_server(status_of(servers=[], applications=[]), "Tokyo")


def test_a_part_of_a_name_is_no_name():
    with pytest.raises(NoSuchServer):
        of_server(status_of(), "Tok")


def test_all_is_well_leaves_nothing():
    part = troubled(status_of())
    assert (names(part), part["duo_hosts"], "fleet" in part, is_well(part)) == ({}, [], False, True)


@pytest.mark.parametrize("n_unsigned", [0, 1])
def test_advice_is_no_trouble(n_unsigned: int):
    worker = refused(0, 1)
    for _ in range(n_unsigned):
        worker.section.unsigned()
    status = status_of(worker, servers=[TOKYO._replace(requires_signature=False), OSAKA])
    part = troubled(status)
    assert (bool(status["servers"][0]["advice"]), names(part), is_well(part)) == (True, {}, True)


UNREADY = [Worker().facts(), Worker(12).facts(slot=1, state="backoff")]
OLD = [Worker().facts(state="draining", generation=1), Worker(12).facts(slot=1)]


@pytest.mark.parametrize(
    ("status", "left"),
    [
        (status_of(applications=[OF_TOKYO._replace(state="suspect"), OF_OSAKA]), {"applications": [NAME]}),
        (status_of(applications=[OF_TOKYO, OF_OSAKA._replace(hint="odd")]), {"applications": [OTHER_NAME]}),
        (status_of(applications=[OF_TOKYO._replace(is_fail_mode_active=True)]), {"applications": [NAME]}),
        (status_of(refused(2, 1)), {"servers": ["Tokyo"]}),
        (status_of(refused(1, 1)), {}),
        (status_of(refused(2, 1, Reason.SMS_SENT)), {}),
        (status_of(workers=UNREADY), {"workers": [1]}),
        (status_of(workers=OLD), {}),
        (status_of(workers=[Worker().facts(unserved_s=75.0)]), {"workers": [0]}),
        (status_of(workers=[Worker().facts(version="1.0"), Worker(12).facts(slot=1)]), {"workers": [0]}),
        (status_of(logs=[LOST, LogFacts("syslog", 3)]), {"logs": ["authproxy.log"]}),
    ],
)
def test_what_is_not_well_is_left(status: Status, left: dict[str, list[Any]]):
    part = troubled(status)
    assert (names(part), is_well(part)) == (left, not left)


def test_hosts_and_a_refused_reload_are_no_matter_of_one_directory_and_left_in_every_part():
    refusal = {"ok": False, "age_s": 75.0, "problems": ["wrong"]}
    for more in ({"fleet": fleet_of(strangers=1)}, {"last_reload": refusal}, {"installed_version": "1.3.0"}):
        status = {**status_of(), **more}
        assert not is_well(troubled(status))
        assert of_server(status, "Tokyo").items() >= more.items()


def heads(text: str) -> list[str]:
    """Return the first word of what follows each empty line."""
    return [block.split()[0] for block in text.split("\n\n")[1:]]


def test_the_text_of_a_part_has_its_tables_alone():
    whole = status_of(applications=[OF_TOKYO, OF_OSAKA._replace(is_fail_mode_active=True)])
    text = render_status(of_server(whole, "Tokyo"), whole)
    assert heads(text) == ["server", "application", "connections"]
    assert "no application is in fail mode" not in text  # another one is
    text = render_status(troubled(whole), whole)
    assert heads(text) == ["application", "connections"]
    assert text.splitlines()[1].startswith(f"FAIL MODE of {IKEY} for ")
