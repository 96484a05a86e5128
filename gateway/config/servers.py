"""What all server sections have: RADIUS clients, a Duo application and how they answer."""

import re
from collections.abc import Mapping
from difflib import get_close_matches

from gateway.config.attributes import attribute, may_hold_address
from gateway.config.clients import read_clients
from gateway.config.credentials import FoundSecret, read_next_secret, read_secret
from gateway.config.ini import Entry
from gateway.config.names import read_name
from gateway.config.scope import Context, Scope
from gateway.config.secret_keys import NEXT_RADIUS_SECRET, NEXT_SKEY, RADIUS_SECRET, SKEY
from gateway.config.settings import ApiVersion, ApplicationSettings, Secret, ServerSettings
from gateway.config.slips import name_slips, repeated_letter
from gateway.config.surroundings import Surroundings
from gateway.config.values import (
    BadValueError,
    HostPort,
    address,
    boolean,
    choice,
    codec,
    host,
    host_port,
    integer,
    integration_key,
    message_authenticator_rule,
    plain,
    port,
    quoted,
    quoted_name,
    seconds,
    seconds_or_0,
)
from gateway.engine.rules import Accounting, FailMode, PreauthRule, RequireMessageAuthenticator, UnrecognisedFactor

SERVER = {
    "name": "",
    "ikey": "",
    **SKEY.rows,
    **NEXT_SKEY.rows,
    "api_host": "",
    "api_port": "443",
    "radius_ip_N": "",
    **RADIUS_SECRET.rows,
    **NEXT_RADIUS_SECRET.rows,
    "message_authenticator_in_replies_N": "first",
    "client": "",
    "interface": "",
    "port": "1812",
    "failmode": "safe",
    "api_timeout": "0",
    "api_version": "auto",
    "preauth": "always",
    "http_proxy_host": "",
    "http_proxy_port": "80",
    "unrecognised_factor": "reject",
    "client_ip_attr": "Calling-Station-Id",
    "pw_codec": "utf-8",
    "exempt_username_N": "",
    "probe_username_N": "",
    "require_message_authenticator": "auto",
    "force_message_authenticator": "",
    "limit_proxy_state": "yes",
    "reject_delay_s": "1.0",
    "response_deadline_s": "0",
    "coalesce": "true",
    "max_pending_per_user": "3",
    "status_server": "yes",
    "accounting": "off",
}

SKEY_SIZE = 40  # characters
SHORTEST_API_TIMEOUT_S = 1.0  # a handshake with Duo and its answer take a quarter of it
SHORTEST_DEADLINE_S = 0.1
PLACEHOLDER_HOST = "api-XXXXXXXX.duosecurity.com"
DUO_DOMAINS = ("duosecurity.com", "duofederal.com")

_DUO_HOST = re.compile(r"api-[0-9a-f]{8}\.(duosecurity|duofederal)\.com")
_DOMAIN_LIKENESS = 0.85  # `duosecurity.co` is like `duosecurity.com`

EXEMPT_USERNAME = re.compile("exempt_username_[0-9]+")
_NOTHING_FORCED = (RequireMessageAuthenticator.NO, RequireMessageAuthenticator.AUTO)
_PROBE_USERNAME = re.compile("probe_username_[0-9]+")


def read_server(scope: Scope, context: Context, client: str | None) -> ServerSettings:
    """Return the section's settings; `client` is what its kind makes of that key."""
    settings = ServerSettings(
        section=scope.section,
        name=read_name(scope),
        client=client,
        interface=scope.read_optional("interface", address),
        port=scope.read("port", port),
        clients=read_clients(scope, context.surroundings),
        application=_read_application(scope, context),
        fail_mode=scope.read("failmode", choice(FailMode)),
        unrecognised_factor=scope.read("unrecognised_factor", choice(UnrecognisedFactor)),
        preauth=scope.read("preauth", choice(PreauthRule)),
        client_ip_attr=scope.read("client_ip_attr", attribute),
        pw_codec=scope.read("pw_codec", codec),
        exempt_usernames=_read_usernames(scope, EXEMPT_USERNAME),
        probe_usernames=frozenset(name.strip().lower() for name in _read_usernames(scope, _PROBE_USERNAME)),
        require_message_authenticator=_read_message_authenticator_rule(scope),
        limit_proxy_state=scope.read("limit_proxy_state", boolean),
        reject_delay_s=scope.read("reject_delay_s", seconds(60)),
        response_deadline_s=scope.read("response_deadline_s", seconds_or_0(SHORTEST_DEADLINE_S, 600)),
        coalesce=scope.read("coalesce", boolean),
        max_pending_per_user=scope.read("max_pending_per_user", integer(0, 100_000)),
        status_server=scope.read("status_server", boolean),
        accounting=scope.read("accounting", choice(Accounting)),
    )
    _check_client_address(scope, settings)
    _check_families(scope, settings)
    _check_deadline(scope, settings)
    _check_probes(scope, settings)
    return settings


