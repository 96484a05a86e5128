"""Somebody whose pushes the test answers, when it has seen what it waited for."""

from bench.processes import SimulatorProcess


class Phone:
    """Kim's phone."""

    owner = "kim"

    def __init__(self, duo: SimulatorProcess) -> None:
        """Have Kim known to Duo."""
        self._duo = duo
        device = {"device": "DPKIM", "type": "phone", "capabilities": ["auto", "push"]}
        habits = {"passcodes": ["123456"], "answer": "person", "expires_after_s": 60.0}
        duo.post("/api/users", {"username": self.owner, "devices": [device], **habits})

    @property
    def n_pushes(self) -> int:
        """How many pushes it has been sent."""
        return int(self._duo.get("/api/counts")["users"].get(self.owner, {}).get("push", 0))

    def approve(self, n: int = 1) -> None:
        """Wait until so many pushes are there, and say yes to all of them."""
        self._duo.until(pending=n)
        self._duo.post("/api/pending", {"decision": "approve"})


def addresses_told(duo: SimulatorProcess) -> set[str | None]:
    """The users' addresses that Duo was told."""
    return {call["ipaddr"] for call in duo.get("/api/calls") if call["username"]}
