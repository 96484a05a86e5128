"""What the log says: one line for a finished login, one for discards that somebody should know of, and
`authevents.log`.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, final

from gateway.config.schema import without_number
from gateway.config.settings import DUO_ONLY_CLIENT
from gateway.engine.discard_notices import (
    ChoosePap,
    Notice,
    RefusalsLeftOut,
    UnsignedNas,
)
from gateway.engine.effects import Finished, LeftOut
from gateway.engine.nas import Nas
from gateway.engine.peer import Address
from gateway.engine.primary import Told
from gateway.engine.replies import LABELS, NO_REPLY
from gateway.engine.verdict import Verdict
from gateway.logs.events import EventLog
from gateway.logs.lines import TextLines, one_line, origin, pairs
from gateway.words.explanations import DISCARDS
from gateway.words.reasons import OF_FIRST_FACTOR, Outcome, Reason

Line = tuple[str, dict[str, Any]]
"""A text and its fields."""

LOGGER: Final = "gateway.worker"
WARNED_REASONS: Final = frozenset({Reason.FAILMODE_SAFE, Reason.FAILMODE_SECURE, Reason.INTERNAL_ERROR, Reason.EXEMPT})
_MAX_ALIKE: Final = 256
_MAX_SOURCES: Final = 1_024
_STATUS: Final = {Outcome.ACCEPT: "Allow", Outcome.REJECT: "Reject", Outcome.CHALLENGE: "Challenge"}
_OF_PASSWORD: Final = frozenset({Reason.NO_PASSWORD, Reason.UNREADABLE_PASSWORD, Reason.UNSUPPORTED_CREDENTIALS})
_FIRST_FACTOR, _SECOND_FACTOR = "Primary authentication", "Secondary authentication"  # Duo's words


def finished_line(finished: Finished, slot: int, name: str = "") -> Line:
    """Return the text and the fields of a finished login's line; `name` is that of its section, if it has one.

    The text begins as Duo's proxy writes it: `(('10.80.16.236', 58411), y-ikeda, 6): Duo authentication returned …`.
    """
    verdict = finished.verdict
    user_name = _shown(finished.user_name)
    text = f"({_source(finished.peer.address)}, {user_name}, {finished.identifier}): {verdict.account}"
    reply = LABELS[verdict.outcome] if finished.n_packets else NO_REPLY
    fields: dict[str, Any] = {"reply": reply, "reason": verdict.reason}
    if finished.factor:
        fields["factor"] = finished.factor
    if finished.other_host is not None:
        what, host = finished.other_host
        fields[what] = host
    fields["server"] = finished.section
    if name:
        fields["name"] = name
    fields["worker"] = slot
    fields["duration_ms"] = round(finished.duration_s * 1000)
    if finished.first_factor is not None:
        fields |= _first_factor_fields(finished.first_factor)
    if finished.n_packets > 1:
        fields["packets"] = finished.n_packets
    if verdict.hint:
        fields["hint"] = verdict.hint
    return text, fields


def _first_factor_fields(told: Told) -> dict[str, Any]:
    fields: dict[str, Any] = {"first_factor": told.host} if told.host else {}
    fields["first_factor_ms"] = round(told.took_s * 1000)
    if told.ad_code:
        fields["ad_code"] = told.ad_code
    return fields


def _shown(user_name: str) -> str:
    """Return a name that looks neither like the pairs that follow nor like the end of what stands before the text."""
    return user_name.replace("=", r"\x3d").replace('"', r"\x22").replace("):", r")\x3a") or "-"


def _source(address: Address) -> str:
    """Return an address as Duo's proxy writes it: `('10.80.16.236', 58411)`."""
    return str(address[:2])


def _level(verdict: Verdict) -> int:
    return logging.WARNING if verdict.reason in WARNED_REASONS else logging.INFO


