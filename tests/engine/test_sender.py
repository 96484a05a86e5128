"""What addresses have proven of their shared secret."""

from gateway.engine import sender as module
from gateway.engine.sender import Sender
from tests.compiled import only_interpreted
from tests.engine.scene import SECRET


@only_interpreted
def test_what_is_known_of_a_clients_addresses_is_bounded(monkeypatch):
    """A network may be large; one more address is then taken for one that has never signed."""
    monkeypatch.setattr(module, "_MAX_REMEMBERED_SOURCES", 100)
    sender = Sender(SECRET)
    for number in range(1000):
        sender.signed(f"10.0.{number >> 8}.{number & 255}")
        sender.was_read(f"10.1.{number >> 8}.{number & 255}")
    assert (len(sender.signers), len(sender._proven)) == (100, 100)
    assert sender.has_signed("10.0.0.99")
    assert not sender.has_signed("10.0.0.100")
