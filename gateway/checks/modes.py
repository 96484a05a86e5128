"""What a section that takes a password first asks of its users and of its RADIUS clients."""

from collections.abc import Iterator

from gateway.checks.findings import Finding, Severity
from gateway.config.schema import without_number
from gateway.config.settings import AdClient, FirstFactor, RadiusClient, ServerSettings
from gateway.duoapi.calls import PASSCODE

PUSH_S = 60  # for which a push waits for its answer at Duo
_LIKELY_IN_PASSWORDS = frozenset("!@#$%*-_.+=?")

_WAIT = "let the RADIUS client wait that long, over all its tries"

_AUTO, _CONCAT, _CHALLENGE = (f"radius_server_{mode}" for mode in ("auto", "concat", "challenge"))


def mode_findings(server: ServerSettings, client: FirstFactor | None) -> Iterator[Finding]:
    """Yield what an administrator should know of such a section; nothing of one that asks Duo alone.

    `client` is the section that it names.
    """
    kind = without_number(server.section)
    if kind in (_AUTO, _CONCAT):
        yield from _delimiter(server)
    if kind == _CHALLENGE or (kind == _AUTO and PASSCODE in server.modes.factors):
        yield _challenge(server)
    if kind in (_AUTO, _CONCAT, _CHALLENGE):
        if isinstance(client, RadiusClient | AdClient):
            yield _patience(server, client)
        else:
            yield _patience_for_duo(server)


def _delimiter(server: ServerSettings) -> Iterator[Finding]:
    rules = server.modes
    if rules.allow_concat and not rules.delimited_password_length and set(rules.delimiter) <= _LIKELY_IN_PASSWORDS:
        text = (
            f"delimiter={rules.delimiter} is in many passwords: what follows the last one may be taken for the factor"
        )
        yield _finding(server, "delimiter", Severity.WARNING, text, "choose one that no password has, such as ,")


def _challenge(server: ServerSettings) -> Finding:
    text = "users are asked by Access-Challenge, which not every RADIUS client can show"
    remedy = "where radgate why finds challenged and no answers, use radius_server_auto without passcode in factors"
    return _finding(server, "challenge", Severity.NOTE, text, remedy)


def _patience(server: ServerSettings, client: RadiusClient | AdClient) -> Finding:
    first, deadline = client.timeout_s, server.response_deadline_s
    if 0 < deadline <= first:
        text = f"response_deadline_s={deadline:g} ends before [{client.section}] is done, which may take {first:g} s"
        return _finding(
            server, "patience", Severity.WARNING, text, "write a shorter timeout there, or a longer deadline"
        )
    whole = deadline or first + PUSH_S
    text = f"a login may take {whole:g} s, of which [{client.section}] has {first:g} s at most"
    return _finding(server, "patience", Severity.NOTE, text, _WAIT)


def _patience_for_duo(server: ServerSettings) -> Finding:
    text = f"a login may take {server.response_deadline_s or PUSH_S:g} s"
    return _finding(server, "patience", Severity.NOTE, text, _WAIT)


def _finding(server: ServerSettings, step: str, severity: Severity, text: str, remedy: str) -> Finding:
    return Finding(f"[{server.section}]", step, severity, text, remedy)
