"""The keys of States: pinned, for a gateway of another version must open them."""

from gateway.engine.challenges.keys import fleet_state_key, section_key

SKEY = b"k3yThatNobodyMayEverSeeInAnyProblemText0"


def test_a_sections_key_is_given_by_its_secrets():
    key = section_key([b"secret of a", b"secret of b"], SKEY)
    assert key.hex() == "756dbebc05fd8d04b4396be8368f4be7684d1433c2cbe086b7ebfe1c6a78cdfa"


def test_order_and_repetition_of_secrets_do_not_matter():
    assert section_key([b"b", b"a", b"b"], SKEY) == section_key([b"a", b"b"], SKEY)


def test_other_secrets_give_other_keys():
    secrets = [[b"a"], [b"a", b"b"], [b"ab"], [b"a", b"c"], []]
    assert len({section_key(each, SKEY) for each in secrets} | {section_key([b"a"], SKEY[:-1])}) == len(secrets) + 1


def test_a_fleets_key_is_given_by_the_fleet_key_and_is_no_other_of_its_keys():
    assert fleet_state_key(bytes(range(32))).hex() == "c6df4e693189254f30d8d87228be07a3ed19ef2ce4dcdf3ddd7c61dbd7ad4242"
