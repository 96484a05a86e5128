"""What a reload changes, by name: sections, clients, applications and keys."""

import re
from typing import Any

import pytest
from msgspec import json
from msgspec.structs import replace

from gateway.config.ad_client import CLIENT_KEYS as AD_KEYS
from gateway.config.changes import MAX_NAMES, ChangedKeys, Changes, Difference, compare
from gateway.config.changes_told import details, named, summary
from gateway.config.fleet import FLEET_KEYS
from gateway.config.general import GATEWAY, MAIN
from gateway.config.modes import AUTO_KEYS, CHALLENGE_KEYS
from gateway.config.schema import key_pattern
from gateway.config.servers import SERVER
from gateway.config.settings import AdClient, FleetSettings, Secret, Settings
from tests.config.files import IKEY, MINIMAL, SHARED_SECRET, SKEY, parse
from tests.config.files import SERVER as SERVER_KEYS

NAME = "radius_server_duo_only"
SECOND = f"[{NAME}2]\nport=1813\n{SERVER_KEYS}"
OTHER_SKEY = SKEY[::-1]
FLEET_SETTINGS = FleetSettings(engine="redis://10.0.0.9", keys=(Secret(bytes(32)),))


def settings(text: str) -> Settings:
    return parse(text)[0]


def of(before: str, after: str) -> Changes:
    return compare(settings(before), settings(after))


def test_the_same_file_changes_nothing():
    changes = of(MINIMAL + SECOND, MINIMAL + SECOND)
    assert changes.sections == Difference(before=2, after=2)
    assert changes.other_sections == Difference(before=2, after=2)
    assert changes.clients == Difference(before=2, after=2)
    assert changes.applications == Difference(before=1, after=1)
    assert changes.keys == ()
    assert (summary(changes), details(changes)) == ("sections: 0 removed, 0 added, 0 changed; clients 2 -> 2", [])


def test_sections_and_their_clients_come_and_go():
    changes = of(MINIMAL, SECOND)
    assert changes.sections == Difference(
        before=1, after=1, n_removed=1, n_added=1, removed=(NAME,), added=(f"{NAME}2",)
    )
    assert changes.clients.removed == (f"[{NAME}] radius_ip_1",)
    assert changes.clients.added == (f"[{NAME}2] radius_ip_1",)
    assert changes.keys == ()


KEYS = {
    "a value": (MINIMAL + "failmode=secure\n", {"changed": ("failmode",)}),
    "the default, written": (MINIMAL + "failmode=safe\n", None),
    "a name": (MINIMAL + "exempt_username_7=bob\n", {"changed": ("exempt_username_N",)}),
    "what has no default": (MINIMAL + "http_proxy_host=proxy.example\n", {"added": ("http_proxy_host",)}),
    "the secret key": (MINIMAL.replace(SKEY, OTHER_SKEY), {"changed": ("skey",)}),
    "its next one": (MINIMAL + f"skey_next={OTHER_SKEY}\n", {"added": ("skey_next",)}),
    "a client's secret": (MINIMAL.replace(SHARED_SECRET, SHARED_SECRET[::-1]), {"changed": ("radius_secret_1",)}),
    "its next secret": (MINIMAL + f"radius_secret_1_next={OTHER_SKEY}\n", {"added": ("radius_secret_1_next",)}),
    "a client's address": (MINIMAL.replace("10.0.1.10", "10.0.1.11"), {"changed": ("radius_ip_1",)}),
    "where it is signed": (
        MINIMAL + "message_authenticator_in_replies_1=last\n",
        {"added": ("message_authenticator_in_replies_1",)},
    ),
    "certificates": (MINIMAL + "[main]\nhttp_ca_certs_file=system\n", {"added": ("http_ca_certs_file",)}),
    "a client": (
        MINIMAL + f"radius_ip_2=10.0.1.12\nradius_secret_2={SHARED_SECRET}\n",
        {"added": ("radius_ip_2", "radius_secret_2")},
    ),
}


@pytest.mark.parametrize("name", KEYS)
def test_keys_of_a_section(name: str):
    after, keys = KEYS[name]
    changes = of(MINIMAL, after)
    assert changes.keys == ((ChangedKeys(section=NAME, **keys),) if keys else ())
    assert changes.sections.changed == ((NAME,) if keys else ())


