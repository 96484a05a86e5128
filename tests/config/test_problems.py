from gateway.config.problems import ConfigError, Problem, Severity, in_order

ERROR = Problem("main", "debug", "write true", 3)
WARNING = Problem("cloud", "", "ignored", 9, Severity.WARNING)
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
