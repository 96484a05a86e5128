"""The sections `[duo_only_clientN]` and `[radius_server_duo_onlyN]`: nobody checks a password, Duo alone is asked."""

from gateway.config import servers
from gateway.config.schema import without_number
from gateway.config.scope import Context, Scope
from gateway.config.settings import DUO_ONLY_CLIENT, DuoOnlyClient, ServerSettings
from gateway.config.values import BadValueError, quoted, quoted_name

CLIENT_KEYS: dict[str, str] = {}

SERVER_KEYS = servers.SERVER


def read_client(scope: Scope, _context: Context) -> DuoOnlyClient:
    """Return the settings of a client section, which has no keys."""
    return DuoOnlyClient(section=scope.section)


def read_duo_only(scope: Scope, context: Context) -> ServerSettings:
    """Return the settings of a server section, which need not name its client, nor need that be there."""
    settings = servers.read_server(scope, context, scope.read_optional("client", _client))
    warn_that_exempt_usernames_suffice(scope, settings)
    return settings


def _client(text: str) -> str:
    name = text.lower()
    if without_number(name) != DUO_ONLY_CLIENT:
        raise BadValueError(
            f"{quoted(text)} would check a first factor, but radius_server_duo_only asks only Duo; "
            "write client=duo_only_client, or make it a [radius_server_auto]"
        )
    return name


def warn_that_exempt_usernames_suffice(scope: Scope, settings: ServerSettings) -> None:
    """Note who gets in by a name alone, where nobody checks a password."""
    for entry in scope.matching(servers.EXEMPT_USERNAME):
        if entry.value in settings.exempt_usernames:
            scope.warn(
                entry,
                f"ANYBODY can log in as {quoted_name(entry.value)}: Duo is not asked, and nobody here checks a "
                "password; remove the line unless the RADIUS client itself checks a password first",
            )
