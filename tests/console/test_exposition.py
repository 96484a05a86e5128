"""`/metrics`: the names of the contract, in a text that Prometheus's own checker takes."""

import shutil
import subprocess
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.console.exposition import exposition
from gateway.statistics.layout import Measure
from gateway.words.reasons import Reason
from tests.console.scene import CLIENT, HOME, NAME, OTHER_HOME, SECTION, Gateway
from tests.supervisor.fleet_scene import SILENT, fleet_of, shown

LABELS = {
    "radgate_requests_total": {"server"},
    "radgate_replies_total": {"server", "reply", "reason"},
    "radgate_discards_total": {"server", "reason"},
    "radgate_duplicates_total": {"server", "kind"},
    "radgate_pending": {"server"},
    "radgate_login_seconds_bucket": {"server", "le"},
    "radgate_login_seconds_count": {"server"},
    "radgate_login_seconds_sum": {"server"},
    "radgate_gateway_seconds_bucket": {"server", "le"},
    "radgate_duo_call_seconds_bucket": {"application", "call", "le"},
    "radgate_duo_errors_total": {"application", "kind"},
    "radgate_duo_connections": {"application", "state"},
    "radgate_failmode_active": {"application"},
    "radgate_worker_up": {"slot"},
    "radgate_worker_restarts_total": {"slot"},
}


Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(gateway: Gateway) -> Samples:
    return samples_of(exposition(gateway.status))


def samples_of(text: bytes) -> Samples:
    families = text_string_to_metric_families(text.decode())
    found = [each for family in families for each in family.samples]
    by_key = {(each.name, frozenset(each.labels.items())): each.value for each in found}
    assert len(by_key) == len(found), "a series stands twice"
    return by_key


def value(gateway: Gateway, name: str, **labels: str) -> float:
    return samples(gateway)[name, frozenset(labels.items())]


def test_the_names_and_labels_of_the_contract():
    found: dict[str, set[str]] = {}
    for name, labels in samples(Gateway()):
        found.setdefault(name, set()).update(key for key, _ in labels)
    assert {name: found[name] for name in LABELS} == LABELS


def test_challenges_are_counted_where_there_can_be_some():
    gateway = Gateway()
    assert not [name for name, _ in samples(gateway) if "challenges" in name]
    gateway.mode = "challenge"
    gateway.login(Reason.CHALLENGED)
    assert value(gateway, "radgate_challenges_total", server=SECTION) == 1


def test_every_reason_is_there_before_it_happens():
    """increase() sees no first event of a series that was not there before."""
    reasons = {dict(labels)["reason"] for name, labels in samples(Gateway()) if name == "radgate_replies_total"}
    assert reasons == {reason.value for reason in Reason}


def test_counts_arrive():
    gateway = Gateway()
    gateway.login(Reason.DUO_ALLOWED, 0.2)
    gateway.login(Reason.DUO_DENIED, 0.2, slot=1)
    gateway.troubled()
    assert value(gateway, "radgate_requests_total", server=SECTION) == 2
    denied = {"server": SECTION, "reply": "Access-Reject", "reason": "duo_denied"}
    assert value(gateway, "radgate_replies_total", **denied) == 1
    assert value(gateway, "radgate_login_seconds_count", server=SECTION) == 2
    assert value(gateway, "radgate_login_seconds_bucket", server=SECTION, le="0.25") == 2
    assert value(gateway, "radgate_login_seconds_bucket", server=SECTION, le="0.1") == 0
    assert value(gateway, "radgate_login_seconds_sum", server=SECTION) == pytest.approx(0.4)
    assert value(gateway, "radgate_duo_call_seconds_count", application=NAME, call="auth") == 2
    assert value(gateway, "radgate_duo_errors_total", application=NAME, kind="timeout") == 1


