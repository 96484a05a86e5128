"""What several commands ask the running gateway."""

from gateway.supervisor.control_client import ask
from gateway.supervisor.status import Status

ASK_TIMEOUT_S = 10.0


def ask_status(run_dir: str) -> Status:
    """Return what the gateway with this `run_dir` is doing.

    Raises:
        ControlError: none runs, or it does not answer, or we may not ask.
    """
    status: Status = ask(run_dir, "status", ASK_TIMEOUT_S)["status"]
    return status
