import codecs

import pytest

from gateway.config.ini import IniSection, parse_ini


def sections_of(octets: bytes) -> list[IniSection]:
    sections, problems = parse_ini(octets)
    assert not problems
    return sections


def values_of(octets: bytes) -> dict[str, str]:
    (section,) = sections_of(octets)
    return {entry.key: entry.value for entry in section.entries.values()}


def test_entries_know_their_section_and_line():
    (section,) = sections_of(b"; first\n\n[main]\n# more\ndebug=true\n")
    entry = section.entries["debug"]
    assert (section.name, section.place.line) == ("main", 3)
    assert entry == ("main", "debug", "true", ("", 5), False)


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
        ("no_section", b"\ndebug=true\nlog_dir=/x\n", 2, "", "move it into its section"),
        ("open_section", b"[main\ndebug=true\n", 1, "", "[NAME]"),
        ("empty_section", b"[]\ndebug=true\n", 1, "", "[NAME]"),
        ("text_after_section", b"[main] debug=true\n", 1, "main", "of its own"),
        ("nul", b"[main]\r\na=1\r\nb=\0\0\0", 3, "", "NUL"),
        ("nuls_behind_a_line", b"[main]\na=1\n" + bytes(512), 3, "", "NUL"),
        ("nul_of_no_text", b"[main]\na=\xe4\0", 1, "", "not text"),
        ("indented_by_another_blank", "[main]\na=1\n\u00a0b=1\n".encode(), 3, "main", "U+00A0 NO-BREAK SPACE"),
        ("indented_by_a_form_feed", b"[main]\na=1\n\fb=1\n", 3, "main", "U+000C"),
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
    assert (problem.place.line, problem.section) == (line, section)
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
    texts = [
        parse_ini(f"[{name}]\na=1\n[{name}]\nb=1\n".encode())[1][0].text for name in ("main", "radius_server_duo_only")
    ]
    assert ["number" in text for text in texts] == [False, True]


def test_each_undecodable_line_is_named():
    _, problems = parse_ini(b"[main]\na=\xff\nb=1\nc=\xfe\n")
    assert [problem.place.line for problem in problems] == [2, 4]


class TestWhatDoesNotMatter:
    """A section that is ignored is ignored whatever it holds."""

    @pytest.mark.parametrize(
        "body",
        [
            b"auth_type=plain\nauth_type=plain\n",
            b"ldap_filter=(&(objectCategory=person)\n  (memberOf=CN=VPN,DC=corp)\n  (!(x=1)))\n",
            b"search_dn=OU=Z\xfcrich,DC=corp\n",
            b"allow_searches_after_bind\n",
            b"=x\nhun?ter=2\n" + b"words only\n" * 100,
            "k\u00a0ey=1\n\u200b=2\n".encode(),
            b"a=1\n[cloud]\na=2\n",
            b"{ json: 1 }\n<xml/>\n\\\n",
        ],
    )
    def test_no_form_is_a_problem(self, body):
        sections, problems = parse_ini(b"[cloud]\n" + body + b"[main]\ndebug=true\n", lambda name: name == "main")
        assert not problems
        assert sections[-1].entries["debug"].value == "true"

    def test_what_matters_is_read_as_strictly_as_ever(self):
        _, problems = parse_ini(b"[cloud]\na\n[main]\na=1\na=2\nb\n c=\xff\n", lambda name: name == "main")
        assert [problem.place.line for problem in problems] == [5, 6, 7, 7]

    def test_nor_does_what_stands_behind_the_name_of_one_that_does_not(self):
        assert parse_ini(b"[cloud] of Duo\nwhat=ever\n", lambda name: name == "main")[1] == []

    def test_a_section_that_matters_is_not_lost_in_one_that_does_not(self):
        _, problems = parse_ini(b"[cloud]\na=1\n [main]\n debug=true\n", lambda name: name == "main")
        assert [(problem.place.line, "indented" in problem.text) for problem in problems] == [(3, True)]


@pytest.mark.parametrize("comment", [b"; f\xfcr", b"# \xff\xfe", b"  ;\xe4", b"[main] ; gr\xfc\xdfe", b"[main]# \xe9"])
def test_comments_may_be_of_any_encoding(comment):
    assert sections_of(b"[main]\n" + comment.replace(b"[main]", b"[cloud]") + b"\na=1\n")


