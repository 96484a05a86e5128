"""What the console makes of the supervisor's answers."""

import asyncio
import errno
import json
import os
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest

from gateway.console.facts import Facts
from gateway.ipc.console_channel import tell_facts
from tests.console.scene import Gateway
from tests.descriptors import no_descriptor_left

STATUS = json.dumps(Gateway().status).encode()


def scene(story: Callable[[socket.socket, Facts], Coroutine[Any, Any, None]]) -> None:
    """Tell a story about the supervisor's end of the channel, and what the console knows."""

    async def tell() -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            await story(ours, Facts(theirs, lambda: None))

    asyncio.run(tell())


def test_an_answer_that_finds_no_room_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def story(supervisor: socket.socket, facts: Facts) -> None:
        tell_facts(supervisor, STATUS, [])
        with no_descriptor_left():
            facts._hear()
        assert facts.status is None
        tell_facts(supervisor, STATUS, [])
        facts._hear()
        assert facts.octets == STATUS

    scene(story)
    (line,) = caplog.messages
    assert line == f"An answer of the supervisor is lost, and the page behind: {os.strerror(errno.EMFILE)}"


def test_an_answer_that_cannot_be_read_is_none() -> None:
    """What the page says of its age, and `/healthz` of the gateway, must not look well then."""

    async def story(supervisor: socket.socket, facts: Facts) -> None:
        tell_facts(supervisor, STATUS, [])
        facts._hear()
        facts._answered_at -= 60.0
        tell_facts(supervisor, b"no JSON", [])
        with pytest.raises(msgspec.DecodeError):
            facts._hear()
        assert facts.age_s > 59.0
        assert facts.octets == STATUS

    scene(story)
