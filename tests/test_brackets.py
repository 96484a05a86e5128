from gateway.brackets import bracketed, with_port


def test_an_ipv6_address_stands_in_brackets_and_nothing_else_does():
    assert [bracketed(host) for host in ("dc1.example.com", "10.0.0.5", "::1")] == [
        "dc1.example.com",
        "10.0.0.5",
        "[::1]",
    ]
    assert with_port("10.0.0.5", 1812) == "10.0.0.5:1812"
    assert with_port("2001:db8::5", 1812) == "[2001:db8::5]:1812"
