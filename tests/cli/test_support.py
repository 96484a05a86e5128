"""The file for somebody who helps: all that is useful, and nothing that is secret."""

import base64
import io
import os
import urllib.parse
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import msgspec
import pytest

from gateway.cli import gathering
from gateway.cli.main import main
from gateway.config.protection import NONCE_SIZE, encode_key, protect
from gateway.config.redaction import forms_of
from tests.cli.files import run_main, write_config
from tests.config.files import IKEY, MINIMAL, SHARED_SECRET, SKEY
from tests.integration.site import Site

N_WORKERS = 2
KEY = bytes(range(32))
SECRETS = {
    "skey": SKEY,
    "shared": SHARED_SECRET,
    "inline": "inl1neSecretWithComment",
    "mistyped": "k3yUnderAMistypedName00000000000000000000"[:40],
    "unknown": "s3cretOfSomeNewerKey",
    "proxy": "pr0xyPassw0rd",
    "comment": "oldSecretInAComment",
    "bare": "secretThatStandsAlone99",
    "swapped": "secretInThePlaceOfAnAddress",
    "file": "secretOfAFile!&=%+/",
    "protected": "secretThatIsEncrypted$$",
    "short": "hunt",
}
GOOD = f"""\
[main]
log_dir={{folder}}/log
[radius_server_duo_only]
ikey={IKEY}
skey={SKEY}
api_host=127.0.0.1:1
radius_ip_1=127.0.0.1
radius_secret_1={SHARED_SECRET}
radius_ip_2=127.0.0.2
radius_secret_2_file={{folder}}/secret
radius_ip_3=127.0.0.3
radius_secret_protected_3={{protected}}
radius_ip_4=127.0.0.4
radius_secret_4={SECRETS["short"]}
radius_ip_5=127.0.0.5
radius_secret_5={SECRETS["inline"]} ; the fifth
exempt_username_1=emergency
; skey={SECRETS["comment"]}
{{more}}
[gateway]
console=off
run_dir={{folder}}/run
secrets_key_file={{folder}}/key
"""
FAULTY = f"""\
sky={SECRETS["mistyped"]}
new_setting={SECRETS["unknown"]}
http_proxy_host=user:{SECRETS["proxy"]}@proxy.example.com
{SECRETS["bare"]}
radius_ip_6={SECRETS["swapped"]}
"""


BOTH = {"usable": "", "faulty": FAULTY}


@pytest.fixture(params=[*BOTH.values()], ids=[*BOTH])
def config(request, tmp_path) -> Path:
    return write_all(tmp_path, request.param)


@pytest.fixture(scope="module", params=[*BOTH.values()], ids=[*BOTH])
def files(request, tmp_path_factory) -> dict[str, bytes]:
    """What is in the file, made of the configuration as it is: one for all tests that look into it."""
    config = write_all(tmp_path_factory.mktemp("support"), request.param)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(arguments_for(config))
    return made(config, status, out.getvalue(), err.getvalue())


def write_all(folder: Path, more: str) -> Path:
    """Write a configuration, `more` of it in its first section, with all files that it names."""
    value = protect(SECRETS["protected"].encode(), "radius_server_duo_only", "radius_secret_3", KEY, bytes(NONCE_SIZE))
    (folder / "secret").write_text(SECRETS["file"] + "\n")
    (folder / "key").write_bytes(encode_key(KEY))
    for path in (folder / "secret", folder / "key"):
        path.chmod(0o600)
    (folder / "log").mkdir()
    (folder / "log" / "authproxy.log").write_text("".join(map(careless_lines, SECRETS.values())))
    (folder / "log" / "authproxy.log.1").write_text("older\n")
    return Path(write_config(folder, GOOD.format(folder=folder, protected=value, more=more)))


@pytest.fixture
def without_commands(monkeypatch):
    """Ask no other commands, each a process, where a test is about files alone."""
    monkeypatch.setattr(gathering, "_COMMANDS", {})