def test_connections_are_those_of_a_host():
    gateway = Gateway()
    gateway.rows[0].applications[NAME].connected(3, 2)
    gateway.rows[1].applications[NAME].connected(1, 0)
    host = gateway.application.api_host
    assert value(gateway, "radgate_duo_connections", application=host, state="idle") == 4
    assert value(gateway, "radgate_duo_connections", application=host, state="busy") == 2


def test_first_factors_are_told_of_where_there_are_any():
    gateway = Gateway()
    assert not any(name.startswith("radgate_first_factor") for name, _ in samples(gateway))
    gateway.asks_first()
    host = {"client": CLIENT, "host": HOME}
    assert value(gateway, "radgate_first_factor_up", **host) == 0
    assert value(gateway, "radgate_first_factor_up", client=CLIENT, host=OTHER_HOME) == 1
    assert value(gateway, "radgate_first_factor_questions_total", **host, outcome="accepted") == 1
    assert value(gateway, "radgate_first_factor_questions_total", **host, outcome="timeout") == 1
    assert value(gateway, "radgate_first_factor_questions_total", **host, outcome="challenged") == 0
    assert value(gateway, "radgate_first_factor_discards_total", **host, reason="unasked") == 3
    assert value(gateway, "radgate_first_factor_discards_total", **host, reason="proxy_state") == 0
    assert value(gateway, "radgate_first_factor_seconds_count", client=CLIENT) == 2
    assert value(gateway, "radgate_first_factor_seconds_bucket", client=CLIENT, le="5") == 1


def test_of_a_domain_controller_there_is_from_the_start_what_can_become_of_a_question_there():
    gateway = Gateway()
    gateway.asks_first()
    gateway.first_factors = [gateway.first_factors[0]._replace(kind="ad_client")]
    shown = samples(gateway)
    outcomes = {dict(labels)["outcome"] for name, labels in shown if name == "radgate_first_factor_questions_total"}
    assert {"accepted", "rejected", "certificate", "configuration"} < outcomes
    assert "challenged" not in outcomes
    discards = {dict(labels)["reason"] for name, labels in shown if name == "radgate_first_factor_discards_total"}
    assert discards == {"unasked"}


def test_of_first_factors_a_brief_page_has_the_outcomes_that_there_were():
    gateway = Gateway()
    gateway.asks_first()
    name = "radgate_first_factor_questions_total"
    outcomes = {dict(labels)["outcome"] for each, labels in brief(gateway) if each == name}
    assert outcomes == {"accepted", "timeout", "rejected"}
    assert brief(gateway)["radgate_first_factor_up", frozenset({"client": CLIENT, "host": HOME}.items())] == 0


def brief(gateway: Gateway) -> Samples:
    return samples_of(exposition(gateway.status, is_brief=True))


def test_a_brief_page_has_what_was_counted_and_what_alerts_wait_for():
    gateway = Gateway()
    found = brief(gateway)
    reasons = {dict(labels)["reason"] for name, labels in found if name == "radgate_replies_total"}
    assert reasons == {"duo_allowed", "duo_denied", "duo_fraud"}
    assert {dict(labels)["reason"] for name, labels in found if name == "radgate_discards_total"} == {"overload"}
    assert {dict(labels)["kind"] for name, labels in found if name == "radgate_duo_errors_total"} == {"certificate"}
    assert sum(("server", SECTION) in labels for _, labels in found) <= 20
    gateway.login(Reason.DUO_TIMEOUT)
    gateway.troubled()
    timeout = {"server": SECTION, "reply": "Access-Reject", "reason": "duo_timeout"}
    assert brief(gateway)["radgate_replies_total", frozenset(timeout.items())] == 1
    error = {"application": NAME, "kind": "timeout"}
    assert brief(gateway)["radgate_duo_errors_total", frozenset(error.items())] == 1


