"""The section [radius_client], as whoever serves a mode with a first factor reads it."""

from collections.abc import Mapping

import msgspec
import pytest

from gateway.config.ini import IniSection, parse_ini
from gateway.config.problems import Problem
from gateway.config.radius_client import CLIENT_KEYS, read_client
from gateway.config.scope import Context, Scope
from gateway.config.secret_keys import HOME_SECRET, NUMBERED_HOME_SECRET
from gateway.config.settings import HomeServerSettings, RadiusClient, Secret, StatusServer
from gateway.config.surroundings import FileContent, Surroundings
from gateway.engine.rules import RequireMessageAuthenticator
from gateway.radius.attributes import AttributeKind

SECRET = "secretOfTheHomeServer"
LEAST = f"host=10.0.0.5\nsecret={SECRET}\n"
FILES = {"/etc/radgate/home": b"fromAFileOfItsOwn\n"}


def read(
    lines: str, main: str = "", files: Mapping[str, bytes] = FILES, *, has_secrets: bool = True
) -> tuple[RadiusClient, list[Problem]]:
    """Return what a section says, and its problems."""

    def read_file(path: str) -> FileContent:
        try:
            return FileContent(files[path], 0o600)
        except KeyError:
            raise FileNotFoundError(2, "No such file or directory", path) from None

    sections, problems = parse_ini(f"[radius_client]\n{lines}\n[main]\n{main}\n".encode())
    assert not problems
    by_name = {section.name: section for section in sections}
    found: list[Problem] = []
    scope = Scope(by_name["radius_client"], by_name.get("main", IniSection("main")), CLIENT_KEYS, found)
    surroundings = Surroundings(folder="/etc/radgate", read_file=read_file, has_secrets=has_secrets)
    return read_client(scope, Context(surroundings)), found


def client(lines: str = LEAST, main: str = "") -> RadiusClient:
    settings, problems = read(lines, main)
    assert not problems
    return settings


def texts(lines: str, main: str = "") -> list[str]:
    return [f"{each.severity.value} {each.key}: {each.text}" for each in read(lines, main)[1]]


def homes(settings: RadiusClient) -> list[tuple[str, bytes]]:
    return [(home.name, home.shared_secret.octets) for home in settings.homes]


def test_what_need_not_be_said():
    assert client() == RadiusClient(
        section="radius_client",
        homes=(HomeServerSettings(host="10.0.0.5", port=1812, shared_secret=Secret(SECRET.encode())),),
    )


def test_every_key_is_one_of_the_settings():
    settings = client(
        f"{LEAST}retries=1\nretry_wait=0.5\nnas_ip=10.0.0.9\ntimeout=9\npass_through_attr_names=Class, NAS-Identifier\n"
        "pass_through_all=true\nforce_message_authenticator=true\nmax_in_flight=7\nstatus_server=no\npw_codec=cp932\n"
    )
    default = client()
    for field in RadiusClient.__struct_fields__:
        assert field in ("section", "homes") or getattr(settings, field) != getattr(default, field), field
    assert settings.pass_through == {AttributeKind(0, 25), AttributeKind(0, 32)}
    assert settings.status_server is StatusServer.NO
    assert settings.force_message_authenticator is RequireMessageAuthenticator.YES


def test_it_travels_to_the_workers_as_it_is():
    settings = client(f"{LEAST}pass_through_attr_names=Cisco-AVPair\n")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(settings), type=RadiusClient) == settings
    assert SECRET not in repr(settings)


def test_home_servers_in_the_order_of_their_numbers():
    settings = client(
        f"host_10=radius.example.com\nhost=10.0.0.1\nhost_2=2001:db8::2\nsecret={SECRET}\n"
        "secret_2=anotherSecretOfNumber2\nport_2=1645\nport=11812\n"
    )
    assert homes(settings) == [
        ("10.0.0.1:11812", SECRET.encode()),
        ("[2001:db8::2]:1645", b"anotherSecretOfNumber2"),
        ("radius.example.com:11812", SECRET.encode()),
    ]


@pytest.mark.parametrize("key", ["host", "host_1", "host_01"])
def test_the_first_may_have_its_number(key):
    assert homes(client(f"{key}=10.0.0.5\nsecret={SECRET}\n")) == [("10.0.0.5:1812", SECRET.encode())]
    assert homes(client(f"host=10.0.0.5\nport_1=99\nsecret_1={SECRET}\n")) == [("10.0.0.5:99", SECRET.encode())]


@pytest.mark.parametrize("keys", [HOME_SECRET, NUMBERED_HOME_SECRET.numbered("1")])
def test_a_secret_may_be_in_a_file(keys):
    for key in keys.files:
        assert homes(client(f"host=10.0.0.5\n{key}=home\n")) == [("10.0.0.5:1812", b"fromAFileOfItsOwn")]


def test_main_has_defaults_but_for_what_is_of_server_sections():
    settings = client("host=10.0.0.5\n", f"secret={SECRET}\nport=11812\nretries=2\nstatus_server=no\nsecret_9=x\n")
    assert homes(settings) == [("10.0.0.5:11812", SECRET.encode())]
    assert settings.retries == 2
    assert settings.status_server is StatusServer.AUTO


