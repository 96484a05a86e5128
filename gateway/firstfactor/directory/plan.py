"""How the directory of one section is asked, without any I/O.

Rules:

- In the order of the section, hosts that do not answer last. A question goes to the next one when this one cannot be
  reached, cannot search, or does not answer in its share of the time; and nowhere else after a user's bind was
  answered: a refusal is final.
- A password leaves once. Only if nobody knows what became of it, because the connection was lost or the host said
  nothing, or if the host has no time for it, it leaves once more, at the next host: directories count wrong passwords,
  and lock accounts out.
- The hosts that are left share what is left of a question's time.
- A host that fails rests for `watch.REST_S`, and is looked at until it answers a search; others are asked first. What
  waits for a place there turns to another one.
- `max_in_flight` questions have a place at one host at a time; more wait, within their time.

Each input returns the effects that follow, in their order. Instants are monotonic seconds.
"""

import math
from collections.abc import Iterable
from typing import Final

from gateway.engine.first_factor import Accepted, Answer, Refused
from gateway.firstfactor.directory.account import AccountRules, account_of
from gateway.firstfactor.directory.binder import Binder, ServiceAccount
from gateway.firstfactor.directory.binds import BindOwner, Binds
from gateway.firstfactor.directory.choosing import choose, n_left
from gateway.firstfactor.directory.effects import Effect
from gateway.firstfactor.directory.host import Asked, Connection, Host, Limits
from gateway.firstfactor.directory.outcomes import (
    NO_HOST,
    NO_OCTETS,
    group_unseen,
    missing,
    of_search,
    said_of,
    why_not_asked,
)
from gateway.firstfactor.directory.search import Found, Lookup, Missing, SearchRules, Step
from gateway.firstfactor.directory.searches import Searches, SearchOwner
from gateway.firstfactor.directory.session import Bound, Ended, GoOn, Heard, Searched
from gateway.firstfactor.directory.states import BINDING, CLOSED, ENDED, SEARCHING, WAITING
from gateway.firstfactor.directory.switchboard import Switchboard
from gateway.firstfactor.directory.watch import Watch
from gateway.firstfactor.host_states import UP
from gateway.ldap.responses import Result
from gateway.ldap.results import SIZE_LIMIT
from gateway.unavailable import Trouble, Unavailable

MAX_BINDS: Final = 2

_NO_NAME: Final = "it is none of name, DOMAIN\\name and name@domain"
_OF_THE_HOST: Final = (Trouble.CONFIGURATION, Trouble.BUSY)  # of a search; the rest may be of who was searched for


