"""docs/json.md has each key that the commands print, and no other."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.processes import SimulatorProcess
from tests.integration.site import Site, call_radgate

pytestmark = pytest.mark.integration

DOCUMENT = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
N_WORKERS = 2
SOMETIMES = "; where "
"""How the meaning of a key ends that is not always there."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, shared_simulator: SimulatorProcess) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"), shared_simulator, N_WORKERS)
    site.start(gateway="console=127.0.0.1:0")
    yield site
    site.stop()


def documented(command: str) -> dict[str, str]:
    """Return the paths of a command's keys, with their meaning."""
    text = DOCUMENT.partition(f"\n## radgate {command} --json\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \|(.*)\|$", text, re.MULTILINE))


def paths(value: Any, known: dict[str, str], path: str = "") -> Iterator[str]:
    """Yield where the leaves are; `[]` is each of an array, `{}` any name in the place of a key."""
    if isinstance(value, dict) and f"{path}{{}}" in known:
        yield f"{path}{{}}"
    elif isinstance(value, dict) and any(each.startswith(f"{path}{{}}") for each in known):
        for each in value.values():
            yield from paths(each, known, f"{path}{{}}")
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from paths(each, known, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and any(each.startswith(f"{path}[]") for each in known):
        for each in value:
            yield from paths(each, known, f"{path}[]")
    else:
        yield path


def check(command: str, *printed: str) -> None:
    known = documented(command)
    found = {path for each in printed for path in paths(json.loads(each), known)}
    assert found - known.keys() == set()
    assert {path for path, text in known.items() if SOMETIMES not in text} - found == set()


def test_check(site: Site) -> None:
    whole = site.radgate("check", "--json", "--show", "--connect")
    config = site.folder / "faulty.cfg"
    config.write_text("[main]\ndebug=maybe\n")
    faulty = call_radgate("check", "--json", "--config", str(config))
    check("check", whole.stdout, faulty.stdout)


def test_version(site: Site) -> None:
    check("version", site.radgate("version", "--json").stdout)


def test_explain() -> None:
    check("explain", *(call_radgate("explain", word, "--json").stdout for word in ("duo_denied", "timeout")))
    listed = json.loads(call_radgate("explain", "--json").stdout)
    assert {key for each in listed for key in each} == {"word", "kind", "happened", "remedy"}


def test_why(site: Site) -> None:
    site.radgate("login", "bob", "push", "--json")
    check("why", site.radgate("why", "bob", "--json").stdout, site.radgate("why", "nobody", "--json").stdout)


def test_login_reload_and_status(site: Site) -> None:
    accepted = site.radgate("login", "alice", "push", "--json")
    check("login", accepted.stdout, site.radgate("login", "alice", "no factor", "--json").stdout)
    assert json.loads(accepted.stdout)["reason"] == "duo_allowed"
    reloaded = site.radgate("reload", "--json")
    text = site.config.read_text()
    try:
        site.config.write_text(text.replace("reject_delay_s=0", "reject_delay_s=never"))
        refused = site.radgate("reload", "--json")
    finally:
        site.config.write_text(text)
    assert (reloaded.returncode, refused.returncode) == (0, 2)
    check("reload", reloaded.stdout, refused.stdout)
    check("status", site.radgate("status", "--json").stdout)
