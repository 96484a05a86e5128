"""Tries each host of an `[ad_client]`, step by step: connection, TLS, service account, search base and group.

No user's password is tried. The hosts are bound at one after the other: who refuses the service account is the last one
where it is tried, so that a mistyped password is one bad try of it and not one for each host.
"""

import asyncio
import datetime as dt
import os
import time
from typing import Final, NamedTuple

from gateway.checks.certificates import lifetime, verified_chain
from gateway.checks.directories import account_rules
from gateway.checks.directory_talk import Talk
from gateway.checks.findings import Finding, Severity
from gateway.config.settings import AdClient
from gateway.firstfactor.directory.binder import Binder
from gateway.firstfactor.directory.clients import endpoints_of, filetime, manner_of, service_account_of
from gateway.firstfactor.directory.opening import Endpoint, open_ldap
from gateway.firstfactor.directory.outcomes import of_search, of_service_bind
from gateway.firstfactor.directory.search import NO_ATTRIBUTES, Wanted
from gateway.firstfactor.directory.session import Ended
from gateway.https.resolver import Resolver
from gateway.ldap.filters import all_of, equality, present
from gateway.ldap.requests import Scope
from gateway.ldap.responses import Entry
from gateway.ldap.results import (
    INVALID_CREDENTIALS,
    INVALID_DN_SYNTAX,
    NO_SUCH_OBJECT,
    REFERRAL,
    SUCCESS,
    result_name,
)
from gateway.unavailable import Trouble, Unavailable
from gateway.words.first_factors import DIRECTORY_TROUBLES

SOON_DAYS: Final = 30  # domain controllers renew theirs six weeks before its end
OPEN_S: Final = 5.0
STEP_S: Final = 5.0
SEARCH_S: Final = 5  # that a directory may search

_NOT_THERE: Final = frozenset({NO_SUCH_OBJECT, REFERRAL, INVALID_DN_SYNTAX})
_SHOWN_BY: Final = {"security_group_dn": ": Get-ADGroup NAME shows it as DistinguishedName"}
_WITH_NAMES: Final = (
    "write the one with names: sAMAccountName in Active Directory, uid in most others; nobody can log in else"
)
_READABLE: Final = "let it read that and at_attribute; nobody can log in else, for nobody knows whom Duo is asked about"
_ANYTHING: Final = present(b"objectClass")
_OF_OTHERS: Final = frozenset({Trouble.DNS, Trouble.CONNECT, Trouble.TIMEOUT, Trouble.CLOSED, Trouble.BUSY})
"""Troubles that are no mistake in the file: somebody does not answer."""


class _Bind(NamedTuple):
    """What a bind of the service account has come to; `is_refused`: to one bad try of it."""

    trouble: Unavailable | None
    took_ms: float = 0.0
    is_refused: bool = False


class _Opened(NamedTuple):
    """A host with which one can talk, or cannot: what was found so far says why."""

    subject: str
    host: str
    talk: Talk | None
    findings: list[Finding]


async def examine_directory(client: AdClient) -> list[Finding]:
    """Return what each host has done, in the order of the file."""
    hosts = zip(client.hosts, endpoints_of(client), strict=True)
    opened = await asyncio.gather(*(_open(client, host.name, endpoint) for host, endpoint in hosts))
    found: list[Finding] = []
    is_refused = False
    for each in opened:
        found += each.findings
        if each.talk is None:
            continue
        if is_refused:
            text = "the service account is not tried here, which another host has refused"
            found.append(Finding(each.subject, "account", Severity.NOTE, text))
        else:
            findings, is_refused = await _examine(client, each.subject, each.host, each.talk)
            found += findings
        each.talk.close()
    return found


async def _open(client: AdClient, name: str, endpoint: Endpoint) -> _Opened:
    subject = f"directory {name} of [{client.section}]"
    began_at = time.monotonic()
    try:
        opened = await open_ldap(endpoint, Resolver(time.monotonic), OPEN_S)
    except Unavailable as trouble:
        return _Opened(subject, endpoint.host, None, [_cannot(subject, "connection", trouble)])
    took_ms = (time.monotonic() - began_at) * 1000
    findings = [Finding(subject, "connection", Severity.OK, f"it can be reached by {endpoint.way}, {took_ms:.0f} ms")]
    if opened.tls is not None:
        certificate = verified_chain(opened.tls.tls)[0]
        remedy = "renew it there; with auto-enrolment domain controllers do so themselves"
        what, now = "its certificate", dt.datetime.now(dt.UTC)
        findings.append(lifetime(subject, "certificate", what, certificate, now, remedy, SOON_DAYS))
    password = client.service_account_password
    return _Opened(subject, endpoint.host, Talk(opened, password.octets if password is not None else None), findings)


async def _examine(client: AdClient, subject: str, host: str, talk: Talk) -> tuple[list[Finding], bool]:
    """Return what came of bind and searches, and whether the service account was refused."""
    try:
        async with asyncio.timeout(STEP_S):
            bind = await _bind(client, host, talk)
        if bind.trouble is not None:
            return [_cannot(subject, "account", bind.trouble)], bind.is_refused
        text = f"the service account can log in, {bind.took_ms:.0f} ms"
        findings = [Finding(subject, "account", Severity.OK, text)]
        async with asyncio.timeout(4 * STEP_S):
            findings += await _search(client, subject, talk)
    except TimeoutError:
        silence = Unavailable(Trouble.TIMEOUT, "does not answer in time")
        return [_cannot(subject, "answer", silence)], False
    return findings, False


