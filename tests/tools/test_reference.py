"""What is generated from parsers and tables of keys is up to date, and can be read."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.main import build_parser
from gateway.config.attributes import known_attributes, passed_attributes
from gateway.config.ini import parse_ini
from gateway.config.kinds import KINDS

ROOT = Path(__file__).parents[2]
WRITTEN = (
    *("conf/man/radgate.1", "conf/man/radgate.cfg.5", "conf/authproxy.schema.json"),
    *("docs/keys.md", "docs/attributes.md"),
)
SCHEMA = json.loads((ROOT / "conf/authproxy.schema.json").read_text())


@pytest.fixture(scope="module")
def anew(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    subprocess.run([sys.executable, ROOT / "tools/write_reference.py", folder], check=True, timeout=60)
    return folder


@pytest.mark.parametrize("name", WRITTEN)
def test_the_tree_has_what_the_parsers_say_now(anew, name):
    assert (ROOT / name).read_text() == (anew / name).read_text(), "run make reference"


def test_the_page_of_commands_has_every_command():
    page = (ROOT / "conf/man/radgate.1").read_text()
    headings = [line.replace("\\", "") for line in page.splitlines() if line.startswith(".SS ")]
    assert [heading.split()[2] for heading in headings] == list(build_parser().commands)


def test_the_page_of_keys_has_every_key():
    page = (ROOT / "docs/keys.md").read_text()
    for kind in KINDS.values():
        for key in kind.keys:
            assert f"| `{key}` |" in page


def test_every_name_on_the_page_of_attributes_can_be_written_and_means_its_number():
    page = (ROOT / "docs/attributes.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \| `(Attr-[\d.]+)` \|", page, re.MULTILINE)
    assert len(rows) == len(known_attributes())
    for name, number in rows:
        assert passed_attributes(name) == passed_attributes(number)


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff")
@pytest.mark.parametrize("name", ["radgate.1", "radgate.cfg.5"])
def test_the_pages_are_good_roff(name):
    command = ["groff", "-man", "-ww", "-b", "-z", "-Tutf8", "-k", ROOT / "conf/man" / name]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert [line for line in said.stderr.splitlines() if "adjust" not in line and "break" not in line] == []


def matching(section: str, key: str) -> dict[str, object]:
    """Return the schema of a key."""
    (shape,) = within(SCHEMA, section)
    (value,) = within(shape, key)
    return value


def within(shape: dict[str, Any], name: str) -> list[dict[str, Any]]:
    patterns = [each for pattern, each in shape["patternProperties"].items() if re.search(pattern, name)]
    return [shape["properties"][name]] if name in shape["properties"] else patterns


def test_the_schema_takes_the_samples():
    for name in ("authproxy.sample.cfg", "authproxy.full.cfg"):
        text = re.sub(r"^;(?=[a-z\[])", "", (ROOT / "conf" / name).read_text(), flags=re.MULTILINE)
        for section in parse_ini(text.encode())[0]:
            for entry in section.entries.values():
                value = matching(section.name, entry.key)
                assert entry.value in value.get("enum", [entry.value])


def test_the_schema_knows_which_words_decide():
    assert matching("radius_server_duo_only12", "failmode")["enum"] == ["safe", "secure"]
    assert matching("main", "failmode")["enum"] == ["safe", "secure"]
    assert {"true", "auto"} <= set(matching("main", "force_message_authenticator")["enum"])
    assert "from 1 to 65535" in str(matching("radius_server_duo_only", "port")["description"])
