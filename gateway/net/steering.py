"""Steer all packets of one user to one worker, in the kernel, whatever port, address or Identifier they come from.

A classic BPF program is attached to each group of SO_REUSEPORT sockets. It sees the UDP payload from offset 0, walks
the RADIUS attributes to User-Name, hashes up to 64 octets of the name, ASCII letters lower-cased, and returns the
hash modulo the number of slots: the index of a socket in the order in which they were bound. Without a User-Name it
hashes the Request Authenticator, so that a retransmission still meets its original. Duplicate detection, joined
logins and limits per user then need no shared table.

Classic BPF has no loops and only jumps forward, so both walks are unrolled. A load past the end of the packet ends
the program with 0: malformed datagrams meet at slot 0. A result that is no socket falls back to the kernel's own
hash.
"""

import ctypes
import socket
import struct
from typing import NamedTuple

from gateway.radius.dictionary import HEADER_SIZE, USER_NAME

SO_ATTACH_REUSEPORT_CBPF = 51  # asm-generic/socket.h
MAX_ATTRIBUTES_WALKED = 64
MAX_OCTETS_HASHED = 64

# linux/bpf_common.h and linux/filter.h
_LD_IMM, _LD_LEN, _LD_ABS_WORD, _LD_IND_BYTE, _LD_MEM = 0x00, 0x80, 0x20, 0x50, 0x60
_ST = 0x02
_LDX_MEM = 0x61
_ADD_K, _ADD_X, _SUB_K, _MUL_K, _MOD_K, _OR_K, _RSH_K, _XOR_X = 0x04, 0x0C, 0x14, 0x24, 0x94, 0x44, 0x74, 0xAC
_JA, _JEQ_K, _JGT_K, _JGE_K, _JGT_X = 0x05, 0x15, 0x25, 0x35, 0x2D
_RET_A = 0x16
_TAX, _TXA = 0x07, 0x87

_HASH, _END = 0, 1  # scratch memory: the hash so far; where the name ends
_PRIME = 0x01000193  # FNV-1a's


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


def steering_program(slots: int) -> list[Instruction]:
    """Return the program that spreads users over `slots` sockets."""
    program = _Program()
    _find_user_name(program)
    _hash_user_name(program)
    _hash_authenticator(program)
    _choose_slot(program, slots)
    return program.instructions()


def _find_user_name(program: _Program) -> None:
    """X walks from attribute to attribute until User-Name, or the end."""
    program.add(_LD_IMM, HEADER_SIZE)
    program.add(_TAX)
    for _ in range(MAX_ATTRIBUTES_WALKED):
        program.add(_LD_LEN)
        program.add(_JGT_X, 0, 1, 0)  # is X still inside the packet?
        program.jump("no name")
        program.add(_LD_IND_BYTE, 0)
        program.add(_JEQ_K, USER_NAME, 0, 1)
        program.jump("name")
        program.add(_LD_IND_BYTE, 1)
        program.add(_ADD_X)
        program.add(_TAX)
    program.jump("no name")


def _hash_user_name(program: _Program) -> None:
    """FNV-1a over the octets of the value, capital letters made small."""
    program.label("name")
    program.add(_LD_IND_BYTE, 1)
    program.add(_ADD_X)
    program.add(_ST, _END)  # X + Length: the offset behind the attribute
    program.add(_LD_IMM, 0x811C9DC5)
    program.add(_ST, _HASH)
    for _ in range(MAX_OCTETS_HASHED):
        program.add(_LD_MEM, _END)
        program.add(_SUB_K, 2)
        program.add(_JGT_X, 0, 1, 0)  # is there another octet at X + 2?
        program.jump("mix")
        program.add(_LD_IND_BYTE, 2)
        program.add(_JGE_K, ord("A"), 0, 2)
        program.add(_JGT_K, ord("Z"), 1, 0)
        program.add(_OR_K, 0x20)
        program.add(_ST, 2)
        program.add(_TXA)
        program.add(_ADD_K, 1)
        program.add(_ST, 3)
        program.add(_LDX_MEM, 2)
        program.add(_LD_MEM, _HASH)
        program.add(_XOR_X)
        program.add(_MUL_K, _PRIME)
        program.add(_ST, _HASH)
        program.add(_LDX_MEM, 3)
    program.jump("mix")


def _hash_authenticator(program: _Program) -> None:
    """The Request Authenticator is random: one word of it is hash enough."""
    program.label("no name")
    program.add(_LD_ABS_WORD, 4)
    program.add(_ST, _HASH)


def _choose_slot(program: _Program, slots: int) -> None:
    """Mix before the modulo: without it four slots of 8,000 packets got 3520, 2720, 960 and 800."""
    program.label("mix")
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        program.add(_LD_MEM, _HASH)
        program.add(_RSH_K, shift)
        program.add(_TAX)
        program.add(_LD_MEM, _HASH)
        program.add(_XOR_X)
        program.add(_MUL_K, factor)
        program.add(_ST, _HASH)
    program.add(_LD_MEM, _HASH)
    program.add(_MOD_K, slots)
    program.add(_RET_A)


def steer_by_user(group_member: socket.socket, slots: int) -> None:
    """Attach the program to the reuseport group that this bound socket belongs to; no privilege is needed.

    Raises:
        OSError: the kernel refuses (before Linux 4.5).
    """
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in steering_program(slots))
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_program = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    group_member.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, filter_program)
