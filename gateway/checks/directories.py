"""What a `[ad_client]` asks of a directory and of the network, and what it does not find out: of the file alone."""

from collections.abc import Iterator

from gateway.checks.findings import Finding, Severity
from gateway.config.settings import AdClient, AuthType, Transport
from gateway.config.values import as_address
from gateway.firstfactor.directory.account import AccountRules
from gateway.firstfactor.directory.clients import service_account_of
from gateway.ldap.names import domain_of

_GLOBAL_CATALOG = frozenset({3268, 3269})


def directory_findings(client: AdClient) -> Iterator[Finding]:
    """Yield what an administrator should know of such a section."""
    if client.transport is not Transport.CLEAR:
        yield from _names(client)
    elif client.auth_type is AuthType.NTLM2:
        text = "passwords do not cross the network; names do, readable, and searches are hidden by RC4, which is weak"
        yield _note(client, "transport", text, "transport=ldaps hides all of it")
    if client.security_group_dn and any(host.port in _GLOBAL_CATALOG for host in client.hosts):
        text = "a global catalog knows only members of universal groups where a group is of another domain"
        yield _note(client, "group", text, "for other groups use port 389, or 636 with transport=ldaps")
    group, users = domain_of(client.security_group_dn), domain_of(client.search_dn)
    if group and users and not (group == users or group.endswith(f".{users}") or users.endswith(f".{group}")):
        text = f"the group is of {group}, and users are looked for in {users}"
        yield _note(client, "group", text, "compare security_group_dn with search_dn")
    yield from _account(client)


def account_rules(client: AdClient) -> AccountRules:
    """Return how the section reads names."""
    return AccountRules.of(client.username_attribute, client.at_attribute, client.search_dn, client.ntlm_domain)


def _account(client: AdClient) -> Iterator[Finding]:
    account = service_account_of(client, account_rules(client))
    name = account.name.decode() if account is not None else ""
    if client.auth_type is AuthType.PLAIN and name not in ("", client.bind_dn, client.service_account_username):
        text = f"the service account binds as {name}, for no directory takes a name by itself"
        yield _note(client, "account", text, "if it has another name, write that, or bind_dn")


def _names(client: AdClient) -> Iterator[Finding]:
    if not client.verify_hostname:
        text = "with ssl_verify_hostname=false a certificate of any machine will do, if the same CA has signed it"
        yield _note(client, "certificate", text, "trust only the hosts' own certificates, or write true")
        return
    addresses = [host.host for host in client.hosts if as_address(host.host)]
    if addresses:
        text = f"certificates must have the addresses of hosts in them, which few have: {', '.join(addresses)}"
        yield _note(client, "certificate", text, "write the name that the certificate has")


def _note(client: AdClient, step: str, text: str, remedy: str) -> Finding:
    return Finding(f"[{client.section}]", step, Severity.NOTE, text, remedy)
