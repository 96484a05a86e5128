"""`radgate upgrade` while other code begins: tests/integration/test_upgrade.py has the whole of it."""

import os
from typing import Any

import pytest

from gateway.cli import upgrade
from gateway.supervisor.control_client import ControlError, NotRunning
from tests.cli.scripted_gateway import STATUS

BEFORE: Any = {**STATUS, "pid": os.getpid()}
SERVES: Any = {**BEFORE, "version": "1.2.4", "workers": [{"state": "ready"}]}


@pytest.mark.parametrize(
    "trouble", [NotRunning("nobody answers"), ControlError("the gateway ended before it answered")]
)
def test_code_that_does_not_answer_yet_is_asked_again(monkeypatch, capsys, trouble):
    answers = [trouble, SERVES]

    def ask(*_: object) -> dict[str, Any]:
        answer = answers.pop(0)
        if isinstance(answer, ControlError):
            raise answer
        return {"status": answer}

    monkeypatch.setattr("gateway.cli.asking.ask", ask)
    assert upgrade._follow("/run/radgate", BEFORE) == 0
    assert f"version 1.2.4, before 1.2.3 serves (pid {os.getpid()})" in capsys.readouterr().out
