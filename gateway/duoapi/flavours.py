"""The two flavours of Duo's Auth API, `/auth/v2` and `/rest/v1`, behind one interface: a `Call` in, an `Answer` out.

How an HTTP answer is judged, the same for both:

| HTTP status | body | becomes |
| --- | --- | --- |
| 200 | `stat` OK with the documented content | the answer |
| 4xx | `stat` FAIL | `Refusal` |
| 429 | any | `Unavailable` RATE_LIMIT |
| 5xx | any | `Unavailable` HTTP_STATUS |
| anything else: a redirect, a captive portal's page, JSON of another shape | | `Unavailable` BAD_ANSWER |

A redirect is never followed: a signed request belongs to the host that it was signed for.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar, final

import msgspec
from mypy_extensions import mypyc_attr

from gateway.duoapi import messages
from gateway.duoapi.calls import (
    AUTO,
    FACTOR_WORDS,
    PASSCODE,
    Answer,
    Auth,
    AuthAnswer,
    AuthStatus,
    Call,
    Check,
    Device,
    Ping,
    Preauth,
    PreauthAnswer,
    Refusal,
    Time,
)
from gateway.duoapi.echoes import MAX_PAGE, cleaned, is_harmless, shown
from gateway.duoapi.offers import is_word, offered
from gateway.duoapi.signing import encode_params, percent_encode
from gateway.unavailable import Trouble, Unavailable
from gateway.values import Value

Content = TypeVar("Content")

_MANY_KNOWN: Final = 64
_LONGEST_KNOWN: Final = 200  # octets
_KNOWN_VERDICTS: Final[dict[bytes, AuthAnswer]] = {}  # nobody changes an answer
_BLANK_PUNCTUATION: Final = bytes.maketrans(b'{}[]":,', b" " * 7)

_NOT_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # the last one: nested thousands deep

# What v2's `result` and `status` are, nearly always; another word is a text like any other.
_WORDS: Final = frozenset(
    ["", "auth", "allow", "deny", "enroll", "waiting", "bypass", "timeout", "fraud", "locked_out", "sent", "pushed"]
)


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class ApiRequest(Value):
    """A call on its way to HTTP: POST carries the parameters as a form, GET as the query.

    `params` are as they are signed and sent, see `signing.encode_params`.
    """

    __slots__ = ("is_signed", "method", "params", "path")

    def __init__(self, method: str, path: str, params: str, *, is_signed: bool = True) -> None:
        self.method = method
        self.path = path
        self.params = params.encode("ascii")
        self.is_signed = is_signed


class Flavour:
    """One version of Duo's Auth API: two tables, how each kind of call is asked and how its answer is read.

    Attributes:
        version: `2` or `1`, as in the configuration.
    """

    def __init__(
        self,
        version: str,
        writers: dict[type, Callable[[Any], ApiRequest]],
        readers: dict[type, Callable[[bytes, Any], Answer]],
    ) -> None:
        self.version = version
        self._writers = writers
        self._readers = readers

    def request(self, call: Call) -> ApiRequest:
        """Return how this flavour asks `call`."""
        return self._writers[type(call)](call)

    def read(self, call: Call, http_status: int, body: bytes) -> Answer:
        """Return the answer to `call`.

        Raises:
            Unavailable: the service failed or what answered was not Duo.
        """
        if http_status != 200:
            return _read_failure(call, http_status, body)
        try:
            return self._readers[type(call)](body, call)
        except _NOT_JSON as error:
            return _result_alone(call, http_status, body, error)


# Keys in alphabetical order: thus they are signed, and a login need not sort them.


def _preauth_v2(call: Preauth) -> ApiRequest:
    return ApiRequest("POST", "/auth/v2/preauth", f"{_ipaddr(call)}username={percent_encode(call.username)}")


def _auth_v2(call: Auth) -> ApiRequest:
    ipaddr, username = _ipaddr(call), percent_encode(call.username)
    if call.factor is PASSCODE:
        params = f"factor=passcode&{ipaddr}passcode={percent_encode(call.passcode)}&username={username}"
    else:
        is_async = "async=1&" if call.factor.waits_for_person else ""
        device, factor = percent_encode(call.device), FACTOR_WORDS[call.factor]
        params = f"{is_async}device={device}&factor={factor}&{ipaddr}username={username}"
    return ApiRequest("POST", "/auth/v2/auth", params)


def _auth_status_v2(call: AuthStatus) -> ApiRequest:
    return ApiRequest("GET", "/auth/v2/auth_status", f"txid={percent_encode(call.txid)}")


def _ipaddr(call: Preauth | Auth) -> str:
    return f"ipaddr={percent_encode(call.ipaddr)}&" if call.ipaddr else ""


def _preauth_v1(call: Preauth) -> ApiRequest:
    return ApiRequest("POST", "/rest/v1/preauth", f"{_ipaddr(call)}user={percent_encode(call.username)}")


def _auth_v1(call: Auth) -> ApiRequest:
    """Devices are named by their number alone, `push2`; `phone1` where none was typed."""
    params = {"user": call.username, "factor": call.factor.value}
    if call.factor is PASSCODE:
        params["code"] = call.passcode
    elif word := _word_v1(call):
        params |= {"factor": "auto", "auto": word}
    else:
        params["phone"] = "phone1"
    if call.factor.waits_for_person:
        params["async"] = "1"
    if call.ipaddr:
        params["ipaddr"] = call.ipaddr
    return ApiRequest("POST", "/rest/v1/auth", encode_params(params.items()))


def _word_v1(call: Auth) -> str:
    """Return what names the phone; empty for none. A device of v2, which may have answered before, has another name."""
    if is_word(call.device):
        return call.device
    if call.factor is AUTO:
        return "auto"
    return f"{call.factor.value}{call.ordinal}" if call.ordinal else ""


def _auth_status_v1(call: AuthStatus) -> ApiRequest:
    return ApiRequest("GET", "/rest/v1/status", f"txid={percent_encode(call.txid)}")


def _preauth_answer_v2(body: bytes, call: Preauth) -> PreauthAnswer:
    if not call.wants_devices:
        return _preauth_answer(_content(messages.decode_preauth(body)), ())
    content = _content(messages.decode_preauth_devices(body))
    return _preauth_answer(content, tuple([_device(entry) for entry in content.devices or () if entry.device]))


def _device(entry: messages.DeviceContent) -> Device:
    name = shown(entry.number or entry.display_name or entry.name)
    next_code = entry.sms_nextcode
    return Device(
        entry.device or "",
        frozenset(entry.capabilities or ()),
        name,
        shown(str(next_code)) if next_code is not None else "",
    )


def _preauth_answer(content: messages.PreauthContent, devices: tuple[Device, ...]) -> PreauthAnswer:
    result = content.result if content.result in _WORDS else shown(content.result)
    return PreauthAnswer(result, shown(content.status_msg), devices, content.enroll_portal_url or "")


def _auth_answer_v2(body: bytes, call: Auth) -> AuthAnswer:
    """Read a verdict; Duo's few bodies for a passcode are the same octets each time, and known again as a whole."""
    known = _KNOWN_VERDICTS.get(body)
    if known is not None:
        return known
    answer = _verdict_v2(body, call.passcode)
    if _may_be_known(body):
        if len(_KNOWN_VERDICTS) >= _MANY_KNOWN:
            _KNOWN_VERDICTS.clear()
        _KNOWN_VERDICTS[body] = answer
    return answer