def careless_lines(secret: str) -> str:
    """Return lines that no version has ever logged: every secret in every form."""
    forms = [
        secret,
        base64.b64encode(secret.encode()).decode(),
        base64.b64encode(f"user:{secret}".encode()).decode(),
        secret.encode().hex(),
        secret.encode().hex().upper(),
        urllib.parse.quote(secret, safe=""),
        msgspec.json.encode({"secret": secret}).decode(),
    ]
    return "".join(f"2026-11-23T09:00:00.000000+0000 [gateway.worker#info] said {form} there\n" for form in forms)


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


def support(capsys, config: Path, *arguments: str) -> dict[str, bytes]:
    return made(config, *run_main(capsys, *arguments_for(config), *arguments))


def arguments_for(config: Path) -> list[str]:
    return ["support", "--config", str(config), "--output", str(config.parent / "out.zip")]


def made(config: Path, status: int, out: str, err: str) -> dict[str, bytes]:
    """Return what is in the file that a command made which has ended so."""
    output = config.parent / "out.zip"
    assert (status, err) == (0, "")
    assert str(output) in out
    assert "Secrets are hidden in it" in out
    assert output.stat().st_mode & 0o777 == 0o600
    return contents(output)


def test_no_secret_of_the_configuration_is_in_any_file_in_any_form(files):
    is_faulty = b"sky" in files["check.txt"]
    elsewhere = {"mistyped", "unknown", "proxy", "bare", "swapped"}
    hidden = {name: secret for name, secret in SECRETS.items() if is_faulty or name not in elsewhere}
    for name, secret in hidden.items():
        for form in forms_of(secret.encode()):
            assert not [file for file, octets in files.items() if form in octets], (name, form)
    n_lines = {name: octets.count(b" said ") for name, octets in files.items()}
    assert n_lines["logs/authproxy.log"] == 7 * len(SECRETS)
    if not is_faulty:
        assert encode_key(KEY).strip() not in b"".join(files.values())


def test_what_helps_is_there(files):
    assert b"skey=*****[40]\napi_host=127.0.0.1:1\n" in files["configuration.txt"]
    assert b"radgate " in files["versions.txt"]
    assert b"/proc/sys/net/core/rmem_max\n" in files["machine.txt"]
    assert b"not running" in files["status.json"]
    assert b"authproxy.cfg" in files["check.txt"]
    assert files["logs/authproxy.log.1"] == b"older\n"
    assert {"README.txt", "packages.txt"} <= files.keys()


@pytest.mark.usefixtures("without_commands")
def test_the_newest_lines_of_a_long_log(config, capsys, monkeypatch):
    monkeypatch.setattr(gathering, "LOG_SIZE", 100)
    log = config.parent / "log" / "authproxy.log"
    log.write_text("".join(f"line number {number:03}\n" for number in range(100)))
    files = support(capsys, config)
    assert files["logs/authproxy.log"].startswith(b"line number 094\n")
    assert files["logs/authproxy.log"].endswith(b"line number 099\n")


def test_anonymous(config, capsys):
    log = config.parent / "log" / "authproxy.log"
    log.write_text(
        "[gateway.worker#info] (('10.0.0.1', 5), alice, 6): text\n[gateway.worker#info] about emergency, alice\n"
    )
    files = support(capsys, config, "--anonymous")
    assert b"(('10.0.0.1', 5), user-0001, 6): text\n" in files["logs/authproxy.log"]
    assert b"user-0001\n" in files["logs/authproxy.log"]
    assert b"alice" not in b"".join(files.values())
    assert b"emergency" not in b"".join(files.values())


@pytest.mark.usefixtures("without_commands")
def test_no_other_file_gets_in_by_a_link_among_the_logs(config, capsys):
    (config.parent / "shadow").write_text("root:$6$")
    (config.parent / "log" / "authproxy.log.2").symlink_to(config.parent / "shadow")
    files = support(capsys, config)
    assert files["logs/authproxy.log.2"] == b"(Too many levels of symbolic links)"
    assert files["logs/authproxy.log.1"] == b"older\n"


@pytest.mark.usefixtures("without_commands")
@pytest.mark.parametrize("name", ["secret", "key"])
def test_what_could_not_be_read_is_named_for_it_is_not_hidden(config, capsys, name):
    (config.parent / name).unlink()
    output = config.parent / "out.zip"
    _, out, _ = run_main(capsys, "support", "--config", str(config), "--output", str(output))
    readme = contents(output)["README.txt"].decode()
    keys = {"secret": ["radius_secret_2_file"], "key": ["radius_secret_protected_3", "secrets_key_file"]}
    for key in keys[name]:
        assert f"{key} in line" in readme
        assert f"{key} in line" in out
    assert ("radius_secret_2_file" in readme) is (name == "secret")
    assert "Secrets are hidden in it" not in out


