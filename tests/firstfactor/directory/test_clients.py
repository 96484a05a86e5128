"""What a section says reaches its client, and what happens there reaches the log."""

import logging
import ssl

import pytest

from gateway.config.settings import AdClient, AuthType, DirectoryHost, Secret, Transport
from gateway.firstfactor.directory.account import AccountRules
from gateway.firstfactor.directory.clients import (
    endpoints_of,
    filetime,
    manner_of,
    plan_of,
    search_rules_of,
    service_account_of,
    tell_of,
)
from gateway.firstfactor.directory.host import Host
from gateway.firstfactor.directory.opening import Way
from gateway.firstfactor.host_states import HEARD, SILENT
from gateway.unavailable import Trouble

BASE = "DC=ad,DC=example,DC=test"
NAMES = AccountRules.of("sAMAccountName", "userPrincipalName", BASE, "EXAMPLE")


def section(**how) -> AdClient:
    hosts = (DirectoryHost(host="dc1.example.test"), DirectoryHost(host="::1", port=3268))
    return AdClient(**{"section": "ad_client", "hosts": hosts, "search_dn": BASE, **how})


def test_workers_share_what_may_be_out():
    assert plan_of(section(), 3)._limits.max_in_flight == 67
    assert plan_of(section(max_in_flight=1), 3)._limits.max_in_flight == 1
    assert plan_of(section(timeout_s=4.0), 1)._limits.timeout_s == 4.0
    assert [host.name for host in plan_of(section(), 1).hosts] == ["dc1.example.test:389", "[::1]:3268"]


@pytest.mark.parametrize(
    ("auth_type", "transport", "signs", "serves_many"),
    [
        (AuthType.NTLM2, Transport.CLEAR, True, False),
        (AuthType.NTLM2, Transport.LDAPS, False, True),
        (AuthType.NTLM2, Transport.STARTTLS, False, True),
        (AuthType.PLAIN, Transport.CLEAR, False, True),
        (AuthType.PLAIN, Transport.LDAPS, False, True),
    ],
)
def test_messages_are_signed_after_ntlm_over_a_clear_connection_alone(auth_type, transport, signs, serves_many):
    manner = manner_of(section(auth_type=auth_type, transport=transport))
    assert (manner.signs, manner.can_bind_again) == (signs, serves_many)


def test_what_is_demanded_of_users():
    rules = search_rules_of(section(security_group_dn="CN=vpn", nested_groups=True, ldap_filter=b"\x87\x01x"))
    assert rules == (BASE.encode(), b"\x87\x01x", b"CN=vpn", True, True)
    assert not search_rules_of(section(auth_type=AuthType.PLAIN)).wants_account


def test_the_service_account():
    assert service_account_of(section(), NAMES) is None
    how = {"service_account_password": Secret(b"secret"), "bind_dn": "CN=reader," + BASE}
    account = service_account_of(section(service_account_username="OTHER\\reader", **how), NAMES)
    assert account == (f"CN=reader,{BASE}".encode(), "reader", "OTHER", b"secret")
    assert account is not None
    assert "secret" not in repr(account)
    account = service_account_of(section(service_account_username="reader", **how), NAMES)
    assert account is not None
    assert (account.user, account.domain) == ("reader", "EXAMPLE")


def test_whom_tls_trusts(authority_pem):
    (clear, _) = endpoints_of(section())
    assert (clear.host, clear.port, clear.way, clear.context) == ("dc1.example.test", 389, Way.CLEAR, None)
    how = {"transport": Transport.LDAPS, "ca_certs": authority_pem}
    context = endpoints_of(section(**how))[0].context
    assert context is not None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    lax = endpoints_of(section(**how, verify_hostname=False, minimum_tls_version="tls1.3"))[1].context
    assert lax is not None
    assert not lax.check_hostname
    assert lax.verify_mode is ssl.CERT_REQUIRED
    assert lax.minimum_version is ssl.TLSVersion.TLSv1_3
    old = endpoints_of(section(**how, cipher_list="HIGH@SECLEVEL=0"))[0].context
    assert old is not None
    assert "auth-null" not in {cipher["auth"] for cipher in old.get_ciphers()}


def test_windows_time_is_that_of_our_century():
    years = filetime() / 1e7 / 86400 / 365.2425
    assert 1601 + years > 2025


def test_the_log_is_told_why_a_host_does_not_answer_and_that_it_is_back(caplog):
    caplog.set_level(logging.INFO)
    host = Host(0, "dc1.example.test:389", "dc1.example.test")
    host.failed(1.0, "cannot be reached: connection refused by 10.0.0.1:389", Trouble.CONNECT)
    host.move(SILENT)
    other = Host(1, "dc2.example.test:389", "dc2.example.test")
    tell = tell_of("ad_client2", [host, other])
    tell(host)
    other.move(SILENT)
    tell(host)
    host.move(HEARD)
    tell(host)
    no_other = "as far as is known no other answers, so logins are rejected until one does"
    why = "cannot be reached: connection refused by 10.0.0.1:389"
    assert [record.getMessage() for record in caplog.records] == [
        f"Directory dc1.example.test:389 {why}; others are asked first until it answers",
        f"Directory dc1.example.test:389 {why}; {no_other}",
        "Directory dc1.example.test:389 answers again",
    ]
    assert {record.fields["client"] for record in caplog.records} == {"ad_client2"}
