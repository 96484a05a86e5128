"""Which reloads take away too much."""

import pytest
from msgspec.structs import replace

from gateway.config.changes import compare
from gateway.config.reload_guard import refusal
from gateway.config.settings import ClientSettings, Secret, Settings
from tests.config.files import MINIMAL, parse

ONE = parse(MINIMAL)[0]

Shape = dict[str, list[str]]
"""Sections, each with the last parts of its clients' addresses."""


def settings(shape: Shape, percent: int = 50) -> Settings:
    servers = [
        replace(ONE.servers[0], section=section, port=int(section.strip("x")), clients=tuple(map(client, clients)))
        for section, clients in shape.items()
    ]
    return replace(ONE, servers=tuple(servers), gateway=replace(ONE.gateway, reload_guard=percent))


def client(part: str) -> ClientSettings:
    name, _, address = part.rpartition(":")
    networks = (f"10.0.0.{address}/32",)
    return ClientSettings(name=f"radius_ip_{name or address}", networks=networks, shared_secret=Secret(b"s"))


def refused(before: Shape, after: Shape, percent: int = 50) -> str:
    old, new = settings(before, percent), settings(after, 0)  # what the new file says of it does not count
    return refusal(old, new, compare(old, new))


FOUR: Shape = {"1": ["1"], "2": ["2"], "3": ["3"], "4": ["4"]}
TEN: Shape = {"1": [str(n) for n in range(10)]}

PASSES: dict[str, tuple[Shape, Shape, int]] = {
    "half": (FOUR, {"1": ["1"], "2": ["2"]}, 50),
    "most, and there is no guard": (FOUR, {"1": ["1"]}, 0),
    "most, and the guard is high": (FOUR, {"1": ["1"]}, 75),
    "one of two": ({"1": ["1"], "2": ["2"]}, {"1": ["1"]}, 50),
    "one of two, with most clients": ({"1": ["1"], "2": ["2", "3", "4"]}, {"1": ["1"]}, 50),
    "the only one, for another": ({"1": ["1", "2", "3"]}, {"2": ["4"]}, 50),
    "the only client, for another": ({"1": ["1"]}, {"1": ["2"]}, 50),
    "other names of sections": (FOUR, {f"{n}x": clients for n, clients in FOUR.items()}, 50),
    "other numbers of clients": (TEN, {"1": [f"2{n}:{n}" for n in range(10)]}, 50),
    "other addresses of clients": (TEN, {"1": [f"{n}:1{n}" for n in range(10)]}, 50),
    "half of the clients": (TEN, {"1": TEN["1"][:5]}, 50),
    "more": ({"1": ["1"]}, FOUR, 50),
}


@pytest.mark.parametrize("name", PASSES)
def test_passes(name: str):
    assert refused(*PASSES[name]) == ""


REFUSED: dict[str, tuple[Shape, Shape, int, str]] = {
    "three of four": (FOUR, {"1": ["1"]}, 50, "3 of 4 sections would go and 3 of 4 clients would go (2, 3, 4), "),
    "others": (
        FOUR,
        {f"{n}1": [f"{n}1"] for n in FOUR},
        50,
        "4 of 4 sections would go and 4 of 4 clients would go (1, 2, 3, 4), ",
    ),
    "clients": (TEN, {"1": TEN["1"][:4]}, 50, "6 of 10 clients would go ([1] radius_ip_4, [1] radius_ip_5, "),
    "the section with most clients": (
        {"1": ["1"], "2": ["2"], "3": ["3", "4", "5"]},
        {"1": ["1"], "2": ["2"]},
        50,
        "3 of 5 clients would go ([3] radius_ip_3, ",
    ),
    "a low guard": (
        FOUR,
        {n: FOUR[n] for n in "123"},
        10,
        "1 of 4 sections would go and 1 of 4 clients would go (4), ",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(name: str):
    before, after, percent, text = REFUSED[name]
    said = refused(before, after, percent)
    assert said.startswith(text)
    assert said.endswith(f"), more than reload_guard={percent} percent; if it is meant: radgate reload --force")
