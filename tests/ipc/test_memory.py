"""Memory that processes share."""

import os
import resource

import pytest

from gateway.ipc.memory import create_memory
from tests.descriptors import descriptors


def test_it_has_so_many_octets_and_programs_that_we_start_do_not_inherit_it():
    descriptor = create_memory("radgate-test", 10)
    assert os.pread(descriptor, 20, 0) == bytes(10)
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


def test_what_cannot_be_had_is_named_and_leaves_nothing_open():
    before = descriptors()
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, former[1]))
    try:
        with pytest.raises(OSError, match=r"radgate-test in shared memory \(11 octets\)"):
            create_memory("radgate-test", 11)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert descriptors() == before