@final
class _Alike:
    """What the lines of many logins have in common."""

    __slots__ = ("begin", "end", "level", "middle")

    def __init__(self, finished: Finished, slot: int, name: str) -> None:
        verdict = finished.verdict
        _, fields = finished_line(finished, slot, name)
        own = ("duration_ms", "first_factor", "first_factor_ms", "ad_code", "packets", "hint")
        self.level = _level(verdict)
        self.begin = origin(self.level, LOGGER)
        first = pairs({name: value for name, value in fields.items() if name not in own})
        self.middle = f": {one_line(verdict.account)}{first} duration_ms="
        self.end = pairs({"hint": verdict.hint}) if verdict.hint else ""


_AlikeKey = tuple[str, Reason, str, Outcome, str, tuple[str, str] | None, str, bool]


class LoginLog:
    """Tells the log of finished logins. As text, what many lines have in common is made once, and little is kept.

    Args:
        names: those of sections that have one, by section.
    """

    __slots__ = ("_alike", "_event_log", "_hosts", "_lines", "_names", "_slot", "_sources")

    def __init__(self, event_log: EventLog, slot: int, names: Mapping[str, str] | None = None) -> None:
        self._event_log = event_log
        lines = event_log.lines
        self._lines = lines if isinstance(lines, TextLines) else None
        self._slot = slot
        self._names = names
        self._alike: dict[_AlikeKey, _Alike] = {}
        self._sources: dict[Address, str] = {}  # a directory asks from few ports
        self._hosts: dict[str, str] = {}  # first factors have few

    def tell(self, finished: Finished, at: float) -> None:
        """Write the line that `finished_line` describes; `at` is in Unix seconds."""
        lines = self._lines
        if lines is None:
            text, fields = finished_line(finished, self._slot, self._name_of(finished))
            self._event_log.event(at, _level(finished.verdict), LOGGER, text, fields)
            return
        alike = self._alike_of(finished)
        user_name = finished.user_name
        if not user_name.isprintable() or "=" in user_name or '"' in user_name or "):" in user_name or not user_name:
            user_name = one_line(_shown(user_name))
        more = self._told(finished.first_factor) if finished.first_factor is not None else ""
        if finished.n_packets > 1:
            more += f" packets={finished.n_packets}"
        self._event_log.put(
            f"{lines.stamp(at)}{alike.begin}({self._source(finished.peer.address)}, {user_name}, {finished.identifier})"
            f"{alike.middle}{round(finished.duration_s * 1000)}{more}{alike.end}",
            alike.level,
        )

    def _alike_of(self, finished: Finished) -> _Alike:
        verdict = finished.verdict
        is_answered = finished.n_packets > 0
        key = (
            verdict.account,
            verdict.reason,
            verdict.hint,
            verdict.outcome,
            finished.factor,
            finished.other_host,
            finished.section,
            is_answered,
        )
        alike = self._alike.get(key)
        if alike is None:
            if len(self._alike) >= _MAX_ALIKE:
                self._alike.clear()
            alike = self._alike[key] = _Alike(finished, self._slot, self._name_of(finished))
        return alike

    def _told(self, told: Told) -> str:
        host = self._hosts.get(told.host)
        if host is None:
            if len(self._hosts) >= _MAX_ALIKE:
                self._hosts.clear()
            host = self._hosts[told.host] = pairs({"first_factor": told.host}) if told.host else ""
        ad_code = pairs({"ad_code": told.ad_code}) if told.ad_code else ""
        return f"{host} first_factor_ms={round(told.took_s * 1000)}{ad_code}"

    def _name_of(self, finished: Finished) -> str:
        names = self._names
        return names.get(finished.section, "") if names else ""

    def _source(self, address: Address) -> str:
        source = self._sources.get(address)
        if source is None:
            if len(self._sources) >= _MAX_SOURCES:
                self._sources.clear()
            source = self._sources[address] = one_line(_source(address))
        return source


def notice_line(notice: Notice, listening: str) -> Line:
    """Return the text and the fields of the line for discarded packets."""
    packets = "a packet" if notice.n_packets == 1 else f"{notice.n_packets} packets since the last such line"
    source = notice.source or "one of many addresses"
    happened, remedy = DISCARDS[notice.reason]
    detail = f" ({notice.detail})" if notice.detail else ""
    text = f"Discarded {packets} from {source}: {happened}{detail}; {remedy}"
    fields: dict[str, Any] = {"discard": notice.reason, "listen": listening, "packets": notice.n_packets}
    if notice.nas is not None:
        fields.update(_client_fields(notice.nas))
    return text, fields