def test_without_the_secrets_others_stand_for_them():
    settings, problems = read("host=10.0.0.5\nsecret_file=gone\n", has_secrets=False)
    assert [problem.severity.value for problem in problems] == ["note"]
    assert len(settings.homes) == 1


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("", "error host: is missing; write host=ADDRESS of the RADIUS server that checks passwords"),
        ("host=\nsecret=x\n", "error host: has no value: there is no such home server"),
        (f"{LEAST}host_2=\n", "warning host_2: has no value: there is no such home server"),
        (f"{LEAST}host_1=10.0.0.6\n", "error host_1: is the same key as host in line 2; remove one of the two"),
        (f"{LEAST}host_2=10.0.0.5\n", "warning host_2: 10.0.0.5:1812 is host already, and is asked once"),
        ("host=10.0.0.5\n", "error host: there is no secret to go with it; write secret=SECRET, or secret_1=SECRET"),
        (f"host_3=10.0.0.5\nsecret_2={SECRET}\n", "error secret_2: there is no host_2 to go with it; write host_2="),
        (f"{LEAST}port_2=1645\n", "error port_2: there is no host_2 to go with it"),
        (f"{LEAST}port=0\n", "error port: '0' is out of range"),
        (f"{LEAST}port_1=radius\n", "error port_1: 'radius' is no number"),
        (f"host=10.0.0.5:1812\nsecret={SECRET}\n", "error host: '10.0.0.5:1812' has a port; write only the host"),
        (f"host=224.0.0.1\nsecret={SECRET}\n", "error host: '224.0.0.1' is no address that a server answers at"),
        (f"host=0.0.0.0\nsecret={SECRET}\n", "error host: '0.0.0.0' is no address that a server answers at"),
        (f"host=https://nps\nsecret={SECRET}\n", "error host: "),
        ("host=10.0.0.5\nsecret=short\n", "warning secret: a secret of 5 bytes can be guessed; write one of 16"),
        ("host=10.0.0.5\nsecret=\n", "error secret: has no value; write secret=SECRET, or secret_file=PATH"),
        ("host=10.0.0.5\nsecret=XXXXXXXXXXXXXXXX\n", "error secret: is X only, the placeholder of samples"),
        ("host=10.0.0.5\nsecret_file=gone\n", "error secret_file: "),
        (f"{LEAST}retries=-1\n", "error retries: "),
        (f"{LEAST}retries=11\n", "error retries: '11' is out of range; write a whole number from 0 to 10"),
        (f"{LEAST}retry_wait=0\n", "error retry_wait: '0' is out of range; write seconds from 0.1 to 60"),
        (f"{LEAST}timeout=0.5\n", "error timeout: '0.5' is out of range; write seconds from 1 to 300"),
        (f"{LEAST}nas_ip=gateway\n", "error nas_ip: 'gateway' is not an address; write what the home servers know us"),
        (f"{LEAST}nas_ip=0.0.0.0\n", "error nas_ip: '0.0.0.0' is not an address"),
        (f"{LEAST}pass_through_attr_names=Clss\n", "error pass_through_attr_names: 'Clss' is no attribute"),
        (f"{LEAST}force_message_authenticator=maybe\n", "error force_message_authenticator: 'maybe' is not known"),
        (f"{LEAST}max_in_flight=0\n", "error max_in_flight: '0' is out of range"),
        (f"{LEAST}status_server=perhaps\n", "error status_server: 'perhaps' is not known; write yes, no or auto"),
        (
            f"{LEAST}host_2=10.0.0.6\ntimeout=8\n",
            "warning timeout: a home server that is silent is asked for 8 s, and all of them for 8 s: the next one is",
        ),
        (f"{LEAST}host_2=10.0.0.6\nretries=10\nretry_wait=5\n", "warning retry_wait: a home server that is silent"),
    ],
)
def test_what_is_wrong(lines, problem):
    assert any(text.startswith(problem) for text in texts(lines)), texts(lines)


def test_a_time_that_one_home_server_needs_is_none_that_is_too_short():
    assert client(f"{LEAST}timeout=8\n").timeout_s == 8


def test_no_problem_shows_a_secret():
    for lines in (f"host={SECRET}!\nsecret={SECRET}\n", f"{LEAST}secret_1=\nport={SECRET}\n"):
        assert all(f"secret={SECRET}" not in text for text in texts(lines))


def test_all_of_it_is_told_at_once():
    keys = [problem.key for problem in read("retries=x\ntimeout=y\nnas_ip=z\nsecret_2=q\n")[1]]
    assert set(keys) == {"host", "retries", "timeout", "nas_ip", "secret_2"}


def test_names_of_attributes_without_an_effect_get_a_warning():
    every = "pass_through_all=true\n"
    assert texts(f"{LEAST}pass_through_attr_names=User-Password,Class\n") == [
        "warning pass_through_attr_names: User-Password never goes on, whatever a section says; remove it"
    ]
    assert texts(f"{LEAST}{every}pass_through_attr_names=Class\n") == [
        "warning pass_through_attr_names: has no effect beside pass_through_all=true; remove one of the two"
    ]
    assert not texts(f"{LEAST}{every}pass_through_attr_names=NAS-Identifier\n")  # which is not passed on by all
