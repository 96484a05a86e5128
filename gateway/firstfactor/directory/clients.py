"""A client for each `[ad_client]` of the configuration, and what the log is told of its hosts."""

import logging
import math
import os
import ssl
import time
from collections.abc import Callable, Sequence

from gateway.certificates import SYSTEM, limit_ciphers, system_context, trusting_context
from gateway.config.settings import AdClient, AuthType, Transport
from gateway.engine.first_factor import CheckFirstFactor
from gateway.firstfactor.directory.account import AccountRules, account_of, service_bind_name
from gateway.firstfactor.directory.binder import Binder, ServiceAccount
from gateway.firstfactor.directory.client import DirectoryClient
from gateway.firstfactor.directory.host import Host, Limits
from gateway.firstfactor.directory.opening import Endpoint, Way
from gateway.firstfactor.directory.outcomes import Manner
from gateway.firstfactor.directory.plan import DirectoryPlan
from gateway.firstfactor.directory.search import SearchRules
from gateway.firstfactor.host_states import UP
from gateway.statistics.counters import FirstFactorCounters

log = logging.getLogger("gateway.firstfactor")

_FILETIME_OF_1970 = 116_444_736_000_000_000
_OTHERS = "others are asked first until it answers"
_NO_OTHER = "as far as is known no other answers, so logins are rejected until one does"
_OF_A_SHARE = 0.9  # of a question's time at a host: who waits for a connection hears why there is none
_VERSIONS = {"tls1.2": ssl.TLSVersion.TLSv1_2, "tls1.3": ssl.TLSVersion.TLSv1_3}


def open_directory_client(
    settings: AdClient, n_workers: int, counters: FirstFactorCounters | None = None
) -> DirectoryClient:
    """Return the client of a section, which is already opening its connections.

    `n_workers` share its `max_in_flight`; `counters` are what to count with.
    """
    plan = plan_of(settings, n_workers)
    client = DirectoryClient(
        plan,
        endpoints_of(settings),
        _OF_A_SHARE * settings.timeout_s / len(settings.hosts),
        on_changed=tell_of(settings.section, plan.hosts),
        on_turned=_tell_where if log.isEnabledFor(logging.DEBUG) else None,
        counters=counters,
    )
    client.start()
    return client


def plan_of(settings: AdClient, n_workers: int) -> DirectoryPlan:
    """Return the plan of a section for one of its workers."""
    names = AccountRules.of(
        settings.username_attribute, settings.at_attribute, settings.search_dn, settings.ntlm_domain
    )
    return DirectoryPlan(
        [Host(number, host.name, host.host) for number, host in enumerate(settings.hosts)],
        Limits(settings.timeout_s, math.ceil(settings.max_in_flight / n_workers)),
        names,
        search_rules_of(settings),
        service_account_of(settings, names),
        Binder(manner_of(settings), settings.ntlm_workstation, os.urandom, filetime),
    )


def manner_of(settings: AdClient) -> Manner:
    """Return how binds go."""
    return Manner(
        is_ntlm=settings.auth_type is AuthType.NTLM2,
        is_tls=settings.transport is not Transport.CLEAR,
    )


def search_rules_of(settings: AdClient) -> SearchRules:
    """Return what a section demands of users."""
    return SearchRules(
        settings.search_dn.encode(),
        settings.ldap_filter,
        settings.security_group_dn.encode(),
        is_nested=settings.nested_groups,
        wants_account=settings.auth_type is AuthType.NTLM2,
    )


def service_account_of(settings: AdClient, names: AccountRules) -> ServiceAccount | None:
    """Return who searches; None if the section names nobody."""
    if settings.service_account_password is None:
        return None
    username = settings.service_account_username
    account = account_of(username.encode(), names)
    return ServiceAccount(
        service_bind_name(username, settings.bind_dn, names),
        account.user if account is not None else username,
        account.domain if account is not None else settings.ntlm_domain,
        settings.service_account_password.octets,
    )


def endpoints_of(settings: AdClient) -> list[Endpoint]:
    """Return where the hosts are, and the way to them.

    Raises:
        ValueError: nobody can be trusted by these certificates and versions, which the settings' reader has refused.
    """
    way = Way(settings.transport.value)
    context = None if way is Way.CLEAR else tls_context(settings)
    return [Endpoint(host.host, host.port, way, context) for host in settings.hosts]


def tls_context(settings: AdClient) -> ssl.SSLContext:
    """Return whom the section trusts, and from which version of TLS on.

    Raises:
        ValueError: see `endpoints_of`.
    """
    is_system = settings.ca_certs == SYSTEM.encode()
    context = system_context() if is_system else trusting_context(settings.ca_certs)
    context.check_hostname = settings.verify_hostname
    context.minimum_version = _VERSIONS[settings.minimum_tls_version]
    if settings.cipher_list:
        limit_ciphers(context, settings.cipher_list)
    return context


def filetime() -> int:
    """Return the present time in 100 ns since 1601, as Windows has it."""
    return _FILETIME_OF_1970 + time.time_ns() // 100


def _tell_where(question: CheckFirstFactor, host: Host) -> None:
    log.debug("Sending AD authentication request for %r to %r", question.shown_name, host.host)


def tell_of(section: str, hosts: Sequence[Host]) -> Callable[[Host], None]:
    """Return what tells the log that one of a section's hosts does not answer, or is back."""

    def tell(host: Host) -> None:
        fields = {"client": section, "host": host.name}
        if host.state is UP:
            log.info("Directory %s answers again", host.name, extra={"fields": fields})
            return
        others = any(each.state is UP for each in hosts)
        text = "Directory %s %s; " + (_OTHERS if others else _NO_OTHER)
        log.warning(text, host.name, host.complaint, extra={"fields": fields})

    return tell
