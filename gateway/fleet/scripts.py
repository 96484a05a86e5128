"""What is done with a record in the store, each step as a whole: scripts of one key each.

Five are of a login's record, two of a State's, which is a hash too: `u` who has used it, sealed, `t` when, `k` what is
kept for it, sealed.

A login's record is a hash: `o` its owner, `e` its epoch, `s` its state, `r` what is sealed, `t` when that was written,
in milliseconds of the store's own clock, `n` how many have asked for it in vain. Whoever comes first makes it with
epoch 1; each new owner adds one, and only the present one, known by name and epoch, may write.

An answer that holds a record is a list: owner, epoch, state, what is sealed, and its age in ms, which is the time since
its last change by that clock.

Redis from 6.2 on and Valkey run them, in a cluster too. A user of theirs needs what `COMMANDS` names.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, final

from gateway.fleetapi.resp import encode_command, encode_words, size_of

KEYS: Final = "rg:*"
CHANNELS: Final = "rg:*"
COMMANDS: Final[Sequence[str]] = (
    *("evalsha", "script|load", "hmget", "hset", "hincrby", "pexpire", "del", "time", "publish", "subscribe", "ping"),
    *("get", "set", "select", "client|setname", "role"),
)
"""What the store's user must be allowed to do; without the last two it works, too."""

_MOST_ARGUMENTS: Final = 5
_NOW: Final = "local time = redis.call('TIME')\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
_RECORD: Final = "local record = redis.call('HMGET', KEYS[1], 'o', 'e', 's', 'r', 't', 'n')\n"
_AGE: Final = "now - (tonumber(record[5]) or 0)"
_EPOCH: Final = "(tonumber(record[2]) or 0)"
_IS: Final = "record[1] == ARGV[{}] and " + _EPOCH + " == tonumber(ARGV[{}])"


@final
class Script:
    """A script, as the store knows it."""

    __slots__ = ("_begins", "lua", "sha")

    def __init__(self, lua: str) -> None:
        self.lua = lua.encode()
        self.sha = hashlib.sha1(self.lua, usedforsecurity=False).hexdigest().encode()
        words = [b"EVALSHA", self.sha, b"1"]
        self._begins = [encode_words(b"*%d" % (n + 4), words)[:-2] for n in range(_MOST_ARGUMENTS + 1)]

    def call(self, key: bytes, arguments: Sequence[bytes]) -> bytes:
        """Return the octets that run it, with `_MOST_ARGUMENTS` at most."""
        begin = self._begins[len(arguments)]
        if len(arguments) != _MOST_ARGUMENTS:
            return encode_words(begin, [key, *arguments])
        # A claim, and what is written of one. Compiled, this is a third of the work of a list that is joined.
        a, b, c, d, e = arguments
        half = b"%b%b%b%b%b%b%b" % (begin, size_of(key), key, size_of(a), a, size_of(b), b)
        return b"%b%b%b%b%b%b%b\r\n" % (half, size_of(c), c, size_of(d), d, size_of(e), e)

    @property
    def load(self) -> bytes:
        """The octets that make it known; the answer is its name, `sha`."""
        return encode_command([b"SCRIPT", b"LOAD", self.lua])


CLAIM: Final = Script(
    _NOW
    + _RECORD
    + f"""
local epoch = {_EPOCH}
if record[1] == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return epoch
end
if record[1] and not ({_IS.format(4, 5)}) then
  local counted = redis.pcall('HINCRBY', KEYS[1], 'n', 1)
  if type(counted) == 'table' and not string.find(counted.err or '', 'OOM', 1, true) then
    return counted  -- a store that is full may still say whose it is, one that became a replica may not
  end
  return {{record[1], epoch, record[3] or '', record[4] or '', {_AGE}}}
end
redis.call('HSET', KEYS[1], 'o', ARGV[1], 'e', epoch + 1, 's', 'asking', 'r', ARGV[3], 't', now, 'n', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return epoch + 1
"""
)
"""CLAIM(owner, life in ms, sealed, expected owner or "", expected epoch or 0) -> its epoch: it is the owner's now,
or still, or another one's record was as expected, whatever its state, and is replaced. Else the record."""

PROBE: Final[Sequence[bytes]] = (b"probe", b"1", b"", b"", b"0")
"""Arguments of a claim that does all that one does, and lives 1 ms."""

LOOK: Final = Script(
    _NOW
    + _RECORD
    + f"""
if not record[1] then return nil end
return {{record[1], {_EPOCH}, record[3] or '', record[4] or '', {_AGE}}}
"""
)
"""LOOK() -> the record, or nil."""

WRITE: Final = Script(
    _NOW
    + _RECORD
    + f"""
if not ({_IS.format(1, 2)}) then return -1 end
redis.call('HSET', KEYS[1], 's', ARGV[3], 'r', ARGV[4], 't', now)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return tonumber(record[6]) or 0
"""
)
"""WRITE(owner, epoch, state, sealed, life in ms) -> how many have asked for it in vain; -1 if another owns it, or
nobody."""

TAKE: Final = Script(
    _NOW
    + _RECORD
    + f"""
if not record[1] then return nil end
local epoch, age = {_EPOCH}, {_AGE}
if {_IS.format(2, 3)} and record[3] == 'pushed' then
  redis.call('HSET', KEYS[1], 'o', ARGV[1], 'e', epoch + 1)
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  return {{1, epoch + 1, record[4] or '', age}}
end
return {{0, record[1], epoch, record[3] or '', record[4] or '', age}}
"""
)
"""TAKE(owner, expected owner, expected epoch, life in ms) -> 1, epoch, sealed, age in ms: the push has a new owner.
0 and the record if it is not as expected, or not `pushed`; nil if there is none."""

RELEASE: Final = Script(
    _RECORD
    + f"""
if not (record[1] == ARGV[1] and (ARGV[2] == '0' or {_EPOCH} == tonumber(ARGV[2]))) then return 0 end
return redis.call('DEL', KEYS[1])
"""
)
"""RELEASE(owner, epoch) -> 1: there is no record any more; 0: it was another owner's. An owner that never heard its
epoch, because the answer was lost, says 0."""

KEEP: Final = Script(
    """
redis.call('HSET', KEYS[1], 'k', ARGV[1])
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
)
"""KEEP(sealed, life in ms) -> 1: it is kept for a State."""

USE: Final = Script(
    _NOW
    + """
local state = redis.call('HMGET', KEYS[1], 'u', 't', 'k')
local kept = ARGV[3] == '1' and state[3] or ''
if state[1] then return {state[1], now - (tonumber(state[2]) or 0), kept} end
redis.call('HSET', KEYS[1], 'u', ARGV[1], 't', now)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {'', 0, kept}
"""
)
"""USE(who, sealed; life in ms; 1 to have what is kept) -> who has used the State before, "" for nobody; how long ago,
in ms; what is kept for it. Only the first one is written down."""

SCRIPTS: Final[Sequence[Script]] = (CLAIM, LOOK, WRITE, TAKE, RELEASE, KEEP, USE)
