"""What the log says: one line for a finished login, one for discards that somebody should know of, and
`authevents.log`.
"""

import time
from functools import lru_cache
from typing import Any, Final

from gateway.engine.effects import Finished
from gateway.engine.explanations import DISCARDS
from gateway.engine.notices import Notice, UnsignedNas
from gateway.engine.transaction import Address
from gateway.engine.verdict import Reason

WARNED_REASONS: Final = frozenset({Reason.FAILMODE_SAFE, Reason.FAILMODE_SECURE, Reason.INTERNAL_ERROR, Reason.EXEMPT})


def finished_line(finished: Finished, slot: int) -> tuple[str, dict[str, Any]]:
    """Return the text and the fields of a finished login's line.

    The text begins as Duo's proxy writes it: `(('10.80.16.236', 58411), y-ikeda, 6): Duo authentication returned …`.
    """
    verdict = finished.verdict
    # A name must look neither like the pairs that follow nor like the end of this prefix.
    user_name = finished.user_name.replace("=", r"\x3d").replace('"', r"\x22").replace("):", r")\x3a") or "-"
    text = f"({_source(finished.peer.address)}, {user_name}, {finished.identifier}): {verdict.account}"
    reply = verdict.code.label if finished.n_packets else "none"  # whoever asked has given up
    fields: dict[str, Any] = {"reply": reply, "reason": verdict.reason}
    if finished.factor:
        fields["factor"] = finished.factor
    fields["server"] = finished.section
    fields["worker"] = slot
    fields["duration_ms"] = round(finished.duration_s * 1000)
    if finished.n_packets > 1:
        fields["packets"] = finished.n_packets
    if verdict.hint:
        fields["hint"] = verdict.hint
    return text, fields


@lru_cache(1_024)  # a directory asks from few ports
def _source(address: Address) -> str:
    """Return an address as Duo's proxy writes it: `('10.80.16.236', 58411)`."""
    return str(address[:2])


def notice_line(notice: Notice, listening: str) -> tuple[str, dict[str, Any]]:
    """Return the text and the fields of the line for discarded packets."""
    packets = "a packet" if notice.n_packets == 1 else f"{notice.n_packets} packets since the last such line"
    source = notice.source or "one of many addresses"
    happened, remedy = DISCARDS[notice.reason]
    detail = f" ({notice.detail})" if notice.detail else ""
    text = f"Discarded {packets} from {source}: {happened}{detail}; {remedy}"
    fields: dict[str, Any] = {"discard": notice.reason, "listen": listening, "packets": notice.n_packets}
    if notice.nas is not None:
        fields["client"] = notice.nas.name
        fields["server"] = notice.nas.section.name
    return text, fields


def unsigned_line(unsigned: UnsignedNas) -> tuple[str, dict[str, Any]]:
    """Return the text and the fields of the line for a NAS that does not sign its requests."""
    text = (
        f"{unsigned.source} sends Access-Requests without Message-Authenticator, which CVE-2024-3596 abuses; let it, "
        "and whatever asks through it, sign if it can; once no such line comes for a day, set "
        "require_message_authenticator=yes"
    )
    return text, {"client": unsigned.nas.name, "server": unsigned.nas.section.name}


def auth_event(finished: Finished, ikey: str, hostname: str) -> dict[str, Any]:
    """Return the object for `authevents.log`, with the keys that parsers of Duo's proxy expect."""
    verdict = finished.verdict
    return {
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + "Z",
        "event_type": "authentication",
        "msg": verdict.account,
        "username": finished.user_name,
        "status": "Allow" if verdict.is_accept else "Reject",
        "auth_stage": "Secondary authentication",
        "factor": finished.factor or None,
        "reason": verdict.reason,
        "client_ip": finished.peer.address[0],
        "hostname": hostname,
        "server_section": finished.section,
        "server_section_ikey": ikey,
        "client_section": "duo_only_client",
        "log_level": {"name": "info", "_class_uuid_": "02e59486-f24d-46ad-8224-3acdf2a5732a"},
        "log_logger": {"unpersistable": True},
        "log_namespace": "gateway.authevents",
        "log_source": None,
        "log_format": "{msg}",
    }
