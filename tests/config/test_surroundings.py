import os
import socket

import pytest

from gateway.config.problems import ConfigError
from gateway.config.surroundings import (
    CONTROL_SOCKET,
    MAX_FILE_SIZE,
    FileContent,
    Surroundings,
    read_configuration,
    read_disk,
)
from gateway.config.values import BadValueError
from tests.config.files import MINIMAL, parse


def surroundings(user_id: int = 0, **environment: str) -> Surroundings:
    return Surroundings(folder="/etc/radgate", read_file=read_disk, environment=environment, user_id=user_id)


def test_relative_path_is_in_the_folder():
    assert surroundings().resolve("ca.pem") == "/etc/radgate/ca.pem"
    assert surroundings().resolve("/ca.pem") == "/ca.pem"


def test_beside_a_file_in_conf_a_relative_path_may_begin_above_as_duos_proxy_has_it(tmp_path):
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "ca.pem").write_bytes(b"beside")
    there = Surroundings(folder=str(folder), read_file=read_disk)
    assert there.read_installed("conf/ca.pem") == (str(folder / "ca.pem"), there.read_file(str(folder / "ca.pem")))
    assert there.read_installed("ca.pem")[0] == str(folder / "ca.pem")
    (tmp_path / "ca.pem").write_bytes(b"above")
    assert there.read_installed("ca.pem")[1].octets == b"above"
    assert there.read_installed(str(folder / "ca.pem"))[1].octets == b"beside"
    with pytest.raises(BadValueError, match=r"cannot read .*/conf/gone\.pem"):
        there.read_installed("gone.pem")


def test_credentials_directory():
    assert surroundings(CREDENTIALS_DIRECTORY="/run/cred").resolve("%d/skey") == "/run/cred/skey"
    with pytest.raises(BadValueError, match="LoadCredential="):
        surroundings().resolve("%d/skey")


def test_directories_of_root():
    assert (surroundings(HOME="/root").log_dir, surroundings(XDG_RUNTIME_DIR="/x").run_dir) == (
        "/var/log/radgate",
        "/run/radgate",
    )


def test_directories_of_a_user():
    assert surroundings(1000, XDG_RUNTIME_DIR="/run/user/1000").run_dir == "/run/user/1000/radgate"
    assert surroundings(1000).run_dir == "/tmp/radgate-1000"
    assert surroundings(1000, XDG_STATE_HOME="/state").log_dir == "/state/radgate"
    assert surroundings(1000, HOME="/home/a").log_dir == "/home/a/.local/state/radgate"


def test_directories_of_a_unit_with_a_user_are_those_that_systemd_made():
    made = {"RUNTIME_DIRECTORY": "/run/radgate:/run/more", "LOGS_DIRECTORY": "/var/log/radgate"}
    for user_id in (0, 1000):
        found = surroundings(user_id, XDG_RUNTIME_DIR="/x", XDG_STATE_HOME="/y", **made)
        assert (found.run_dir, found.log_dir) == ("/run/radgate", "/var/log/radgate")


def test_file_on_disk(tmp_path):
    file = tmp_path / "secret"
    file.write_bytes(b"abc")
    file.chmod(0o604)
    content = read_disk(str(file))
    assert content.octets == b"abc"
    assert content.is_readable_by_others
    assert not FileContent(b"", 0o640).is_readable_by_others


def test_what_cannot_be_read_is_told_in_the_words_of_the_system(tmp_path):
    with pytest.raises(BadValueError, match="Is a directory"):
        surroundings().read(str(tmp_path))
    with pytest.raises(BadValueError, match="No such file"):
        surroundings().read(str(tmp_path / "missing"))
    large = tmp_path / "large"
    large.touch()
    os.truncate(large, MAX_FILE_SIZE + 1)
    with pytest.raises(BadValueError, match=f"larger than {MAX_FILE_SIZE}"):
        surroundings().read(str(large))


def test_nothing_but_a_regular_file_is_opened_for_it_might_keep_us_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    for path, what in (("pipe", "a pipe"), ("link", "a pipe"), ("socket", "a socket"), ("/dev/zero", "a device")):
        with pytest.raises(BadValueError, match=f"it is {what}.*; correct the path, or put a readable file there"):
            surroundings().read(str(tmp_path / path))


@pytest.mark.parametrize(("length", "is_usable"), [(94, True), (95, False), (200, False)])
def test_the_control_socket_must_have_room(length, is_usable):
    path = "/run/" + "x" * (length - 5)
    if is_usable:
        assert surroundings().resolve_run_dir(path) == path
        with socket.socket(socket.AF_UNIX) as asking, pytest.raises(FileNotFoundError):
            asking.connect(f"{path}/{CONTROL_SOCKET}")
    else:
        with pytest.raises(BadValueError, match=f"too long by {length - 94} for the control socket"):
            surroundings().resolve_run_dir(path)


def test_a_default_that_leaves_no_room_is_a_problem_of_the_key_that_is_missing():
    with pytest.raises(ConfigError) as caught:
        parse(MINIMAL, user_id=7, environment={"XDG_RUNTIME_DIR": "/run/" + "x" * 100})
    (problem,) = caught.value.problems
    assert (problem.section, problem.key) == ("gateway", "run_dir")
    assert "write a shorter one, such as /run/radgate" in problem.text


def test_where_there_is_no_configuration_the_ways_to_one_are_named(tmp_path, monkeypatch):
    of_duo = tmp_path / "authproxy.cfg"
    monkeypatch.setattr("gateway.config.surroundings.DUO_CONFIG", str(of_duo))
    with pytest.raises(ConfigError, match=r"radgate init.*--config FILE.*RADGATE_CONFIG=FILE$"):
        read_configuration(str(tmp_path / "missing"))
    of_duo.touch()
    with pytest.raises(ConfigError, match=f"that of Duo's proxy can be taken as it is: {of_duo}$"):
        read_configuration(str(tmp_path / "missing"))
