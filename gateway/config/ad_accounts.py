"""The account of `[ad_client]` that searches the directory, and whether it can be told to the directory as it is."""

from gateway.config.credentials import read_secret, stand_in
from gateway.config.scope import Scope
from gateway.config.secret_keys import SERVICE_PASSWORD
from gateway.config.settings import AdClient, AuthType, Secret
from gateway.config.surroundings import Surroundings
from gateway.config.values import is_utf8, quoted
from gateway.ldap.names import is_dn


def read_service_password(scope: Scope, surroundings: Surroundings) -> Secret | None:
    """Return the password; None after a problem."""
    entries = scope.entries(*SERVICE_PASSWORD.all)
    if not entries:
        scope.missing(
            SERVICE_PASSWORD.clear,
            f"is missing; write {SERVICE_PASSWORD.clear}=PASSWORD of the account that searches, or "
            f"{SERVICE_PASSWORD.files[0]}=PATH",
        )
    found = read_secret(scope, surroundings, SERVICE_PASSWORD)
    if found is None and entries and not surroundings.has_secrets:
        found = stand_in(entries[0])
    return Secret(found.octets) if found is not None else None


def check_accounts(scope: Scope, settings: AdClient) -> None:
    """Note what does not go together."""
    if settings.auth_type is AuthType.PLAIN:
        _check_plain(scope, settings)
    else:
        _check_ntlm(scope, settings)


def _check_ntlm(scope: Scope, settings: AdClient) -> None:
    name = settings.service_account_username
    if not name:
        scope.missing(
            "service_account_username", "is missing; write service_account_username=NAME of the account that searches"
        )
    elif is_dn(name):
        text = "is a distinguished name, and NTLM knows accounts by their names; write its sAMAccountName"
        scope.error(scope.entries("service_account_username")[0], f"{text}, or auth_type=plain and bind_dn=")
    password = settings.service_account_password
    if password is not None and not is_utf8(password.octets):
        entry = scope.entries(*SERVICE_PASSWORD.all)[0]
        scope.error(entry, "is not UTF-8, as which NTLM has it; save it as UTF-8")
    for entry in scope.own().entries("bind_dn"):
        text = "has no effect with auth_type=ntlm2, which knows accounts by their names"
        scope.warn(entry, f"{text}; remove the line, or write auth_type=plain")
    if settings.username_attribute.lower() == "uid":
        for entry in scope.entries("username_attribute"):
            text = "is an attribute of directories that know no NTLM; write auth_type=plain for these"
            scope.warn(entry, text)


def _check_plain(scope: Scope, settings: AdClient) -> None:
    if not settings.service_account_username and not settings.bind_dn:
        example = "bind_dn=CN=radgate,OU=Services,DC=example,DC=com"
        scope.missing("bind_dn", f"is missing; write {example} of the account that searches")
    for entry in scope.entries("bind_dn"):
        name = settings.bind_dn
        if "=" in name and not is_dn(name):
            scope.error(entry, "is no distinguished name; write it as in CN=radgate,OU=Services,DC=example,DC=com")
        elif name and not is_dn(name) and "@" not in name and "\\" not in name:
            text = f"{quoted(name)} is no distinguished name, and no directory takes a name by itself"
            scope.warn(entry, f"{text}; write one, name@domain, or DOMAIN\\name")
    name = settings.service_account_username
    needs_domain = not settings.bind_dn and not any(sign in name for sign in "@\\=")  # no directory takes it alone
    for key in ("ntlm_workstation",) if needs_domain else ("ntlm_domain", "ntlm_workstation"):
        for entry in scope.own().entries(key):
            scope.warn(entry, "has no effect with auth_type=plain; remove the line")
