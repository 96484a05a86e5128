"""Days that certificates have left."""

import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from gateway.checks.certificates import SOON_DAYS, certificate_findings, verified_chain
from gateway.checks.findings import Severity
from tests.https.authority import Authority


@pytest.fixture
def chain(tmp_path: Path) -> list[x509.Certificate]:
    """A server's certificate and the root that it leads to, both valid for nine days."""
    authority = Authority(tmp_path, "Old Root")
    files = [authority.server_file("duo.test"), authority.ca_file]
    return [x509.load_pem_x509_certificate(Path(file).read_bytes()) for file in files]


@pytest.mark.parametrize(
    ("days_left", "severity"), [(SOON_DAYS, Severity.OK), (SOON_DAYS - 1, Severity.WARNING), (0, Severity.WARNING)]
)
def test_less_than_two_months_are_a_warning(chain, days_left, severity):
    now = chain[0].not_valid_after_utc - dt.timedelta(days=days_left, hours=1)
    server, root = certificate_findings("application", chain, now)
    assert (server.step, root.step) == ("certificate", "root")
    assert server.severity is root.severity is severity
    assert f"for {days_left} days" in server.text
    assert bool(root.remedy) is (severity is Severity.WARNING)


def test_the_root_is_named_for_it_is_the_one_to_be_replaced(chain):
    _, root = certificate_findings("application", chain, dt.datetime.now(dt.UTC))
    assert "Old Root" in root.text


def test_the_chain_is_the_one_that_was_verified_and_ends_with_the_root(tmp_path: Path):
    authority = Authority(tmp_path, "Root")
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(authority.server_file("duo.test"))
    client_context = ssl.create_default_context(cafile=authority.ca_file)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="duo.test")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
    first, root = verified_chain(client)
    assert first.issuer == root.subject
