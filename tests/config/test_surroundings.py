import pytest

from gateway.config.surroundings import MAX_FILE_SIZE, FileContent, Surroundings, read_disk
from gateway.config.values import BadValueError


def surroundings(user_id: int = 0, **environment: str) -> Surroundings:
    return Surroundings(folder="/etc/radgate", read_file=read_disk, environment=environment, user_id=user_id)


def test_relative_path_is_in_the_folder():
    assert surroundings().resolve("ca.pem") == "/etc/radgate/ca.pem"
    assert surroundings().resolve("/ca.pem") == "/ca.pem"


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
    with pytest.raises(BadValueError, match=f"larger than {MAX_FILE_SIZE}"):
        surroundings().read("/dev/zero")
