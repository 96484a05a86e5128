"""The sections `[radius_server_autoN]`, `_concatN` and `_challengeN`: a first factor is checked, then Duo is asked."""

from difflib import SequenceMatcher

from msgspec.structs import replace

from gateway.config import servers
from gateway.config.attributes import check_passed, passed_attributes
from gateway.config.duo_only import warn_that_exempt_usernames_suffice
from gateway.config.ini import Entry
from gateway.config.schema import without_number
from gateway.config.scope import Context, Scope
from gateway.config.servers import EXEMPT_USERNAME
from gateway.config.settings import AD_CLIENT, DUO_ONLY_CLIENT, RADIUS_CLIENT, ServerSettings
from gateway.config.slips import delimiter_slips
from gateway.config.values import BadValueError, boolean, choice, integer, quoted, quoted_name
from gateway.duoapi.calls import AUTO, PASSCODE, PHONE, PUSH, Factor
from gateway.engine.rules import ModeRules, PromptFormat
from gateway.radius.passing import may_never_be_accepted_with

_COMMON = {"challenge_life_s": "300", "pass_through_attr_names": "", "pass_through_all": "false"}
_APPEND = {"delimiter": ",", "delimited_password_length": "0"}

AUTO_KEYS = servers.SERVER | _COMMON | _APPEND | {"allow_concat": "true", "factors": "auto"}
CONCAT_KEYS = servers.SERVER | _COMMON | _APPEND
CHALLENGE_KEYS = (
    servers.SERVER | _COMMON | {"prompt_format": "console", "enroll_challenge": "true", "sms_challenge": "false"}
)

IDLE = frozenset({"unrecognised_factor"})
"""Keys of all server sections that have no effect in these."""

LONGEST_DELIMITER = 16  # characters
LONGEST_PASSWORD = 127  # characters: User-Password holds 128 octets, and a factor has to follow
MOST_NAMED = 3  # client sections
SHORTEST_LIFE_S, LONGEST_LIFE_S = 10, 3600

_FACTORS = {factor.value: factor for factor in (AUTO, PUSH, PHONE, PASSCODE)}


def read_auto(scope: Scope, context: Context) -> ServerSettings:
    """Return the settings of a section that takes a typed factor, or one of a list."""
    settings = _read_server(scope, context)
    rules = replace(
        _read_appended(scope, settings),
        allow_concat=scope.read("allow_concat", boolean),
        factors=scope.read("factors", factors),
    )
    _warn_of_unreachable(scope, rules.factors)
    if not rules.allow_concat:
        for entry in scope.own().entries("delimiter", "delimited_password_length"):
            scope.warn(entry, "has no effect with allow_concat=false; remove the line")
    return replace(settings, modes=rules)


def read_concat(scope: Scope, context: Context) -> ServerSettings:
    """Return the settings of a section in which a factor must be typed."""
    settings = _read_server(scope, context)
    _warn_that_exempt_users_type_a_factor(scope, settings)
    return replace(settings, modes=_read_appended(scope, settings))


def read_challenge(scope: Scope, context: Context) -> ServerSettings:
    """Return the settings of a section that asks for the factor."""
    rules = replace(
        _read_common(scope),
        prompt_format=scope.read("prompt_format", choice(PromptFormat)),
        enroll_challenge=scope.read("enroll_challenge", boolean),
        sms_challenge=scope.read("sms_challenge", boolean),
    )
    return replace(_read_server(scope, context), modes=rules)


def _read_appended(scope: Scope, settings: ServerSettings) -> ModeRules:
    """Return the rules of a section where a factor may stand behind the password."""
    return replace(
        _read_common(scope),
        delimiter=_read_delimiter(scope, settings.pw_codec),
        delimited_password_length=scope.read("delimited_password_length", integer(0, LONGEST_PASSWORD)),
    )


def _read_common(scope: Scope) -> ModeRules:
    return ModeRules(
        challenge_life_s=scope.read("challenge_life_s", integer(SHORTEST_LIFE_S, LONGEST_LIFE_S)),
        pass_through=scope.read_optional("pass_through_attr_names", passed_attributes) or frozenset(),
        pass_through_all=scope.read("pass_through_all", boolean),
    )


