import time

import pytest

from tests.config.files import IKEY, SHARED_SECRET, SKEY, parse, problems_of

MAIN = f"[main]\nikey={IKEY}\nskey={SKEY}\napi_host=api-12345678.duosecurity.com\n"


def server(number: int, *networks: str, lines: str = "") -> str:
    clients = "".join(
        f"radius_ip_{n}={network}\nradius_secret_{n}={SHARED_SECRET}\n" for n, network in enumerate(networks, 1)
    )
    return f"[radius_server_duo_only{number}]\n{clients}{lines}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("apart", server(1, "10.0.0.0/24", "fd00::/64") + server(2, "10.0.1.0/24", "fd00:1::/64")),
        ("other_port", server(1, "10.0.0.0/24") + server(2, "10.0.0.0/24", lines="port=1813\n")),
        (
            "other_interface",
            server(1, "10.0.0.1", lines="interface=10.9.0.1\n") + server(2, "10.0.0.1", lines="interface=10.9.0.2\n"),
        ),
        ("nested_in_one_section", server(1, "10.0.0.0/8", "10.0.0.1") + server(2, "11.0.0.1")),
        ("same_number_other_version", server(1, "0.0.0.1") + server(2, "::1")),
    ],
)
def test_sections_on_one_port_with_clients_of_their_own(name, text):
    settings, problems = parse(MAIN + text)
    assert not problems
    assert len(settings.servers) == 2


@pytest.mark.parametrize(
    ("name", "text", "key", "line"),
    [
        ("same", server(1, "10.0.0.1") + server(2, "10.0.0.1"), "radius_ip_1", 9),
        ("within", server(1, "10.0.0.0/8") + server(2, "10.0.0.1"), "radius_ip_1", 9),
        ("around", server(1, "10.0.0.1") + server(2, "11.0.0.1", "10.0.0.0/8"), "radius_ip_2", 11),
        ("behind_a_nested_one", server(1, "10.0.0.0/8", "10.0.0.1") + server(2, "10.0.0.9"), "radius_ip_1", 11),
        ("ranges", server(1, "10.0.0.1-10.0.0.9") + server(2, "10.0.0.9-10.0.0.12"), "radius_ip_1", 9),
        (
            "every_address",
            server(1, "10.0.0.1", lines="interface=10.9.0.1\n") + server(2, "10.0.0.1"),
            "radius_ip_1",
            10,
        ),
        (
            "every_ipv4_address",
            server(1, "10.0.0.1", lines="interface=10.9.0.1\n") + server(2, "10.0.0.1", lines="interface=0.0.0.0\n"),
            "radius_ip_1",
            10,
        ),
    ],
)
def test_client_of_two_sections_on_one_port(name, text, key, line):
    (problem,) = problems_of(MAIN + text)
    assert (problem.section, problem.key, problem.place.line) == ("radius_server_duo_only2", key, line)
    assert "[radius_server_duo_only1] radius_ip_1 (10.0.0." in problem.text
    assert f"[radius_server_duo_only2] {key} (10.0.0." in problem.text
    assert "port 1812" in problem.text


def test_two_sections_get_one_problem_however_many_clients_they_share():
    networks = [f"10.0.0.{n}" for n in range(20)]
    assert len(problems_of(MAIN + server(1, *networks) + server(2, *networks) + server(3, *networks))) == 3


def test_ten_thousand_clients_of_two_hundred_sections_are_compared_in_a_walk():
    text = MAIN + "".join(server(n, *(f"10.{n}.{m}.0/24" for m in range(50))) for n in range(200))
    began = time.process_time()
    settings, problems = parse(text)
    assert time.process_time() - began < 10  # a hundred million comparisons would take minutes
    assert not problems
    assert sum(len(settings.clients) for settings in settings.servers) == 10_000


def test_application_with_two_secret_keys():
    other = "o" + SKEY[1:]
    (problem,) = problems_of(MAIN + server(1, "10.0.0.1") + server(2, "10.0.0.2", lines=f"skey={other}\n"))
    assert (problem.section, problem.key, problem.place.line) == ("radius_server_duo_only2", "skey", 11)
    assert "[radius_server_duo_only1]" in problem.text
    assert other not in problem.text