class DirectoryPlan(SearchOwner, BindOwner):
    """All questions to the hosts of one section.

    Args:
        hosts: in the order of the section.
        limits: how they are asked.
        names, rules: what user names mean, and what is demanded of users.
        account: who searches.
        binder: how binds are put.
    """

    def __init__(
        self,
        hosts: Iterable[Host],
        limits: Limits,
        names: AccountRules,
        rules: SearchRules,
        account: ServiceAccount | None,
        binder: Binder,
    ) -> None:
        self._hosts = tuple(hosts)
        self._limits = limits
        self._names = names
        self._rules = rules
        self._is_ntlm = binder.manner.is_ntlm
        self._board = Switchboard()
        self._searches = Searches(
            self._board,
            self,
            binder,
            account,
            rules.base,
            patience_s=limits.timeout_s / max(1, len(self._hosts)),
            time_limit_s=math.ceil(limits.timeout_s),
        )
        self._watch = Watch(self._board, self._searches)
        self._binds = Binds(self._board, self, binder, limits.max_in_flight)

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The hosts, in order."""
        return self._hosts

    @property
    def next_timer(self) -> float | None:
        """When `timer` is to be called."""
        return self._board.timers.next

    # What who asks says.

    def start(self, now: float) -> list[Effect]:
        """Open what searches need: the first login need not wait for it."""
        self._searches.start(self._hosts, now)
        return self._board.take()

    def ask(self, asked: Asked, now: float) -> list[Effect]:
        """Ask; `Answered` comes once, perhaps at once, unless the question is cancelled."""
        question = asked.question
        asked.asked_at = now
        asked.deadline = now + self._limits.timeout_s
        if question.deadline:
            asked.deadline = min(asked.deadline, question.deadline)
        asked.account = account = account_of(question.user_name, self._names)
        why_not = why_not_asked(question.password, is_ntlm=self._is_ntlm)
        if why_not is not None:
            self._end(asked, why_not, now)
        elif account is None:
            self._end(asked, missing(Missing.UNKNOWN, NO_HOST, _NO_NAME), now)
        elif asked.deadline <= now:
            self._end(asked, Unavailable(Trouble.TIMEOUT, "no time is left to ask"), now)
        else:
            asked.lookup = Lookup(account, self._rules)
            self._go_on(asked, now)
        return self._board.take()

    def cancel(self, asked: Asked, now: float) -> list[Effect]:
        """Want no answer any more."""
        if asked.state is not ENDED:
            self._finish(asked, now)
        return self._board.take()

    # What the network says.

    def opened(self, number: int, channel_bindings: bytes, now: float) -> list[Effect]:
        """Hear that a connection is open; `channel_bindings` are those of its TLS, empty without."""
        connection = self._board.connections.get(number)
        if connection is not None:
            connection.channel_bindings = channel_bindings
            connection.heard_at = now
            if connection.is_service:
                self._searches.opened(connection, now)
            else:
                self._binds.opened(connection, now)
        return self._board.take()

    def failed(self, number: int, trouble: Unavailable, now: float) -> list[Effect]:
        """Hear that a connection could not be opened."""
        connection = self._board.connections.get(number)
        if connection is not None:
            self._board.forget(connection, now)
            if connection.is_service:
                self._searches.failed(connection.host, trouble, now)
            else:
                self._binds.failed(connection.host, trouble, now)
        return self._board.take()

    def received(self, number: int, octets: bytes, now: float) -> list[Effect]:
        """Take octets that came on a connection."""
        connection = self._board.connections.get(number)
        if connection is not None:
            for heard in connection.received(octets, now):
                self._heard(connection, heard, now)
                if connection.state is CLOSED:
                    break
        return self._board.take()

    def lost(self, number: int, text: str, now: float, *, is_unsent: bool = False) -> list[Effect]:
        """Hear that a connection has ended; `is_unsent`: before anything of what was to be sent last had left."""
        connection = self._board.connections.get(number)
        if connection is not None:
            state = connection.state
            self._board.forget(connection, now)
            if connection.is_service:
                self._searches.lost(connection, state, text, Trouble.CLOSED, now)
            else:
                self._binds.lost(connection, text, Trouble.CLOSED, now, is_unsent=is_unsent)
        return self._board.take()

    def timer(self, now: float) -> list[Effect]:
        """Do what is due."""
        self._board.timers.run(now)
        return self._board.take()

    # What searches and binds say.

    def search_failed(self, asked: Asked, text: str, trouble: Trouble, now: float) -> None:
        """Turn to the next host."""
        self._turn(asked, text, trouble, now)

    def bind_failed(self, asked: Asked, text: str, trouble: Trouble, now: float) -> None:
        """Turn to the next host: no password has left."""
        self._turn(asked, text, trouble, now)

    def bind_lost(self, asked: Asked, text: str, trouble: Trouble, now: float) -> None:
        """Bind once more at the next host, but not a third time. Who comes later need not lose a try here, too."""
        if asked.host is not None:
            self.host_failed(asked.host, text, trouble, now)
        self._turn(asked, text, trouble, now)

    def bound(self, asked: Asked, result: Refused | Unavailable | None, now: float) -> None:
        """End: the directory has looked at the password, or will not. Where it has no time for it, another host may."""
        host = asked.host
        if host is None:
            return
        if isinstance(result, Unavailable) and result.trouble is Trouble.BUSY:
            self.host_failed(host, result.detail, result.trouble, now)
            self._turn(asked, result.detail, result.trouble, now)
            return
        self._watch.is_back(host, now)
        if result is None:
            self._end(asked, Accepted(NO_OCTETS, host.name, None), now)
        elif isinstance(result, Refused):
            self._end(asked, result, now)
        else:
            asked.complain(host, result.detail, result.trouble)
            self._end(asked, asked.in_vain(self._hosts), now)

    def host_heard(self, host: Host, now: float) -> None:
        """Note that a host searches."""
        self._watch.searched(host, now)

    def host_failed(self, host: Host, text: str, trouble: Trouble, now: float) -> None:
        """Let a host rest; whoever waits for a place there turns to one that answers."""
        self._watch.failed(host, text, trouble, now)
        for asked in tuple(host.line):
            if self.has_better(asked, now):
                self._turn(asked, text, trouble, now)

    def has_better(self, asked: Asked, now: float) -> bool:
        """Whether a question may go to a host that answers as far as is known, other than its own."""
        other = choose(asked, self._hosts, now)
        return other is not None and other.state is UP

    # Where a question goes.

    def _go_on(self, asked: Asked, now: float) -> None:
        """Turn to the next host; end if there is none, or no time, or no bind left."""
        host = choose(asked, self._hosts, now)
        if host is None or now >= asked.deadline or asked.n_proven >= MAX_BINDS:
            self._end(asked, asked.in_vain(self._hosts), now)
            return
        asked.due_at = now + (asked.deadline - now) / n_left(asked, self._hosts)
        asked.host = host
        asked.tried |= 1 << host.index
        self._board.turn(asked, host)
        asked.is_renewed = False
        self._board.timers.at(asked.due_at, self._due, asked)
        if host.n_out < self._limits.max_in_flight:
            self._begin(asked, host, now)
        else:
            asked.move(WAITING)
            asked.step_at = now
            host.line[asked] = None

    def _begin(self, asked: Asked, host: Host, now: float) -> None:
        """Take a place at a host, and do there what is still to be done."""
        host.n_out += 1
        asked.sent_at = now
        if asked.found is None:
            asked.move(SEARCHING)
            self._searches.put(asked, host, now)
        else:
            asked.move(BINDING)
            self._binds.put(asked, host, now)

    def _fill(self, host: Host, now: float) -> None:
        """Let those who wait have the places that are free, the longest waiting first."""
        if host.is_filling:  # somebody who got a place has ended at once
            return
        host.is_filling = True
        while host.line and host.n_out < self._limits.max_in_flight:
            asked, _ = host.line.popitem(last=False)
            self._begin(asked, host, now)
        host.is_filling = False

    def _turn(self, asked: Asked, text: str, trouble: Trouble, now: float) -> None:
        """Leave a host for the next one, and say why."""
        host = asked.host
        if host is not None:
            asked.complain(host, text, trouble)
            self._leave(asked, now)
            self._go_on(asked, now)
            self._fill(host, now)

    def _leave(self, asked: Asked, now: float, *, is_silent: bool = False) -> None:
        """Give up what a question has at its host."""
        host, asked.host = asked.host, None
        if host is None:
            return
        if asked.state is WAITING:
            host.line.pop(asked, None)
            return
        host.n_out -= 1
        if asked.state is SEARCHING:
            self._searches.give_up(asked, host, now, is_silent=is_silent)
        else:
            self._binds.give_up(asked, host, now)

    # What an answer says.

    def _heard(self, connection: Connection, heard: Heard, now: float) -> None:
        if isinstance(heard, Searched):
            self._search_ended(connection, heard, now)
        elif isinstance(heard, Bound):
            if connection.is_service:
                self._searches.bound(connection, heard.result, now)
            else:
                self._binds.answered(connection, heard.result, now)
        elif isinstance(heard, GoOn):
            if connection.is_service:
                self._board.send(connection, heard.octets)
            else:
                self._binds.goes_on(connection, heard.octets)
        else:
            self._cannot_go_on(connection, heard, now)

    def _search_ended(self, connection: Connection, heard: Searched, now: float) -> None:
        connection.is_kept = True
        if heard.searching is connection.check:
            self._searches.checked(connection, heard.result, now)
        elif isinstance(heard.searching, Asked):
            self._searched(heard.searching, heard.result, now)

    def _searched(self, asked: Asked, result: Result, now: float) -> None:
        """Take what a search has found: somebody, nobody, or what to search for next."""
        host, lookup = asked.host, asked.lookup
        if host is None or lookup is None:
            return
        asked.connection = None
        password = self._searches.password
        trouble = of_search(result, password)
        is_mistake = trouble is not None and trouble.trouble is Trouble.CONFIGURATION
        if is_mistake and lookup.step is Step.MEMBER:
            self._end(asked, group_unseen(said_of(result, password), host.name), now)
            return
        if trouble is not None:
            if trouble.trouble in _OF_THE_HOST:
                self.host_failed(host, trouble.detail, trouble.trouble, now)
            self._turn(asked, trouble.detail, trouble.trouble, now)
            return
        self.host_heard(host, now)
        found = lookup.answered(asked.entries, has_more=result.code == SIZE_LIMIT)
        asked.entries = []
        if found is None:
            self._searches.put(asked, host, now)
        elif isinstance(found, Found):
            asked.found = found
            asked.is_renewed = False
            asked.move(BINDING)
            self._binds.put(asked, host, now)
        else:
            self._end(asked, missing(found, host.name, lookup.why(password)), now)

    def _cannot_go_on(self, connection: Connection, ended: Ended, now: float) -> None:
        state = connection.state
        self._board.close(connection, now)
        trouble = Trouble.CLOSED if ended.is_notice else Trouble.BAD_ANSWER
        asked = connection.asked
        if connection.is_service:
            text = ended.told(self._searches.password)
            self._searches.lost(connection, state, text, trouble, now, ended.to_blame)
        else:
            text = ended.told(asked.question.password if asked is not None else None)
            self._binds.lost(connection, text, trouble, now)

    # What time says.

    def _due(self, asked: Asked, now: float) -> None:
        """Leave a host whose share of the time is over; an earlier instant of a question may have been overtaken."""
        host = asked.host
        if asked.state is ENDED or now < asked.due_at or host is None:
            return
        if asked.state is WAITING:
            self._turn(asked, f"has {host.n_out} questions of ours already", Trouble.BUSY, now)
            return
        text = "did not answer in time" if asked.connection is not None else "has had no connection for us in time"
        if host.heard_at <= asked.step_at:
            self.host_failed(host, text, Trouble.TIMEOUT, now)
        asked.complain(host, text, Trouble.TIMEOUT)
        self._leave(asked, now, is_silent=True)
        self._go_on(asked, now)
        self._fill(host, now)

    # How a question ends.

    def _end(self, asked: Asked, result: Answer | Unavailable, now: float) -> None:
        self._board.answer(asked, result)
        self._finish(asked, now)

    def _finish(self, asked: Asked, now: float) -> None:
        """End a question, whatever comes for it now."""
        host = asked.host
        self._leave(asked, now)
        asked.move(ENDED)
        asked.question.forget()
        if host is not None:
            self._fill(host, now)
