"""Files that the main one includes: read as if they stood at its end, and every problem has its own file."""

import os
from pathlib import Path

import pytest

from gateway.config.__main__ import read_outcome
from gateway.config.control_address import read_section_names
from gateway.config.problems import ConfigError, Problem
from gateway.config.reading import locate, read_settings
from gateway.config.settings import Settings
from gateway.config.surroundings import read_configuration
from tests.config.files import MINIMAL, SERVER

INCLUDE = "[gateway]\ninclude=authproxy.d/*.cfg\n"


class Folder:
    """A main file, and others beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path / "authproxy.cfg"
        self.included = path / "authproxy.d"
        self.included.mkdir()
        self.main(INCLUDE)

    def main(self, text: str) -> None:
        self.path.write_text(text)
        self.path.chmod(0o600)

    def add(self, name: str, text: str) -> Path:
        path = self.included / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def read(self) -> tuple[Settings | None, list[Problem]]:
        try:
            return read_settings(self.path)
        except ConfigError as error:
            return None, error.problems

    @property
    def sections(self) -> list[str]:
        settings, problems = self.read()
        assert not problems
        assert settings is not None
        return [server.section for server in settings.servers]

    @property
    def told(self) -> list[str]:
        """Every problem as it is told, without the folder."""
        return [problem.render("authproxy.cfg").replace(f"{self.path.parent}/", "") for problem in self.read()[1]]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def section(number: int, more: str = "") -> str:
    return f"[radius_server_duo_only{number}]\n{SERVER}port={22000 + number}\n{more}"


def test_sections_of_all_files_are_served_those_of_the_main_one_first_then_by_name(folder):
    folder.main(MINIMAL + INCLUDE)
    folder.add("tokyo.cfg", section(3))
    folder.add("osaka.cfg", section(7))
    assert folder.sections == ["radius_server_duo_only", "radius_server_duo_only7", "radius_server_duo_only3"]


def test_without_the_key_no_folder_is_looked_into(folder):
    folder.main(MINIMAL)
    folder.add("tokyo.cfg", section(3))
    assert folder.sections == ["radius_server_duo_only"]


def test_what_main_says_holds_for_them_too_and_paths_begin_in_its_folder(folder):
    folder.main(f"[main]\nfailmode=secure\n{INCLUDE}")
    (folder.path.parent / "secret").write_text("anotherSecretOfTheDirectory\n")
    (folder.path.parent / "secret").chmod(0o600)
    folder.add("tokyo.cfg", section(3, "radius_ip_2=10.0.1.11\nradius_secret_2_file=secret\n"))
    settings, problems = folder.read()
    assert (settings.servers[0].fail_mode.value, problems) == ("secure", [])
    assert settings.servers[0].clients[1].shared_secret.octets == b"anotherSecretOfTheDirectory"


def test_hidden_files_and_those_of_other_names_are_left_alone(folder):
    folder.add("tokyo.cfg", section(3))
    for name in ("osaka.cfg.off", ".tokyo.cfg", "..data.cfg", "README", "tokyo.cfg~"):
        folder.add(name, "[radius_server_duo_only3]\nmistake\n")
    assert folder.sections == ["radius_server_duo_only3"]


def test_every_problem_has_its_own_file_and_line(folder):
    folder.main(f"{MINIMAL}prot=1\n{INCLUDE}")
    folder.add("a.cfg", section(3, "failmode=perhaps\n"))
    folder.add("b.cfg", "mistake\n" + section(4).replace("ikey=", "ikye="))
    assert folder.told == [
        "authproxy.cfg:7 [radius_server_duo_only] prot: is not known; write port",
        "authproxy.d/a.cfg:8 [radius_server_duo_only3] failmode: 'perhaps' is not known; write safe or secure",
        "authproxy.d/b.cfg:1: this is neither [section] nor key=value; a comment starts with ; or #",
        "authproxy.d/b.cfg:3 [radius_server_duo_only4] ikye: is not known; write ikey",
    ]


def test_the_same_mistake_in_the_same_line_of_two_files_is_two_mistakes(folder):
    folder.main(MINIMAL + INCLUDE)
    folder.add("a.cfg", "mistake\n")
    folder.add("b.cfg", "mistake\n")
    assert [each.partition(":")[0] for each in folder.told] == ["authproxy.d/a.cfg", "authproxy.d/b.cfg"]


def test_one_number_in_two_files_is_an_error_that_names_both_and_a_free_one(folder):
    folder.add("osaka.cfg", section(3).replace("22003", "22004") + section(8))
    folder.add("tokyo.cfg", "\n" + section(3))
    assert folder.told == [
        (
            "authproxy.d/tokyo.cfg:2 [radius_server_duo_only3]: the section is there already, from line 1 of "
            "authproxy.d/osaka.cfg; write [radius_server_duo_only9] here"
        )
    ]


def test_one_number_in_the_main_file_and_another_says_so(folder):
    folder.main(MINIMAL + INCLUDE)
    folder.add("tokyo.cfg", MINIMAL.replace("10.0.1.10", "10.0.1.11"))
    assert folder.told == [
        (
            "authproxy.d/tokyo.cfg:1 [radius_server_duo_only]: the section is there already, from line 1 of the main "
            "file; write [radius_server_duo_only2] here"
        )
    ]


def test_one_name_in_two_files_is_an_error_that_names_both(folder):
    folder.main(f"{MINIMAL}name=Main street\n{INCLUDE}")
    folder.add("a.cfg", section(3, "name=Tokyo\n"))
    folder.add("b.cfg", section(4, "name=tokyo\n"))
    folder.add("c.cfg", section(5, "name=main street\n"))
    first, second = folder.told
    assert first.startswith("authproxy.d/b.cfg:8 ")
    assert "[radius_server_duo_only3] already, in line 8 of authproxy.d/a.cfg" in first
    assert second.startswith("authproxy.d/c.cfg:8 ")
    assert "[radius_server_duo_only] already, in line 7 of the main file" in second


def test_each_file_may_have_the_empty_section_of_its_client(folder):
    folder.main("[duo_only_client]\n" + INCLUDE)
    for number in (3, 4):
        folder.add(f"{number}.cfg", "[duo_only_client]\n" + section(number, "client=duo_only_client\n"))
    assert len(folder.sections) == 2


@pytest.mark.parametrize("name", ["main", "gateway", "fleet"])
def test_what_holds_for_all_is_in_the_main_file_alone(folder, name):
    folder.main(MINIMAL + INCLUDE)
    folder.add("tokyo.cfg", f"{section(3)}[{name}]\nlog_dir=/x\n")
    assert folder.told == [
        (
            f"authproxy.d/tokyo.cfg:8 [{name}]: belongs into the main file: only that says what holds for all; "
            f"move its keys to [{name}] there"
        )
    ]


class TestThePattern:
    @pytest.mark.parametrize("pattern", ["authproxy.d", "authproxy.d/", "*/tokyo.cfg", "*/*.cfg"])
    def test_it_is_a_folder_and_names_in_it(self, folder, pattern):
        folder.main(f"{MINIMAL}[gateway]\ninclude={pattern}\n")
        (said,) = folder.told
        assert said.startswith("authproxy.cfg:8 [gateway] include: ")
        assert said.endswith("write authproxy.d/*.cfg, say")

    @pytest.mark.parametrize("pattern", ["*.cfg", "./*.cfg", "authproxy.d/../*"])
    def test_not_the_folder_of_the_main_file(self, folder, pattern):
        folder.main(f"{MINIMAL}[gateway]\ninclude={pattern}\n")
        assert "is in the folder of this file" in folder.told[0]

    def test_a_folder_that_is_not_there_is_an_error(self, folder):
        folder.main(f"{MINIMAL}[gateway]\ninclude=elsewhere/*.cfg\n")
        (said,) = folder.told
        assert "include: cannot look into" in said
        assert "No such file or directory; make that folder, or remove the line" in said

    def test_an_empty_folder_is_a_warning(self, folder):
        folder.main(MINIMAL + INCLUDE)
        assert folder.told == [
            "authproxy.cfg:8 [gateway] include: warning: there is no such file; write one, or remove the line"
        ]

    def test_an_empty_value_is_a_warning(self, folder):
        folder.main(f"{MINIMAL}[gateway]\ninclude=\n")
        assert "warning: has no value and is ignored" in folder.told[0]

    def test_a_name_that_is_no_text_is_an_error(self, folder):
        folder.main(MINIMAL + INCLUDE)
        Path(os.fsdecode(os.fsencode(folder.included) + b"/\xff.cfg")).write_text(section(3))
        (said,) = folder.told
        assert said.endswith("the name of a file there is not UTF-8; rename it")


class TestFiles:
    def test_one_that_is_no_file_is_told_by_its_path(self, folder):
        folder.main(MINIMAL + INCLUDE)
        (folder.included / "tokyo.cfg").mkdir()
        (said,) = folder.told
        assert said.startswith("authproxy.d/tokyo.cfg: cannot read")
        assert "Is a directory" in said

    def test_a_link_is_followed(self, folder):
        target = folder.path.parent / "shared"
        target.write_text(section(3))
        target.chmod(0o600)
        (folder.included / "tokyo.cfg").symlink_to(target)
        assert folder.sections == ["radius_server_duo_only3"]

    def test_one_that_all_can_read_gets_the_warning_of_the_main_file(self, folder):
        path = folder.add("tokyo.cfg", section(3))
        path.chmod(0o644)
        (said,) = folder.told
        assert said.startswith("authproxy.d/tokyo.cfg: warning: every user of this machine can read the secrets")
        assert said.endswith("run chmod o-r authproxy.d/tokyo.cfg")

    def test_one_of_another_kind_is_told_with_its_line(self, folder):
        folder.main(MINIMAL + INCLUDE)
        folder.add("tokyo.cfg", "").write_bytes(b"\xff\xfe[\0a\0]\0")
        assert folder.told == ["authproxy.d/tokyo.cfg:1: the file is UTF-16 or not text; save it as UTF-8"]


def test_a_folder_that_changes_meanwhile_is_not_believed(folder, monkeypatch):
    from gateway.config import unchanged

    folder.add("tokyo.cfg", section(3))
    read = unchanged.read_disk

    def read_while_somebody_copies(path: str):
        if path.endswith("tokyo.cfg"):
            folder.add("osaka.cfg", section(4))
        return read(path)

    assert read_outcome(str(folder.path)).problems == []
    monkeypatch.setattr(unchanged, "read_disk", read_while_somebody_copies)
    outcome = read_outcome(str(folder.path))
    assert outcome.problems == [f"{folder.included}: it has changed while it was read; reload again once it is written"]
    assert outcome.settings_octets is None


def test_the_child_that_reads_tells_the_file(folder):
    path = folder.add("tokyo.cfg", section(3, "failmode=perhaps\n"))
    (problem,) = read_outcome(str(folder.path)).problems
    assert problem.startswith(f"{path}:8 [radius_server_duo_only3] failmode: ")


def test_what_this_machine_lacks_is_told_with_the_line_of_its_file(folder):
    folder.add("tokyo.cfg", section(3))
    (problem,) = locate(
        [Problem("radius_server_duo_only3", "port", "in use")], folder.path, read_configuration(str(folder.path))
    )
    assert problem.render("authproxy.cfg") == (f"{folder.included}/tokyo.cfg:7 [radius_server_duo_only3] port: in use")


def test_names_of_sections_are_read_from_all(folder):
    folder.add("tokyo.cfg", section(3, "name=Tokyo\n"))
    folder.add("osaka.cfg", section(4))
    names = read_section_names(folder.path)
    assert names == {"radius_server_duo_only3": "Tokyo", "radius_server_duo_only4": "radius_server_duo_only4"}


@pytest.mark.parametrize("name", ["ad_client", "AD_Client", "ad_client \t", "ad_client\u00a0"])
def test_the_lines_of_a_client_matter_if_an_included_file_names_it(folder, name):
    """As it is read there: in any letter case, and without blanks around it."""
    folder.main(f"{INCLUDE}[ad_client]\nhost=dc1\njust words\n")
    (idle,) = [problem for problem in folder.read()[1] if problem.section == "ad_client"]
    assert "ignored: no server section that is served names it" in idle.text
    folder.add("a.cfg", f"[radius_server_auto]\n{SERVER}client={name}\n")
    told = [problem.text for problem in folder.read()[1] if problem.section == "ad_client"]
    assert any(text.startswith("this is neither [section] nor key=value") for text in told)
    assert "is missing; write search_dn=DC=example,DC=com" in told


def test_a_character_in_the_pattern_that_cannot_be_seen_is_named(tmp_path):
    folder = Folder(tmp_path)
    folder.main(MINIMAL + "[gateway]\ninclude=authproxy.d/\u200b*.cfg\n")
    folder.add("tokyo.cfg", "")
    assert any("U+200B ZERO WIDTH SPACE" in text for text in folder.told)
