"""The budget of a login: what callgrind has counted, read and put into stages."""

import pytest

from bench.costs.budget import STAGES, Profile, read_profile, rows, table

COUNTED = """\
version: 1
events: Ir
fn=(1) CPyDef_core___Engine___datagram_received
16 100
cfn=(2) CPyDef_duplicates___DuplicateCache___find
calls=3 20
+4 600
fn=(2)
20 400
cfn=(3) CPyDef_duplicates___DuplicateCache___expire'2
calls=1 7
* 200
fn=(3)
7 200
fn=(4) start
cfn=(1)
calls=2 16
-2 1300

totals: 4000
"""


def test_calls_are_counted_with_all_beneath_them_for_each_login() -> None:
    engine, find = "CPyDef_core___Engine___datagram_received", "CPyDef_duplicates___DuplicateCache___find"
    assert read_profile(COUNTED, 2) == Profile(
        2000.0,
        {
            (engine, find): 300.0,
            (find, "CPyDef_duplicates___DuplicateCache___expire"): 100.0,
            ("start", engine): 650.0,
        },
    )


def test_what_a_stage_calls_of_its_own_is_in_it_already_and_the_rest_adds_up() -> None:
    table = {row[0]: row[2] for row in rows([read_profile(COUNTED, 2)])}
    assert table["packet digest, duplicate cache"] == 300.0
    assert table["what ties them together"] == 1700.0
    assert table["in all"] == 2000.0
    assert len(table) == len(STAGES) + 2


def test_a_stage_that_is_not_seen_is_not_said_to_cost_nothing() -> None:
    *lines, note = table([read_profile(COUNTED, 2)])
    told = {line[:34].strip(): line.split()[-1] for line in lines}
    assert told["datagram in"] == "?"
    assert told["packet digest, duplicate cache"] == "300"
    assert note.startswith("?  no function of that name is seen")


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.what)
def test_no_function_is_of_two_stages(stage) -> None:
    others = [name for other in STAGES if other is not stage for name in other.functions]
    assert not set(stage.functions) & set(others)