def test_histograms_of_a_brief_page_are_of_all_sections_and_of_hosts():
    gateway = Gateway()
    assert not any(name.startswith("radgate_duo_call") for name, _ in brief(gateway))
    gateway.login(Reason.DUO_ALLOWED, 0.2)
    gateway.login(Reason.DUO_ALLOWED, 2.0, slot=1)
    found = brief(gateway)
    everybody = {("server", "all"), ("le", "0.25")}
    assert found["radgate_login_seconds_bucket", frozenset(everybody)] == 1
    assert found["radgate_gateway_seconds_count", frozenset({("server", "all")})] == 2
    assert {labels for name, labels in found if name == "radgate_duo_call_seconds_count"} == {
        frozenset({("application", gateway.application.api_host), ("call", "auth")})
    }


def test_what_labels_hold_is_escaped():
    gateway = Gateway()
    gateway.application = gateway.application._replace(name='back\\slash "quoted"\n')
    assert value(gateway, "radgate_failmode_active", application=gateway.application.name) == 0


def versions(gateway: Gateway, name: str) -> set[str]:
    return {dict(labels)["version"] for each, labels in samples(gateway) if each == name}


def test_versions_that_run_and_the_one_that_is_installed():
    gateway = Gateway()
    gateway.versions[1] = ""  # not known
    assert versions(gateway, "radgate_build_info") == versions(gateway, "radgate_installed_info") == {"1.2.3"}
    gateway.installed = gateway.versions[1] = "1.3.0"
    assert versions(gateway, "radgate_build_info") == {"1.2.3", "1.3.0"}
    assert versions(gateway, "radgate_installed_info") == {"1.3.0"}


def test_the_version_that_the_console_runs_is_one_of_them():
    gateway = Gateway()
    gateway.console_version = "1.3.0"
    assert versions(gateway, "radgate_build_info") == {"1.2.3", "1.3.0"}


def test_until_when_certificates_are_valid():
    gateway = Gateway()
    labels = {"certificate": "duo", "host": gateway.application.api_host}
    assert value(gateway, "radgate_certificate_valid_until_seconds", **labels) == 1.9e9


def test_whether_the_last_reload_took_place():
    gateway = Gateway()
    assert value(gateway, "radgate_last_reload_successful") == 1
    gateway.last_reload = {"ok": False, "age_s": 1.0, "problems": ["no"]}
    assert value(gateway, "radgate_last_reload_successful") == 0
    gateway.last_reload = None
    assert not any(name.startswith("radgate_last_reload") for name, _ in samples(gateway))


def test_when_the_last_reload_was():
    gateway = Gateway()
    assert value(gateway, "radgate_last_reload_timestamp_seconds") == 1.8e9
    gateway.last_reload = {"ok": True, "age_s": 1.0, "problems": []}  # of an older supervisor
    assert not any(name == "radgate_last_reload_timestamp_seconds" for name, _ in samples(gateway))


def test_a_supervisor_of_older_code_tells_less():
    status = Gateway().status
    for key in ("duo_hosts", "installed_version", "certificates", "last_reload", "slots"):
        del status[key]
    for each in (*status["workers"], status["console"]):
        del each["version"]
    for server in status["servers"]:
        del server["n_clients"]
    names = {name for name, _ in samples_of(exposition(status))}
    assert {"radgate_build_info", "radgate_requests_total", "radgate_worker_up", "radgate_unsent_total"} <= names
    assert "radgate_duo_connections" not in names


def test_how_many_there_are():
    gateway = Gateway()
    found = {name: value(gateway, f"radgate_{name}") for name in ("sections", "clients", "console_restarts_total")}
    assert found == {"sections": 1, "clients": 3, "console_restarts_total": 0}


def test_fail_mode_and_workers():
    gateway = Gateway()
    gateway.states[1] = "backoff"
    gateway.fails("safe")
    assert value(gateway, "radgate_failmode_active", application=NAME) == 1
    assert value(gateway, "radgate_worker_up", slot="0") == 1
    assert value(gateway, "radgate_worker_up", slot="1") == 0
    assert value(gateway, "radgate_worker_restarts_total", slot="1") == 1


