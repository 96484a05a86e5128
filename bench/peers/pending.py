"""How many pushes a peer holds at once: many people are asked in one instant, and each takes two seconds to answer.

Who holds them all answers all in one go. Who holds fewer (a thread for each that waits) answers some, and the next ones
as much later as the first: those are not counted.
"""

import select
import socket
import time

from bench.peers.driver import request, verdict
from gateway.radius.dictionary import Code

PUSH = b"push"
N_LOGINS = 200  # of the 256 Identifiers of one port
APPROVAL_S = 2.0
_AFTER_FIRST_S = 0.9 * APPROVAL_S  # whoever had to wait for another one's answer comes later
_PATIENCE_S = 10.0  # for the first reply
_USERS = 900_000  # from here on: nobody who logged in before


def pushes_held(port: int, n_logins: int = N_LOGINS) -> int:
    """Return how many of so many pushes, asked for at once and each of another user, were held at once.

    Raises:
        DriverError: a reply was not to be believed.
    """
    requests = [request(number, _USERS + number, PUSH) for number in range(n_logins)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(("127.0.0.1", port))
        for each in requests:
            udp.send(each)
        replies = _receive(udp, n_logins)
    return sum(verdict(reply, requests[reply[1]][4:20]) is Code.ACCESS_ACCEPT for reply in replies)


def _receive(udp: socket.socket, n_replies: int) -> list[bytes]:
    """Return the replies that come together with the first one."""
    replies: list[bytes] = []
    deadline = time.monotonic() + _PATIENCE_S
    while len(replies) < n_replies and (left_s := deadline - time.monotonic()) > 0:
        if select.select([udp], [], [], left_s)[0]:
            replies.append(udp.recv(4096))
            if len(replies) == 1:
                deadline = time.monotonic() + _AFTER_FIRST_S
    return replies
