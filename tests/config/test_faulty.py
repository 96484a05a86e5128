"""Files as administrators write them at night: each gets all its problems at once, with line and remedy.

`faulty/expected.txt` is what they read, word for word; whoever changes a text reads it there once more.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli.main import main
from gateway.config.ini import MOST_PROBLEMS
from gateway.config.problems import ConfigError, Problem
from gateway.config.reading import parse_settings, read_settings
from gateway.config.surroundings import MAX_FILE_SIZE, FileContent
from tests.config.files import MINIMAL

FOLDER = Path(__file__).parent / "faulty"
NAMES = sorted(path.stem for path in FOLDER.glob("*.cfg"))
EXPECTED: dict[str, tuple[str, list[str]]] = {
    name: (verdict, [line.strip() for line in lines.splitlines()])
    for name, verdict, lines in re.findall(
        r"^(\w+): (usable|not usable)\n((?: {4}.*\n)*)", (FOLDER / "expected.txt").read_text(), re.MULTILINE
    )
}
SECRETS = re.compile("deadbeef|feedbeef|-secret-of-32|secret-of-ad|pa55word|thisisthesecret")


def read_file(path: str) -> FileContent:
    """Nothing but the folder of the configuration is there."""
    if path == "/etc/radgate":
        raise IsADirectoryError(21, "Is a directory", path)
    raise FileNotFoundError(2, "No such file or directory", path)


def verdict_of(read: Callable[[], list[Problem]]) -> tuple[str, list[Problem]]:
    try:
        return "usable", read()
    except ConfigError as error:
        return "not usable", error.problems


def test_every_file_has_its_expectation_and_the_other_way_round():
    assert sorted(EXPECTED) == NAMES
    assert len(NAMES) > 100


@pytest.mark.parametrize("name", NAMES)
def test_a_faulty_file_gets_all_its_problems_with_line_and_remedy(name: str):
    path = "/etc/radgate/authproxy.cfg"
    octets = (FOLDER / f"{name}.cfg").read_bytes()
    verdict, problems = verdict_of(lambda: parse_settings(octets, path, read_file)[1])
    assert (verdict, [problem.render("authproxy.cfg") for problem in problems]) == EXPECTED[name]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_told_shows_no_secret_and_drives_no_terminal(name: str):
    text = "".join(EXPECTED[name][1])
    assert not SECRETS.search(text)
    assert text.isprintable()


@pytest.mark.parametrize("name", NAMES)
def test_the_command_tells_it_and_no_traceback(name: str, capsys):
    status = main(["check", "--config", str(FOLDER / f"{name}.cfg")])
    said = capsys.readouterr()
    assert status == (0 if EXPECTED[name][0] == "usable" else 2)
    assert said.err == ""
    assert said.out.splitlines()[-1].startswith(f"{FOLDER / name}.cfg: ")


class TestNoFileAtAll:
    def only_text(self, path: Path) -> str:
        verdict, (problem,) = verdict_of(lambda: read_settings(path)[1])
        assert (verdict, problem.place.line) == ("not usable", 0)
        return problem.text

    def test_one_that_is_not_there(self, tmp_path):
        assert "No such file" in self.only_text(tmp_path / "missing.cfg")

    def test_a_directory(self, tmp_path):
        assert "Is a directory" in self.only_text(tmp_path)

    def test_a_path_through_a_file(self, tmp_path):
        (tmp_path / "file").write_text("")
        assert "Not a directory" in self.only_text(tmp_path / "file" / "authproxy.cfg")

    def test_a_link_to_itself(self, tmp_path):
        (tmp_path / "authproxy.cfg").symlink_to("authproxy.cfg")
        assert "symbolic links" in self.only_text(tmp_path / "authproxy.cfg")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_one_that_we_may_not_read(self, tmp_path):
        path = tmp_path / "authproxy.cfg"
        path.write_text(MINIMAL)
        path.chmod(0)
        assert "Permission denied" in self.only_text(path)

    def test_one_of_100_megabytes_is_not_read_to_its_end(self, tmp_path):
        path = tmp_path / "authproxy.cfg"
        with path.open("wb") as file:
            file.truncate(100_000_000)
        assert f"larger than {MAX_FILE_SIZE}" in self.only_text(path)

    def test_a_name_that_no_file_can_have(self, tmp_path):
        assert "cannot read" in self.only_text(tmp_path / "a\0b")


def test_a_file_of_another_kind_is_given_up_soon(tmp_path):
    path = tmp_path / "authproxy.cfg"
    path.write_text("neither\n" * 1_000_000)
    verdict, problems = verdict_of(lambda: read_settings(path)[1])
    assert verdict == "not usable"
    assert len(problems) == MOST_PROBLEMS + 1
    assert "is this the right file?" in problems[-1].text