def test_applications_are_told_by_their_ikey():
    other = "DI" + "Z" * 18
    changes = of(MINIMAL + SECOND, MINIMAL + SECOND.replace(IKEY, other))
    assert (changes.applications.added, changes.applications.removed) == ((other,), ())
    assert of(MINIMAL, MINIMAL + "api_timeout=7\n").applications.changed == (IKEY,)
    assert details(changes) == [f"changed: {NAME}2 (ikey)", f"applications added: {other}"]


def test_keys_of_other_sections():
    after = MINIMAL + "[main]\ndebug=true\n[gateway]\nworkers=3\nlog_format=json\nconsole=off\n"
    changes = of(MINIMAL, after)
    assert changes.sections == Difference(before=1, after=1)
    assert changes.other_sections.changed == ("main", "gateway")
    assert changes.keys == (
        ChangedKeys(section="main", changed=("debug",)),
        ChangedKeys(section="gateway", removed=("metrics",), changed=("console", "log_format", "workers")),
    )
    assert summary(changes).endswith("; clients 1 -> 1; other sections: 0 removed, 0 added, 2 changed")
    assert details(changes) == ["changed: main (debug), gateway (console, log_format, workers, -metrics)"]


def test_a_fleet_comes_and_changes_its_key():
    alone = settings(MINIMAL)
    one, other = (
        replace(alone, fleet=FLEET_SETTINGS),
        replace(alone, fleet=replace(FLEET_SETTINGS, keys=(Secret(b"1" * 32),))),
    )
    assert compare(alone, one).other_sections.added == ("fleet",)
    assert compare(one, other).keys == (ChangedKeys(section="fleet", changed=("fleet_key_file",)),)


def test_no_value_is_told():
    before = settings(MINIMAL)
    for after, keys in KEYS.values():
        changes = compare(before, settings(after))
        told = json.encode(changes).decode() + summary(changes) + " ".join(details(changes))
        values = set(re.findall("=(.{5,})", after)) - {IKEY}
        assert not [value for value in values if value in told], keys


def test_every_name_of_a_key_is_one_of_the_file():
    """A new field of settings has the name of its key, or an entry among those that have another."""
    many = SERVER_KEYS + f"skey_next={OTHER_SKEY}\nradius_secret_1_next={OTHER_SKEY}\nhttp_proxy_host=p.example\n"
    many += "interface=10.0.0.5\nclient=duo_only_client\n"
    full = replace(
        settings(
            f"[{NAME}]\n{many}\n[duo_only_client]\n[main]\nhttp_ca_certs_file=system\n[gateway]\nuser=a\ngroup=b\n"
        ),
        fleet=replace(FLEET_SETTINGS, password=Secret(b"x"), ca_certs_file="system"),
    )
    of_main = {"http_ca_certs_file": ""}  # which is told of each section that goes by it
    known = {"main": MAIN, "gateway": GATEWAY, "fleet": FLEET_KEYS, NAME: SERVER | AUTO_KEYS | CHALLENGE_KEYS | of_main}
    changes = compare(full, _all_changed(full))
    found = {each.section: {*each.removed, *each.added, *each.changed} for each in changes.keys}
    assert found.keys() == known.keys()
    for section, keys in found.items():
        assert {key_pattern(key) if key not in SERVER else key for key in keys} - known[section].keys() == set()
    unread = {"http_ca_certs_file"} | {"secrets_key_file", "console_tls_key_file", "include"}
    assert MAIN.keys() - found["main"] - unread == set()
    assert GATEWAY.keys() - found["gateway"] - unread - {"console_token_file", "console_tls_cert_file"} == set()


def test_of_a_first_factor_its_keys_are_told_and_of_its_home_servers_that_they_are_others():
    file = f"[{NAME}]\n{{}}\n[radius_server_auto]\n{{}}port=1813\nclient=radius_client\n[radius_client]\n"
    file = file.format(SERVER_KEYS, SERVER_KEYS)
    before = settings(f"{file}host=10.0.0.5\nsecret={OTHER_SKEY}\n")
    after = settings(f"{file}host=10.0.0.6\nsecret={OTHER_SKEY[::-1]}\nretry_wait=1\npass_through_attr_names=Class\n")
    (keys,) = compare(before, after).keys
    assert (keys.section, keys.changed) == (
        "radius_client",
        ("host", "pass_through_attr_names", "retry_wait", "secret"),
    )
    assert not compare(before, before).keys