@pytest.mark.parametrize("name", ["datagrams", "unsent", "journal_skipped"])
def test_what_is_counted_by_slot_outlives_a_reload(name):
    gateway, series = Gateway(), f"radgate_{name}_total"
    gateway.rows[1].count(Measure(name), 5)
    gateway.reloads()
    assert value(gateway, series, slot="1") == 5
    gateway.rows[1].count(Measure(name), 2)
    assert (value(gateway, series, slot="0"), value(gateway, series, slot="1")) == (0, 7)


def test_datagrams_that_were_lost_stay_counted_whoever_reads_the_sockets():
    """The kernel's count had to come with a datagram, and was 0 until then: an alert without a loss."""
    gateway = Gateway()
    gateway.retired.counters[Measure.OVERFLOWED, "1"] = 3918
    gateway.reloads()
    found = [value(gateway, "radgate_receive_overflows_total", slot=slot) for slot in "01"]
    assert found == [0, 3918]


def test_a_worker_of_a_former_generation_does_not_stand_for_its_slot():
    gateway = Gateway()
    gateway.generations[1] = 7
    assert ("radgate_worker_up", frozenset({("slot", "1")})) not in samples(gateway)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("is_brief", [False, True])
def test_promtool_has_nothing_to_say(is_brief):
    text = exposition(Gateway().status, is_brief)
    said = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (said.returncode, said.stdout + said.stderr) == (0, b"")


class _OfFleet(Gateway):
    """A host of a fleet of three, of which one is silent."""

    @property
    def status(self) -> dict[str, Any]:
        return {**super().status, "fleet": fleet_of(shown(), shown(SILENT._replace(instance="c" * 16)))}


def test_a_fleet_is_counted_in_hosts_that_live_and_in_claims():
    host = _OfFleet()
    assert value(host, "radgate_fleet_hosts") == 2
    assert value(host, "radgate_fleet_up") == 1
    assert value(host, "radgate_fleet_claims_total", outcome="takeover") == 1
    assert value(host, "radgate_fleet_engine_seconds_count") == 0
    assert not any(name.startswith("radgate_fleet") for name, _ in samples(Gateway()))


def test_who_still_uses_an_old_secret_is_told_where_there_are_two():
    gateway = Gateway()
    assert not [name for name, _ in samples(gateway) if "rotation" in name or "next_key" in name]
    gateway.changes_secrets()
    for secret, n_packets, n_clients in (("present", 8, 2), ("next", 4, 1)):
        labels = {"server": SECTION, "secret": secret}
        assert value(gateway, "radgate_rotation_packets_total", **labels) == n_packets
        assert value(gateway, "radgate_rotation_clients", **labels) == n_clients
    assert value(gateway, "radgate_rotation_present_age_seconds", server=SECTION) == 50.0
    assert value(gateway, "radgate_duo_next_key_workers", application=NAME) == 1.0


def test_a_section_with_a_name_has_it_as_a_label_everywhere():
    status = Gateway().status
    status["servers"][0]["name"] = 'Tokyo "2"'
    text = exposition(status).decode()
    of_sections = [line for line in text.splitlines() if 'server="' in line]
    assert of_sections
    assert all(f'server="{SECTION}",name="Tokyo \\"2\\""' in line for line in of_sections)


def test_where_no_section_has_one_there_is_no_such_label():
    assert "name=" not in exposition(Gateway().status).decode()


def test_sections_without_one_beside_others_have_an_empty_label():
    status = Gateway().status
    status["servers"].append({**status["servers"][0], "section": "radius_server_duo_only2", "name": "Osaka"})
    status["histograms"]["servers"]["radius_server_duo_only2"] = status["histograms"]["servers"][SECTION]
    text = exposition(status).decode()
    assert f'radgate_pending{{server="{SECTION}",name=""}}' in text
    assert 'radgate_pending{server="radius_server_duo_only2",name="Osaka"}' in text
