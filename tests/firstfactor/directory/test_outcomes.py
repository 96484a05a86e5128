"""What results mean: users are refused for a reason, and administrators are told what to write."""

import pytest

from gateway.engine.first_factor import Refused
from gateway.firstfactor.directory.binder import ServiceAccount
from gateway.firstfactor.directory.outcomes import (
    Manner,
    group_unseen,
    missing,
    of_search,
    of_service_bind,
    of_user_bind,
    why_not_asked,
)
from gateway.firstfactor.directory.search import Missing
from gateway.ldap.responses import Result
from gateway.unavailable import Trouble, Unavailable

PLAIN, PLAIN_TLS, NTLM, NTLM_TLS = Manner(), Manner(is_tls=True), Manner(is_ntlm=True), Manner(True, True)
AD_TEXT = "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data {}, v4563"


def refused(code: str) -> Result:
    return Result(49, b"", AD_TEXT.format(code))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("52e", "first_factor_rejected"),
        ("525", "user_not_found"),
        ("530", "first_factor_rejected"),
        ("531", "first_factor_rejected"),
        ("532", "password_expired"),
        ("773", "password_expired"),
        ("533", "account_disabled"),
        ("701", "account_disabled"),
        ("775", "account_locked"),
        ("51f", "first_factor_rejected"),
    ],
)
def test_active_directory_says_why_it_refuses_a_user(code, reason):
    answer = of_user_bind(refused(code), "dc1:389", PLAIN, None)
    assert isinstance(answer, Refused)
    assert (answer.reason, answer.code, answer.host) == (reason, code, "dc1:389")


@pytest.mark.parametrize(
    ("code", "reason"), [(49, "first_factor_rejected"), (48, "first_factor_rejected"), (19, "account_locked")]
)
def test_other_directories_say_less(code, reason):
    answer = of_user_bind(Result(code, b"", ""), "dc1:389", PLAIN, None)
    assert isinstance(answer, Refused)
    assert (answer.reason, answer.code) == (reason, "")


REFUSALS = [
    (53, "Account inactivated. Contact system administrator.", "account_disabled"),
    (19, "Exceed password retry limit. Please try later.", "account_locked"),
    (19, "Exceed password retry limit. Contact system administrator to reset.", "account_locked"),
    (19, "Account inactivity limit exceeded. Contact system administrator to reset.", "account_disabled"),
    (49, "password expired!", "password_expired"),
    (53, "Entry permanently locked.", "account_locked"),
    (53, "Too many failed logins.", "account_locked"),
    (53, "Account (Kerberos principal) is expired", "account_disabled"),
    (53, "NDS error: login lockout (-197)", "account_locked"),
    (53, "NDS error: log account expired (-220)", "account_disabled"),
    (53, "NDS error: bad login time or Q halted (-218)", "first_factor_rejected"),
    (53, "NDS error: maximum logins exceeded or Q stn not server (-217)", "first_factor_rejected"),
    (49, "NDS error: bad password (-222)", "first_factor_rejected"),
    (49, "NDS error: failed authentication (-669)", "first_factor_rejected"),
    (50, "Insufficient access", "first_factor_rejected"),
    (53, "", "first_factor_rejected"),
]
"""What 389 Directory Server, FreeIPA, eDirectory and others say of accounts that may not log in."""


@pytest.mark.parametrize(("code", "text", "reason"), REFUSALS)
def test_what_other_directories_say_of_an_account_refuses_its_user(code, text, reason):
    for manner in (PLAIN, PLAIN_TLS):
        answer = of_user_bind(Result(code, b"", text), "dc1:389", manner, None)
        assert answer == Refused(reason, text, b"", "dc1:389")


@pytest.mark.parametrize(("code", "text", "_"), REFUSALS)
def test_what_they_say_of_the_service_account_is_for_who_has_written_it(code, text, _):
    answer = of_service_bind(Result(code, b"", text), PLAIN_TLS, "cn=reader", None)
    assert answer.trouble is Trouble.CONFIGURATION
    assert str(answer).startswith(f"refuses the service account cn=reader: {text or 'unwillingToPerform'}; see bind_dn")


def test_a_code_of_active_directory_says_more_than_words():
    answer = of_user_bind(Result(49, b"", AD_TEXT.format("52e") + " password expired"), "dc1:389", PLAIN, None)
    assert isinstance(answer, Refused)
    assert answer.reason == "first_factor_rejected"


@pytest.mark.parametrize(
    ("manner", "write"),
    [
        (PLAIN, "transport=ldaps or transport=starttls, or auth_type=ntlm2"),
        (NTLM, "transport=ldaps or transport=starttls"),
        (NTLM_TLS, "auth_type=plain"),
        (PLAIN_TLS, "not enough"),
    ],
)
def test_a_demand_for_more_is_the_files_fault_and_nobody_elses(manner, write):
    for answer in (
        of_user_bind(Result(8, b"", ""), "dc1:389", manner, None),
        of_service_bind(Result(8, b"", ""), manner, "radgate", None),
    ):
        assert isinstance(answer, Unavailable)
        assert answer.trouble is Trouble.CONFIGURATION
        assert write in str(answer)


