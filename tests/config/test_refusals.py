"""What no gateway could start or serve with is an error when it is read, with its line."""

import pytest

from tests.config.files import MINIMAL, problems_of


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("interface=224.0.0.1", "multicast address"),
        ("interface=ff02::1", "multicast address"),
        ("interface=255.255.255.255", "broadcast address"),
        ("interface=::ffff:10.0.0.5", "is 10.0.0.5 in IPv6 form"),
        ("interface=fe80::1", "as in fe80::1%eth0"),
        ("pw_codec=punycode", "such as push or 123456; write utf-8"),
        ("pw_codec=utf-16", "such as push or 123456; write utf-8"),
        ("pw_codec=UTF-32-BE", "such as push or 123456; write utf-8"),
        ("pw_codec=utf-7", "such as push or 123456; write utf-8"),
        ("pw_codec=idna", "such as push or 123456; write utf-8"),
        ("pw_codec=cp037", "such as push or 123456; write utf-8"),
        ("pw_codec=unicode_escape", "such as push or 123456; write utf-8"),
        ("pw_codec=base64", "not a known character set"),
        ("api_timeout=0.001", "too short for anybody to answer; write 0, or 1 to 3600"),
        ("api_timeout=0.5", "too short for anybody to answer; write 0, or 1 to 3600"),
        ("response_deadline_s=0.01", "too short for anybody to answer; write 0, or 0.1 to 600"),
        ("http_proxy_host=proxy\u212a.example", "not a host name"),
    ],
)
def test_a_value_that_nothing_can_come_of(line, remedy):
    (problem,) = problems_of(f"{MINIMAL}{line}\n")
    assert (problem.place.line, problem.is_error) == (7, True)
    assert remedy in problem.text


def test_a_host_name_of_letters_that_only_look_like_latin_ones_is_refused():
    (problem,) = problems_of(MINIMAL.replace("api-12345678", "api-1234567\u017f"))
    assert (problem.key, problem.is_error) == ("api_host", True)
    assert "is not a host name" in problem.text


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "cp1252", "cp932", "shift_jis_2004", "iso2022_jp", "gb18030"])
def test_a_charset_that_reads_passwords_is_taken(charset):
    assert problems_of(f"{MINIMAL}pw_codec={charset}\n") == []


@pytest.mark.parametrize("interface", ["0.0.0.0", "::", "127.0.0.1", "fd00::5", "fe80::1%eth0", "240.0.0.1"])
def test_an_address_that_another_machine_may_have_is_no_problem_of_the_file_alone(interface):
    assert not any(problem.is_error for problem in problems_of(f"{MINIMAL}interface={interface}\n"))


@pytest.mark.parametrize("console", ["224.0.0.1:8480", "255.255.255.255:8480", "[ff02::1]:8480"])
def test_a_status_page_that_nobody_could_reach(console):
    (problem,) = problems_of(f"[gateway]\nconsole={console}\nconsole_token_file=token\n{MINIMAL}")[:1]
    assert (problem.key, problem.place.line, problem.is_error) == ("console", 2, True)


def test_a_run_dir_that_leaves_no_room_for_the_control_socket():
    (problem,) = problems_of(f"[gateway]\nrun_dir=/srv/{'x' * 103}\n{MINIMAL}")
    assert (problem.key, problem.place.line, problem.is_error) == ("run_dir", 2, True)
    assert "too long by 14" in problem.text