@pytest.mark.parametrize("client", ["radius_client", "ad_client"])
def test_another_port_of_a_host_is_told_as_that(client):
    keys = (
        f"host=10.0.0.5\nsecret={OTHER_SKEY}\n"
        if client == "radius_client"
        else (f"host=dc1\nsearch_dn=DC=a\nservice_account_username=r\nservice_account_password={OTHER_SKEY}\n")
    )
    file = f"[radius_server_auto]\n{SERVER_KEYS}client={client}\n[{client}]\n{keys}"
    (changed,) = compare(settings(file), settings(f"{file}port_1=1999\n")).keys
    assert (changed.section, changed.changed) == (client, ("port",))


def test_of_a_directory_its_keys_are_told_and_of_its_hosts_that_they_are_others():
    file = f"[radius_server_auto]\n{SERVER_KEYS}client=ad_client\n[ad_client]\nsearch_dn=DC=a\n"
    file = f"{file}service_account_username=reader\nservice_account_password="
    before = settings(f"{file}{OTHER_SKEY}\nhost=dc1\nhost_2=dc2\n")
    after = settings(f"{file}{OTHER_SKEY[::-1]}\nhost=dc2\nhost_2=dc1\ntimeout=5\nldap_filter=(a=b)\n")
    (keys,) = compare(before, after).keys
    changed = ("host", "ldap_filter", "service_account_password", "timeout")
    assert (keys.section, keys.changed) == ("ad_client", changed)
    assert OTHER_SKEY not in repr(compare(before, after))
    assert not compare(before, before).keys


def test_every_key_of_a_directory_is_told_as_it_is_in_the_file():
    file = f"[radius_server_auto]\n{SERVER_KEYS}client=ad_client\n[ad_client]\nhost=dc1\nsearch_dn=DC=a\n"
    full = settings(f"{file}service_account_username=reader\nservice_account_password={OTHER_SKEY}\n")
    (directory,) = full.clients
    assert isinstance(directory, AdClient)
    other = _different(directory, section=directory.section, hosts=(_different(directory.hosts[0]),))
    (keys,) = compare(full, replace(full, clients=(other,))).keys
    of_one = {"host_N", "port_N", "service_account_password_file", "service_account_password_protected"}
    assert set(keys.changed) == AD_KEYS.keys() - of_one


OTHER = "unlike every value that there is"


def _all_changed(full: Settings) -> Settings:
    """Return settings in which every field is another one."""
    (server,) = full.servers
    (client,) = server.clients
    console = full.gateway.console
    assert full.fleet is not None
    assert console is not None
    return replace(
        full,
        log=_different(full.log),
        gateway=_different(full.gateway, console=_different(console)),
        fleet=_different(full.fleet),
        servers=(
            _different(
                server,
                section=NAME,
                clients=(_different(client, name=client.name),),
                modes=_different(server.modes),
                application=_different(server.application),
            ),
        ),
    )


def _different(struct: Any, **kept: Any) -> Any:
    return replace(struct, **{field: kept.get(field, OTHER) for field in struct.__struct_fields__})


def test_briefly_it_has_few_names_and_all_numbers():
    before = settings("".join(f"[{NAME}{n}]\nport={2000 + n}\n{SERVER_KEYS}" for n in range(30)))
    changes = compare(before, replace(before, servers=before.servers[:1]))
    brief = changes.brief()
    assert (brief.sections.n_removed, len(brief.sections.removed)) == (29, MAX_NAMES)
    assert (len(changes.sections.removed), len(brief.clients.removed)) == (29, MAX_NAMES)
    assert summary(brief) == summary(changes) == "sections: 29 removed, 0 added, 0 changed; clients 30 -> 1"
    assert details(brief) == details(changes)
    assert details(brief)[0].endswith(f"{NAME}10 and 19 more")


def test_names_and_how_many_more():
    assert named(["a", "b"], 2) == "a, b"
    assert named([str(n) for n in range(12)], 1200) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1,190 more"


def test_sections_with_a_name_are_told_by_it_too():
    tokyo, osaka = MINIMAL + "name=Tokyo\n", MINIMAL.replace("only]", "only2]") + "port=1813\nname=Osaka\n"
    there = of(tokyo, tokyo.replace("name=", "failmode=secure\nname=") + osaka)
    assert details(there) == [
        'added: radius_server_duo_only2 "Osaka"',
        'changed: radius_server_duo_only "Tokyo" (failmode)',
    ]
    assert details(of(tokyo + osaka, tokyo)) == ['removed: radius_server_duo_only2 "Osaka"']
    assert there.brief().names == there.names


def test_one_that_is_given_another_name_is_told_by_that():
    assert details(of(MINIMAL + "name=Tokyo\n", MINIMAL + "name=Kyoto\n")) == [
        'changed: radius_server_duo_only "Kyoto" (name)'
    ]
