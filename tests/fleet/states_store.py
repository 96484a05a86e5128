"""A store in memory that knows States, as `gateway.fleet.scripts` has KEEP and USE; `now` is its own clock."""

from gateway.fleet import scripts
from gateway.fleet.states import Run


class StatesStore:
    def __init__(self) -> None:
        self.now = 1_000.0
        self.records: dict[bytes, dict[str, bytes]] = {}
        self.used_at: dict[bytes, float] = {}
        self.expires_at: dict[bytes, float] = {}

    def run(self, run: Run) -> object:
        if self.expires_at.get(run.key, self.now + 1) <= self.now:
            self.empty(run.key)
        record = self.records.setdefault(run.key, {})
        if run.script is scripts.KEEP:
            record["k"] = run.arguments[0]
            self._live(run.key, run.arguments[1])
            return 1
        assert run.script is scripts.USE
        who, life, wants = run.arguments
        kept = record.get("k", b"") if wants == b"1" else b""
        if "u" in record:
            return [record["u"], int(1000 * (self.now - self.used_at[run.key])), kept]
        record["u"], self.used_at[run.key] = who, self.now
        self._live(run.key, life)
        return [b"", 0, kept]

    def _live(self, key: bytes, life: bytes) -> None:
        self.expires_at[key] = self.now + int(life) / 1000

    def empty(self, key: bytes) -> None:
        for each in (self.records, self.used_at, self.expires_at):
            each.pop(key, None)
