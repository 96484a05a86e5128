"""What is written of a run can be read again."""

import pytest

from bench.report.files import keep
from bench.report.record import Finding, Judgement, read_run, write_run
from tests.bench.report.examples import a_run


def test_a_run_is_read_as_it_was_written(tmp_path):
    write_run(a_run(), tmp_path / "run.json")
    assert read_run(tmp_path / "run.json") == a_run()


def test_one_finding_that_is_not_as_it_must_be_is_enough():
    assert a_run().is_ok
    assert not a_run(findings=[Finding(Judgement.GOOD, "a"), Finding(Judgement.WRONG, "b")]).is_ok


def test_json_and_page_stand_side_by_side_under_a_name_of_their_own(tmp_path):
    json_file, page = keep(a_run(), tmp_path / "new")
    assert (json_file.name, page.name) == ("worker-kill-1w-20261123-090000.json", "worker-kill-1w-20261123-090000.html")
    assert read_run(json_file) == a_run()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "No such file"),
        ("[]", "not the JSON file of a run"),
        ("nothing", "not the JSON file of a run"),
    ],
)
def test_what_is_no_run_is_said_in_one_line(tmp_path, text, problem):
    path = tmp_path / "run.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=problem) as caught:
        read_run(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ['{"format": 99}', '{"format": 1, "scenario": "soak"}'])
def test_a_run_of_another_format_is_not_read(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ValueError, match="another version of the bench"):
        read_run(tmp_path / "run.json")