def unsigned_line(unsigned: UnsignedNas) -> Line:
    """Return the text and the fields of the line for a NAS that does not sign its requests."""
    text = (
        f"{unsigned.source} sends Access-Requests without Message-Authenticator, which CVE-2024-3596 abuses; let it, "
        "and whatever asks through it, sign if it can; once no such line comes for a day, set "
        "require_message_authenticator=yes"
    )
    return text, _client_fields(unsigned.nas)


def choose_pap_line(choose: ChoosePap) -> Line:
    """Return the text and the fields of the line for a NAS whose credentials are no PAP password."""
    text = (
        f"{choose.source} asks with CHAP, MS-CHAP or EAP, or without a password, and is rejected: choose PAP there, "
        "for its section has to read what the user types"
    )
    return text, _client_fields(choose.nas)


def refusals_left_out_line(left_out: RefusalsLeftOut) -> Line:
    """Return the text and the fields of the line for rejections of unsigned requests that have none."""
    text = (
        f"{left_out.n_refusals} more unsigned Access-Requests of {left_out.source}, or others of its client, were "
        "rejected and have no line: anybody can send such; let the client sign, and set "
        "require_message_authenticator=yes"
    )
    return text, _client_fields(left_out.nas)


def left_out_line(left_out: LeftOut) -> Line:
    """Return the text and the fields of the line for attributes of a home server that do not go on."""
    names = ", ".join(str(kind) for kind in left_out.kinds)
    text = (
        f"{left_out.host} has sent attributes that are hidden in a way that is not known here, or may hide others: "
        f"{names}; they are left out of replies"
    )
    return text, {"server": left_out.section, "host": left_out.host}


def _client_fields(nas: Nas) -> dict[str, Any]:
    section = nas.section
    fields = {"client": nas.name, "server": section.name}
    return {**fields, "name": section.shown_name} if section.shown_name else fields


class EventSection(NamedTuple):
    """What `authevents.log` says of a server section: its application's integration key, its client section, and its
    name if it has one.
    """

    ikey: str
    client: str
    name: str = ""


def _stage(reason: Reason, client: str) -> str:
    """Return which factor decided; without a first one what is wrong with a password is wrong with the second."""
    of_password = reason in _OF_PASSWORD and without_number(client) != DUO_ONLY_CLIENT
    return _FIRST_FACTOR if of_password or reason in OF_FIRST_FACTOR else _SECOND_FACTOR


def auth_event(finished: Finished, section: EventSection | None, hostname: str) -> dict[str, Any]:
    """Return the object for `authevents.log`, with the keys that parsers of Duo's proxy expect.

    `section` is None for a login of former settings whose section is gone.
    """
    verdict = finished.verdict
    event: dict[str, Any] = {
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + "Z",
        "event_type": "authentication",
        "msg": verdict.account,
        "username": finished.user_name,
        "status": _STATUS[verdict.outcome],
        "auth_stage": _stage(verdict.reason, section.client if section is not None else DUO_ONLY_CLIENT),
        "factor": finished.factor or None,
        "reason": verdict.reason,
        "client_ip": finished.peer.address[0],
        "hostname": hostname,
        "server_section": finished.section,
        "server_section_ikey": section.ikey if section is not None else "",
        "client_section": section.client if section is not None else "",
        "log_level": {"name": "info", "_class_uuid_": "02e59486-f24d-46ad-8224-3acdf2a5732a"},
        "log_logger": {"unpersistable": True},
        "log_namespace": "gateway.authevents",
        "log_source": None,
        "log_format": "{msg}",
    }
    told = finished.first_factor
    if told is not None and told.ad_code:
        event["ad_code"] = told.ad_code
    if section is not None and section.name:
        event["server_section_name"] = section.name
    return event
