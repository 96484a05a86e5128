"""The page's own files: all of them are served, and they name no other host."""

import re
from pathlib import Path

import gateway.console
from gateway.console.files import load_files

STATIC = Path(gateway.console.__file__).parent / "static"
FILES = load_files()
OWN = {path: file.octets.decode() for path, file in FILES.items() if "uplot" not in path}


def test_every_file_is_served():
    sent = {file.octets for file in FILES.values()}
    shipped = [path for path in STATIC.rglob("*") if path.is_file() and path.name not in ("LICENSE", "README.md")]
    assert len(shipped) > 8
    assert [path.name for path in shipped if path.read_bytes() not in sent] == []


def test_what_the_files_name_is_there():
    named = {each for text in OWN.values() for each in re.findall(r'(?:src|href|action)="(/[^"]*)"', text)}
    named |= {f"/static/{each}" for text in OWN.values() for each in re.findall(r'from "\./([^"]*)"', text)}
    assert named - {*FILES, "/logout", "/metrics", "/status.json", "/healthz", "/livez"} == set()


def test_no_other_host_is_named():
    assert [path for path, text in OWN.items() if re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)] == []


def test_nothing_that_the_policy_forbids():
    """No script or style within markup."""
    pages = [text for path, text in OWN.items() if path in ("/", "/login")]
    assert not any(re.search(r"<style|<script>|\sstyle=|\son\w+=|javascript:", text) for text in pages)
    assert not any("innerHTML" in text for text in OWN.values())
