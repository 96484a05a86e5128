"""Any State, and any content that was sealed.

What was not sealed never opens; what was opens as the content that it has, or is refused.
"""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.duoapi.calls import Device
from gateway.engine.challenges import tokens as module
from gateway.engine.challenges.refused import Refused
from gateway.engine.challenges.state import (
    MAX_CONTENT_SIZE,
    OWNER_SIZE,
    TYPED_SIZE,
    Prompt,
    State,
    decode_state,
    encode_state,
)
from gateway.engine.challenges.tokens import MAX_TOKEN_SIZE, Opened, Tokens
from tests.fuzz.driver import Program, Stateless
from tests.fuzz.parts import Part, Seed, joined, seed, sized

KEYS, NAME = [bytes(range(32)), bytes(32)], bytes(16)
TOKENS = Tokens(KEYS, "radius_server_challenge", "radius_client")
OTHERS = Tokens([bytes(range(1, 33))], "radius_server_challenge", "radius_client")
UNTIL = 2**32 - 1
TOKEN = TOKENS.seal(State(Prompt.MENU, UNTIL, has_first_factor=True), "jdoe", NAME)
HEAD = TOKEN[:3]
OWNER = TOKENS._owner("jdoe")
CIPHERS = [module._cipher(key, NAME) for key in KEYS]
DEVICES = tuple(
    Device(
        f"DP{number}ABCDEFGHIJKLMNOP"[: 20 - number % 5],
        frozenset({"push", "phone", "sms"} if number & 1 else {"push"}),
    )
    for number in range(20)
)
AS_IT_IS, BEHIND_THE_HEAD, MIXED, SEALED, SEALED_WHOLE = range(5)


def seeds() -> list[Seed]:
    """Tokens of ours and of others, and what may stand in them."""
    states = [
        State(prompt, until, has_first_factor, is_kept, DEVICES[:n_devices], typed)
        for number, prompt in enumerate(Prompt)
        for until, has_first_factor, is_kept, n_devices, typed in (
            (UNTIL, True, False, number, b""),
            (number, False, True, 2, bytes(TYPED_SIZE)),
            (UNTIL, True, True, 20, bytes(range(TYPED_SIZE))),
        )
    ]
    sealed = [seed((SEALED,), _content(encode_state(state, OWNER)[OWNER_SIZE:])) for state in states]
    whole = seed((SEALED_WHOLE,), OWNER, encode_state(states[0], OWNER)[OWNER_SIZE:])
    foreign = [seed((AS_IT_IS,), OTHERS.seal(state, "jdoe", NAME)) for state in states[:3]]
    ours = [seed((AS_IT_IS,), HEAD, NAME, TOKEN[19:-16], TOKEN[-16:])]
    behind = [seed((BEHIND_THE_HEAD,), token.body.octets[3:]) for token in foreign]
    mixed = [seed((MIXED,), bytes(len(TOKEN))), seed((MIXED,), bytes(60), b"\1", bytes(6))]
    return [*sealed, whole, *foreign, *ours, *behind, *mixed]


def _content(octets: bytes) -> Part:
    """Take apart what is behind the owner."""
    typed_at = 6 + (TYPED_SIZE if octets[1] & 4 else 0)
    parts: list[Part | bytes] = [octets[:1], octets[1:2], octets[2:6], octets[6:typed_at]]
    at = typed_at
    while at < len(octets):
        end = at + 2 + octets[at + 1]
        parts.append(joined(octets[at : at + 1], sized(octets[at + 2 : end])))
        at = end
    return joined(*parts)


def one_input(data: bytes) -> str:
    """Open one input: as it is, behind our own head, mixed with a token of ours, and as what one says."""
    how, octets = data[0] % 5, data[1:]
    if how == AS_IT_IS:
        return _is_open(octets, octets == TOKEN)
    if how == BEHIND_THE_HEAD:
        return _is_open(HEAD + octets, HEAD + octets == TOKEN)
    if how == MIXED:
        size = max(len(TOKEN), len(octets))
        mixed = int.from_bytes(TOKEN.ljust(size, b"\0"), "big") ^ int.from_bytes(octets.ljust(size, b"\0"), "big")
        token = mixed.to_bytes(size, "big")[: max(len(TOKEN), len(octets))]
        return _is_open(token, token == TOKEN)
    content = (OWNER + octets if how == SEALED else octets)[:MAX_CONTENT_SIZE]
    return _open_content(content, CIPHERS[len(octets) & 1])


def _is_open(token: bytes, is_ours: bool) -> str:
    opened = TOKENS.open(token, "jdoe", 0)
    assert isinstance(opened, Opened) is is_ours
    return "ours" if isinstance(opened, Opened) else opened.name.lower()


def _open_content(content: bytes, cipher: AESGCM) -> str:
    token = HEAD + NAME + cipher.encrypt(bytes(12), content, HEAD)
    assert len(token) <= MAX_TOKEN_SIZE
    opened = TOKENS.open(token, "jdoe", 0)
    if isinstance(opened, Opened):
        assert encode_state(opened.state, OWNER) == content
        assert decode_state(content) == (opened.state, OWNER)
        assert TOKENS.open(token, "jdoe", opened.state.until) is Refused.EXPIRED
        assert TOKENS.open(token, "jane", 0) is Refused.FOREIGN
        return f"sealed, opened: {opened.state.prompt.name.lower()}"
    assert TOKENS.open(token, "jane", 0) in (Refused.FOREIGN, Refused.OTHER_VERSION)
    return f"sealed, {opened.name.lower()}"


PROGRAM = Program(
    seeds(),
    lambda: Stateless(one_input),
    ("gateway.engine.challenges.state", "gateway.engine.challenges.tokens"),
    frozenset({"Tokens.__init__", "Tokens.seal", "Tokens.__repr__", "encode_state"}),
    max_size=300,
)
