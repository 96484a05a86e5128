"""Which form of the hot path runs, and why, as every command tells it."""

import json
from pathlib import Path

import pytest

import gateway
from gateway.checks.findings import Severity
from gateway.checks.host import HOST, host_findings
from gateway.statistics import counters
from gateway.supervisor import form
from gateway.supervisor.form import Form, hot_path
from tests.checks.test_host import settings_of
from tests.cli.files import run_main, write_config

NO_COMPILER = "there was no C compiler (cc) when it was installed"


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the build leaves its reason, and an interpreted hot path."""
    path = tmp_path / "interpreted.txt"
    monkeypatch.setattr(form, "NOTE", path)
    monkeypatch.setattr(counters, "__file__", "/lib/gateway/engine/statistics.py")
    return path


@pytest.fixture
def compiled(note: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note.write_text("of an older installation\n")
    monkeypatch.setattr(counters, "__file__", "/lib/gateway/engine/statistics.cpython-311-x86_64-linux-gnu.so")


@pytest.fixture
def interpreted(note: Path) -> None:
    note.write_text(NO_COMPILER + "\n")


def test_the_note_is_looked_for_where_the_build_puts_it():
    source = (Path(gateway.__file__).parents[1] / "tools" / "compiling.py").read_text()
    assert f'NOTE = f"{{PACKAGE}}/{form.NOTE.name}"' in source
    assert form.NOTE.parent == Path(gateway.__file__).parent


@pytest.mark.usefixtures("compiled")
def test_the_module_itself_is_asked_not_the_note():
    assert (hot_path(), str(hot_path()), hot_path().note) == (Form(is_compiled=True), "compiled", "")


@pytest.mark.usefixtures("interpreted")
def test_what_the_build_met_is_told():
    assert str(hot_path()) == f"interpreted: {NO_COMPILER}"


@pytest.mark.usefixtures("note")
def test_without_a_note_it_is_the_source_tree_which_nobody_is_warned_of():
    assert str(hot_path()) == "interpreted: it runs from its source tree"
    assert hot_path().note == ""


@pytest.mark.usefixtures("interpreted")
def test_version_tells_it(capsys):
    assert f"hot path interpreted: {NO_COMPILER}\n" in run_main(capsys, "version")[1]


@pytest.mark.usefixtures("interpreted")
def test_check_tells_it_with_the_remedy_and_takes_the_file_all_the_same(tmp_path, capsys):
    status, out, _ = run_main(capsys, "check", "--strict", "--config", write_config(tmp_path))
    assert status == 0
    assert f"note: hot path interpreted: {NO_COMPILER}; a login costs" in out
    assert "gcc" in out


@pytest.mark.usefixtures("interpreted")
def test_check_tells_it_to_programs(tmp_path, capsys):
    _, out, _ = run_main(capsys, "check", "--json", "--config", write_config(tmp_path))
    assert json.loads(out)["hot_path"] == {"is_compiled": False, "why_not": NO_COMPILER}


@pytest.mark.usefixtures("interpreted")
def test_an_examination_of_this_machine_notes_it(tmp_path):
    (finding,) = (each for each in host_findings(settings_of(tmp_path), None) if each.step == "hot path")
    assert (finding.subject, finding.severity) == (HOST, Severity.NOTE)
    assert NO_COMPILER in finding.text
    assert "gcc" in finding.remedy


@pytest.mark.usefixtures("compiled")
def test_an_examination_finds_the_compiled_form_as_it_should_be(tmp_path):
    (finding,) = (each for each in host_findings(settings_of(tmp_path), None) if each.step == "hot path")
    assert (finding.severity, finding.text, finding.remedy) == (Severity.OK, "compiled", "")
