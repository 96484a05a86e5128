"""The file that changes at random: what becomes of each change, as the gateway's own reading has it."""

import random
from pathlib import Path

from gateway.config.changes import compare
from gateway.config.problems import ConfigError
from gateway.config.reading import read_settings
from gateway.config.reload_guard import refusal
from gateway.config.settings import Settings
from gateway.config.surroundings import PRIVATE_MODE, FileContent
from tests.chaos.changing_file import FEWEST, MOST, Change, File, Verdict, draw_change, file_text, first_file, numbers
from tests.config.files import MINIMAL

BASE = f"{MINIMAL}\n[gateway]\n"


def read(change: Change, folder: Path) -> Settings:
    text = file_text(change.file, BASE, 1645, "localhost:443") + f"\n{change.mistake}"
    return read_settings(folder / "authproxy.cfg", FileContent(text.encode(), PRIVATE_MODE))[0]


def verdict(before: Settings, change: Change, folder: Path) -> Verdict:
    try:
        after = read(change, folder)
    except ConfigError:
        return Verdict.MISTAKEN
    if refusal(before, after, compare(before, after)):
        return Verdict.GUARDED
    is_beyond = after.gateway.workers == 1024 or after.gateway.user is not None
    return Verdict.HINDERED if is_beyond else Verdict.TAKEN


def test_each_change_comes_to_what_is_said_of_it(tmp_path: Path) -> None:
    chance = random.Random(1)
    file, seen = first_file(chance), set()
    for _ in range(60):
        settings, change = read(Change(file), tmp_path), draw_change(file, chance)
        assert verdict(settings, change, tmp_path) is change.verdict
        seen.add(change.verdict)
        file = change.file if change.verdict is Verdict.TAKEN else file
        assert FEWEST - 3 <= len(file.sections) <= MOST + 3
    assert seen == {*Verdict}


def test_what_is_different_is_counted_by_name() -> None:
    assert numbers({"a": 1, "b": 1, "c": 1}, {"b": 1, "c": 2, "d": 1}) == (1, 1, 1)
    empty = File({}, {})
    assert numbers(empty.values(), empty.clients()) == (0, 0, 0)
