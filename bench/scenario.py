"""A scenario: which question it answers, the gateway and its directories, the load, Duo, events, and what must not be.

Scenarios are .ini files, those of ours in `bench/scenarios/`. Instants and durations are seconds from the first login.
Reading is pure: text in, a `Scenario` or every problem at once out.
"""

import configparser
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bench.lean_duo.distribution import read_distribution
from bench.lean_duo.faults import KINDS, Fault
from bench.radius_load.plan import WARM_UP_S, LoadPlan, Phase
from bench.simulator.faults import FaultKind

FOLDER = Path(__file__).parent / "scenarios"
USUAL_STEPS = 12  # of a search for the limit
AROUND_S = 5.0  # until the gateway is ready, and until whatever is pending at the end is answered


class ScenarioError(Exception):
    """A scenario cannot be read. `problems` are lines: file, section, key, what is wrong and what to write."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Event(NamedTuple):
    """Something that happens during the load.

    Attributes:
        kind: a key of `EVENTS`.
        for_s: how long it lasts; 0 for an instant.
        rate: datagrams a second.
        fault: what goes wrong at Duo.
    """

    at_s: float
    kind: str
    for_s: float = 0.0
    rate: float = 0.0
    fault: Fault | None = None

    def __str__(self) -> str:
        return EVENTS[self.kind].words(self)


class EventKind(NamedTuple):
    """Which words an event needs and may have beside its kind, and how a report speaks of it."""

    needed: tuple[str, ...]
    allowed: tuple[str, ...]
    words: Callable[[Event], str]


def _fault_words(event: Event) -> str:
    fault = event.fault or Fault(FaultKind.SLOW)
    delay = f" of {fault.delay_s} s" if fault.kind in (FaultKind.SLOW, FaultKind.TRICKLE) else ""
    share = f" for {fault.share:.0%} of the calls" if fault.share < 1 else ""
    return f"Duo: {fault.kind.replace('_', ' ')}{delay}{share}"


EVENTS = {
    "kill-worker": EventKind((), (), lambda _: "a worker is killed"),
    "reload": EventKind((), (), lambda _: "reload"),
    "fault": EventKind(("for", "kind"), ("share", "delay"), _fault_words),
    "garbage": EventKind(("for", "rate"), (), lambda event: f"{event.rate:,.0f} random datagrams/s"),
    "strangers": EventKind(("for", "rate"), (), lambda event: f"{event.rate:,.0f} requests/s of unknown clients"),
}


class Search(NamedTuple):
    """The highest rate that is carried is to be found first; the rates of the load's phases are then shares of it.

    Attributes:
        p99_s: 99 of 100 accepted logins must be answered within.
        first_rate: logins a second to begin with.
        step_s: how long each rate is tried.
    """

    p99_s: float = 0.1
    first_rate: float = 500.0
    step_s: float = 5.0


class Expectation(NamedTuple):
    """How many logins may be lost, or end otherwise than their kind says; None = any number. Pushed twice: nobody.

    As many as may be lost may be answered to one of two controllers only, and as many as may end otherwise may do so
    for one of them.
    """

    lost: int | None = 0
    unexpected: int | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is run.

    Attributes:
        gateway, server: keys of the configuration's section [gateway] and of its server sections, as they are.
        kind: of the server sections: `duo_only`, `auto`, `challenge`.
        home_server: options of `bench.home_server`, without dashes, where a password is checked before Duo is asked.
        directory: `transport`, and options of `bench.directory` without dashes, where that checks it; None where not.
        sections: server sections that share one port; with more than one, each NAS is a RADIUS client of its own.
        load: the plan, whose targets, secret and cores are placeholders.
        duo: options of `bench.lean_duo`, without dashes.
        text: the file, as it was read.
    """

    name: str
    question: str
    gateway: Mapping[str, str]
    server: Mapping[str, str]
    kind: str
    home_server: Mapping[str, str]
    directory: Mapping[str, str] | None
    sections: int
    load: LoadPlan
    search: Search | None
    duo: Mapping[str, str]
    events: tuple[Event, ...]
    expect: Expectation
    text: str = ""

    @property
    def takes_s(self) -> float:
        """About how long a run takes, starting and ending included."""
        search_s = USUAL_STEPS * (WARM_UP_S + self.search.step_s) if self.search else 0.0
        return AROUND_S + search_s + self.load.duration_s

    @property
    def has_first_factor(self) -> bool:
        """Whether a password is checked before Duo is asked."""
        return self.kind != DUO_ONLY

    def scaled(self, scale: float) -> "Scenario":
        """Return it with phases, instants and durations of events so many times as long; rates stay as they are."""
        phases = tuple(Phase(each.duration_s * scale, each.from_rate, each.to_rate) for each in self.load.phases)
        events = tuple(each._replace(at_s=each.at_s * scale, for_s=each.for_s * scale) for each in self.events)
        search = self.search and self.search._replace(step_s=self.search.step_s * scale)
        return replace(self, load=msgspec.structs.replace(self.load, phases=phases), events=events, search=search)


