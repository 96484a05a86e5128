"""What a directory says, as octets; and a question with its answer."""

import asyncio

from gateway.engine.first_factor import Answer, CheckFirstFactor
from gateway.firstfactor.directory.client import DirectoryClient
from gateway.ldap.ber import ENUMERATED, OCTET_STRING, SEQUENCE, SET, element, integer
from gateway.ldap.responses import DISCONNECTION
from gateway.unavailable import Unavailable


def result(code: int, text: str = "") -> bytes:
    return integer(code, ENUMERATED) + element(OCTET_STRING, b"") + element(OCTET_STRING, text.encode())


def message(number: int, tag: int, content: bytes) -> bytes:
    return element(SEQUENCE, integer(number) + element(tag, content))


def bind_done(number: int, code: int = 0, text: str = "", credentials: bytes | None = None) -> bytes:
    more = element(0x87, credentials) if credentials is not None else b""
    return message(number, 0x61, result(code, text) + more)


def entry(number: int, dn: bytes, **values: bytes) -> bytes:
    attributes = b"".join(
        element(SEQUENCE, element(OCTET_STRING, name.encode()) + element(SET, element(OCTET_STRING, value)))
        for name, value in values.items()
    )
    return message(number, 0x64, element(OCTET_STRING, dn) + element(SEQUENCE, attributes))


def search_done(number: int, code: int = 0, text: str = "") -> bytes:
    return message(number, 0x65, result(code, text))


def referral(number: int) -> bytes:
    return message(number, 0x73, element(OCTET_STRING, b"ldap://ad.example.test/CN=Configuration"))


def extended(number: int, code: int = 0, name: bytes = b"") -> bytes:
    return message(number, 0x78, result(code) + (element(0x8A, name) if name else b""))


def disconnection(text: str = "") -> bytes:
    return message(0, 0x78, result(52, text) + element(0x8A, DISCONNECTION))


async def ask(client: DirectoryClient, name: bytes, password: bytes | None, **more) -> Answer | Unavailable:
    """Return the answer to a question."""
    answered: asyncio.Future[Answer | Unavailable] = asyncio.get_running_loop().create_future()
    client.ask(CheckFirstFactor(name, password, **more), answered.set_result)
    return await answered
