"""Making a fleet key: once, for its owner alone, and with what to do next."""

import pytest

from gateway.cli.exits import Exit
from gateway.fleetapi.keys import KEY_SIZE, decode_fleet_keys
from tests.cli.files import run_main


def test_a_key_is_made_that_only_its_owner_can_read(tmp_path, capsys):
    path = tmp_path / "etc" / "fleet.key"
    status, out, err = run_main(capsys, "fleet-key", str(path))
    assert (status, err) == (Exit.OK, "")
    (key,) = decode_fleet_keys(path.read_bytes())
    assert len(key) == KEY_SIZE
    assert path.stat().st_mode & 0o777 == 0o600
    assert f"fleet_key_file={path}" in out
    assert path.read_text().strip() not in out


def test_every_key_is_another_one(tmp_path, capsys):
    for name in ("a", "b"):
        run_main(capsys, "fleet-key", str(tmp_path / name))
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("content", [b"", b"a key that is in use\n"])
def test_what_is_there_is_never_written_over(tmp_path, capsys, content):
    path = tmp_path / "fleet.key"
    path.write_bytes(content)
    status, out, err = run_main(capsys, "fleet-key", str(path))
    assert (status, out) == (Exit.CONFIGURATION, "")
    assert err == f"radgate: {path} is there already, and stays as it is; name another file\n"
    assert path.read_bytes() == content


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path, capsys):
    link = tmp_path / "fleet.key"
    link.symlink_to(tmp_path / "elsewhere")
    assert run_main(capsys, "fleet-key", str(link))[0] == Exit.CONFIGURATION
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["a\0b", "/proc/fleet.key"])
def test_what_cannot_be_written_is_told_in_one_line(capsys, name):
    status, out, err = run_main(capsys, "fleet-key", name)
    assert (status, out) == (Exit.CONFIGURATION, "")
    assert err.count("\n") == 1
    assert err.endswith("; nothing was made\n")


def test_the_help_tells_how_keys_are_changed(capsys):
    with pytest.raises(SystemExit):
        run_main(capsys, "fleet-key", "--help")
    assert "below the old key's line" in capsys.readouterr().out
