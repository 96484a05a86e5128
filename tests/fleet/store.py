"""A store in memory, which does what its scripts are said to do in `gateway.fleet.script_answers`."""

from dataclasses import dataclass, replace
from typing import Any

from gateway.fleet.script_answers import ScriptName


@dataclass(frozen=True)
class Record:
    owner: bytes
    epoch: int
    state: bytes
    sealed: bytes
    changed_at: float
    expires_at: float
    n_joiners: int = 0


class Store:
    """One command at a time; `now` is its own clock."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.records: dict[bytes, Record] = {}
        self.history: list[tuple[bytes, Record]] = []

    def run(self, script: ScriptName, key: bytes, arguments: tuple[bytes, ...]) -> object:
        record = self.records.get(key)
        if record is not None and record.expires_at <= self.now:
            del self.records[key]
            record = None
        scripts: dict[ScriptName, Any] = {
            ScriptName.CLAIM: self._claim,
            ScriptName.LOOK: self._look,
            ScriptName.WRITE: self._write,
            ScriptName.TAKE: self._take,
            ScriptName.RELEASE: self._release,
        }
        answer = scripts[script](key, record, *arguments)
        if key in self.records:
            self.history.append((key, self.records[key]))
        return answer

    def _told(self, record: Record) -> list[object]:
        age_ms = int((self.now - record.changed_at) * 1000)
        return [record.owner, b"%d" % record.epoch, record.state, record.sealed, age_ms]

    def _new(self, owner: bytes, epoch: int, sealed: bytes, life: bytes) -> Record:
        return Record(owner, epoch, b"asking", sealed, self.now, self.now + int(life) / 1000)

    def _claim(self, key, record, owner, life, sealed, expected_owner, expected_epoch):
        if record is None:
            self.records[key] = self._new(owner, 1, sealed, life)
            return 1
        if record.owner == owner:
            return record.epoch
        if (record.owner, record.epoch) == (expected_owner, int(expected_epoch)):
            self.records[key] = self._new(owner, record.epoch + 1, sealed, life)
            return record.epoch + 1
        self.records[key] = replace(record, n_joiners=record.n_joiners + 1)
        return self._told(record)

    def _look(self, _key, record):
        return None if record is None else self._told(record)

    def _write(self, key, record, owner, epoch, state, sealed, life):
        if record is None or (record.owner, record.epoch) != (owner, int(epoch)):
            return -1
        expires_at = self.now + int(life) / 1000
        self.records[key] = replace(record, state=state, sealed=sealed, changed_at=self.now, expires_at=expires_at)
        return record.n_joiners

    def _take(self, key, record, owner, expected_owner, expected_epoch, life):
        if record is None:
            return None
        is_expected = (record.owner, record.epoch) == (expected_owner, int(expected_epoch))
        if not is_expected or record.state != b"pushed":
            return [0, *self._told(record)]
        age_ms = int((self.now - record.changed_at) * 1000)
        expires_at = self.now + int(life) / 1000
        self.records[key] = replace(record, owner=owner, epoch=record.epoch + 1, expires_at=expires_at)
        return [1, b"%d" % (record.epoch + 1), record.sealed, age_ms]

    def _release(self, key, record, owner, epoch):
        if record is None or record.owner != owner or int(epoch) not in (0, record.epoch):
            return 0
        del self.records[key]
        return 1