async def _bind(client: AdClient, host: str, talk: Talk) -> _Bind:
    account, manner = service_account_of(client, account_rules(client)), manner_of(client)
    if account is None:
        return _Bind(Unavailable(Trouble.CONFIGURATION, "cannot be searched without service_account_password"))
    binder = Binder(manner, client.ntlm_workstation, os.urandom, filetime)
    began_at = time.monotonic()
    try:
        octets = binder.begin(
            talk.session, host, talk.channel_bindings, account.name, account.user, account.domain, account.password
        )
    except ValueError as error:
        return _Bind(Unavailable(Trouble.CONFIGURATION, f"cannot be asked as the service account: {error}"))
    heard = await talk.bind(octets)
    took_ms = (time.monotonic() - began_at) * 1000
    if isinstance(heard, Ended):
        return _Bind(Unavailable(Trouble.CLOSED, heard.told(talk.password)))
    if heard.code == SUCCESS:
        return _Bind(None, took_ms)
    trouble = of_service_bind(heard, manner, account.told(manner), talk.password)
    return _Bind(trouble, took_ms, heard.code == INVALID_CREDENTIALS)


async def _search(client: AdClient, subject: str, talk: Talk) -> list[Finding]:
    """Return whether what the file names is there."""
    base = await _is_there(subject, talk, "search_dn", client.search_dn)
    if base.severity is not Severity.OK:
        return [base]
    found = [base, await _has_names(client, subject, talk)]
    if client.security_group_dn:
        found.append(await _is_there(subject, talk, "security_group_dn", client.security_group_dn))
    if client.ldap_filter:
        found.append(await _passes(client, subject, talk))
    return found


async def _is_there(subject: str, talk: Talk, key: str, name: str) -> Finding:
    wanted = Wanted(name.encode(), Scope.BASE, _ANYTHING, (NO_ATTRIBUTES,))
    result, found = await talk.search(wanted, SEARCH_S)
    if isinstance(result, Ended):
        return _cannot(subject, key, Unavailable(Trouble.CLOSED, result.told(talk.password)))
    if result.code in _NOT_THERE:
        text = f"has nothing at {key} ({result_name(result.code)})"
        remedy = "write the DN as the directory has it" + _SHOWN_BY.get(key, "")
        return Finding(subject, key, Severity.PROBLEM, text, remedy)
    trouble = of_search(result, talk.password)
    if trouble is not None:
        return _cannot(subject, key, trouble)
    if found:
        return Finding(subject, key, Severity.OK, f"{key} is there")
    remedy = "compare it with the directory, and let the service account read it"
    return Finding(subject, key, Severity.PROBLEM, f"the service account finds nothing at {key}", remedy)


async def _has_names(client: AdClient, subject: str, talk: Talk) -> Finding:
    """Return whether anybody has a name where names are looked for, and shows it: OpenLDAP knows no sAMAccountName."""
    key, name = "username_attribute", client.username_attribute
    has_it = all_of(equality(b"objectClass", b"person"), present(name.encode()))
    found = await _matching(client, subject, talk, key, has_it, name.encode())
    if isinstance(found, Finding):
        return found
    if not found:
        return Finding(subject, key, Severity.WARNING, f"nobody below search_dn has {name}", _WITH_NAMES)
    if not any(any(each.attributes.values()) for each in found):
        text = f"the service account cannot read {name} of people below search_dn"
        return Finding(subject, key, Severity.PROBLEM, text, _READABLE)
    return Finding(subject, key, Severity.OK, f"people below search_dn have {name}")


async def _passes(client: AdClient, subject: str, talk: Talk) -> Finding:
    found = await _matching(client, subject, talk, "ldap_filter", client.ldap_filter, NO_ATTRIBUTES)
    if isinstance(found, Finding):
        return found
    if found:
        return Finding(subject, "ldap_filter", Severity.OK, "ldap_filter matches somebody")
    remedy = "compare the filter's names with the directory; nobody can log in with it"
    return Finding(subject, "ldap_filter", Severity.WARNING, "ldap_filter matches nobody below search_dn", remedy)


async def _matching(
    client: AdClient, subject: str, talk: Talk, step: str, encoded_filter: bytes, attribute: bytes
) -> list[Entry] | Finding:
    """Return the first entries below search_dn that match a filter, or why that cannot be told."""
    wanted = Wanted(client.search_dn.encode(), Scope.SUBTREE, encoded_filter, (attribute,))
    result, found = await talk.search(wanted, SEARCH_S)
    if isinstance(result, Ended):
        return _cannot(subject, step, Unavailable(Trouble.CLOSED, result.told(talk.password)))
    trouble = of_search(result, talk.password)
    return found if trouble is None else _cannot(subject, step, trouble)


def _cannot(subject: str, step: str, trouble: Unavailable) -> Finding:
    """Return what an error means: somebody is not there, or somebody must change something."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in trouble.detail)
    text, _, remedy = shown.partition("; ")
    severity = Severity.UNREACHABLE if trouble.trouble in _OF_OTHERS else Severity.PROBLEM
    known = DIRECTORY_TROUBLES.get(trouble.trouble) if trouble.trouble is not Trouble.CONFIGURATION else None
    return Finding(subject, step, severity, text, remedy or (known.remedy if known is not None else ""))
