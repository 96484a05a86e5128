import pytest

from gateway.config.names import LONGEST_NAME, find_server
from gateway.config.problems import Severity
from tests.config.files import MINIMAL, SERVER, parse, problems_of

OTHER = f"[radius_server_duo_only2]\n{SERVER}port=1813\n"


def name_of(text: str) -> str:
    settings, problems = parse(text)
    assert not problems
    return settings.servers[0].name


@pytest.mark.parametrize(
    "name", ["Tokyo", "東京 2", "Head office, 3rd floor", "a=b", 'with "marks" inside', "x" * LONGEST_NAME]
)
def test_a_name_is_any_text_that_can_be_shown(name):
    assert name_of(f"{MINIMAL}name={name}\n") == name


def test_without_one_the_section_is_shown_by_its_own():
    (server,) = parse(MINIMAL)[0].servers
    assert (server.name, server.shown_name) == ("", "radius_server_duo_only")
    (server,) = parse(MINIMAL + "name=Tokyo\n")[0].servers
    assert server.shown_name == "Tokyo"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x" * (LONGEST_NAME + 1), "has 65 characters; write 64 at most"),
        ("To\x1b[31mkyo", "U+001B ESCAPE"),
        ("To\u202ekyo", "U+202E RIGHT-TO-LEFT OVERRIDE"),
    ],
)
def test_what_no_line_can_show_is_an_error(name, said):
    problems = [each for each in problems_of(f"{MINIMAL}name={name}\n") if each.is_error]
    assert [(each.key, each.place.line) for each in problems] == [("name", 7)]
    assert said in problems[0].text


def test_an_empty_one_is_left_out_with_a_warning():
    (problem,) = problems_of(MINIMAL + "name=\n")
    assert problem.severity is Severity.WARNING


def test_what_nobody_meant_is_a_warning():
    (problem,) = problems_of(MINIMAL + 'name="Tokyo"\n')
    assert "the quotation marks are part of the name" in problem.text
    (problem,) = problems_of(MINIMAL + "name={{ site }}\n")
    assert "of a template that was not filled in" in problem.text


@pytest.mark.parametrize("other", ["Tokyo", "TOKYO"])
def test_two_sections_of_one_name_are_an_error_that_names_both_lines(other):
    (problem,) = problems_of(f"{MINIMAL}name=Tokyo\n{OTHER}name={other}\n")
    assert problem.is_error
    assert (problem.section, problem.key, problem.place.line) == ("radius_server_duo_only2", "name", 15)
    assert "is the name of [radius_server_duo_only] already, in line 7" in problem.text


def test_the_name_of_another_section_is_taken():
    (problem,) = problems_of(f"{MINIMAL}name=radius_server_duo_only2\n{OTHER}")
    assert (problem.place.line, problem.is_error) == (7, True)
    assert "is the section in line 8" in problem.text
    assert problems_of(f"{MINIMAL}name=radius_server_duo_only\n") == []


def test_main_cannot_name_all_sections():
    (problem,) = problems_of(f"[main]\nname=Tokyo\n{MINIMAL}{OTHER}")
    assert (problem.severity, problem.place.line) == (Severity.WARNING, 2)
    assert [server.name for server in parse(f"[main]\nname=Tokyo\n{MINIMAL}{OTHER}")[0].servers] == ["", ""]


def test_a_section_is_found_by_either_name():
    servers = parse(f"{MINIMAL}name=Tokyo\n{OTHER}")[0].servers
    assert find_server(servers, "radius_server_duo_only") is servers[0]
    assert find_server(servers, "Radius_Server_Duo_Only2") is servers[1]
    assert find_server(servers, "tokyo") is servers[0]
    assert find_server(servers, "osaka") is None
    assert find_server(servers, "") is None


def test_in_another_section_it_is_led_to_those_that_have_one():
    (problem,) = problems_of(f"{MINIMAL}[gateway]\nname=Tokyo\n")
    assert problem.text == "has no effect here; write it in [radius_server_duo_only]"
    (problem,) = problems_of(f"{MINIMAL}{OTHER}[gateway]\nname=Tokyo\n")
    assert problem.text == "has no effect here; write it in [radius_server_duo_only]"


def test_a_section_with_a_word_behind_its_kind_is_told_where_the_name_goes():
    (problem,) = problems_of(MINIMAL.replace("only]", "only_tokyo]"))
    assert problem.text == (
        "is not known; write [radius_server_duo_only] (only a number may follow; the name goes into name=)"
    )
    (problem,) = problems_of(f"[duo_only_client_tokyo]\n{MINIMAL}")
    assert problem.text.endswith("(only a number may follow)")