def _read_application(scope: Scope, context: Context) -> ApplicationSettings:
    api = _read_api_address(scope)
    ikey = _read_ikey(scope)
    secret_key, next_secret_key = _read_secret_keys(scope, context.surroundings)
    return ApplicationSettings(
        api_host=api.host,
        api_port=api.port or 0,
        ikey=ikey,
        secret_key=secret_key,
        next_secret_key=next_secret_key,
        api_timeout_s=scope.read("api_timeout", seconds_or_0(SHORTEST_API_TIMEOUT_S, 3600)),
        api_version=scope.read("api_version", choice(ApiVersion)),
        http_proxy_host=scope.read_optional("http_proxy_host", host),
        http_proxy_port=scope.read("http_proxy_port", port),
        ca_certs_file=context.ca_certs_file,
    )


def _read_api_address(scope: Scope) -> HostPort:
    found = scope.read_required("api_host", _api_host, f"write api_host={PLACEHOLDER_HOST}") or HostPort("", None)
    _check_api_host(scope, found.host)
    api_port = scope.read("api_port", port)
    given = _nearest(scope, "api_host", "api_port")
    if found.port is None or "api_host" not in given:
        return HostPort(found.host, api_port)
    if "api_port" in given and api_port != found.port:
        scope.error(given["api_port"], f"api_host names port {found.port}; remove one of the two")
    return found


def _api_host(text: str) -> HostPort:
    """Return the API's address; not the sample's, with which `failmode=safe` would let everybody in."""
    if repeated_letter(text.partition(".")[0].lower().removeprefix("api-")) == "x":
        raise BadValueError("is the placeholder of samples; write the API hostname of your Duo application")
    found = host_port(text, PLACEHOLDER_HOST)
    if found.host.startswith("admin-"):
        raise BadValueError(f"{text} is Duo's admin panel; write the API hostname of your Duo application, api-…")
    return found


def _check_api_host(scope: Scope, name: str) -> None:
    """Note a name that is none of Duo's but looks as if it should be one: with `failmode=safe` it lets everybody in."""
    if not name or _DUO_HOST.fullmatch(name) or name == "localhost" or ":" in name:
        return
    entry = scope.entries("api_host")[0]
    domain = ".".join(name.split(".")[-2:])
    if "." not in name:
        scope.warn(entry, f"has no dot and is no whole name; write it as in {PLACEHOLDER_HOST}")  # it may be the skey
    elif domain in DUO_DOMAINS:
        text = "is none of Duo's names, which are api-, 8 digits or letters a to f, and the domain"
        scope.warn(entry, f"{quoted(name)} {text}; copy it again from Duo's admin panel")
    elif close := get_close_matches(domain, DUO_DOMAINS, n=1, cutoff=_DOMAIN_LIKENESS):
        scope.warn(entry, f"{quoted(name)} is not under {close[0]}; write that if it is meant")


def _read_ikey(scope: Scope) -> str:
    ikey = scope.read_required("ikey", integration_key, "write ikey=DIXXXXXXXXXXXXXXXXXX")
    letter = repeated_letter(ikey.upper().removeprefix("DI")) if ikey else None
    if letter == "x":
        text = "is the placeholder of samples; write the integration key of your Duo application"
        scope.error(scope.entries("ikey")[0], text)
    elif letter:
        text = "is one character again and again, as placeholders are; copy it from Duo's admin panel"
        scope.warn(scope.entries("ikey")[0], text)
    elif ikey and not ikey.startswith("DI"):
        text = f"{ikey} does not start with DI as Duo's integration keys do; copy it again from Duo's admin panel"
        scope.warn(scope.entries("ikey")[0], text)
    return ikey or ""


