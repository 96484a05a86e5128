"""What outlives a reload in a section with a first factor: which logins are the same, and States under way."""

from itertools import pairwise

import pytest

from gateway.config.settings import Settings
from gateway.engine.challenges.keys import fleet_state_key, meaning_key
from gateway.engine.challenges.refused import Refused
from gateway.engine.challenges.state import Prompt, State
from gateway.engine.challenges.tokens import Opened, Tokens
from gateway.engine.digests import PasswordDigests
from gateway.engine.modes.asked import Asked
from gateway.engine.sender import Sender
from gateway.fleetapi.keys import encode_fleet_key
from gateway.radius.client import encode_access_request
from gateway.radius.packet import decode_packet
from gateway.radius.shared_secret import SharedSecret
from gateway.worker.first_factor_modes import state_keys
from tests.config.files import SERVER, SHARED_SECRET, SKEY, parse
from tests.worker.sections import built_section

RUN, OTHER_RUN = bytes(range(32)), bytes(range(1, 33))
FLEET_KEY = bytes(range(2, 34))
FILES = {"/etc/radgate/fleet.key": encode_fleet_key(FLEET_KEY)}
FLEET = "[fleet]\nengine=redis://127.0.0.1\nfleet_key_file=fleet.key\n"
SENDER = Sender(SharedSecret(SHARED_SECRET.encode()))
LOGIN = decode_packet(encode_access_request(1, bytes(16), SENDER.shared_secret, b"alice", b"secret,push"))
OTHER_SKEY = SKEY[::-1]
ADDED = pytest.mark.parametrize(
    "added",
    [
        "radius_ip_2=10.0.1.11\nradius_secret_2=ANOTHER-SECRET-0123456789\n",
        "radius_secret_1_next=ANOTHER-SECRET-0123456789\n",
        f"skey_next={OTHER_SKEY}\n",
    ],
    ids=["client", "next_secret", "skey_next"],
)
STATE = State(Prompt.PASSCODE, 2**31, has_first_factor=True)
KINDS = pytest.mark.parametrize("kind", ["auto", "concat", "challenge"])


def settings_of(kind: str = "auto", added: str = "", server: str = SERVER, fleet: str = "") -> Settings:
    text = f"[radius_server_{kind}]\nclient=duo_only_client\n{server}{added}[duo_only_client]\n{fleet}"
    return parse(text, FILES)[0]


def meaning(settings: Settings, key: bytes = RUN) -> str:
    """What makes two packets the same login."""
    asked = built_section(settings, key=key).mode.read(LOGIN, SENDER, "10.0.1.10")
    assert isinstance(asked, Asked)
    return asked.meaning


class TestTheSameLogin:
    @ADDED
    @KINDS
    def test_it_stays_the_same_by_a_reload_that_adds_a_secret(self, kind, added):
        assert meaning(settings_of(kind)) == meaning(settings_of(kind, added))

    def test_and_by_one_that_changes_the_application(self):
        assert meaning(settings_of()) == meaning(settings_of(server=SERVER.replace(SKEY, OTHER_SKEY)))

    def test_it_is_told_by_a_key_of_the_run_that_is_no_other_of_its_keys(self):
        assert meaning(settings_of()) != meaning(settings_of(), OTHER_RUN)
        assert PasswordDigests(RUN).password(b"secret", b"alice").hex() not in meaning(settings_of())

    def test_among_hosts_by_one_of_the_fleet(self):
        """Pinned: hosts of another version must know it."""
        expected = PasswordDigests(meaning_key(fleet_state_key(FLEET_KEY))).password(b"secret", b"alice").hex()
        for key in (RUN, OTHER_RUN):
            assert meaning(settings_of(fleet=FLEET), key).startswith(expected)


def tokens(settings: Settings) -> Tokens:
    (server,) = settings.servers
    return Tokens(state_keys(server, settings), server.section, server.client or "")


def opened(before: Settings, after: Settings) -> State | Refused:
    """What the one makes of a State of the other."""
    found = tokens(after).open(tokens(before).seal(STATE, "alice", bytes(16)), "alice", 1_700_000_000.0)
    return found.state if isinstance(found, Opened) else found


class TestStatesUnderWay:
    @ADDED
    @KINDS
    @pytest.mark.parametrize("fleet", ["", FLEET], ids=["alone", "fleet"])
    def test_they_outlive_a_reload_that_adds_a_secret(self, kind, added, fleet):
        assert opened(settings_of(kind, fleet=fleet), settings_of(kind, added, fleet=fleet)) == STATE

    def test_and_one_that_changes_a_radius_secret(self):
        changed = settings_of(server=SERVER.replace(SHARED_SECRET, "ANOTHER-SECRET-0123456789"))
        assert opened(settings_of(), changed) == STATE

    def test_and_each_step_of_a_change_of_the_applications_key(self):
        steps = [
            settings_of(),
            settings_of(added=f"skey_next={OTHER_SKEY}\n"),
            settings_of(server=SERVER.replace(SKEY, OTHER_SKEY)),
        ]
        assert [opened(before, after) for before, after in pairwise(steps)] == [STATE, STATE]

    def test_a_key_that_is_changed_at_once_makes_them_unknown(self):
        assert opened(settings_of(), settings_of(server=SERVER.replace(SKEY, OTHER_SKEY))) is Refused.FORGED

    def test_those_of_another_section_of_the_application_are_not_taken(self):
        assert opened(settings_of("auto"), settings_of("auto2")) is Refused.FOREIGN
