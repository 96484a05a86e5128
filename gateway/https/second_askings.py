"""Calls that wait on connections which may be dead, and what is asked a second time because of that.

`gateway.https.doubts` judges those that are overdue, and this performs it: both askings go on, and the first answer
counts. With a connection that is dead go all idle ones that have not been heard of since.
"""

from typing import Final

from gateway.https.connection import HttpsConnection
from gateway.https.doubts import OVERDUE_S, Doubts, Judgement, Waiting
from gateway.https.exchange import Carrier, Exchange, ExchangeOutcome, Recipient
from gateway.https.opening import Endpoint
from gateway.https.plan import PoolPlan
from gateway.unavailable import Trouble, Unavailable

POLL_OVERDUE_S: Final = 1.5  # a long poll is looked at once, when it is so old


class SecondAskings:
    """The second askings of one pool's exchanges."""

    def __init__(self, carrier: Carrier, plan: PoolPlan[Exchange, HttpsConnection], endpoint: Endpoint) -> None:
        """Ask by way of `carrier`, whose plan and endpoint these are."""
        self._endpoint = endpoint
        self._carrier = carrier
        self._plan = plan
        self._doubts = Doubts()
        self._polls_seen_until = float("-inf")

    def look(self, now: float) -> None:
        """Look at all calls that are overdue."""
        for connection in self._plan.busy_since(now - OVERDUE_S):
            exchange = connection.exchange
            if exchange is not None and exchange.second is None:
                self._judge(exchange, connection.is_unheard(now), now)
        looked_until, self._polls_seen_until = self._polls_seen_until, now - POLL_OVERDUE_S
        for connection in self._plan.polling_since(looked_until, now - POLL_OVERDUE_S):
            exchange = connection.exchange
            if exchange is None or exchange.is_retry or not self._plan.has_room(exchange.waits_for_person):
                continue
            if connection.is_unheard(now):
                self._ask_twice(exchange, now)

    def drop(self, first: Exchange, now: float) -> None:
        """Want no answer of the second asking any more, if there is one."""
        second = first.second
        if second is not None:
            first.second = second.carrier = None
            self._carrier.take_back(second, now)

    def ended(self, first: Exchange, outcome: ExchangeOutcome, now: float) -> None:
        """Take what asking a second time has brought, before the first asking brought anything."""
        second, first.second = first.second, None
        if second is None:
            return
        if isinstance(outcome, Unavailable):
            self._failed(first, outcome, now)
            return
        self._doubts.answered_first(second.began_at)
        if first.connection is not None:
            self._carrier.take_back(first, now)
        else:
            first.wire_s += second.wire_s
            first.stalled(now)
        self._carrier.drop_idle(first.began_at)
        first.forget_deadline()
        first.carrier = None
        first.recipient.responded(outcome, now)

    def _failed(self, first: Exchange, trouble: Unavailable, now: float) -> None:
        """Let the first asking wait alone, unless there is no way any more."""
        if first.waits_for_person:  # nobody had acknowledged it, and nobody would end it for a minute
            self._carrier.take_back(first, now)
        elif first.connection is not None:
            return
        first.stalled(now)
        self._carrier.fail(first, trouble)

    def _judge(self, exchange: Exchange, is_unheard: bool, now: float) -> None:
        waiting = Waiting(
            exchange.began_at,
            exchange.deadline,
            exchange.is_repeatable,
            exchange.is_question,
            exchange.is_retry,
            is_unheard,
        )
        judgement = self._doubts.judge(waiting, now)
        if is_unheard:
            self._carrier.drop_idle(exchange.began_at)
        if judgement is Judgement.GIVE_UP:
            self._give_up(exchange, now)
        elif judgement is not Judgement.WAIT and exchange.is_retry:
            self._carrier.take_back(exchange, now)
            self._carrier.send_anew(exchange, now)
        elif judgement is not Judgement.WAIT and self._plan.has_room(exchange.waits_for_person):
            if judgement is Judgement.ASK_ANEW:
                exchange.recipient.asked_anew(now)
            self._ask_twice(exchange, now)

    def _ask_twice(self, exchange: Exchange, now: float) -> None:
        """Ask the same on a new connection, too: the first answer counts."""
        exchange.second = second = Exchange(
            exchange.octets,
            exchange.deadline,
            _First(self, exchange),
            is_repeatable=True,
            is_question=exchange.is_question,
            waits_for_person=exchange.waits_for_person,
        )
        exchange.is_retry = second.is_retry = True
        second.asked_at = now
        second.carrier = self._carrier
        self._doubts.asked_twice(now)
        self._carrier.send_anew(second, now)

    def _give_up(self, exchange: Exchange, now: float) -> None:
        """Let a call fail that nobody has acknowledged, and that must not be asked again."""
        self._carrier.take_back(exchange, now)
        text = f"no sign of life from {self._endpoint} for {now - exchange.began_at:.1f} s"
        self._carrier.fail(exchange, Unavailable(Trouble.TIMEOUT, text, may_have_acted=True))


class _First(Recipient):
    """The recipient of a second asking: the first one."""

    __slots__ = ("_askings", "_first")

    def __init__(self, askings: SecondAskings, first: Exchange) -> None:
        self._askings = askings
        self._first = first

    def responded(self, outcome: ExchangeOutcome, now: float) -> None:
        """Take what came of it."""
        self._askings.ended(self._first, outcome, now)

    def asked_anew(self, now: float) -> None:
        """Hear nothing: it is asked once."""
