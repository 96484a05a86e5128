"""What all programs are run by: inputs by the million, the same ones for the same seed.

A thousand inputs are a block. It begins with a harness of its own and a chance of its own, which its number and the
seed give: so whatever is found in a block is found again in no more than a thousand inputs.
"""

import faulthandler
import resource
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from time import process_time
from typing import NamedTuple

from tests.fuzz.mutations import Mutator
from tests.fuzz.parts import Seed

BLOCK = 1_000  # inputs
SAID_AFTER = 100_000  # inputs
MAX_BLOCK_S = 120.0
MAX_GROWTH = 65_536  # KiB that a program may grow by after its first block


class Harness:
    """Takes the inputs of one block, one after the other."""

    def one_input(self, data: bytes) -> str:
        """Take an input and check what must hold; return in a word what became of it."""
        raise NotImplementedError

    def end(self) -> None:
        """Check what must hold at the end."""


class Program(NamedTuple):
    """What is fuzzed.

    Attributes:
        seeds: what inputs are made of.
        begin: returns a harness for a block.
        readers: modules that read what comes: all their lines are to be reached.
        unreached: functions in them that are not for reading; and lines that are not reached, `function: line`.
        max_size: octets of an input, its head left out.
    """

    seeds: Sequence[Seed]
    begin: Callable[[], Harness]
    readers: tuple[str, ...]
    unreached: frozenset[str] = frozenset()
    max_size: int = 600


class Finding(Exception):  # noqa: N818 -- it is no error of the driver's
    """Something that must hold does not.

    Attributes:
        seed, block, number: where it is found again.
        data: the input.
    """

    def __init__(self, seed: int, block: int, number: int, data: bytes) -> None:
        super().__init__(f"input {number} of seed {seed}: --seed {seed} --begin {block * BLOCK} --inputs {BLOCK}")
        self.seed = seed
        self.block = block
        self.number = number
        self.data = data


class Ran:
    """What has become of inputs.

    Attributes:
        n_inputs: how many there were.
        words: how many of them came to what.
        cpu_s: what they took of the processor.
        slowest_s, slowest: what a block took at most, and which.
    """

    def __init__(self) -> None:
        self.n_inputs = 0
        self.words: Counter[str] = Counter()
        self.cpu_s = self.slowest_s = 0.0
        self.slowest = 0

    def took(self, block: int, cpu_s: float) -> None:
        """Note what a block took."""
        self.cpu_s += cpu_s
        if cpu_s > self.slowest_s:
            self.slowest_s, self.slowest = cpu_s, block


class Stateless(Harness):
    """Takes inputs of which none depends on another."""

    def __init__(self, one_input: Callable[[bytes], str]) -> None:
        self._one_input = one_input

    def one_input(self, data: bytes) -> str:
        """Take an input."""
        return self._one_input(data)


def run_block(program: Program, seed: int, block: int, ran: Ran) -> None:
    """Take the inputs of one block.

    Raises:
        Finding: with the number of the input; its cause is what was amiss.
    """
    began = process_time()
    mutator = Mutator(program.seeds, Random(seed << 32 | block), program.max_size)
    harness, words = program.begin(), ran.words
    one_input, data, n_taken = harness.one_input, b"", 0
    try:
        for n_taken in range(BLOCK):  # noqa: B007 -- for a finding
            data = mutator.next()
            words[one_input(data)] += 1
        harness.end()
    except Exception as error:
        raise Finding(seed, block, block * BLOCK + n_taken, data) from error
    ran.n_inputs += BLOCK
    ran.took(block, process_time() - began)


def run(program: Program, seed: int, begin: int, n_inputs: int, say: Callable[[str], None]) -> Ran:
    """Take so many inputs, from the one with the number `begin` on, in whole blocks; say sometimes how far it is.

    Raises:
        Finding: something does not hold.
        MemoryError: the process grows. A block that takes too long ends it, with its stack.
    """
    ran = Ran()
    size = 0
    for block in range(begin // BLOCK, -(-(begin + n_inputs) // BLOCK)):
        faulthandler.dump_traceback_later(MAX_BLOCK_S, exit=True)
        run_block(program, seed, block, ran)
        now_size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = size or now_size
        if now_size > size + MAX_GROWTH:
            raise MemoryError(f"block {block} of seed {seed} has grown the process to {now_size} KiB")
        if ran.n_inputs % SAID_AFTER == 0:
            say(f"{ran.n_inputs} inputs, {ran.n_inputs / ran.cpu_s:.0f} a second of the processor")
    faulthandler.cancel_dump_traceback_later()
    return ran
