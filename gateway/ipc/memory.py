"""Anonymous files that processes of ours share; a process that inherits the descriptor can map or read it."""

import os


def create_memory(name: str, size: int, flags: int = 0) -> int:
    """Return the descriptor of a new one with so many octets, all zeros; its name is for `ls -l /proc/PID/fd` to show.

    Raises:
        OSError: no memory or descriptor is left, or a file may not be so large (`ulimit -f` counts here, too); it names
            what was wanted in the place of a file.
    """
    descriptor = -1
    try:
        descriptor = os.memfd_create(name, os.MFD_CLOEXEC | flags)
        os.ftruncate(descriptor, size)
    except OSError as error:
        if descriptor >= 0:
            os.close(descriptor)
        raise OSError(error.errno, error.strerror, f"{name} in shared memory ({size} octets)") from error
    return descriptor


def memfd(name: str, octets: bytes) -> int:
    """Return a descriptor of an anonymous file with these octets, readable by every process that inherits it."""
    descriptor = create_memory(name, len(octets))
    os.pwrite(descriptor, octets, 0)
    return descriptor


def read_memfd(descriptor: int) -> bytes:
    """Return all that an anonymous file holds."""
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
