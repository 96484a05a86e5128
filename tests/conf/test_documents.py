"""The documents in `docs/`: their links lead somewhere, their commands and keys exist, their samples can be used."""

import re
import shlex
from pathlib import Path

import pytest

from gateway.cli.main import build_parser
from gateway.config.kinds import KEYS
from gateway.config.schema import key_pattern
from gateway.config.slips import secret_slips
from tests.config.files import IKEY, SHARED_SECRET, SKEY, problems_of

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")),
]
KNOWN_KEYS = {key for keys in KEYS.values() for key in keys}


def anchors(document: Path) -> set[str]:
    """The names that headings get on GitHub."""
    headings = re.findall("^#+ (.*)", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings_that_there_are(document: Path):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", document.read_text()):
        name, _, anchor = target.partition("#")
        file = (document.parent / name) if name else document
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_are_ones_that_there_are(document: Path):
    blocks = "\n".join(re.findall("^ *```\n(.*?)^ *```", document.read_text(), re.MULTILINE | re.DOTALL))
    parser = build_parser()
    for line in re.findall(r"^ *(radgate [a-z].*)", blocks, re.MULTILINE):
        assert parser.parse_args(shlex.split(line, comments=True)[1:]).command, line


@pytest.mark.parametrize("name", ["tuning.md", "amazon-workspaces.md", "migrate-from-duoauthproxy.md"])
def test_keys_with_values_are_ones_that_there_are(name: str):
    text = (ROOT / "docs" / name).read_text()
    named = re.findall(r"`([a-z][a-z_0-9]+)=[^`]*`", text) + re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)
    keys = {key_pattern(key) for key in named} - {"reason", "discard", "reply", "fail_mode"}
    assert keys
    assert keys <= KNOWN_KEYS


def test_the_file_of_the_walk_to_workspaces_can_be_used():
    (block,) = re.findall(
        "^```ini\n(.*?)^```", (ROOT / "docs" / "amazon-workspaces.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert {problem.key for problem in problems_of(block) if problem.is_error} == {
        "ikey", "skey", "api_host", "radius_secret_1", "radius_secret_2",
    }  # fmt: skip
    text = block.replace("DIXXXXXXXXXXXXXXXXXX", IKEY).replace("api-XXXXXXXX", "api-12345678").replace("X" * 40, SKEY)
    assert problems_of(text.replace("X" * 24, SHARED_SECRET)) == []


def test_no_value_of_the_documents_or_samples_counts_as_a_secret():
    """What is published, anybody can try."""
    files = [*ROOT.glob("docs/*.md"), *ROOT.glob("conf/*.cfg"), ROOT / "README.md"]
    entries = [
        match
        for path in files
        for match in re.finditer(r"^;?(skey|radius_secret_\d+)=(?!radgate1:)(\S+)$", path.read_text(), re.MULTILINE)
    ]
    assert len(entries) >= 5
    for entry in entries:
        assert any(slip.is_error for slip in secret_slips(entry[2].encode())), entry[0]