@pytest.mark.parametrize(
    ("line", "section", "key", "character"),
    [
        ("fail\u200bmode=safe", "main", "failmode", "U+200B ZERO WIDTH SPACE"),
        ("\u200bfailmode=safe", "main", "failmode", "U+200B ZERO WIDTH SPACE"),
        ("failmode\u2060=safe", "main", "failmode", "U+2060 WORD JOINER"),
        ("fail\u00admode=safe", "main", "failmode", "U+00AD SOFT HYPHEN"),
        ("radius\u00a0ip=1", "main", "radiusip", "U+00A0 NO-BREAK SPACE"),
        ("fail\tmode=safe", "main", "failmode", "U+0009 TAB"),
        ("“failmode”=safe", "main", "failmode", "U+201C LEFT DOUBLE QUOTATION MARK"),
        ("[clo\u200bud]", "cloud", "", "U+200B ZERO WIDTH SPACE"),
        ("[cloud\u00a0]", "cloud", "", "U+00A0 NO-BREAK SPACE"),
        ("\u200b[cloud]", "cloud", "", "U+200B ZERO WIDTH SPACE"),
        ("failmode safe\u200b", "main", "", "U+200B ZERO WIDTH SPACE"),
        ("fail\u2011mode=safe", "main", "", "U+2011 NON-BREAKING HYPHEN"),
        ("failmode\uff1dsafe", "main", "", "U+FF1D FULLWIDTH EQUALS SIGN"),
        ("[clo\u2011ud]", "", "", "U+2011 NON-BREAKING HYPHEN"),
    ],
)
def test_hidden_characters_are_named_in_keys_and_section_lines(line, section, key, character):
    sections, (problem,) = parse_ini(f"[main]\na=1\n{line}\n".encode())
    assert (problem.section, problem.key, problem.place.line, problem.is_error) == (section, key, 3, True)
    assert character in problem.text
    assert key == "" or key in sections[0].entries  # it is read as what was meant


@pytest.mark.parametrize(
    "line", ["failmode\u00a0=safe", "failmode=\u00a0safe", "failmode=safe\u00a0", "\u3000failmode=safe"]
)
def test_a_blank_of_another_kind_around_a_value_is_left_out_and_named(line):
    sections, (problem,) = parse_ini(f"[main]\n{line}\n".encode())
    assert not problem.is_error
    assert "U+00A0" in problem.text or "U+3000" in problem.text
    assert sections[0].entries["failmode"].value == "safe"


@pytest.mark.parametrize(
    "octets",
    [
        b"[main]\na=1\n\x1a",
        "[main]\na=1\n\ufeff[cloud]\nb=1\n".encode(),
        "[main]\n\ufeff; put together\na=1\n".encode(),
        "[main]\n\u200b\n\u00a0\na=1\n".encode(),
        b"\xef\xbb\xbf\xef\xbb\xbf[main]\r\na=1\r\n",
        b"\t[main]\n\ta: 1 \t\n",
        b"[main]\na\t=\t1\n",
    ],
)
def test_what_editors_and_copying_leave_behind_means_nothing(octets):
    assert sections_of(octets)[0].entries["a"].value == "1"


@pytest.mark.parametrize(("text", "line"), [("[a]\n[a]\nb=1\n", 2), ("[a]\nb=1\n[a]\n", 3), ("[a]\n\n[A]\n", 3)])
def test_an_empty_section_that_is_repeated_does_no_harm(text, line):
    sections, (problem,) = parse_ini(text.encode())
    assert (problem.place.line, problem.is_error, len(sections)) == (line, False, 1)
    assert list(sections[0].entries) == (["b"] if "b" in text else [])


def test_a_continued_value_is_one_problem_and_no_second():
    _, (problem,) = parse_ini(b"[main]\nfilter=(&(a=b)\n  (c=d))\n")
    assert "indented" in problem.text


def test_a_filter_of_ldap_may_be_continued_where_parentheses_are():
    (section,), problems = parse_ini(b"[ad_client]\nldap_filter=\n  (&(a=b)\n  ; of late\n\n    (c=d)\n )\nhost=a\n")
    assert not problems
    assert section.entries["ldap_filter"].value == "(&(a=b)(c=d))"
    assert section.entries["host"].value == "a"
    _, (problem,) = parse_ini(b"[ad_client]\nldap_filter=(&(a=b)\n  c=d)\n")
    assert "indented" in problem.text