def names() -> list[str]:
    """Return the names of our scenarios."""
    return sorted(path.stem for path in FOLDER.glob("*.ini"))


def load_scenario(name: str) -> Scenario:
    """Return one of ours, or that of a file whose path is given.

    Raises:
        ScenarioError: there is none, or it cannot be read.
    """
    path = Path(name) if name.endswith(".ini") else FOLDER / f"{name}.ini"
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        hint = f"; write one of {', '.join(names())}, or the path of an .ini file"
        raise ScenarioError([f"{name}: there is no such scenario ({error}){hint}"]) from error
    return read_scenario(text, path.name)


class _Parser(configparser.ConfigParser):
    def optionxform(self, optionstr: str) -> str:
        """Leave a key as it is written."""
        return optionstr


def read_scenario(text: str, file_name: str) -> Scenario:
    """Return what an .ini file says.

    Raises:
        ScenarioError: with every problem.
    """
    parser = _Parser(interpolation=None, delimiters=("=",), default_section="")
    try:
        parser.read_string(text, file_name)
    except configparser.Error as error:
        raise ScenarioError([f"{file_name}: {' '.join(str(error).split())}"]) from error
    sections = {section: dict(parser[section]) for section in parser.sections()}
    return replace(_Reading(sections, file_name).scenario(), text=text)


Convert = Callable[[str], Any]


