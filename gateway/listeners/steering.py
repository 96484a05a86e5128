"""Steer all packets of one user to one worker, in the kernel, whatever port, address or Identifier they come from.

A classic BPF program is attached to each group of SO_REUSEPORT sockets. It sees the UDP payload from offset 0, walks
the RADIUS attributes of an Access-Request to User-Name, hashes the name without its domain, ASCII letters lower-cased,
and returns the hash modulo the number of buckets: the index of a socket in the order in which they were bound. Other
packets are steered by their authenticator, so that a retransmission still meets its original. Duplicate detection,
joined logins and limits per user then need no shared table. `engine.person` says who is one user; where the kernel
cannot see it (letters beyond ASCII, a name behind very many attributes), a worker passes the packet on.

Classic BPF has no loops and only jumps forward, so both walks are unrolled. A load past the end of the packet ends
the program with 0: malformed datagrams and those without a User-Name meet at bucket 0. A result that is no socket falls
back to the kernel's own hash.
"""

import ctypes
import socket
import struct
from typing import NamedTuple

from gateway.engine.person import ATTRIBUTES_WALKED, HASH_BASIS, HASH_MIX, HASH_PRIME, HASHED_OCTETS
from gateway.radius.dictionary import ACCESS_REQUEST, HEADER_SIZE, USER_NAME

SO_ATTACH_REUSEPORT_CBPF = 51  # asm-generic/socket.h
_ATTRIBUTES_A_LANDING = 32  # from each of so many the name can be reached by a conditional jump

# linux/bpf_common.h and linux/filter.h
_LD_IMM, _LD_ABS_WORD, _LD_ABS_BYTE, _LD_IND_BYTE, _LD_MEM = 0x00, 0x20, 0x30, 0x50, 0x60
_ST = 0x02
_LDX_MEM = 0x61
_ADD_K, _ADD_X, _SUB_K, _MUL_K, _MOD_K, _OR_K, _RSH_K, _XOR_X = 0x04, 0x0C, 0x14, 0x24, 0x94, 0x44, 0x74, 0xAC
_JA, _JEQ_K, _JGT_K, _JGE_K, _JGT_X = 0x05, 0x15, 0x25, 0x35, 0x2D
_RET_A = 0x16
_TAX, _TXA = 0x07, 0x87

_HASH, _END, _OCTET, _PLACE = range(4)  # scratch memory: the hash so far; where the name ends; an octet; where it is


class Instruction(NamedTuple):
    """One classic BPF instruction; jump distances count from the next one."""

    code: int
    if_true: int = 0
    if_false: int = 0
    operand: int = 0


class _Program:
    """Instructions, with far jumps to labels that are set later (a conditional jump reaches 255 instructions only)."""

    def __init__(self) -> None:
        self._code: list[Instruction] = []
        self._labels: dict[str, int] = {}
        self._jumps: dict[int, str] = {}

    def add(self, code: int, operand: int = 0, if_true: int = 0, if_false: int = 0) -> None:
        self._code.append(Instruction(code, if_true, if_false, operand & 0xFFFFFFFF))

    def jump(self, label: str) -> None:
        self._jumps[len(self._code)] = label
        self.add(_JA)

    def label(self, name: str) -> None:
        self._labels[name] = len(self._code)

    def instructions(self) -> list[Instruction]:
        for position, label in self._jumps.items():
            self._code[position] = Instruction(_JA, 0, 0, self._labels[label] - position - 1)
        return self._code


def steering_program(n_buckets: int) -> list[Instruction]:
    """Return the program that spreads users over `n_buckets` sockets."""
    program = _Program()
    _find_user_name(program)
    _hash_user_name(program)
    _hash_authenticator(program)
    _choose_bucket(program, n_buckets)
    return program.instructions()