def test_other_application_may_have_another_secret_key():
    lines = f"ikey=DIOABCDEFGHIJKLMNOPQ\nskey={SKEY.swapcase()}\n"
    assert not problems_of(MAIN + server(1, "10.0.0.1") + server(2, "10.0.0.2", lines=lines))


NEXT_SKEY = SKEY[::-1]


@pytest.mark.parametrize(
    ("first", "second", "line"),
    [
        (f"skey_next={NEXT_SKEY}", f"skey_next={NEXT_SKEY}", 0),
        (f"skey_next={NEXT_SKEY}", f"skey_next={NEXT_SKEY[1:]}x", 16),
        (f"skey_next={NEXT_SKEY}", "", 10),
        ("", f"skey_next={NEXT_SKEY}", 16),
    ],
)
def test_an_application_has_one_next_skey_in_all_sections(first: str, second: str, line: int):
    server = f"ikey={IKEY}\nskey={SKEY}\napi_host=api-12345678.duosecurity.com\nradius_secret_1={SHARED_SECRET}\n"
    one = f"[radius_server_duo_only]\n{server}radius_ip_1=10.0.0.1\n{first}\n"
    other = f"[radius_server_duo_only2]\n{server}radius_ip_1=10.0.0.2\n"
    found = [each for each in problems_of(f"{one}{other}\n\n{second}\n") if "skey_next" in each.text]
    assert [each.place.line for each in found] == [line] * bool(line)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"skey={SKEY}\nskey_next={SKEY}", "is the same as skey in line 3"),
        (f"skey_next={NEXT_SKEY}", "there is no skey that it is next to"),
        (f"skey={SKEY}\nskey_next=short", "has 40 characters, this one has 5"),
    ],
)
def test_a_next_skey_is_another_whole_one_beside_the_first(text: str, words: str):
    head = f"[radius_server_duo_only]\nikey={IKEY}\n{text}\napi_host=api-12345678.duosecurity.com\n"
    problems = problems_of(f"{head}radius_ip_1=10.0.0.1\nradius_secret_1={SHARED_SECRET}\n")
    (problem,) = [each for each in problems if each.is_error]
    assert problem.key == "skey_next"
    assert words in problem.text


def with_home(host: str, lines: str = "", section: str = "") -> list[str]:
    text = f"{MAIN}[radius_server_auto]\nclient=radius_client\nradius_ip_1=10.0.0.1\nradius_secret_1={SHARED_SECRET}\n"
    home = f"[radius_client]\nsecret={SHARED_SECRET}\nhost={host}\n{lines}"
    return [f"{each.section} {each.key} {each.place.line}: {each.text}" for each in problems_of(text + section + home)]


@pytest.mark.parametrize(
    ("host", "lines", "section", "is_loop"),
    [
        ("127.0.0.1", "", "", True),
        ("localhost", "", "", True),
        ("127.0.0.1", "port=1813\n", "", False),
        ("127.0.0.1", "port_1=1813\n", "", False),
        ("10.0.0.5", "", "", False),
        ("10.9.0.1", "", "interface=10.9.0.1\n", True),
        ("127.0.0.1", "", "interface=10.9.0.1\n", False),
        ("::1", "", "", False),  # it listens at IPv4 alone
        ("10.0.0.5", "host_2=127.0.0.9\n", "", True),
    ],
)
def test_a_home_server_that_is_the_gateway_itself_is_an_error(host, lines, section, is_loop):
    found = with_home(host, lines, section)
    if not is_loop:
        assert not found
        return
    (problem,) = found
    assert problem.startswith("radius_client host")
    assert "where [radius_server_auto] of this file listens: the gateway would ask itself" in problem


@pytest.mark.parametrize("host", ["localhost.", "LOCALHOST", "[::1]", "0:0:0:0:0:0:0:1", "::0001"])
def test_however_its_host_is_spelt(host):
    (problem,) = with_home(host, section=f"radius_ip_2=2001:db8::9\nradius_secret_2={SHARED_SECRET}\n")
    assert problem.startswith("radius_client host ")
    assert "the gateway would ask itself" in problem


def test_of_two_home_servers_at_one_host_the_one_is_named_that_has_the_port():
    (problem,) = with_home("127.0.0.1", "port_1=1813\nhost_2=127.0.0.1\n")
    assert problem.startswith("radius_client host_2 13: 127.0.0.1:1812 is where")
