"""`radgate version`: for a report to somebody who has to help."""

import json
import platform
import ssl
from importlib import metadata

from gateway import __version__
from tests.cli.files import run_main
from tests.compiled import IS_COMPILED


def test_the_versions_that_matter_one_a_line(capsys):
    status, out, err = run_main(capsys, "version")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        f"radgate {__version__}",
        f"Python {platform.python_version()}",
        ssl.OPENSSL_VERSION,
        f"uvloop {metadata.version('uvloop')}",
        "hot path compiled" if IS_COMPILED else "hot path interpreted: it runs from its source tree",
    ]


def test_programs_get_the_same_as_json(capsys):
    status, out, err = run_main(capsys, "version", "--json")
    assert (status, err) == (0, "")
    told = json.loads(out)
    assert set(told) == {"radgate", "python", "openssl", "uvloop", "hot_path"}
    assert told["radgate"] == __version__
    assert f"OpenSSL {told['openssl']}" == ssl.OPENSSL_VERSION


def test_no_configuration_file_is_needed(capsys):
    assert run_main(capsys, "version", "--config", "/nowhere/authproxy.cfg")[0] == 0


def test_the_version_is_that_of_the_installed_distribution():
    assert metadata.version("radgate") == __version__
