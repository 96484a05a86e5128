"""Left-overs, quotation marks, comments and the invisible: in secrets, wherever they stand, and in free text."""

import codecs
import random
import string

import pytest

from gateway.config.problems import Severity
from gateway.config.settings import Secret
from gateway.config.slips import content_of, is_quoted, not_ascii, path_slips, secret_slips, seen, unseen
from tests.config.files import IKEY, MINIMAL, SHARED_SECRET, SKEY, parse, problems_of

ERROR, WARNING = Severity.ERROR, Severity.WARNING
FILE_HEAD = MINIMAL.replace(f"radius_secret_1={SHARED_SECRET}", "radius_secret_1_file=rad")

LEFT_OVERS = [
    "${RADIUS_SECRET}",
    "prod-${env.SECRET}",
    "<radius_secret>",
    "<Your Secret Here>",
    "@RADIUS_SECRET_1@",
    "{{ radius_secret }}",
    "{{radius.secret}}-1",
    "{% secret %}",
    "<%= @secret %>",
    "%RADIUS_SECRET%",
    "%(radius_secret)s",
    "$(RADIUS_SECRET)",
    "$duo_radius_secret",
    "$env:RADIUS_SECRET",
    "{radius_secret}",
    "[radius secret]",
    "((radius_secret))",
    "__RADIUS_SECRET__",
    "#{RadiusSecret}#",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:radius",
    "op://vault/duo/radius",
    "ENC[AES256_GCM,data:abc]",
    "vault:secret/data/radius#secret",
    "(sensitive value)",
    "VARIABLE IS NOT DEFINED!",
    "*" * 16,
    "••••••••••••",
    "*****[24]",
]
PLACEHOLDERS = [
    "CHANGEMECHANGEME",
    "change-me-please",
    "Change_This_Secret",
    "REPLACE_ME",
    "your-shared-secret-here",
    "YourSharedSecret",
    "insert_secret_here",
    "placeholder-of-the-template",
    "SECRET",
    "shared secret",
    "my radius secret",
    "Password1",
    "null",
    "undefined",
    "TODO",
    "testing123",
    "thisisaradiussecret",
    "radiussecret1",
    "aaaaaaaaaaaaaaaa",
    "0000-0000-0000",
    "----------------",
    "password123456789",
    "secret0123456789",
    "/run/secrets/radius_secret",
    "/etc/radgate/rad-secret",
    "file:///run/secrets/radius",
    "env:RADIUS_SECRET",
    "!env RADIUS_SECRET",
    "!Ref RadiusSecret",
    "sops:ENC[AES256_GCM,data:k9Zq]",
    "base64:azlacTdMdzI=",
    "%!s(<nil>)",
    '{{ radius_secret | default("") }',
    "<!DOCTYPE html><html>404</html>",
    "An error occurred (AccessDeniedException) when calling",
    "404 page not found",
    "cat: /run/secrets/radius: No such file or directory",
    "System.Security.SecureString",
    "-----BEGIN PRIVATE KEY-----",
    "radius-XXXXXXXX",
]
OURS = ["X" * 24, "x" * 5000, "xxxx-xxxx-xxxx", "X", "the-secret", "the-secret-without-blanks"]
WRAPPINGS = {
    f'"{SHARED_SECRET}"': "quotation marks",
    f"'{SHARED_SECRET}'": "quotation marks",
    f"`{SHARED_SECRET}`": "quotation marks",
    f"“{SHARED_SECRET}”": "quotation marks",
    f"{SHARED_SECRET}’": "quotation marks",
    f"{SHARED_SECRET} ; of the first directory": "comment",
    f"{SHARED_SECRET}\t# rotated": "comment",
    f"{SHARED_SECRET}…": "ellipsis",
    f"{SHARED_SECRET[:8]}...": "ellipsis",
    '{"radius":"k9Zq7Lw2"}': "JSON",
    '["k9Zq7Lw2"]': "JSON",
    "radius_secret_1=k9Zq7Lw2": "a name and a value",
    "RADIUS_SECRET: k9Zq7Lw2": "a name and a value",
    "export SECRET=k9Zq7Lw2": "a name and a value",
    f"k9Zq\u00a0{SHARED_SECRET}": "U+00A0 NO-BREAK SPACE",
    f"\u200b{SHARED_SECRET}": "U+200B ZERO WIDTH SPACE",
    f"{SHARED_SECRET}\ufeffx": "U+FEFF ZERO WIDTH NO-BREAK SPACE",
    f"{SHARED_SECRET}\u00adx": "U+00AD SOFT HYPHEN",
    f"{SHARED_SECRET}\u2060x": "U+2060 WORD JOINER",
    f"{SHARED_SECRET}\u3164x": "U+3164 HANGUL FILLER",
    f"{SHARED_SECRET}\tx": "U+0009 TAB",
    f"{SHARED_SECRET}\x1bx": "U+001B ESCAPE",
}