def _may_be_known(body: bytes) -> bool:
    """Whether nothing in a body can be of one login alone: what was typed, a transaction, a credential."""
    return len(body) <= _LONGEST_KNOWN and is_harmless(body.translate(_BLANK_PUNCTUATION).decode("latin-1"))


def _status_answer_v2(body: bytes, _call: AuthStatus) -> AuthAnswer:
    return _verdict_v2(body, "")


def _verdict_v2(body: bytes, passcode: str) -> AuthAnswer:
    content = _content(messages.decode_auth(body))
    _require_verdict_or_txid(content.result, content.txid)
    result, status = content.result or "", content.status or ""
    if result not in _WORDS or status not in _WORDS:
        result, status = shown(result, passcode), shown(status, passcode)
    return AuthAnswer(result, status, shown(content.status_msg, passcode), content.txid or "")


def _time_answer_v2(body: bytes, _call: Call) -> Time:
    return Time(_content(messages.decode_time(body)).time)


def _preauth_answer_v1(body: bytes, call: Preauth) -> PreauthAnswer:
    if not call.wants_devices:
        content = _content(messages.decode_preauth_v1(body))
        return PreauthAnswer(shown(content.result), shown(content.status))
    full = _content(messages.decode_preauth_factors_v1(body))
    return PreauthAnswer(shown(full.result), shown(full.status), offered(full.factors, full.prompt or ""))


def _auth_answer_v1(body: bytes, call: Auth) -> AuthAnswer:
    content = _content(messages.decode_auth_v1(body))
    _require_verdict_or_txid(content.result, content.txid)
    result, text = shown(content.result, call.passcode), shown(content.status, call.passcode)
    return AuthAnswer(result, "", text, content.txid or "")


