"""No piece of the compiled hot path becomes dearer without somebody saying so; instructions counted, never timed."""

import sys
from pathlib import Path

import pytest

from tests.compiled import IS_COMPILED
from tests.micro import compiled_baseline
from tests.micro.cases import CASES
from tests.micro.compiled_baseline import changes, updated
from tests.micro.instructions import BUILD, Instructions, count_instructions, obstacle, read_part

REMEDY = "if the change is meant, `make interpreted`, `make micro UPDATE=1`, and say in the commit why"
COUNTED = """\
version: 1
part: 2

events: Ir
summary: 5000


ob=(1) /lib/python3.11
fl=(1) ???
fn=(1) _PyEval_EvalFrameDefault
0 100
cob=(2) /a/gateway__mypyc.cpython-311-x86_64-linux-gnu.so
cfn=(2) CPyDef_core___Engine___datagram_received
calls=20 0
0 4900
+3 40

ob=(2)
fn=(2)
0 800
cfn=(3) CPyDef_core___Engine___step
calls=20 0
* 1200
cob=(1)
cfn=(4) PyObject_GetAttr
calls=60 0
0 2900
-2 200

fn=(3)
0 1000
cob=(1)
cfn=(4)
calls=20 0
0 200

ob=(1)
fn=(4)
0 2860
"""


@pytest.fixture(scope="module")
def counted() -> dict[str, Instructions]:
    """All cases, counted in one run."""
    if not IS_COMPILED:
        pytest.skip("looks at what compiled code takes: `make compiled` first")
    if why_not := obstacle():
        pytest.skip(why_not)
    return count_instructions(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_case_takes_as_many_instructions_as_its_baseline_says(name: str, counted: dict[str, Instructions]) -> None:
    """A change is counted again, alone: two names may by their addresses share a place in Python's cache of methods."""
    entry = compiled_baseline.load().get(BUILD, {}).get(name)
    if entry is None:
        pytest.skip(f"{name} has no baseline for {BUILD}: `make micro UPDATE=1` makes one")
    changed = changes(entry, counted[name]) and changes(entry, count_instructions([name])[name])
    assert not changed, f"{name}: {', '.join(changed)}; {REMEDY}"


def test_every_case_has_a_baseline_for_some_build_and_no_other_has() -> None:
    assert {name for entries in compiled_baseline.load().values() for name in entries} == set(CASES)


def test_our_own_instructions_and_calls_to_others_are_told_from_the_rest() -> None:
    assert read_part(COUNTED, 20) == Instructions(own=100, calls=4, total=250)
    assert read_part(COUNTED.replace("/a/gateway__mypyc", "/a/other__mypyc"), 20) == Instructions(0, 0, 250)


def test_five_percent_either_way_is_no_change() -> None:
    before = Instructions(1000, 40, 10_000)
    assert changes(before, Instructions(1050, 42, 10_500)) == []
    assert changes(before, Instructions(950, 38, 9500)) == []
    assert changes(before, Instructions(1051, 40, 10_051)) == ["own 1051, not 1000"]
    assert changes(before, Instructions(1000, 43, 9499)) == ["calls 43, not 40", "of others 8499, not 9000"]


def test_an_update_drops_what_other_builds_took_for_a_case_that_has_changed() -> None:
    then, dearer, now = Instructions(100, 4, 900), Instructions(100, 4, 1200), Instructions(200, 4, 1000)
    baselines = {
        "3.11.2": {"same": then, "changed": then, "gone": then},
        "3.11.7": {"same": dearer, "changed": dearer, "gone": dearer},
    }
    entries = {"same": then, "changed": now, "new": now}
    assert updated(baselines, "3.11.2", entries) == {"3.11.2": entries, "3.11.7": {"same": dearer}}
    assert updated({"3.11.2": entries}, "3.11.7", entries) == {"3.11.2": entries, "3.11.7": entries}


def test_callgrind_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", sys.prefix)
    assert obstacle() == "instructions are counted by callgrind: install valgrind"


def test_a_compiler_may_be_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "valgrind").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert obstacle() == "counting is switched on by a function in C: install a C compiler"


def test_valgrinds_header_may_be_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "valgrind").touch(mode=0o755)
    (tmp_path / "cc").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert obstacle() == "counting is switched on by valgrind's header: install that, too"
