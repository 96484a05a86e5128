"""What is done with a login's record in the store, each step as a whole: five scripts, of one key each.

A record is a hash: `o` its owner, `e` its epoch, `s` its state, `r` what is sealed, `t` when that was written, in
milliseconds of the store's own clock, `n` how many have asked for it in vain. Whoever comes first makes it with epoch
1; each new owner adds one, and only the present one, known by name and epoch, may write.

Redis from 6.2 on and Valkey run them, in a cluster too. A user of theirs needs what `COMMANDS` names.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, final

from gateway.fleetapi.resp import encode_command, encode_word

KEYS: Final = "rg:*"
CHANNELS: Final = "rg:*"
COMMANDS: Final[Sequence[str]] = (
    *("evalsha", "script|load", "hmget", "hset", "hincrby", "pexpire", "del", "time", "publish", "subscribe", "ping"),
    *("get", "set", "select", "client|setname", "role"),
)
"""What the store's user must be allowed to do; without the last two it works, too."""

_NOW: Final = "local time = redis.call('TIME')\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
_RECORD: Final = "local record = redis.call('HMGET', KEYS[1], 'o', 'e', 's', 'r', 't', 'n')\n"
_AGE: Final = "now - (tonumber(record[5]) or 0)"
_EPOCH: Final = "(tonumber(record[2]) or 0)"
_IS: Final = "record[1] == ARGV[{}] and " + _EPOCH + " == tonumber(ARGV[{}])"


@final
class Script:
    """A script, as the store knows it."""

    __slots__ = ("_head", "lua", "sha")

    def __init__(self, lua: str) -> None:
        self.lua = lua.encode()
        self.sha = hashlib.sha1(self.lua, usedforsecurity=False).hexdigest().encode()
        self._head = encode_word(b"EVALSHA") + encode_word(self.sha) + encode_word(b"1")

    def call(self, key: bytes, arguments: Sequence[bytes]) -> bytes:
        """Return the octets that run it."""
        words = [encode_word(argument) for argument in arguments]
        return b"*%d\r\n" % (len(words) + 4) + self._head + encode_word(key) + b"".join(words)

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
  return {{'mine', epoch, tonumber(record[6]) or 0}}
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
return {{'mine', epoch + 1, 0}}
"""
)
"""CLAIM(owner, life in ms, sealed, expected owner or "", expected epoch or 0) -> `mine`, epoch, n: it is the owner's
now, or still, or another one's record was as expected and is replaced. Else the record: owner, epoch, state, sealed,
age in ms."""

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
"""WRITE(owner, epoch, state, sealed, life in ms) -> n; -1 if another owns it, or nobody."""

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
0 and the record if it is not as expected; nil if there is none."""

RELEASE: Final = Script(
    _RECORD
    + f"""
if not (record[1] == ARGV[1] and (ARGV[2] == '0' or {_EPOCH} == tonumber(ARGV[2]))) then return 0 end
return redis.call('DEL', KEYS[1])
"""
)
"""RELEASE(owner, epoch) -> 1: there is no record any more; 0: it was another owner's. An owner that never heard its
epoch, because the answer was lost, says 0."""

SCRIPTS: Final[Sequence[Script]] = (CLAIM, LOOK, WRITE, TAKE, RELEASE)