def _status_answer_v1(body: bytes, _call: AuthStatus) -> AuthAnswer:
    """A status has no result until the person has answered; a text says how far Duo is."""
    content = _content(messages.decode_auth_v1(body))
    if not content.result and not content.status:
        raise msgspec.ValidationError("neither `result` nor `status`")
    return AuthAnswer(shown(content.result) or "waiting", "", shown(content.status))


def _word_answer_v1(body: bytes, _call: Call) -> Time:
    _content(messages.decode_word(body))
    return Time(None)


def _result_alone(call: Call, http_status: int, body: bytes, error: Exception) -> Answer:
    """Return the verdict of an answer whose other fields are not as documented: `result` alone decides."""
    try:
        result = shown(_content(messages.decode_result(body)).result, _passcode(call))
    except _NOT_JSON:
        raise _not_duo(call, http_status, body) from error
    if type(call) is Preauth:
        return PreauthAnswer(result)
    if type(call) in (Auth, AuthStatus):
        return AuthAnswer(result)
    raise _not_duo(call, http_status, body) from error


def _require_verdict_or_txid(result: str | None, txid: str | None) -> None:
    if not result and not txid:
        raise msgspec.ValidationError("neither `result` nor `txid`")


def _content(envelope: messages.Envelope[Content]) -> Content:
    if envelope.stat != "OK" or envelope.response is None:
        raise msgspec.ValidationError("`stat` is not OK, or there is no `response`")
    return envelope.response


def _read_failure(call: Call, http_status: int, body: bytes) -> Refusal:
    """Return the refusal that a status other than 200 carries, or raise for what is none."""
    if http_status == 429:
        raise Unavailable(Trouble.RATE_LIMIT, "Duo answered HTTP 429, too many requests")
    if http_status >= 500:
        raise Unavailable(Trouble.HTTP_STATUS, f"Duo answered HTTP {http_status}")
    if 300 <= http_status < 400:
        raise Unavailable(Trouble.BAD_ANSWER, f"HTTP {http_status}, a redirect, which Duo never sends")
    try:
        failure = messages.decode_failure(body)
    except _NOT_JSON as error:
        if http_status >= 400:  # a firewall in between that dislikes something in this call: no outage
            return Refusal(http_status, 0, f"HTTP {http_status}, not in Duo's words")
        raise _not_duo(call, http_status, body) from error
    if failure.stat != "FAIL" or http_status < 400:
        raise _not_duo(call, http_status, body)
    passcode = _passcode(call)
    return Refusal(
        http_status, failure.number, shown(failure.message, passcode), shown(failure.message_detail, passcode)
    )


def _passcode(call: Call) -> str:
    """Return what an answer to this call may repeat."""
    return call.passcode if isinstance(call, Auth) else ""


def _not_duo(call: Call, http_status: int, body: bytes) -> Unavailable:
    """Describe an answer that is not Duo's; the beginning of a web page names the proxy or portal that sent it."""
    beginning = body.lstrip()
    if not beginning:
        text = f"HTTP {http_status} with an empty body"
    elif beginning.startswith(b"{"):
        text = f"HTTP {http_status} with JSON that is not of the documented form"
    elif beginning.startswith(b"<"):
        page = cleaned(beginning[:MAX_PAGE].decode(errors="replace"), _passcode(call))
        text = f"HTTP {http_status} with a web page that begins {page[:60]!a}"
    else:  # it may be an echo of our own request, passcode and all
        text = f"HTTP {http_status} with a body that is not JSON"
    return Unavailable(Trouble.BAD_ANSWER, text)


# `/auth/v2` is what Duo develops; devices are named by the ids that preauth lists.
V2: Final = Flavour(
    "2",
    writers={
        Preauth: _preauth_v2,
        Auth: _auth_v2,
        AuthStatus: _auth_status_v2,
        Check: lambda _: ApiRequest("GET", "/auth/v2/check", ""),
        Ping: lambda _: ApiRequest("GET", "/auth/v2/ping", "", is_signed=False),
    },
    readers={
        Preauth: _preauth_answer_v2,
        Auth: _auth_answer_v2,
        AuthStatus: _status_answer_v2,
        Check: _time_answer_v2,
        Ping: _time_answer_v2,
    },
)
# `/rest/v1` is what older RADIUS applications may use; its verdicts carry a text and no machine word. It has no ping
# here: v2's asks for no signature, and tells the time.
V1: Final = Flavour(
    "1",
    writers={
        Preauth: _preauth_v1,
        Auth: _auth_v1,
        AuthStatus: _auth_status_v1,
        Check: lambda _: ApiRequest("GET", "/rest/v1/check", ""),
    },
    readers={
        Preauth: _preauth_answer_v1,
        Auth: _auth_answer_v1,
        AuthStatus: _status_answer_v1,
        Check: _word_answer_v1,
    },
)