def _find_user_name(program: _Program) -> None:
    """X walks from attribute to attribute until User-Name, or the end."""
    program.add(_LD_ABS_BYTE, 0)
    program.add(_JEQ_K, ACCESS_REQUEST, 1, 0)
    program.jump("no name")
    program.add(_LD_IMM, HEADER_SIZE)
    program.add(_TAX)
    for _ in range(0, ATTRIBUTES_WALKED, _ATTRIBUTES_A_LANDING):
        for n_left in range(_ATTRIBUTES_A_LANDING - 1, -1, -1):
            program.add(_LD_IND_BYTE, 0)
            program.add(_JEQ_K, USER_NAME, 5 * n_left + 4, 0)  # to the landing
            program.add(_LD_IND_BYTE, 1)
            program.add(_ADD_X)
            program.add(_TAX)
        program.add(_JA, 1)  # past the landing
        program.jump("name")
    program.jump("no name")


def _hash_user_name(program: _Program) -> None:
    """FNV-1a over the octets of the value, capital letters made small; anew behind a domain, and ended by one."""
    program.label("name")
    program.add(_LD_IND_BYTE, 1)
    program.add(_ADD_X)
    program.add(_SUB_K, 2)
    program.add(_ST, _END)  # X + Length - 2: what X is behind the last octet of the name
    program.add(_LD_IMM, HASH_BASIS)
    program.add(_ST, _HASH)
    for _ in range(HASHED_OCTETS):
        _hash_octet(program)
    program.jump("mix")


def _hash_octet(program: _Program) -> None:
    """Take the octet at X + 2 into the hash, and X one further."""
    program.add(_LD_MEM, _END)
    program.add(_JGT_X, 0, 1, 0)
    program.jump("mix")
    program.add(_LD_IND_BYTE, 2)
    program.add(_JEQ_K, ord("@"), 0, 1)
    program.jump("mix")
    program.add(_JEQ_K, ord("\\"), 15, 0)
    program.add(_JEQ_K, ord("/"), 14, 0)
    program.add(_JGE_K, ord("A"), 0, 2)
    program.add(_JGT_K, ord("Z"), 1, 0)
    program.add(_OR_K, 0x20)
    program.add(_ST, _OCTET)
    program.add(_TXA)
    program.add(_ADD_K, 1)
    program.add(_ST, _PLACE)
    program.add(_LDX_MEM, _OCTET)
    program.add(_LD_MEM, _HASH)
    program.add(_XOR_X)
    program.add(_MUL_K, HASH_PRIME)
    program.add(_ST, _HASH)
    program.add(_LDX_MEM, _PLACE)
    program.add(_JA, 5)
    program.add(_LD_IMM, HASH_BASIS)  # behind a domain
    program.add(_ST, _HASH)
    program.add(_TXA)
    program.add(_ADD_K, 1)
    program.add(_TAX)


def _hash_authenticator(program: _Program) -> None:
    """The authenticator is random: one word of it is hash enough."""
    program.label("no name")
    program.add(_LD_ABS_WORD, 4)
    program.add(_ST, _HASH)


def _choose_bucket(program: _Program, n_buckets: int) -> None:
    """Mix before the modulo, as `engine.person.bucket_of` does."""
    program.label("mix")
    for shift, factor in HASH_MIX:
        program.add(_LD_MEM, _HASH)
        program.add(_RSH_K, shift)
        program.add(_TAX)
        program.add(_LD_MEM, _HASH)
        program.add(_XOR_X)
        program.add(_MUL_K, factor)
        program.add(_ST, _HASH)
    program.add(_LD_MEM, _HASH)
    program.add(_MOD_K, n_buckets)
    program.add(_RET_A)


def steer_by_user(group_member: socket.socket, n_buckets: int) -> None:
    """Attach the program to the reuseport group that this bound socket belongs to; no privilege is needed.

    Raises:
        OSError: the kernel refuses (before Linux 4.5).
    """
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in steering_program(n_buckets))
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_program = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    group_member.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, filter_program)
