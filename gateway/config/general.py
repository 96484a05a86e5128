"""The sections [main] and [gateway]: what concerns the gateway as a whole."""

from functools import partial

from gateway.certificates import SYSTEM
from gateway.config.certificate_files import read_certificates
from gateway.config.console import read_console
from gateway.config.scope import Scope
from gateway.config.settings import GatewaySettings, LogFormat, LogSettings
from gateway.config.slips import account_slips, path_slips
from gateway.config.surroundings import Surroundings
from gateway.config.values import (
    BadValueError,
    boolean,
    choice,
    facility,
    integer,
    log_size,
    plain,
    seconds,
    workers,
)

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
    "metrics": "full",
    "max_pending": "20000",
    "duplicate_window_s": "30",
    "drain_timeout_s": "70",
    "failures_to_open": "5",
    "reload_guard": "50",
    "log_format": "text",
    "secrets_key_file": "",
    "include": "",
}


def read_log(main: Scope, gateway: Scope, surroundings: Surroundings) -> LogSettings:
    """Return where log lines go."""
    return LogSettings(
        directory=main.read_text("log_dir", surroundings.resolve, path_slips) or surroundings.log_dir,
        debug=main.read("debug", boolean),
        stdout=main.read("log_stdout", boolean),
        format=gateway.read("log_format", choice(LogFormat)),
        auth_events=main.read("log_auth_events", boolean),
        max_size=main.read("log_max_size", log_size),
        max_files=main.read("log_max_files", integer(0, 100_000)),
        syslog=main.read("log_syslog", boolean),
        syslog_facility=main.read("syslog_facility", facility),
    )


def read_gateway(scope: Scope, surroundings: Surroundings) -> GatewaySettings:
    """Return what [gateway] says."""
    return GatewaySettings(
        workers=scope.read("workers", workers),
        run_dir=read_run_dir(scope, surroundings),
        user=scope.read_text("user", plain, account_slips),
        group=scope.read_text("group", plain, account_slips),
        console=read_console(scope, surroundings),
        max_pending=scope.read("max_pending", integer(1, 10_000_000)),
        duplicate_window_s=scope.read("duplicate_window_s", seconds(3600)),
        drain_timeout_s=scope.read("drain_timeout_s", seconds(3600)),
        failures_to_open=scope.read("failures_to_open", integer(2, 64)),
        reload_guard=scope.read("reload_guard", integer(0, 100)),
    )


def read_run_dir(scope: Scope, surroundings: Surroundings) -> str:
    """Return where the control socket is, as [gateway] says, or else this machine."""
    if any(entry.value for entry in scope.entries("run_dir")):
        return scope.read_text("run_dir", surroundings.resolve_run_dir, path_slips) or surroundings.run_dir
    try:
        return surroundings.resolve_run_dir(surroundings.run_dir)
    except BadValueError as error:
        scope.missing("run_dir", f"is missing, and {error}")
        return surroundings.run_dir


def read_ca_certs_file(main: Scope, surroundings: Surroundings) -> str | None:
    """Return the path of the certificates to trust, or `system`; None for those that we ship."""
    return main.read_optional("http_ca_certs_file", partial(certificates, surroundings))


def certificates(surroundings: Surroundings, text: str) -> str:
    """Return the path of a PEM file whose certificates can all be used, or `system`."""
    return SYSTEM if text.lower() == SYSTEM else read_certificates(surroundings, text).path