def test_what_active_directory_does_not_take_as_ntlm_is_nobodys_wrong_password():
    for answer in (
        of_user_bind(refused("57"), "dc1:389", NTLM_TLS, None),
        of_service_bind(refused("57"), NTLM_TLS, "radgate", None),
    ):
        assert isinstance(answer, Unavailable)
        assert "auth_type=plain" in str(answer)
    answer = of_user_bind(Result(53, b"", "Sign or Seal are not allowed if TLS is used"), "dc1:389", NTLM_TLS, None)
    assert isinstance(answer, Unavailable)


def test_the_same_of_a_simple_bind_is_about_its_account():
    """It was told to write auth_type=plain, which it had."""
    assert of_user_bind(refused("57"), "dc1:389", PLAIN_TLS, None).code == "57"
    text = str(of_service_bind(refused("57"), PLAIN_TLS, "cn=reader", None))
    assert text.startswith("refuses the service account cn=reader: ")
    assert text.endswith("; see bind_dn, service_account_username and service_account_password")


def test_channel_bindings_of_somebody_elses_tls_are_nobodys_wrong_password():
    result = refused("80090346")
    for answer in (of_user_bind(result, "dc1:389", NTLM_TLS, None), of_service_bind(result, NTLM_TLS, "radgate", None)):
        assert isinstance(answer, Unavailable)
        assert answer.trouble is Trouble.CONFIGURATION
        assert "host=" in str(answer)


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (7, Trouble.CONFIGURATION),
        (32, Trouble.CONFIGURATION),
        (51, Trouble.BUSY),
        (52, Trouble.BUSY),
        (1, Trouble.BAD_ANSWER),
        (4711, Trouble.BAD_ANSWER),
    ],
)
def test_any_other_result_of_a_bind_refuses_nobody(code, trouble):
    for answer in (
        of_user_bind(Result(code, b"", "why"), "dc1:389", PLAIN, None),
        of_service_bind(Result(code, b"", ""), PLAIN, "radgate", None),
    ):
        assert isinstance(answer, Unavailable)
        assert answer.trouble is trouble


def test_a_refused_service_account_is_named_with_its_keys():
    answer = of_service_bind(refused("775"), PLAIN, "radgate@ad.example", None)
    assert answer.trouble is Trouble.CONFIGURATION
    assert str(answer) == (
        "refuses the service account radgate@ad.example: it is locked (775); "
        "see bind_dn, service_account_username and service_account_password"
    )
    assert str(of_service_bind(Result(49, b"", ""), NTLM, "AD\\radgate", None)) == (
        "refuses the service account AD\\radgate: the name or the password is wrong; "
        "see service_account_username and service_account_password"
    )


def test_a_service_account_is_told_by_the_name_that_is_bound_without_its_password():
    account = ServiceAccount(b"radgate@ad.example", "radgate", "AD", b"secret")
    assert (account.told(PLAIN), account.told(NTLM)) == ("radgate@ad.example", "AD\\radgate")
    assert account._replace(domain="").told(NTLM) == "radgate"
    assert "secret" not in repr(account)


@pytest.mark.parametrize("code", [0, 4])
def test_a_search_that_has_told_something(code):
    assert of_search(Result(code, b"", ""), None) is None


@pytest.mark.parametrize(
    ("result", "trouble", "text"),
    [
        (Result(32, b"", ""), Trouble.CONFIGURATION, "search_dn"),
        (Result(10, b"", ""), Trouble.CONFIGURATION, "search_dn"),
        (Result(1, b"", "000004DC: LdapErr: DSID"), Trouble.CONFIGURATION, "service_account_username"),
        (Result(50, b"", ""), Trouble.CONFIGURATION, "let it read users"),
        (Result(51, b"", ""), Trouble.BUSY, "no time"),
        (Result(3, b"", ""), Trouble.TIMEOUT, "index"),
        (Result(11, b"", ""), Trouble.TIMEOUT, "index"),
        (Result(80, b"", "so"), Trouble.BAD_ANSWER, "so"),
    ],
)
def test_a_search_that_has_told_nothing(result, trouble, text):
    answer = of_search(result, None)
    assert answer is not None
    assert answer.trouble is trouble
    assert text in str(answer)


def test_who_was_not_found_is_told_by_a_word():
    assert missing(Missing.AMBIGUOUS, "dc1:389") == Refused("user_ambiguous", "", b"", "dc1:389")
    assert group_unseen("noSuchObject", "dc1:389").reason == "not_in_group"


def test_passwords_that_nobody_is_asked_about():
    assert isinstance(why_not_asked(None, is_ntlm=False), Unavailable)
    for password in (b"", b"\0", b"a\0b"):
        assert isinstance(why_not_asked(password, is_ntlm=False), Refused)
    assert why_not_asked(b"\xff", is_ntlm=False) is None
    assert isinstance(why_not_asked(b"\xff", is_ntlm=True), Refused)
    assert why_not_asked(b"x", is_ntlm=True) is None
