"""What the file alone says of a directory."""

import pytest
from msgspec.structs import replace

from gateway.checks.directories import directory_findings
from gateway.checks.findings import Severity
from gateway.config.settings import AdClient, AuthType, DirectoryHost, Secret, Transport

GROUP = "CN=VPN,OU=Groups,DC=corp,DC=test"
CLIENT = AdClient(
    section="ad_client",
    hosts=(DirectoryHost(host="dc1.corp.test"),),
    service_account_username="reader@corp.test",
    service_account_password=Secret(b"qx7-Blue-Harbor-19"),
    search_dn="OU=Staff,DC=corp,DC=test",
    transport=Transport.LDAPS,
    ca_certs=b"system",
)
BY_ADDRESS = (DirectoryHost(host="10.0.0.1"), DirectoryHost(host="2001:db8::1"))
CATALOG = (DirectoryHost(host="dc1", port=3268),)


def test_what_is_as_it_should_be_is_not_told():
    assert not list(directory_findings(CLIENT))
    assert not list(directory_findings(replace(CLIENT, security_group_dn=GROUP, auth_type=AuthType.PLAIN)))
    assert not list(directory_findings(replace(CLIENT, security_group_dn="CN=a,DC=b,DC=corp,DC=test")))


@pytest.mark.parametrize(
    ("changes", "step", "text"),
    [
        ({"verify_hostname": False}, "certificate", "with ssl_verify_hostname=false a certificate of any machine"),
        ({"hosts": BY_ADDRESS}, "certificate", "addresses of hosts in them, which few have: 10.0.0.1, 2001:db8::1"),
        ({"transport": Transport.CLEAR}, "transport", "passwords do not cross the network; names do, readable"),
        (
            {"hosts": CATALOG, "security_group_dn": GROUP},
            "group",
            "a global catalog knows only members of universal groups",
        ),
        (
            {"security_group_dn": "CN=VPN,DC=crop,DC=test"},
            "group",
            "the group is of crop.test, and users are looked for",
        ),
        (
            {"auth_type": AuthType.PLAIN, "service_account_username": "reader"},
            "account",
            "the service account binds as reader@corp.test",
        ),
    ],
)
def test_what_is_worth_knowing_is_a_note(changes, step, text):
    (found,) = directory_findings(replace(CLIENT, **changes))
    assert (found.subject, found.step, found.severity) == ("[ad_client]", step, Severity.NOTE)
    assert text in found.text
    assert found.remedy
