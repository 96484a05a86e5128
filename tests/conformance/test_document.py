"""`docs/conformance.md` and the tests are in step: each names what the other has."""

import ast
import re
from pathlib import Path

import pytest

from gateway.radius.discards import DiscardReason

HERE = Path(__file__).parent
DOCUMENT = (HERE.parents[1] / "docs" / "conformance.md").read_text()
NAMED = {f"{file}::{test}" for file, test in re.findall(r"`(test_\w+\.py)::(test_\w+)`", DOCUMENT)}
ROWS = re.findall(r"^\| ([A-Z]\d+) \| (.*?) \| (.*) \|$", DOCUMENT, re.MULTILINE)
THERE = {
    f"{path.name}::{function.name}"
    for path in HERE.glob("test_*.py")
    if path.name != Path(__file__).name
    for function in ast.parse(path.read_text()).body
    if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name.startswith("test_")
}


def test_every_test_that_the_document_names_exists():
    assert sorted(NAMED - THERE) == []


def test_every_conformance_test_is_named_in_the_document():
    assert sorted(THERE - NAMED) == []


@pytest.mark.parametrize(("identifier", "_", "shown"), ROWS, ids=[identifier for identifier, *_ in ROWS])
def test_every_rule_has_its_tests_or_says_why_not(identifier: str, _: str, shown: str):
    tests = re.findall(r"::test_([A-Z]\d+)_", shown)
    assert set(tests) <= {identifier}
    assert tests or re.match("Not applicable|Not done|Partly", shown)


def test_every_reason_of_a_discard_belongs_to_a_counter():
    counters = DOCUMENT.partition("| counter | reasons |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", counters)) == {reason.value for reason in DiscardReason}


def test_no_rule_stands_there_twice():
    identifiers = [identifier for identifier, *_ in ROWS]
    assert len(set(identifiers)) == len(identifiers)


def test_every_test_is_named_for_a_rule_and_says_where_it_comes_from():
    functions = {
        function.name: ast.get_docstring(function)
        for path in HERE.glob("test_*.py")
        if path.name != Path(__file__).name
        for function in ast.parse(path.read_text()).body
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name.startswith("test_")
    }
    assert [name for name, docstring in functions.items() if not docstring] == []
    assert [name for name in functions if not re.match(r"test_[A-Z]\d+_", name)] == []
