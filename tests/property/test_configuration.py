"""Whatever is in a configuration file: settings, or problems that can be shown; never another exception."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.kinds import KEYS
from gateway.config.problems import ConfigError, Problem
from gateway.config.reading import parse_settings
from gateway.config.surroundings import FileContent
from tests.config.files import MINIMAL

PATH = "/etc/radgate/authproxy.cfg"
DIRECTORY = f"{MINIMAL.replace('duo_only', 'auto')}client=ad_client\n[ad_client]\nhost=dc1\n"
NAMES = sorted({key.replace("N", "1") for keys in KEYS.values() for key in keys})
SECTIONS = ["main", "gateway", "radius_server_duo_only", "radius_server_duo_only2", "duo_only_client", "ad_client"]

lines = st.one_of(
    st.builds("{}={}".format, st.sampled_from(NAMES), st.text(max_size=60)),
    st.builds("[{}]".format, st.sampled_from(SECTIONS)),
    st.text(max_size=60),
)


def read_file(path: str) -> FileContent:
    raise FileNotFoundError(2, "No such file or directory", path)


def problems_of(octets: bytes) -> list[Problem]:
    try:
        return parse_settings(octets, PATH, read_file)[1]
    except ConfigError as error:
        return error.problems


@settings(max_examples=200)
@given(st.binary(max_size=2_000))
def test_any_octets(octets: bytes):
    problems_of(octets)


@settings(max_examples=200)
@given(st.lists(lines, max_size=30), st.sampled_from(["", MINIMAL, DIRECTORY]))
def test_any_lines_and_what_is_told_fits_on_a_line(texts: list[str], begin: str):
    text = begin + "\n".join(texts)
    for problem in problems_of(text.encode(errors="surrogatepass")):
        assert problem.text
        assert problem.render(PATH).isprintable()


@settings(max_examples=200)
@given(st.sampled_from([key.replace("N", "2") for key in sorted(KEYS["ad_client"])]), st.text(max_size=200))
def test_any_value_of_a_directory_and_what_is_told_fits_on_a_line(key: str, value: str):
    for problem in problems_of(f"{DIRECTORY}{key}={value}\n".encode(errors="surrogatepass")):
        assert problem.render(PATH).isprintable()


@settings(max_examples=200)
@given(st.binary(min_size=1, max_size=8), st.integers(0, len(MINIMAL)))
def test_a_good_file_with_something_strange_in_it(octets: bytes, place: int):
    good = MINIMAL.encode()
    problems_of(good[:place] + octets + good[place:])