class _Reading:
    """Takes values out of sections; whatever is wrong is written down, and a default used in its place."""

    def __init__(self, sections: dict[str, dict[str, str]], file_name: str) -> None:
        self._sections = sections
        self._file_name = file_name
        self._problems: list[str] = []

    def scenario(self) -> Scenario:
        """Return the whole, or raise every problem."""
        for section in self._sections.keys() - set(SECTIONS):
            self._complain(section, "", f"is not known; there are {_listed(SECTIONS)}")
        for section in REQUIRED - self._sections.keys():
            self._complain(section, "", "is missing")
        scenario = self._scenario()
        if self._problems:
            raise ScenarioError(self._problems)
        return scenario

    def _scenario(self) -> Scenario:
        load = self._load()
        kind = self._kind()
        if load.password and kind == DUO_ONLY:
            self._complain("load", "password", "is checked by nobody; name the server section radius_server_auto")
        return Scenario(
            name=self._file_name.removesuffix(".ini"),
            question=self._take("scenario", {"question": str}, needed=("question",)).get("question", ""),
            gateway=self._sections.get("gateway", {}),
            server=self._sections.get(SERVER + kind, {}),
            kind=kind,
            home_server=self._take("home_server", _HOME_OPTIONS),
            directory=self._take(DIRECTORY, _DIRECTORY_OPTIONS) if DIRECTORY in self._sections else None,
            sections=self._take("directories", {"sections": _positive_int}).get("sections", 1),
            load=load,
            search=self._search(),
            duo=self._take("duo", _DUO_OPTIONS),
            events=tuple(sorted(self._events(load.duration_s), key=lambda event: event.at_s)),
            expect=Expectation(**self._take("expect", {"lost": _count_or_any, "unexpected": _count_or_any})),
        )

    def _take(self, section: str, forms: Mapping[str, Convert], needed: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the values of a section by key."""
        values = {}
        texts = self._sections.get(section, {})
        for key in [key for key in needed if key not in texts and section in self._sections]:
            self._complain(section, key, "is missing")
        for key, text in texts.items():
            try:
                values[key] = _known(forms, key)(text)
            except ValueError as error:
                self._complain(section, key, str(error))
        return values

    def _kind(self) -> str:
        """Return the kind of the server sections, of which a file has one at most."""
        found = [kind for kind in KINDS_OF_SERVERS if SERVER + kind in self._sections]
        for kind in found[1:]:
            self._complain(SERVER + kind, "", f"stands beside {SERVER}{found[0]}; keep one of the two")
        first_factors = [each for each in ("home_server", DIRECTORY) if each in self._sections]
        for each in first_factors[1:]:
            self._complain(each, "", f"stands beside {first_factors[0]}; keep one of the two")
        if first_factors and found[:1] in ([], [DUO_ONLY]):
            self._complain(first_factors[0], "", f"is asked by nobody; write {SERVER}auto or {SERVER}challenge")
        return found[0] if found else DUO_ONLY

    def _load(self) -> LoadPlan:
        try:
            return LoadPlan.from_texts(self._sections.get("load", {}), **_PLACEHOLDERS)
        except (ValueError, TypeError, msgspec.ValidationError) as error:
            self._complain("load", "", str(error))
            return LoadPlan(phases=(Phase(1.0, 0.0, 0.0),), **_PLACEHOLDERS)

    def _search(self) -> Search | None:
        if "limit" not in self._sections:
            return None
        return Search(**self._take("limit", dict.fromkeys(Search._fields, _positive)))

    def _events(self, duration_s: float) -> Iterator[Event]:
        """Return what happens; `10 = a; b` are two events at one instant."""
        for instant, texts in self._sections.get("events", {}).items():
            for text in texts.split(";"):
                try:
                    yield _event(instant, text, duration_s)
                except ValueError as error:
                    self._complain("events", instant, str(error))

    def _complain(self, section: str, key: str, problem: str) -> None:
        where = f"{self._file_name} [{section}] {key}".rstrip()
        self._problems.append(f"{where}: {problem}")


DUO_ONLY = "duo_only"
KINDS_OF_SERVERS = (DUO_ONLY, "auto", "challenge")
SERVER = "radius_server_"
DIRECTORY = "ldap_directory"
TRANSPORTS = ("ldaps", "starttls", "clear")
SECTIONS = (
    "scenario", "gateway", *(SERVER + kind for kind in KINDS_OF_SERVERS), "home_server", DIRECTORY, "directories",
    "load", "limit", "duo", "events", "expect",
)  # fmt: skip
REQUIRED = {"scenario", "load"}
_PLACEHOLDERS: dict[str, Any] = {
    "targets": (("127.0.0.1", 1812), ("127.0.0.2", 1812)),
    "shared_secret": "not known yet",
}


def _known(forms: Mapping[str, Convert], key: str) -> Convert:
    if key not in forms:
        raise ValueError(f"is not known; there are {_listed(forms)}")
    return forms[key]


def _event(instant: str, text: str, duration_s: float) -> Event:
    """Return the event of a line `12.5 = fault kind=black_hole for=10`."""
    kind, *words = text.split() or [""]
    if kind not in EVENTS:
        raise ValueError(f"{kind!r} is no event; there are {_listed(EVENTS)}")
    at_s = _not_negative(instant)
    if at_s >= duration_s:
        raise ValueError(f"the last login begins before that, after {duration_s:g} s")
    needed, allowed, _ = EVENTS[kind]
    given = dict(_pair(word) for word in words)
    if missing := [name for name in needed if name not in given]:
        raise ValueError(f"{kind} needs {_listed(f'{name}=' for name in missing)}")
    if unknown := given.keys() - {*needed, *allowed}:
        raise ValueError(f"{kind} has no {_listed(sorted(unknown))}; there are {_listed((*needed, *allowed))}")
    numbers = {_FIELDS[name]: _positive(text) for name, text in given.items() if name in _FIELDS}
    return Event(at_s, kind, fault=_fault(given) if kind == "fault" else None, **numbers)


def _fault(given: Mapping[str, str]) -> Fault:
    """Return what goes wrong, from the words `kind=`, `share=` and `delay=`; the event knows when."""
    if given["kind"] not in KINDS:
        raise ValueError(f"{given['kind']!r} is no fault; there are {_listed(KINDS)}")
    fields = {_FAULT_FIELDS[name]: text for name, text in given.items() if name in _FAULT_FIELDS}
    return msgspec.convert(fields, Fault, strict=False)


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals:
        raise ValueError(f"{word!r}: write NAME=VALUE")
    return name, value


def _listed(words: Any) -> str:
    return ", ".join(words)


def _not_negative(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9:
        raise ValueError(f"{text!r}: write a number, 0 or above")
    return number


def _positive(text: str) -> float:
    if not (number := _not_negative(text)):
        raise ValueError("write a number above 0")
    return number


def _positive_int(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ValueError(f"{text!r}: write a whole number above 0")
    return int(text)


def _transport(text: str) -> str:
    if text not in TRANSPORTS:
        raise ValueError(f"{text!r}: write one of {_listed(TRANSPORTS)}")
    return text


def _count_or_any(text: str) -> int | None:
    if text != "any" and not text.isdecimal():
        raise ValueError(f"{text!r}: write a whole number, or any")
    return None if text == "any" else int(text)


_DUO_OPTIONS: dict[str, Convert] = {
    "approval": lambda text: str(read_distribution(text)),
    "push-expires": lambda text: str(_positive(text)),
    "poll-hold": lambda text: str(_positive(text)),
    "verify": lambda text: str(_positive_int(text)),
}
_HOME_OPTIONS: dict[str, Convert] = {"delay": lambda text: str(_positive(text))}
_DIRECTORY_OPTIONS: dict[str, Convert] = {**_HOME_OPTIONS, "transport": _transport}
_FIELDS = {"for": "for_s", "rate": "rate"}
_FAULT_FIELDS = {"kind": "kind", "share": "share", "delay": "delay_s"}
