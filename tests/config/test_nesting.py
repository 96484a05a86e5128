"""Networks and what is around them."""

from ipaddress import ip_network

from gateway.config.nesting import nested


def around(*networks: str) -> dict[str, list[str]]:
    return {network: list(others) for network, others in nested(networks, ip_network)}


def test_each_network_comes_with_those_around_it_the_widest_first():
    found = around("10.1.2.3/32", "10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16")
    assert list(found) == ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "10.2.0.0/16"]
    assert found["10.1.2.3/32"] == ["10.0.0.0/8", "10.1.0.0/16"]
    assert found["10.2.0.0/16"] == ["10.0.0.0/8"]


def test_the_same_network_is_within_itself():
    found = [
        others.copy() for _, others in nested([(1, "10.0.0.0/8"), (2, "10.0.0.0/8")], lambda each: ip_network(each[1]))
    ]
    assert found == [[], [(1, "10.0.0.0/8")]]


def test_versions_are_apart():
    assert around("0.0.0.0/0", "::/0", "::1/128") == {"0.0.0.0/0": [], "::/0": [], "::1/128": ["::/0"]}
