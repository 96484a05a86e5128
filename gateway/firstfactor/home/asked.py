"""A question under way."""

from mypy_extensions import mypyc_attr

from gateway.engine.first_factor import CheckFirstFactor
from gateway.firstfactor.complaints import NO_COMPLAINTS, in_vain
from gateway.firstfactor.home.ports import Request
from gateway.firstfactor.home.server import HomeServer
from gateway.firstfactor.home.states import ASKED_TRANSITIONS, NEW, AskedState
from gateway.unavailable import Trouble, Unavailable
from gateway.words.first_factors import REPLY_DISCARDS, ReplyDiscard


@mypyc_attr(allow_interpreted_subclasses=True)
class Asked(Request):
    """A question, and its request at the home server that is asked at present.

    Attributes:
        state: how far it is.
        server: which is asked, or waited for.
        servers: which may be asked, in order.
        tried: the bits of those that have been chosen.
        deadline: when it ends at the latest.
        due_at: when something is to be done about it.
        asked_at: since when its answer is waited for.
        complaints: what was wrong with each home server, by its index.
        trouble: the kind of the last one; None if there is none.
        doubted: why the last reply to it was not believed, at the home server that is asked; None if none has come.
    """

    __slots__ = (
        "asked_at", "complaints", "deadline", "doubted", "due_at", "question", "server", "servers", "state", "tried",
        "trouble",
    )  # fmt: skip

    def __init__(self, question: CheckFirstFactor) -> None:
        super().__init__()
        self.question = question
        self.state = NEW
        self.server: HomeServer | None = None
        self.servers: tuple[HomeServer, ...] = ()
        self.tried = 0
        self.deadline = 0.0
        self.due_at = 0.0
        self.asked_at = 0.0
        self.complaints = NO_COMPLAINTS
        self.trouble: Trouble | None = None
        self.doubted: ReplyDiscard | None = None

    def move(self, state: AskedState) -> None:
        """Take the next state.

        Raises:
            ValueError: it cannot follow.
        """
        if state not in ASKED_TRANSITIONS[self.state]:
            raise ValueError(f"{state} cannot follow {self.state}")
        self.state = state

    def complain(self, server: HomeServer, text: str, trouble: Trouble) -> None:
        """Note why a home server did not answer, for the administrator."""
        self.trouble = trouble
        self.complaints = {**self.complaints, server.index: (f"{server.name} {text}", trouble)}

    def in_vain(self) -> Unavailable:
        """Return why nobody has answered: all that was noted, in the order of the home servers."""
        trouble = self.trouble
        for server in self.servers:
            if server.is_lost and server.index not in self.complaints:
                self.complain(server, "cannot be resolved", Trouble.DNS)
        doubted = self.doubted if trouble is Trouble.BAD_ANSWER else None
        remedy = REPLY_DISCARDS[doubted].remedy if doubted is not None else ""
        return in_vain(self.complaints, trouble or self.trouble, remedy)

    def __repr__(self) -> str:
        return f"<Asked {self.state} n_sent={self.n_sent} server={self.server}>"
