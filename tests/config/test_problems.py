from gateway.config.problems import ConfigError, Place, Problem, Severity, in_order

ERROR = Problem("main", "debug", "write true", Place("", 3))
WARNING = Problem("cloud", "", "ignored", Place("", 9), Severity.WARNING)
WHOLE_FILE = Problem("", "", "cannot be read")


def test_rendering_names_file_line_section_and_key():
    assert ERROR.render("a.cfg") == "a.cfg:3 [main] debug: write true"


def test_rendering_leaves_out_what_is_not_known():
    assert WHOLE_FILE.render("a.cfg") == "a.cfg: cannot be read"
    assert WARNING.render("a.cfg") == "a.cfg:9 [cloud]: warning: ignored"


def test_error_reads_as_all_its_problems():
    error = ConfigError([ERROR, WARNING], "a.cfg")
    assert error.problems == [ERROR, WARNING]
    assert str(error).splitlines() == [ERROR.render("a.cfg"), WARNING.render("a.cfg")]


def test_order_is_by_line_without_repetition():
    assert in_order([WARNING, ERROR, WHOLE_FILE, ERROR]) == [WHOLE_FILE, ERROR, WARNING]


MAIN, TOKYO, OSAKA = Place("", 12), Place("/etc/tokyo.cfg", 3), Place("/etc/osaka.cfg", 12)


def test_a_place_is_told_with_its_file_but_for_the_main_one():
    assert (str(MAIN), str(TOKYO)) == ("12", "3 of /etc/tokyo.cfg")


def test_from_an_included_file_the_main_one_is_named():
    assert [MAIN.told_at(Place("", 3)), MAIN.told_at(TOKYO), OSAKA.told_at(TOKYO)] == [
        "12",
        "12 of the main file",
        "12 of /etc/osaka.cfg",
    ]


def test_problems_stand_in_the_order_of_their_files():
    places = [Place("/b", 1), Place("/a", 9), Place("", 30), Place("/a", 2), Place("", 4), Place("/a")]
    problems = [Problem("", "", "text", place) for place in places]
    assert [each.place for each in in_order(problems)] == sorted(places)
