"""What `radgate login` says where no answer can come."""

import socket

import pytest

from gateway.supervisor.login_helper import LoginOrders, log_in


@pytest.mark.parametrize(
    ("family", "source", "destination"),
    [(socket.AF_INET, "192.0.2.1", "127.0.0.1"), (socket.AF_INET6, "2001:db8::1", "::1")],
    ids=["IPv4", "IPv6"],
)
def test_an_address_that_this_machine_does_not_have_is_named(family, source, destination):
    orders = LoginOrders(
        family=family,
        source=source,
        destination=destination,
        port=1812,
        shared_secret=b"x" * 16,
        user=b"alice",
        password=b"push",
        timeout_s=1.0,
    )
    outcome = log_in(orders)
    assert outcome.reply == ""
    assert outcome.text.startswith(f"cannot ask {destination}, port 1812, from {source}: ")
    assert outcome.text.endswith("; compare interface= of the section with what `ip address` shows")
    assert "Errno" not in outcome.text
