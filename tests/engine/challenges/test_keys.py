"""The keys of States: pinned, for a gateway of another version must open them."""

from gateway.engine.challenges.keys import application_state_key, fleet_state_key, meaning_key

SKEY = b"k3yThatNobodyMayEverSeeInAnyProblemText0"


def test_an_applications_key_is_given_by_its_secret_key():
    assert application_state_key(SKEY).hex() == "6717eb23333699e5df2d76abcb40d83aecf9828d38443e1954306d86c18a13eb"
    assert application_state_key(SKEY[:-1]) != application_state_key(SKEY)


def test_it_is_no_key_of_a_fleet_nor_of_digests_by_the_same_octets():
    assert len({derive(SKEY) for derive in (application_state_key, fleet_state_key, meaning_key)}) == 3


def test_a_fleets_key_is_given_by_the_fleet_key_and_is_no_other_of_its_keys():
    assert fleet_state_key(bytes(range(32))).hex() == "c6df4e693189254f30d8d87228be07a3ed19ef2ce4dcdf3ddd7c61dbd7ad4242"
