"""Which sections and keys there are: tables, no code that decides.

In a key `N` stands for a number. A default is written as it would be in the file; an empty one says that there is none,
or that it depends on the machine.
"""

import re
from enum import Enum, auto

MAIN = {
    "debug": "false",
    "log_dir": "",
    "log_stdout": "false",
    "log_max_size": "10485760",
    "log_max_files": "6",
    "log_auth_events": "false",
    "log_syslog": "false",
    "syslog_facility": "LOG_USER",
    "http_ca_certs_file": "",
}

GATEWAY = {
    "workers": "auto",
    "run_dir": "",
    "user": "",
    "group": "",
    "console": "127.0.0.1:8480",
    "console_token_file": "",
    "console_tls_cert_file": "",
    "console_tls_key_file": "",
    "max_pending": "20000",
    "duplicate_window_s": "30",
    "drain_timeout_s": "70",
    "failures_to_open": "5",
    "log_format": "text",
    "secrets_key_file": "",
}

SERVER = {
    "ikey": "",
    "skey": "",
    "skey_file": "",
    "skey_protected": "",
    "api_host": "",
    "api_port": "443",
    "radius_ip_N": "",
    "radius_secret_N": "",
    "radius_secret_N_file": "",
    "radius_secret_protected_N": "",
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

UNADVISED = frozenset({"radius_secret_file_N"})
"""Known in server sections but never suggested: another spelling."""

WITHOUT_EFFECT = {
    "test_connectivity_on_startup": "the log says at the start whether Duo passed the check of keys and clock",
    "fips_mode": "the system's OpenSSL decides which algorithms are allowed",
    "log_sso_events": "single sign-on is not served",
    "log_file": "the log is authproxy.log in log_dir",
    "pass_through_attr_names": "no other RADIUS server answers whose attributes could be passed on",
    "pass_through_all": "no other RADIUS server answers whose attributes could be passed on",
}
"""Keys of Duo's proxy that change nothing here, and why that does no harm."""

_TLS = frozenset({"minimum_tls_version", "cipher_list"})
_CONCAT = frozenset({"delimiter", "delimited_password_length"})

FOREIGN = {
    "ad_client": frozenset(
        {
            "host", "host_N", "service_account_username", "service_account_password",
            "service_account_password_protected", "search_dn", "security_group_dn", "ldap_filter", "auth_type",
            "transport", "timeout", "ssl_ca_certs_file", "ssl_verify_hostname", "bind_dn", "username_attribute",
            "at_attribute", "ntlm_domain", "ntlm_workstation",
        }
    ),
    "radius_client": frozenset({"port_N", "secret", "secret_protected", "retries", "retry_wait", "nas_ip"}),
    "radius_server_auto": _CONCAT | {"factors", "allow_concat"},
    "radius_server_challenge": frozenset({"prompt_format", "enroll_challenge"}),
    "radius_server_eap": _TLS | {"certs", "pkey", "prompt"},
    "radius_server_iframe": frozenset({"type", "iframe_script_uri", "script_inject"}),
    "ldap_server_auto": frozenset(
        {
            "ssl_port", "ssl_key_path", "ssl_cert_path", "network_timeout", "idle_timeout", "exempt_primary_bind",
            "exempt_ou_N", "allow_searches_after_bind", "allow_unlimited_binds",
        }
    ),
    "http_proxy": frozenset({"client_ip"}),
    "sso": frozenset({"rikey"}),
}  # fmt: skip
"""Keys that Duo's proxy knows only in sections that are not served here, by the first such section."""


class Treatment(Enum):
    """What becomes of a section."""

    SETTINGS = auto()
    SERVED = auto()
    FIRST_FACTOR = auto()
    OTHER_SERVER = auto()
    IGNORED = auto()


TREATMENTS = {
    "main": Treatment.SETTINGS,
    "gateway": Treatment.SETTINGS,
    "duo_only_client": Treatment.SETTINGS,
    "radius_server_duo_only": Treatment.SERVED,
    "ad_client": Treatment.FIRST_FACTOR,
    "radius_client": Treatment.FIRST_FACTOR,
    "radius_server_auto": Treatment.OTHER_SERVER,
    "radius_server_challenge": Treatment.OTHER_SERVER,
    "radius_server_concat": Treatment.OTHER_SERVER,
    "radius_server_eap": Treatment.OTHER_SERVER,
    "radius_server_iframe": Treatment.OTHER_SERVER,
    "ldap_server_auto": Treatment.IGNORED,
    "http_proxy": Treatment.IGNORED,
    "cloud": Treatment.IGNORED,
    "sso": Treatment.IGNORED,
}
"""The sections of Duo's proxy and ours, without their numbers."""

SERVED = "radius_server_duo_only"

OTHER_RADIUS, OTHER_LDAP = "radius_server", "ldap_server"
"""How the names of all servers of Duo's proxy begin; stand for kinds that nobody knows."""

DECISIVE = frozenset({"failmode", "require_message_authenticator"})
"""Keys that decide who gets in: the default must not hold because a template had no value for one."""

SINGLE = frozenset({"main", "gateway"})
"""Sections that take no number."""

_SERVER_KEYS = SERVER.keys() | UNADVISED

KEYS = {
    "main": MAIN.keys() | GATEWAY.keys() | _SERVER_KEYS,  # [main] holds defaults for every other section
    "gateway": set(GATEWAY),
    "duo_only_client": set[str](),
    SERVED: _SERVER_KEYS,
}
"""The keys that are read, by section."""

_NUMBER = re.compile("[0-9]+")


def section_kind(name: str) -> str | None:
    """Return the section's name without its number, or None if there is no such section."""
    kind = name.rstrip("0123456789")
    if kind not in TREATMENTS or (kind in SINGLE and kind != name):
        return None
    return kind


def treatment(kind: str) -> Treatment:
    """Return what becomes of sections of a kind, which may be an unknown one of a known family."""
    unknown = Treatment.OTHER_SERVER if kind == OTHER_RADIUS else Treatment.IGNORED
    return TREATMENTS.get(kind, unknown)


def key_pattern(key: str) -> str:
    """Return the key as the tables spell it: `radius_ip_N` for `radius_ip_12`."""
    return _NUMBER.sub("N", key)
