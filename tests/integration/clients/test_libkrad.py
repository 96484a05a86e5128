"""libkrad, by which MIT Kerberos and FreeIPA ask for one-time passwords."""

import subprocess
from pathlib import Path

import pytest

from gateway.radius.dictionary import ACCESS_ACCEPT, MESSAGE_AUTHENTICATOR
from tests.integration.clients import SECRET
from tests.integration.clients.machines import Foreign, needs
from tests.integration.clients.phone import Phone
from tests.integration.clients.wire import Wire

pytestmark = [
    pytest.mark.integration,
    needs(
        "gcc libc6-dev libkrad-dev libkrb5-dev libverto-dev libverto-libev1",
        *("cc", "include/krad.h", "include/krb5.h", "include/verto.h", "lib/*/libverto-libev.so.1"),
    ),
]

ACCEPTED, REJECTED, UNANSWERED = 0, 1, 2


@pytest.fixture(scope="module")
def krad_login(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program, compiled."""
    source, program = Path(__file__).with_name("krad_login.c"), tmp_path_factory.mktemp("krad") / "krad_login"
    subprocess.run(["cc", "-o", program, source, "-lkrad", "-lverto", "-lkrb5"], check=True)
    return str(program)


class Kdc:
    """Asks the gateway whether a one-time password is right; the tries share the time."""

    def __init__(self, program: str, port: int) -> None:
        self._command = (program, f"127.0.0.1:{port}", SECRET)

    def ask(self, user: str, password: str, *, timeout_ms: int = 20_000, retries: int = 0) -> Foreign:
        return Foreign(*self._command, user, password, str(timeout_ms), str(retries))


@pytest.fixture
def kdc(krad_login: str, wire: Wire) -> Kdc:
    return Kdc(krad_login, wire.port)


@pytest.mark.parametrize("place", ["if_asked"])
def test_replies_without_message_authenticator_are_taken(kdc: Kdc, wire: Wire):
    assert kdc.ask("alice", "123456").ended() == ACCEPTED
    assert kdc.ask("alice", "999999").ended() == REJECTED
    assert not any(MESSAGE_AUTHENTICATOR in each.kinds for each in (*wire.tries(2), *wire.answers(2)))


@pytest.mark.parametrize("place", ["first", "last"])
def test_replies_with_it_are_refused(kdc: Kdc, wire: Wire):
    """As long as this holds for the libkrad of a distribution, `if_asked` has to be in its pages."""
    assert kdc.ask("alice", "123456", timeout_ms=500).ended() == UNANSWERED
    assert wire.answers(1)[0].code == ACCESS_ACCEPT


@pytest.mark.parametrize("place", ["if_asked"])
def test_one_push_for_all_tries(kdc: Kdc, wire: Wire, phone: Phone):
    login = kdc.ask(phone.owner, "push", retries=40)
    wire.tries(3)
    phone.approve()
    assert login.ended() == ACCEPTED
    assert phone.n_pushes == 1