def both_ways(secret: str) -> list[tuple[str, bool, str]]:
    """Return what is told of a secret, in the file and in one of its own, which must be the same."""
    in_file = problems_of(MINIMAL.replace(SHARED_SECRET, secret))
    in_own = problems_of(FILE_HEAD, {"/etc/radgate/rad": f"{secret}\n".encode()})
    assert {problem.key for problem in in_file} <= {"radius_secret_1"}
    assert {problem.key for problem in in_own} <= {"radius_secret_1_file"}
    told = [[(problem.text, problem.is_error) for problem in problems] for problems in (in_file, in_own)]
    assert told[0] == told[1]
    assert not any(secret in text for text, _ in told[0] if len(secret) > 8)
    return [(problem.key, problem.is_error, problem.text) for problem in in_file]


@pytest.mark.parametrize("secret", [*LEFT_OVERS, *PLACEHOLDERS])
def test_left_overs_and_published_values_are_no_secrets(secret):
    told = both_ways(secret)
    assert told
    assert not any(is_error for _, is_error, _ in told)


@pytest.mark.parametrize("secret", OURS)
def test_values_of_our_own_sample_never_start(secret):
    assert any(is_error for _, is_error, _ in both_ways(secret))


@pytest.mark.parametrize("secret", WRAPPINGS)
def test_what_is_around_or_within_a_secret_is_named_wherever_it_stands(secret):
    told = both_ways(secret)
    assert any(WRAPPINGS[secret] in text for _, _, text in told)
    assert not any(is_error for _, is_error, _ in told)


@pytest.mark.parametrize(
    "secret",
    [
        SHARED_SECRET,
        SKEY,
        "correct horse battery staple",
        "a-secret-of-some-length",
        "Tr0ub4dor&3=<>%$@{}",
        "k9Zq7Lw2+/k9Zq7Lw2==",
        "geheim-für-die-Zürcher",
        "#9f8e7d6c5b4a",
        "/k9Zq7Lw2/k9Zq7Lw2==",
        "!k9Zq7Lw2 k9Zq7Lw2",
        "base64k9Zq7Lw2",
        "secretary-of-9-states",
        "12345678901234567890",
    ],
)
def test_an_ordinary_secret_has_no_slips(secret):
    assert not list(secret_slips(secret.encode()))


def test_random_secrets_have_hardly_ever_slips():
    chance = random.Random(7)
    letters = string.ascii_letters + string.digits + string.punctuation
    secrets = ["".join(chance.choices(letters, k=24)) for _ in range(5000)]
    assert sum(any(secret_slips(secret.encode())) for secret in secrets) <= 10


