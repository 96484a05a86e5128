"""What a valid configuration means for who gets in: nothing is wrong with it, but it should be meant."""

from collections.abc import Iterator
from ipaddress import ip_network
from operator import itemgetter

from gateway.checks.findings import Finding, Severity
from gateway.checks.modes import mode_findings
from gateway.config.nesting import nested
from gateway.config.settings import AdClient, FirstFactor, RadiusClient, ServerSettings
from gateway.engine.rules import FailMode

WIDE = {4: 16, 6: 48}  # prefix lengths; a network wider than this holds more than a site's RADIUS clients


def section_findings(server: ServerSettings, client: FirstFactor | None = None) -> Iterator[Finding]:
    """Yield what an administrator should know of a server section, and of the client section that it names."""
    subject = f"[{server.section}]"
    yield _fail_mode(subject, server.fail_mode, isinstance(client, RadiusClient | AdClient))
    yield from mode_findings(server, client)
    yield from _wide_clients(subject, server)
    yield from _nested_clients(subject, server)


def _fail_mode(subject: str, fail_mode: FailMode, has_password: bool) -> Finding:
    if fail_mode is FailMode.SECURE:
        text = "secure: while Duo cannot be reached, nobody gets in"
        return Finding(subject, "failmode", Severity.OK, text)
    if has_password:
        text = "safe: while Duo cannot be reached, a right password is enough"
        return Finding(subject, "failmode", Severity.NOTE, text, "if that is not meant, write failmode=secure")
    text = (
        "safe, and this section checks no first factor: while Duo cannot be reached, EVERY login is accepted, "
        "whatever was typed"
    )
    remedy = "as it should be where the RADIUS client checks a password itself; else write failmode=secure"
    return Finding(subject, "failmode", Severity.NOTE, text, remedy)


def _wide_clients(subject: str, server: ServerSettings) -> Iterator[Finding]:
    for client in server.clients:
        for text in client.networks:
            network = ip_network(text)
            if network.prefixlen < WIDE[network.version]:
                said = f"{client.name} trusts {network}, {network.num_addresses:,} addresses, with one secret"
                yield Finding(subject, "clients", Severity.WARNING, said, "name the RADIUS clients one by one")


def _nested_clients(subject: str, server: ServerSettings) -> Iterator[Finding]:
    """Name each client whose network lies within another one's, which is served by its own secret alone."""
    networks = [(ip_network(text), client.name) for client in server.clients for text in client.networks]
    for (inner, name), around in nested(networks, itemgetter(0)):
        if around and around[-1][1] != name:
            outer, outer_name = around[-1]
            text = f"{name} ({inner}) lies within {outer_name} ({outer}): there the secret of {name} counts"
            yield Finding(subject, "clients", Severity.NOTE, text)
