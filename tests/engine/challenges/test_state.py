"""What State holds, in octets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.duoapi.calls import Device
from gateway.engine.challenges.menu import options_of, read_answer
from gateway.engine.challenges.state import (
    MAX_CONTENT_SIZE,
    OWNER_SIZE,
    TYPED_SIZE,
    Prompt,
    State,
    decode_state,
    encode_state,
)

OWNER = bytes(range(OWNER_SIZE))
EVERYTHING = frozenset({"push", "phone", "sms"})


def phone(number: int) -> Device:
    return Device(f"DPFZRS9FB0D46QFTM8{number:02}", EVERYTHING)


def devices(longest_name: int = 300) -> st.SearchStrategy[Device]:
    return st.builds(Device, st.text(max_size=longest_name), st.frozensets(st.sampled_from(sorted(EVERYTHING))))


states = st.builds(
    State,
    st.sampled_from(Prompt),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.booleans(),
    st.lists(devices(), max_size=20).map(tuple),
    st.just(b"") | st.binary(min_size=TYPED_SIZE, max_size=TYPED_SIZE),
)


@given(states)
def test_a_state_comes_back_as_it_was_but_for_names_that_do_not_fit(state):
    octets = encode_state(state, OWNER)
    assert len(octets) <= MAX_CONTENT_SIZE
    back, owner = decode_state(octets)
    assert owner == OWNER
    nameless = tuple(Device("", device.capabilities) for device in state.menu)
    assert back in (state, state._replace(menu=nameless))


def test_the_names_of_eight_devices_fit_and_those_of_nine_do_not():
    for n_devices, is_named in ((8, True), (9, False)):
        menu = tuple(phone(number) for number in range(n_devices))
        back, _ = decode_state(encode_state(State(Prompt.MENU, 1, menu=menu, typed=bytes(TYPED_SIZE)), OWNER))
        assert (back.menu == menu) is is_named
        assert len(options_of(back.menu)) == 3 * n_devices


def test_an_answer_means_the_same_device_with_its_name_or_without():
    menu = tuple(phone(number) for number in range(9))
    back, _ = decode_state(encode_state(State(Prompt.MENU, 1, menu=menu), OWNER))
    said, read = read_answer("push7", menu), read_answer("push7", back.menu)
    assert said is not None
    assert read is not None
    assert (said.typed, read.device) == (read.typed, "")


def test_what_people_call_a_device_is_not_in_it():
    octets = encode_state(State(Prompt.MENU, 1, menu=(Device("DP1", EVERYTHING, "XXX-XXX-1234", "2"),)), OWNER)
    assert b"1234" not in octets


@given(st.binary(max_size=260))
def test_any_octets_are_a_state_or_an_error(octets):
    try:
        state, owner = decode_state(octets)
    except ValueError:
        return
    assert encode_state(state, owner) == octets


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        OWNER,
        OWNER + b"\x00\x00\x00\x00\x00\x00",  # no such prompt
        OWNER + b"\x01\x04\x00\x00\x00\x00",  # no such flag
        OWNER + b"\x01\x00\x00\x00\x00\x00\x01",  # half a device
        OWNER + b"\x01\x00\x00\x00\x00\x00\x08\x00",  # no such factor
        OWNER + b"\x01\x00\x00\x00\x00\x00\x01\x02a",  # a name that is cut off
        OWNER + b"\x01\x00\x00\x00\x00\x00\x01\x01\xff",  # a name that is no text
        OWNER + b"\x01\x00\x00\x00\x00\x00" + b"\x01\x00" * 21,
    ],
)
def test_octets_that_mean_nothing_are_an_error(octets):
    with pytest.raises(ValueError):
        decode_state(octets)