@pytest.mark.parametrize(
    ("octets", "remedy"),
    [
        (SHARED_SECRET.encode("utf-16"), "UTF-16"),
        (SHARED_SECRET.encode("utf-16-le"), "UTF-16"),
        (SHARED_SECRET.encode() + b"\0", "NUL"),
        (f"{SHARED_SECRET}\n# from the vault\n".encode(), "2 lines"),
        (f"# shared with the directory\n{SHARED_SECRET}\n".encode(), "2 lines"),
        (f"\r\n{SHARED_SECRET}\r\n".encode(), "2 lines"),
        (f"---\nradius: {SHARED_SECRET}\nother: 1\n".encode(), "3 lines"),
        (f"{SHARED_SECRET}\r{SHARED_SECRET}".encode(), "2 lines"),
        (b"radgate1:AAAA", "radius_secret_protected_1"),
        (b"01000000d08c9ddf0115d1118c7a00c04fc297eb01000000", "Windows"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (b" \n", "empty"),
    ],
)
def test_a_file_that_holds_no_secret_is_an_error(octets, remedy):
    (problem,) = problems_of(FILE_HEAD, {"/etc/radgate/rad": octets})
    assert (problem.key, problem.is_error) == ("radius_secret_1_file", True)
    assert remedy in problem.text
    assert SHARED_SECRET not in problem.text


@pytest.mark.parametrize("key", ["radius_secret_1_file", "radius_secret_file_1"])
@pytest.mark.parametrize("before", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("after", [b"", b"\n", b"\r\n", b"\n\n", b"\r\n\r\n"])
def test_a_mark_before_and_line_ends_behind_are_no_part_of_a_secret(key, before, after):
    text = FILE_HEAD.replace("radius_secret_1_file", key).replace(f"skey={SKEY}", "skey_file=skey")
    files = {
        "/etc/radgate/rad": before + SHARED_SECRET.encode() + after,
        "/etc/radgate/skey": before + SKEY.encode() + after,
    }
    settings, problems = parse(text, files)
    assert not problems
    assert settings.servers[0].clients[0].shared_secret == Secret(SHARED_SECRET.encode())
    assert settings.servers[0].application.secret_key == Secret(SKEY.encode())


@pytest.mark.parametrize(
    ("octets", "remedy"),
    [
        (f"{SKEY}\u200b".encode(), "U+200B"),
        (f'"{SKEY}"'.encode(), "quotation marks"),
        (f"skey={SKEY}".encode(), "a name and a value"),
        (b"X" * 40, "placeholder"),
    ],
)
def test_what_is_wrong_with_a_secret_key_in_a_file_is_named(octets, remedy):
    problems = problems_of(MINIMAL.replace(f"skey={SKEY}", "skey_file=skey"), {"/etc/radgate/skey": octets})
    assert {problem.key for problem in problems} == {"skey_file"}
    assert any(remedy in problem.text for problem in problems)
    assert any(problem.is_error for problem in problems)


@pytest.mark.parametrize(
    ("old", "new", "key", "severity"),
    [
        (IKEY, "DI" + "X" * 18, "ikey", ERROR),
        (IKEY, "X" * 20, "ikey", ERROR),
        (IKEY, "di" + "x" * 18, "ikey", ERROR),
        (IKEY, "DI" + "0" * 18, "ikey", WARNING),
        (SKEY, "X" * 40, "skey", ERROR),
        (SKEY, "*" * 40, "skey", WARNING),
        ("api-12345678.", "api-XXXXXXXX.", "api_host", ERROR),
        ("api-12345678.duosecurity", "api-xxxx.duofederal", "api_host", ERROR),
        ("api-12345678.duosecurity.com", "XXXXXXXX", "api_host", ERROR),
        ("api-12345678.", "api-CHANGEME.", "api_host", WARNING),
        ("api-12345678.", "api-1234567.", "api_host", WARNING),
        ("api-12345678.", "api-1234567g.", "api_host", WARNING),
        ("api-12345678.", "api_12345678.duosecurity.com.", "api_host", WARNING),
        ("api-12345678.", "", "api_host", WARNING),
        ("api-12345678.", "www.", "api_host", WARNING),
        ("duosecurity.com", "duosecurity.com:443", "api_host", None),
        ("api-12345678.duosecurity.com", "api-12345678", "api_host", WARNING),
        ("duosecurity.com", "duosecurity.co", "api_host", WARNING),
        ("duosecurity.com", "duosecruity.com", "api_host", WARNING),
        ("duosecurity.com", "duofederal.com", "api_host", None),
        ("api-12345678", "API-ABCDEF01", "api_host", None),
        ("duosecurity.com", "duosecurity.com.", "api_host", None),
        ("api-12345678.duosecurity.com", "127.0.0.1:8443", "api_host", None),
        ("api-12345678.duosecurity.com", "[::1]:8443", "api_host", None),
        ("api-12345678.duosecurity.com", "localhost:8443", "api_host", None),
        ("api-12345678.duosecurity.com", "duo.example.com", "api_host", None),
    ],
)
def test_placeholders_of_the_application(old, new, key, severity):
    problems = problems_of(MINIMAL.replace(old, new))
    assert [(problem.key, problem.severity) for problem in problems if problem.severity is severity] == (
        [(key, severity)] if severity else []
    )
    assert severity or not problems


@pytest.mark.parametrize("key", ["log_dir", "run_dir"])
@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ('"/var/log/duo"', "quotation marks"),
        ("'/var/log/duo'", "quotation marks"),
        ("/var/log/duo ; the data volume", "comment"),
        ("/var/log/duo\t# moved", "comment"),
        ("~/logs", "~ is part"),
        ("~duo/logs", "~ is part"),
        ("$HOME/logs", "$ is part"),
        ("/srv/$HOSTNAME", "$ is part"),
        ("${LOGS}", "template"),
        ("{{ log_dir }}/duo", "template"),
        ("%PROGRAMDATA%", "template"),
        (r"C:\Program Files\Duo Security Authentication Proxy\log", "separates no folders"),
        (r"\\server\share", "separates no folders"),
        ("/var/log\u200b/duo", "U+200B"),
        ("/var/log/duo\u00a0logs", "U+00A0"),
    ],
)
def test_slips_in_paths_are_named(key, value, remedy):
    section = "main" if key == "log_dir" else "gateway"
    problem, *_ = problems_of(f"[{section}]\n{key}={value}\n{MINIMAL}")
    assert (problem.section, problem.key, problem.severity) == (section, key, WARNING)
    assert remedy in problem.text


