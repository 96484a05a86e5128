"""Which pools there are, and whom they trust."""

import pytest

from gateway.https.pools import HttpsPools
from tests.https.authority import Authority
from tests.https.peer import in_loop


@in_loop
async def test_applications_with_the_same_way_to_duo_share_a_pool(authority: Authority) -> None:
    pools = HttpsPools()
    first = pools.pool("api-x.test", ca_certs_file=authority.ca_file)
    assert pools.pool("API-x.test", ca_certs_file=authority.ca_file) is first
    assert pools.pool("api-x.test", 8443, ca_certs_file=authority.ca_file) is not first
    assert pools.pool("api-x.test", ca_certs_file=authority.ca_file, connect_timeout_s=1.0) is not first
    assert len(list(pools)) == 3
    pools.close()


@in_loop
async def test_shipped_and_system_trust_stores_load_and_others_are_named() -> None:
    pools = HttpsPools()
    pools.pool("api-x.test")
    pools.pool("api-x.test", ca_certs_file="system")
    with pytest.raises(ValueError, match=r"no trusted roots in /nowhere\.pem: No such file"):
        pools.pool("api-x.test", ca_certs_file="/nowhere.pem")
    with pytest.raises(ValueError, match="no trusted roots in"):
        pools.pool("api-x.test", ca_certs_file=__file__)