@pytest.mark.usefixtures("without_commands")
def test_a_pipe_or_another_name_of_a_file_among_the_logs_does_not_get_in(config, capsys):
    (config.parent / "shadow").write_text("root:$6$")
    (config.parent / "log" / "authproxy.log.2").hardlink_to(config.parent / "shadow")
    os.mkfifo(config.parent / "log" / "authproxy.log.3")
    files = support(capsys, config)
    for number in (2, 3):
        assert files[f"logs/authproxy.log.{number}"] == b"(not a regular file, or one that has another name too)"


@pytest.mark.usefixtures("without_commands")
def test_a_folder_of_logs_that_cannot_be_looked_into(tmp_path, capsys):
    config = Path(write_config(tmp_path, f"[main]\nlog_dir={tmp_path / ('x' * 300)}\n{MINIMAL}"))
    assert support(capsys, config)["logs/authproxy.log"] == b"(File name too long)"


@pytest.mark.usefixtures("without_commands")
def test_nothing_is_written_over(config, capsys):
    (config.parent / "out.zip").write_text("mine")
    status, _, err = run_main(capsys, "support", "--config", str(config), "--output", str(config.parent / "out.zip"))
    assert (status, err) == (74, f"radgate: cannot write {config.parent / 'out.zip'}: File exists\n")
    assert (config.parent / "out.zip").read_text() == "mine"


def test_no_configuration(tmp_path, capsys):
    status, _, err = run_main(capsys, "support", "--config", str(tmp_path / "missing.cfg"))
    assert status == 2
    assert err.startswith(
        f"{tmp_path / 'missing.cfg'}: cannot read '{tmp_path}/missing.cfg': No such file or directory; "
    )


@pytest.mark.integration
def test_a_running_gateway(site: Site):
    site.configure(main="log_auth_events=true")
    assert site.radgate("start").returncode == 0
    try:
        site.nas().login("alice", "123456")
        output = site.folder / "out.zip"
        made = site.radgate("support", "--output", str(output))
    finally:
        site.radgate("stop")
    assert made.returncode == 0, made.stderr
    files = contents(output)
    assert len(msgspec.json.decode(files["status.json"])["workers"]) == 2
    assert files["processes.txt"].count(b"Max open files") == 3
    assert b"radgate ready: 2 workers" in files["stderr.txt"]
    assert b"no problems" in files["check.txt"]
    assert b"alice" in files["logs/authproxy.log"]
    assert b"alice" in files["logs/authevents.log"]
    assert site.simulator.secret_key.encode() not in b"".join(files.values())


def test_included_files_are_shown_without_their_secrets(tmp_path, capsys):
    folder = tmp_path / "authproxy.d"
    folder.mkdir()
    write_config(folder, f"{MINIMAL}; skey={SECRETS['comment']}\n", "tokyo.cfg")
    write_config(folder, f"[radius_server_duo_only2]\nradius_ip_1={SECRETS['swapped']}\n", "osaka.cfg")
    config = write_config(
        tmp_path,
        f"[gateway]\nrun_dir={tmp_path}/run\nconsole=off\ninclude=authproxy.d/*.cfg\n[main]\nlog_dir={tmp_path}\n",
    )
    output = tmp_path / "out.zip"
    status, _, err = run_main(capsys, "support", "--config", config, "--output", str(output))
    assert (status, err) == (0, "")
    with zipfile.ZipFile(output) as bundle:
        shown = {name: bundle.read(name) for name in bundle.namelist()}
    assert b"[radius_server_duo_only]\n" in shown["included/tokyo.cfg"]
    assert b"radius_ip_1=*****[27]" in shown["included/osaka.cfg"]
    for secret in (SKEY, SHARED_SECRET, SECRETS["comment"], SECRETS["swapped"]):
        assert not any(form in octets for form in forms_of(secret.encode()) for octets in shown.values())
