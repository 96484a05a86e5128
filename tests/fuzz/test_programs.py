"""Each program for some thousands of inputs, the same ones every time, which get to all that reads something."""

from importlib import import_module
from random import Random

import pytest

from tests.compiled import only_interpreted
from tests.engine.home_scene import MS_CHAP
from tests.firstfactor.directory.answers import entry
from tests.fuzz import PROGRAMS
from tests.fuzz.driver import BLOCK, Finding, Program, Stateless, run
from tests.fuzz.lines import gone, unreached
from tests.fuzz.mutations import Mutator
from tests.fuzz.parts import of_attributes, of_elements, of_packet, operation_of, seed, tagged

MOST_BLOCKS = 20


def program_of(name: str) -> Program:
    program: Program = import_module(f"tests.fuzz.{name}").PROGRAM
    return program


@only_interpreted
@pytest.mark.parametrize("name", PROGRAMS)
def test_what_must_hold_holds_and_all_lines_are_reached(name):
    assert unreached(program_of(name), 1, MOST_BLOCKS) == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_need_not_be_reached_is_there(name):
    assert gone(program_of(name)) == frozenset()


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_seed_comes_to_the_same(name):
    said: list[str] = []
    once, again = (run(program_of(name), 2, 3 * BLOCK, BLOCK, said.append) for _ in range(2))
    assert once.words == again.words
    assert once.n_inputs == BLOCK


def failing_at(number: int) -> tuple[Program, list[bytes]]:
    """A program that fails at its so many-th input, and its inputs."""
    seen: list[bytes] = []

    def one_input(data: bytes) -> str:
        seen.append(data)
        assert len(seen) != number
        return ""

    return Program([seed(b"\1", b"abc")], lambda: Stateless(one_input), ()), seen


def test_a_finding_is_made_again_with_its_block_alone():
    program, _ = failing_at(2_500)
    with pytest.raises(Finding) as found:
        run(program, 7, 0, 10 * BLOCK, lambda _text: None)
    assert (found.value.block, found.value.number) == (2, 2_499)
    program, seen = failing_at(BLOCK + 1)
    run(program, 7, 2 * BLOCK, BLOCK, lambda _text: None)
    assert seen[499] == found.value.data


def test_parts_are_the_octets_that_they_are_made_of():
    message = entry(3, b"cn=alice", mail=b"a" * 200)
    assert of_elements(message).octets == message
    assert of_elements(of_elements(message, is_long=True).octets).octets == message
    assert operation_of(message).octets == message[6:]
    attributes = MS_CHAP + b"\1\7alice"
    assert of_attributes(attributes).octets == attributes
    octets = b"\1\2\0\x1b" + bytes(16) + b"\1\7alice"
    assert of_packet(octets + b"padding").octets == octets + b"padding"
    assert of_packet(octets[:-1]).octets == octets[:-1]


def test_what_changes_within_a_frame_is_framed_again():
    seeds = [seed(b"", tagged(0x30, tagged(4, b"some octets"), tagged(4, b"others")))]
    mutator = Mutator(seeds, Random(1), 100)
    inputs = {mutator.next() for _ in range(1_000)}
    framed = [octets for octets in inputs if len(octets) > 1 and octets[0] == 0x30 and octets[1] == len(octets) - 2]
    assert len(framed) > len(inputs) / 2
