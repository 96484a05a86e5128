import codecs

import pytest

from gateway.config.ini import Section, has_inline_comment, parse_ini


def sections_of(octets: bytes) -> list[Section]:
    sections, problems = parse_ini(octets)
    assert not problems
    return sections


def values_of(octets: bytes) -> dict[str, str]:
    (section,) = sections_of(octets)
    return {entry.key: entry.value for entry in section.entries.values()}


def test_entries_know_their_section_and_line():
    (section,) = sections_of(b"; first\n\n[main]\n# more\ndebug=true\n")
    entry = section.entries["debug"]
    assert (section.name, section.line) == ("main", 3)
    assert entry == ("main", "debug", "true", 5)


def test_section_and_key_in_any_letter_case():
    (section,) = sections_of(b"[ Main ]\nDeBuG = True\n")
    assert section.name == "main"
    assert section.entries["debug"].value == "True"


@pytest.mark.parametrize(
    "line",
    [b"key=a value", b"key = a value", b"  key\t=\ta value  ", b"key: a value", b"key:a value", b"KEY=a value\r"],
)
def test_spellings_of_an_entry(line):
    assert values_of(b"[main]\n" + line + b"\n") == {"key": "a value"}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"key=a # b ; c", "a # b ; c"),
        (b"key=a=b:c", "a=b:c"),
        (b"key: a=b", "a=b"),
        (b"key=fd00::1", "fd00::1"),
        (b"key=%(home)s %%", "%(home)s %%"),
        (b"key=", ""),
        (b'key="a"', '"a"'),
    ],
)
def test_everything_after_the_first_delimiter_is_value(line, value):
    assert values_of(b"[main]\n" + line) == {"key": value}


def test_comment_after_a_section_is_allowed():
    assert [section.name for section in sections_of(b"[main] ; all of it\n[cloud]# off")] == ["main", "cloud"]


def test_byte_order_mark_and_line_ends_of_other_systems():
    for octets in (codecs.BOM_UTF8 + b"[main]\na=1\nb=2", b"[main]\r\na=1\r\nb=2\r\n", b"[main]\ra=1\rb=2"):
        assert values_of(octets) == {"a": "1", "b": "2"}


def test_unusual_separators_do_not_end_a_line():
    """`str.splitlines` would split here."""
    assert values_of("[main]\na=x\x0by\u2028z\x85w".encode()) == {"a": "x\x0by\u2028z\x85w"}


def test_all_keys_of_a_section_may_be_indented_alike():
    assert values_of(b"[main]\n  a=1\n  b=2\n\n c=3\n") == {"a": "1", "b": "2", "c": "3"}


@pytest.mark.parametrize(
    ("name", "octets", "line", "section", "remedy"),
    [
        ("no_delimiter", b"[main]\nhunter2\n", 2, "main", "neither"),
        ("no_key", b"[main]\n=hunter2\n", 2, "main", "neither"),
        ("endless_key", b"[main]\n" + b"hunter2" * 10_000 + b"=1\n", 2, "main", "neither"),
        ("strange_key", b"[main]\nhun?ter2=1\n", 2, "main", "neither"),
        ("no_section", b"\ndebug=true\nlog_dir=/x\n", 2, "", "[radius_server_duo_only] or [main]"),
        ("open_section", b"[main\ndebug=true\n", 1, "", "[NAME]"),
        ("empty_section", b"[]\ndebug=true\n", 1, "", "[NAME]"),
        ("text_after_section", b"[main] debug=true\n", 1, "", "[NAME]"),
        ("indented_key", b"[main]\na=1\n  b=hunter2\n", 3, "main", "line 2"),
        ("indented_after_empty_line", b"[main]\na=1\n\n  b=hunter2\n", 4, "main", "line 2"),
        ("indented_section", b"[main]\na=1\n [cloud]\n", 3, "main", "blanks"),
        ("repeated_section", b"[main]\na=1\n[MAIN]\nb=1", 3, "main", "line 1"),
        ("repeated_key", b"[main]\na=1\nb=2\nA=3\n", 4, "main", "line 2"),
        ("latin_1", b"[main]\na=1\nb=\xe4\n", 3, "main", "UTF-8"),
        ("utf_16_le", codecs.BOM_UTF16_LE + "[main]\n".encode("utf-16-le"), 1, "", "UTF-8"),
        ("utf_16_be", codecs.BOM_UTF16_BE + "[main]\n".encode("utf-16-be"), 1, "", "UTF-8"),
        ("utf_16_unmarked", "[main]\n".encode("utf-16-le"), 1, "", "UTF-8"),
    ],
)
def test_what_is_not_ini_is_a_problem_with_its_line(name, octets, line, section, remedy):
    _, (problem,) = parse_ini(octets)
    assert (problem.line, problem.section) == (line, section)
    assert remedy in problem.text
    assert problem.is_error
    assert "hunter2" not in problem.text


def test_first_of_repeated_keys_stays():
    sections, _ = parse_ini(b"[main]\na=1\na=2\n")
    assert sections[0].entries["a"].value == "1"


def test_keys_below_a_bad_section_line_do_not_join_the_section_above():
    sections, _ = parse_ini(b"[main]\na=1\n[cloud\na=2\nb=3\n")
    assert [list(section.entries) for section in sections] == [["a"]]


def test_a_key_that_cannot_be_read_as_it_should_is_not_missing():
    sections, problems = parse_ini(b"[main]\na=1\n  b=2\nc=\xff\n")
    assert (len(problems), list(sections[0].entries)) == (2, ["a", "b", "c"])


def test_only_a_section_that_may_have_a_number_is_offered_one():
    texts = [parse_ini(f"[{name}]\n[{name}]\n".encode())[1][0].text for name in ("main", "radius_server_duo_only")]
    assert ["number" in text for text in texts] == [False, True]


def test_each_undecodable_line_is_named():
    _, problems = parse_ini(b"[main]\na=\xff\nb=1\nc=\xfe\n")
    assert [problem.line for problem in problems] == [2, 4]


def test_inline_comments_are_recognised():
    assert has_inline_comment("safe ; or secure")
    assert has_inline_comment("safe\t# or secure")
    assert not has_inline_comment("pass;word#1")