def _read_secret_keys(scope: Scope, surroundings: Surroundings) -> tuple[Secret, Secret | None]:
    """Return the secret key, and the one that is to take its place."""
    if not scope.entries(*SKEY.all) and not scope.entries(*NEXT_SKEY.all):
        scope.missing("skey", "is missing; write skey= with the application's secret key, or skey_file=PATH")
    found = read_secret(scope, surroundings, SKEY)
    next_found = read_next_secret(scope, surroundings, NEXT_SKEY, SKEY, found)
    for each in filter(None, (found, next_found)):
        _check_secret_key(scope, each)
    return Secret(found.octets if found else b""), Secret(next_found.octets) if next_found else None


def _check_secret_key(scope: Scope, found: FoundSecret) -> None:
    n_characters = len(found.octets.decode(errors="replace"))
    if n_characters != SKEY_SIZE:
        text = f"a secret key has {SKEY_SIZE} characters, this one has {n_characters}"
        scope.error(found.entry, f"{text}; copy it again from Duo's admin panel")


def _read_message_authenticator_rule(scope: Scope) -> RequireMessageAuthenticator:
    """Duo's own key is `force_message_authenticator`; with `no` nothing is required, which leaves room for `auto`."""
    given = _nearest(scope, "require_message_authenticator", "force_message_authenticator")
    required = scope.read("require_message_authenticator", message_authenticator_rule)
    entry = given.get("force_message_authenticator")
    forced = scope.parse(entry, message_authenticator_rule) if entry is not None else None
    if entry is None or forced is None:
        return required
    if "require_message_authenticator" not in given:
        return forced
    if forced is not required and (forced, required) != _NOTHING_FORCED:
        line = given["require_message_authenticator"].place
        scope.error(entry, f"contradicts require_message_authenticator in line {line}; remove one of the two")
    return required


def _read_usernames(scope: Scope, pattern: re.Pattern[str]) -> frozenset[str]:
    usernames = (scope.read_text(entry.key, plain, name_slips) for entry in scope.matching(pattern))
    return frozenset(username for username in usernames if username)


def _check_probes(scope: Scope, settings: ServerSettings) -> None:
    """A name is for probes, or is let in."""
    exempt = {username.lower() for username in settings.exempt_usernames}
    for entry in scope.matching(_PROBE_USERNAME):
        if entry.value.strip().lower() in exempt:
            scope.error(entry, f"{quoted_name(entry.value)} is an exempt_username_N as well; remove one of the two")


def _check_client_address(scope: Scope, settings: ServerSettings) -> None:
    for entry in scope.entries("client_ip_attr"):
        if entry.value and not may_hold_address(settings.client_ip_attr):
            text = f"{settings.client_ip_attr.name} usually holds no address, and Duo is told of none then"
            scope.warn(entry, f"{text}; write the attribute in which the RADIUS client sends the user's")


def _check_families(scope: Scope, settings: ServerSettings) -> None:
    if settings.interface is None:
        return
    for client in settings.clients:
        if any((":" in network) != (":" in settings.interface) for network in client.networks):
            text = f"cannot ask at {settings.interface}, which is of the other IP version; write another interface"
            scope.warn(scope.entries(client.name)[0], text)


def _check_deadline(scope: Scope, settings: ServerSettings) -> None:
    deadline, delay = settings.response_deadline_s, settings.reject_delay_s
    for entry in scope.entries("response_deadline_s"):
        if 0 < deadline <= delay:
            scope.warn(entry, f"ends before a reject may be sent; write more than reject_delay_s, which is {delay:g}")


def _nearest(scope: Scope, *keys: str) -> Mapping[str, Entry]:
    """Return the entries of keys that touch the same thing, only the section's own if it has any."""
    return {entry.key: entry for entry in scope.entries(*keys)}
