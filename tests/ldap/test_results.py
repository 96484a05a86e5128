"""Result codes have their names, and Active Directory's own code is found in its text."""

import pytest

from gateway.ldap import results


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 52e, v3839", "52e"),
        ("80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 775, v1db1", "775"),
        ("8009030C: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data 0, v4563", "0"),
        ("80090346: LdapErr: DSID-0C090597, comment: AcceptSecurityContext error, data 80090346, v4563", "80090346"),
        ("DATA 52E", "52e"),
        ("data 123456789", ""),
        ("data none", ""),
        ("metadata 52e", ""),
        ("Invalid credentials", ""),
        ("", ""),
    ],
)
def test_the_code_of_active_directory(text, code):
    assert results.ad_code(text) == code


def test_every_code_has_a_name():
    assert results.result_name(results.INVALID_CREDENTIALS) == "invalidCredentials"
    assert results.result_name(results.SUCCESS) == "success"
    assert results.result_name(4096) == "result code 4096"