def factors(text: str) -> tuple[Factor, ...]:
    """Return the factors of a list with commas, in its order."""
    words = [word.strip().lower() for word in text.split(",")]
    for word in words:
        if word == "sms":
            raise BadValueError("sms only sends passcodes and never lets in; write auto, push, phone or passcode")
        if word not in _FACTORS:
            raise BadValueError(
                f"{quoted(word)} is not known; write auto, push, phone or passcode, with commas between"
            )
        if words.count(word) > 1:
            raise BadValueError(f"{word} is there twice; remove one of the two")
    return tuple(_FACTORS[word] for word in words)


def _read_server(scope: Scope, context: Context) -> ServerSettings:
    client = _read_client(scope, context)
    settings = servers.read_server(scope, context, client)
    if client is not None and without_number(client) == DUO_ONLY_CLIENT:
        scope.remark(
            next(iter(scope.entries("client")), Entry(scope.section, "client", client, scope.place)),
            "nobody here checks passwords: whoever knows a user's name and holds the phone gets in; name an "
            "[ad_client] or a [radius_client] unless the RADIUS client itself checks a password first",
        )
        warn_that_exempt_usernames_suffice(scope, settings)
    if client is not None and without_number(client) == AD_CLIENT:
        for entry in scope.own().entries("pass_through_attr_names"):
            scope.warn(entry, "has no effect here: a directory answers without attributes; remove the line")
    else:
        check_passed(scope, may_never_be_accepted_with)
    for entry in scope.own().entries(*IDLE):
        scope.warn(entry, "has no effect here, where a password comes first; remove the line")
    return settings


def _read_client(scope: Scope, context: Context) -> str | None:
    """Return the client section that is named, or the only one that there is."""
    if len(context.clients) == 1 and not scope.entries("client"):
        return next(iter(context.clients))
    return scope.read_required("client", lambda text: _client(text, context), _remedy("", context))


def _warn_that_exempt_users_type_a_factor(scope: Scope, settings: ServerSettings) -> None:
    """Note that even they have to type a factor, of which nobody is asked."""
    for entry in scope.matching(EXEMPT_USERNAME):
        if entry.value in settings.exempt_usernames:
            text = f"{quoted_name(entry.value)} has to type something behind the delimiter, too, as in PASSWORD,x"
            scope.warn(entry, f"{text}: here a factor is asked for before anybody is; or use a [radius_server_auto]")


def _client(text: str, context: Context) -> str:
    name = text.lower()
    if name in context.clients or without_number(name) == DUO_ONLY_CLIENT:
        return name
    what = f"there is no section [{name}]" if _is_kind(name) else f"{quoted(text)} is no client section"
    raise BadValueError(f"{what}; {_remedy(name, context)}")


def _is_kind(name: str) -> bool:
    return without_number(name) in (AD_CLIENT, RADIUS_CLIENT)


def _remedy(name: str, context: Context) -> str:
    """Return what may be written: what there is, what is most like the name first; else which kinds there are."""
    there = [each for each in context.clients if _is_kind(each)]
    nearest = sorted(there, key=lambda each: -SequenceMatcher(None, name, each).ratio())
    wanted = " or ".join(f"client={each}" for each in nearest[:MOST_NAMED])
    write = f"write {wanted}" if wanted else f"write a section [{name if _is_kind(name) else AD_CLIENT}]"
    other = "" if wanted or _is_kind(name) else f" or [{RADIUS_CLIENT}], and its name here"
    return f"{write}{other}; client={DUO_ONLY_CLIENT} would mean that nobody here checks passwords"


def _read_delimiter(scope: Scope, pw_codec: str) -> str:
    for entry in scope.entries("delimiter"):
        if entry.value:
            scope.note(entry, delimiter_slips(entry.value))
    return scope.read("delimiter", lambda text: _delimiter(text, pw_codec))


def _delimiter(text: str, pw_codec: str) -> str:
    if len(text) > LONGEST_DELIMITER:
        raise BadValueError(f"has more than {LONGEST_DELIMITER} characters, which nobody types; write one, such as ,")
    try:
        text.encode("ascii" if text.isascii() else pw_codec)
    except UnicodeError:
        raise BadValueError(
            f"cannot be written in pw_codec={pw_codec}; write a sign of ASCII, such as , or &"
        ) from None
    return text


def _warn_of_unreachable(scope: Scope, listed: tuple[Factor, ...]) -> None:
    if PASSCODE in listed[:-1]:
        scope.warn(scope.entries("factors")[0], "what follows passcode is never used: everybody can be asked for one")