@pytest.mark.parametrize("value", ["/var/log/duo", "log", "../log", "/srv/logs of duo", "/srv/a;b#c", "%d/log"])
def test_ordinary_paths_have_no_slips(value):
    assert not list(path_slips(value))


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("svc-backup ; service account", "comment"),
        ("svc-backup # service account", "comment"),
        ('"svc backup"', "quotation marks"),
        ("“svc”", "quotation marks"),
        ("alice,bob", "one name to a key"),
        ("alice, bob", "one name to a key"),
        ("{{ user }}", "template"),
        ("svc\u00adbackup", "U+00AD"),
    ],
)
@pytest.mark.parametrize("key", ["exempt_username_1", "probe_username_1"])
def test_slips_in_names_are_named(key, value, remedy):
    problems = problems_of(f"{MINIMAL}{key}={value}\n")
    assert {(problem.key, problem.severity) for problem in problems} == {(key, WARNING)}
    assert any(remedy in problem.text for problem in problems)


@pytest.mark.parametrize("name", [r"CORP\alice", "alice@corp.example", "svc backup", "Zoë", "a;b", "o'neil"])
def test_ordinary_names_have_no_slips(name):
    assert not problems_of(f"{MINIMAL}probe_username_1={name}\n")


@pytest.mark.parametrize("key", ["user", "group"])
def test_slips_in_accounts_are_named(key):
    (problem,) = problems_of(f'[gateway]\n{key}="radgate"\n{MINIMAL}')
    assert (problem.key, problem.severity) == (key, WARNING)
    assert "quotation marks" in problem.text


@pytest.mark.parametrize("value", ['"ca.pem"', "ca.pem ; of the proxy", "~/ca.pem", "$HOME/ca.pem", "${CA}"])
def test_a_file_that_is_not_there_because_of_a_slip_is_told_with_the_slip(value):
    (problem,) = problems_of(f"[main]\nhttp_ca_certs_file={value}\n{MINIMAL}")
    assert problem.is_error
    assert len(problem.text.split("; ")) > 2


def test_a_console_token_that_is_a_placeholder_does_not_start():
    text = f"[gateway]\nconsole_token_file=token\n{MINIMAL}"
    (problem,) = problems_of(text, {"/etc/radgate/token": b"X" * 32})
    assert (problem.key, problem.is_error) == ("console_token_file", True)
    assert not problems_of(text, {"/etc/radgate/token": codecs.BOM_UTF8 + b"k9Zq7Lw2-k9Zq7Lw2-page\r\n"})


@pytest.mark.parametrize("text", ["{{", "${", "%(", "a-", "change", "the", "secret", "<", "@", "[", "export "])
def test_a_long_value_takes_no_long_time(text):
    """Some patterns take time with the square of it: not with a million characters."""
    long = text * (1_000_000 // len(text))
    list(secret_slips(long.encode()))
    list(path_slips(long))
    just = text * (4096 // len(text))
    list(secret_slips(just.encode()))


def test_a_secret_key_in_the_place_of_the_host_is_not_shown():
    problems = problems_of(MINIMAL.replace("api-12345678.duosecurity.com", SKEY))
    assert [problem.key for problem in problems] == ["api_host"]
    assert SKEY.lower() not in problems[0].text.lower()


def test_characters_are_told_apart():
    assert unseen("plain text") is None
    assert unseen("größe") is None
    assert unseen("a\u200eb") == "U+200E LEFT-TO-RIGHT MARK"
    assert seen("fail\u200bmode“") == "failmode"
    assert not_ascii("f\u0430il") == "U+0430 CYRILLIC SMALL LETTER A"
    assert is_quoted("'a'")
    assert not is_quoted("it's")
    assert content_of(codecs.BOM_UTF8 + b"a\r\n\n") == b"a"
