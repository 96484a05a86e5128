"""Encrypting the secrets of a file, one secret, and the way back."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config.reading import read_settings
from tests.cli.files import run_main, write_config
from tests.config.files import MINIMAL, SHARED_SECRET, SKEY


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(write_config(tmp_path))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "secrets.key"


def protect(*arguments: str | Path, secret: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "gateway", "protect", *map(str, arguments)],
        input=secret,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_file_is_encrypted_and_the_gateway_reads_it_as_before(config, key_file, capsys):
    before = read_settings(config)[0]
    status, out, err = run_main(capsys, "protect", str(config), "--key-file", str(key_file))
    assert (status, err) == (0, "")
    assert f"secrets encrypted: 2; the key is in {key_file}" in out
    text = config.read_text()
    assert SKEY not in text
    assert SHARED_SECRET not in text
    assert f"secrets_key_file={key_file}" in text
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert read_settings(config) == (before, [])


def test_no_file_beside_it_holds_the_secrets(config, key_file, capsys):
    run_main(capsys, "protect", "--config", str(config), "--key-file", str(key_file))
    files = [path for path in config.parent.rglob("*") if path.is_file()]
    assert sorted(files) == sorted([config, key_file])
    assert not any(SKEY.encode() in path.read_bytes() for path in files)


def test_undo_gives_the_former_file(config, key_file, capsys):
    run_main(capsys, "protect", str(config), "--key-file", str(key_file))
    status, out, _ = run_main(capsys, "protect", str(config), "--undo")
    assert (status, config.read_text().removesuffix("\n[gateway]\n")) == (0, MINIMAL)
    assert "secrets in clear: 2" in out


def test_undo_puts_no_secret_where_others_can_read_it(config, key_file, capsys):
    run_main(capsys, "protect", str(config), "--key-file", str(key_file))
    config.chmod(0o644)
    text = config.read_text()
    status, _, err = run_main(capsys, "protect", str(config), "--undo")
    assert (status, config.read_text()) == (2, text)
    assert f"chmod o-r {config}" in err
    config.chmod(0o640)
    assert run_main(capsys, "protect", str(config), "--undo")[0] == 0


def test_a_file_that_would_not_say_the_same_is_not_written(config, key_file, capsys, monkeypatch):
    def refuse(*_: object, **__: object) -> bytes:
        raise ValueError("the file would not say the same")

    monkeypatch.setattr("gateway.cli.protect.protect_entries", refuse)
    status, _, err = run_main(capsys, "protect", str(config), "--key-file", str(key_file))
    assert (status, err) == (2, "radgate: the file would not say the same; nothing was changed\n")
    assert config.read_text() == MINIMAL


@pytest.mark.parametrize("named", ["/another.key", "another.key"])
def test_a_file_that_names_another_key_is_not_encrypted_with_this_one(config, key_file, capsys, named):
    text = f"{MINIMAL}[gateway]\nsecrets_key_file={named}\n"
    config.write_text(text)
    status, _, err = run_main(capsys, "protect", str(config), "--key-file", str(key_file))
    assert (status, config.read_text(), key_file.exists()) == (2, text, False)
    assert "names another key" in err


@pytest.mark.parametrize("named", ["", "elsewhere/secrets.key", "%d/secrets.key"])
def test_a_file_that_names_this_key_or_none_or_a_credential(config, key_file, capsys, monkeypatch, named):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(key_file.parent))
    before = read_settings(config)[0]
    config.write_text(f"{MINIMAL}[gateway]\nsecrets_key_file={named}\n")
    assert run_main(capsys, "protect", str(config), "--key-file", str(key_file))[0] == 0
    assert read_settings(config) == (before, [])


def test_a_second_time_there_is_nothing_to_do(config, key_file, capsys):
    run_main(capsys, "protect", str(config), "--key-file", str(key_file))
    text = config.read_text()
    assert run_main(capsys, "protect", str(config))[:2] == (0, f"{config}: nothing to do\n")
    assert config.read_text() == text


def test_one_secret_from_standard_input(config, key_file, capsys):
    run_main(capsys, "protect", str(config), "--key-file", str(key_file))
    made = protect(
        "--value", "radius_server_duo_only", "radius_secret_1", "--config", config, secret="another secret!!\n"
    )
    assert made.returncode == 0
    lines = [line for line in config.read_text().splitlines() if not line.startswith("radius_secret_protected_1")]
    lines.insert(1, made.stdout.strip())
    config.write_text("\n".join(lines))
    settings, _ = read_settings(config)
    assert settings.servers[0].clients[0].shared_secret.octets == b"another secret!!"


VALUE = ("--value", "radius_server_duo_only", "radius_secret_1")


@pytest.mark.parametrize(("secret", "said"), [("two\nlines\n", "has 2 lines"), ("a\0b", "NUL"), ("X" * 20, "X only")])
def test_what_can_be_no_secret_is_not_encrypted(config, key_file, capsys, secret, said):
    run_main(capsys, "protect", str(config), "--key-file", str(key_file))
    refused = protect(*VALUE, "--config", config, secret=secret)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert said in refused.stderr


def test_what_looks_like_none_is_told(config, key_file, capsys):
    run_main(capsys, "protect", str(config), "--key-file", str(key_file))
    made = protect(*VALUE, "--config", config, secret="/run/secrets/radius\n")
    assert made.returncode == 0
    assert "warning: the secret looks like the path of a file" in made.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "has no secrets_key_file=; write --key-file PATH"),
        (["--undo", "--key-file", "missing"], "there is no key at"),
        (["--key-file", "not-a-key"], "it holds no key"),
        (["--key-file", "no-folder/x"], "File exists"),
        (["--key-file", "/\udcff.key"], "nothing that a line can hold"),
        (["--key-file", "/two\nlines"], "nothing that a line can hold"),
        (["--value", "radius_server_duo_only", "port", "--key-file", "not-a-key"], "holds no secret"),
        (["--value", "elsewhere", "skey", "--key-file", "not-a-key"], "holds no secret"),
        (["--value", "main", "skey", "--key-file", "key"], "standard input holds no secret"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_is_changed(config, arguments, said):
    folder = config.parent
    (folder / "not-a-key").write_text("hello")
    (folder / "no-folder").write_text("")
    (folder / "key").write_text("A" * 43 + "=\n")
    given = [
        str(folder / each) if each in ("missing", "not-a-key", "no-folder/x", "key") else each for each in arguments
    ]
    refused = protect("--config", config, *given)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert "nothing was changed" in refused.stderr
    assert config.read_text() == MINIMAL
    assert not (folder / "missing").exists()


def test_errors_of_the_file_are_those_of_check(config, key_file, capsys):
    config.write_text(f"{MINIMAL}sky=x\n")
    status, _, err = run_main(capsys, "protect", str(config), "--key-file", str(key_file))
    assert status == 2
    assert (
        err
        == f"{config}:7 [radius_server_duo_only] sky: is not known; skey is there, in line 3: remove one of the two\n"
    )
    assert not key_file.exists()


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit):
        run_main(capsys, "protect", "--help")
    assert "radgate protect --config /etc/radgate/authproxy.cfg --key-file" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
@pytest.mark.parametrize(
    ("options", "why"),
    [
        (
            "bind",
            "Device or resource busy; it is mounted on its own, as in a container: run this where the file itself is",
        ),
        ("bind,ro", "is mounted "),
    ],
)
def test_a_file_that_is_mounted_on_its_own_stays_and_no_key_is_left(config, key_file, tmp_path, options, why):
    (tmp_path / "source.cfg").write_bytes(config.read_bytes())
    program = (
        f'mount -o {options} source.cfg {config} && exec "$0" -P -m gateway protect {config} --key-file {key_file}'
    )
    command = ["unshare", "--mount", "sh", "-c", program, sys.executable]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    if refused.returncode in (1, 32):
        pytest.skip(f"no mount here: {refused.stderr}")
    assert (refused.returncode, key_file.exists()) == (2, False)
    assert refused.stderr.startswith(f"radgate: {config}: ")
    assert why in refused.stderr
    assert refused.stderr.endswith("; nothing was changed\n")
    assert SKEY in config.read_text()


def test_a_key_that_the_file_needs_by_now_stays_whatever_fails_then(config, key_file, capsys, monkeypatch):
    def replace_and_fail(path: Path, octets: bytes) -> None:
        path.write_bytes(octets)
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr("gateway.cli.protect.replace_file", replace_and_fail)
    status, _, err = run_main(capsys, "protect", str(config), "--key-file", str(key_file))
    assert (status, key_file.exists()) == (2, True)
    assert f"{config}: Input/output error" in err


def test_a_limit_of_the_size_of_files_is_told_with_the_file(config, key_file, capsys):
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, former[1]))
    try:
        status, _, err = run_main(capsys, "protect", str(config), "--key-file", str(key_file))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert (status, key_file.exists(), SKEY in config.read_text()) == (2, False, True)
    assert (
        err
        == f"radgate: {config}: File too large; raise ulimit -f, LimitFSIZE= in the systemd unit; nothing was changed\n"
    )


class TestIncludedFiles:
    """They are encrypted with the main file's key, all of them or none."""

    MAIN = "[gateway]\ninclude=authproxy.d/*.cfg\n"

    @pytest.fixture
    def included(self, config) -> Path:
        config.write_text(self.MAIN)
        folder = config.with_name("authproxy.d")
        folder.mkdir()
        path: Path = folder / "tokyo.cfg"
        path.write_text(MINIMAL)
        path.chmod(0o600)
        return path

    def test_they_are_encrypted_and_put_in_clear_again(self, config, included, key_file, capsys):
        before = read_settings(config)[0]
        status, out, _ = run_main(capsys, "protect", str(config), "--key-file", str(key_file))
        assert (status, "secrets encrypted: 2" in out) == (0, True)
        assert SKEY not in included.read_text()
        assert "secrets_key_file" not in included.read_text()
        assert config.read_text() == self.MAIN.replace("[gateway]\n", f"[gateway]\nsecrets_key_file={key_file}\n")
        assert read_settings(config) == (before, [])
        status, out, _ = run_main(capsys, "protect", str(config), "--undo")
        assert (status, included.read_text(), config.read_text()) == (0, MINIMAL, self.MAIN)

    @pytest.mark.parametrize("more", [(), ("--undo",)])
    def test_one_alone_is_left_to_its_main_file(self, config, included, key_file, capsys, more):
        """The key would be named in a [gateway] of its own, which no included file may have."""
        arguments = ("protect", str(included), "--key-file", str(key_file), *more)
        status, _, err = run_main(capsys, *arguments)
        assert status == 2
        assert f"{included} is included by {config}, where the key is named; write: radgate protect {config}" in err
        assert (config.read_text(), included.read_text(), key_file.exists()) == (self.MAIN, MINIMAL, False)

    def test_the_main_file_of_one_is_found_by_config_too(self, config, included, key_file, capsys):
        folder = included.parent.rename(config.parent / "elsewhere.d")
        main = config.rename(config.with_suffix(".conf"))
        main.write_text(f"[gateway]\ninclude={folder}/*.cfg\n")
        arguments = ("protect", str(folder / included.name), "--key-file", str(key_file))
        assert run_main(capsys, *arguments, "--config", str(main))[0] == 2
        assert (folder / included.name).read_text() == MINIMAL

    def test_a_new_one_is_encrypted_beside_those_that_are(self, config, included, key_file, capsys):
        run_main(capsys, "protect", str(config), "--key-file", str(key_file))
        main, first = config.read_text(), included.read_text()
        second = included.with_name("osaka.cfg")
        text = MINIMAL.replace("duo_only]", "duo_only2]")
        second.write_text(text + "port=1645\n")
        second.chmod(0o600)
        assert run_main(capsys, "protect", str(config))[0] == 0
        assert (config.read_text(), included.read_text()) == (main, first)
        assert (SKEY in second.read_text(), "[gateway]" in second.read_text()) == (False, False)
        assert not read_settings(config)[1]

    def test_one_that_cannot_be_written_leaves_all_as_they_were(self, config, included, key_file, capsys, monkeypatch):
        from gateway.cli import protect as command

        replace_file = command.replace_file

        def fail_at_tokyo(path: Path, octets: bytes) -> None:
            if path == included:
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
            replace_file(path, octets)

        monkeypatch.setattr("gateway.cli.protect.replace_file", fail_at_tokyo)
        status, _, err = run_main(capsys, "protect", str(config), "--key-file", str(key_file))
        assert (status, err) == (2, f"radgate: {included}: No space left on device; nothing was changed\n")
        assert (config.read_text(), included.read_text(), key_file.exists()) == (self.MAIN, MINIMAL, False)

    def test_an_error_in_one_names_it(self, config, included, key_file, capsys):
        included.write_text(MINIMAL.replace("ikey", "ikye"))
        status, _, err = run_main(capsys, "protect", str(config), "--key-file", str(key_file))
        assert status == 2
        assert err.startswith(f"{included}:2 [radius_server_duo_only] ikye: is not known")
        assert config.read_text() == self.MAIN

    def test_none_is_put_in_clear_where_others_could_read_it(self, config, included, key_file, capsys):
        run_main(capsys, "protect", str(config), "--key-file", str(key_file))
        included.chmod(0o644)
        status, _, err = run_main(capsys, "protect", str(config), "--undo")
        assert (status, f"chmod o-r {included}" in err) == (2, True)
        assert SKEY not in included.read_text()
