"""What of a call's metadata counts, and who an address stands for."""

from __future__ import annotations

import pytest

from systemzero_base.settings.addresses import address_of, network_of
from systemzero_gateway.forwarding.admission import credential_in


def test_a_call_has_one_credential_or_none() -> None:
    others = (("sz-identity", "x"), ("cookie", "Bearer z"))
    one, two = ("authorization", "Bearer a"), ("authorization", "Bearer b")
    assert credential_in(others) == ""
    assert credential_in((*others, one)) == "Bearer a"
    assert "Bearer" not in credential_in((one, *others, two))


@pytest.mark.parametrize(
    ("peer", "address", "network"),
    [
        ("ipv4:192.0.2.1:4711", "192.0.2.1", "192.0.2.1"),
        ("ipv6:[2001:db8:1:2:3::4]:80", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("ipv6:%5B2001:db8:1:2::9%5D:80", "2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("ipv6:%5B::1%5D:80", "::1", "::/64"),
        ("ipv6:%5Bfe80::1%25eth0%5D:80", "fe80::1%eth0", "fe80::/64"),
        ("ipv6:%5B::ffff:192.0.2.1%5D:80", "::ffff:192.0.2.1", "192.0.2.1"),
        ("unix:/run/gateway.sock", "unix:/run/gateway.sock", "unix:/run/gateway.sock"),
        ("local", "local", "local"),
    ],
)
def test_a_peer_has_an_address_and_that_a_network(peer: str, address: str, network: str) -> None:
    assert address_of(peer) == address
    assert network_of(address) == network
