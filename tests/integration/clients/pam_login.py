"""A program that logs in by PAM, as sshd does: FOLDER SERVICE USER RHOST, on standard input a line for each prompt.

What it is asked beyond these is answered with the last one. Its exit status is PAM's verdict.
"""

import ctypes
import sys

SUCCESS, RHOST = 0, 4
ECHO_OFF, ECHO_ON = 1, 2

libc = ctypes.CDLL(None)
libc.strdup.restype = ctypes.c_void_p
libc.calloc.restype = ctypes.c_void_p
libpam = ctypes.CDLL("libpam.so.0")


class Message(ctypes.Structure):
    _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]


class Response(ctypes.Structure):
    _fields_ = [("text", ctypes.c_void_p), ("unused", ctypes.c_int)]


CONVERSE = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_int,
    ctypes.POINTER(ctypes.POINTER(Message)),
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.c_void_p,
)


class Conversation(ctypes.Structure):
    _fields_ = [("converse", CONVERSE), ("data", ctypes.c_void_p)]


@CONVERSE
def converse(n, messages, responses, _data):
    """Answer prompts with what was typed; libpam frees what it gets."""
    responses[0] = libc.calloc(n, ctypes.sizeof(Response))
    for index in range(n):
        if messages[index][0].style in (ECHO_OFF, ECHO_ON):
            answer = Response.from_address(responses[0] + index * ctypes.sizeof(Response))
            answer.text = libc.strdup(typed.pop(0) if len(typed) > 1 else typed[0])
    return SUCCESS


folder, service, user, rhost = (each.encode() for each in sys.argv[1:])
typed = sys.stdin.buffer.read().splitlines()
handle = ctypes.c_void_p()
conversation = Conversation(converse, None)
assert libpam.pam_start_confdir(service, user, ctypes.byref(conversation), folder, ctypes.byref(handle)) == SUCCESS
libpam.pam_set_item(handle, RHOST, rhost)
status = libpam.pam_authenticate(handle, 0)
libpam.pam_end(handle, status)
sys.exit(status)
