"""What a login carries where a first factor comes before Duo: how far that is, and how it ends for this NAS."""

from typing import TYPE_CHECKING, Final, final

from mypy_extensions import mypyc_attr

from gateway.engine.verdict import REJECT, Verdict
from gateway.radius.attributes import attributes_in
from gateway.radius.dictionary import EAP_MESSAGE
from gateway.values import Value

if TYPE_CHECKING:
    from gateway.duoapi.calls import Device
    from gateway.engine.challenges.challenger import Taken
    from gateway.engine.first_factor import CheckFirstFactor
    from gateway.engine.modes.asked import Asked
    from gateway.engine.passed_on import PassedOn
    from gateway.engine.typed_factor import TypedFactor

_EAP: Final = bytes((EAP_MESSAGE,))


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Told(Value):
    """What the log says of a first factor's answer, beside the verdict.

    Attributes:
        took_s: how long it took.
        ad_code: Active Directory's own word for why it has refused, such as `52e`; empty for none.
        host: which has answered; empty if none has.
    """

    __slots__ = ("ad_code", "host", "took_s")

    def __init__(self, took_s: float, ad_code: str = "", host: str = "") -> None:
        self.took_s = took_s
        self.ad_code = ad_code
        self.host = host


@final
class Answering:
    """The answer to a challenge: what was typed, and what its State says."""

    __slots__ = ("asked", "taken")

    def __init__(self, asked: "Asked", taken: "Taken") -> None:
        self.asked = asked
        self.taken = taken

    def __repr__(self) -> str:
        """Hide what was typed."""
        return "<Answering>"


@final
@mypyc_attr(free_list_len=1)
class Primary:
    """The first factor of one login, "primary authentication" in Duo's words.

    Attributes:
        typed: the second factor that was typed behind the password; None for none.
        reading: how the two were told apart, for administrators; empty where nothing was.
        digest: of that password, for a challenge's State; empty if there is none, or it is not known.
        question: that is put to the first factor; None before, and once it is answered or given up.
        accepted: what the home server has said for the NAS; None before, and where it is no home server.
        refusal: attributes by which the NAS's own protocol, EAP or MS-CHAP, hears of a rejection; empty for others.
        can_be_asked: the person can answer a challenge of ours: the NAS has sent a password.
        proves: the credentials can be right; of those that cannot, an EAP-Start, no accept counts.
        has_own_name: they may be those of somebody else than the User-Name says.
        menu: what the person has chosen from; empty before.
        asks_after_sms: once Duo has sent passcodes the person is asked for one.
        told: what the log says of the first factor's answer; None before.
        was_told_to_enrol: a challenge has told the person where.
        answering: what was answered to a challenge, while the fleet is asked about its State; else None.
        again_s: see `fleetapi.questions.Claim`.
    """

    __slots__ = (
        "accepted",
        "again_s",
        "answering",
        "asks_after_sms",
        "can_be_asked",
        "digest",
        "has_own_name",
        "menu",
        "proves",
        "question",
        "reading",
        "refusal",
        "told",
        "typed",
        "was_told_to_enrol",
    )

    def __init__(
        self, refusal: bytes = b"", *, can_be_asked: bool = True, proves: bool = True, has_own_name: bool = False
    ) -> None:
        self.refusal = refusal
        self.has_own_name = has_own_name
        self.can_be_asked = can_be_asked
        self.proves = proves
        self.menu: tuple[Device, ...] = ()
        self.asks_after_sms = self.was_told_to_enrol = False
        self.digest = b""
        self.reading = ""
        self.typed: TypedFactor | None = None
        self.question: CheckFirstFactor | None = None
        self.accepted: PassedOn | None = None
        self.told: Told | None = None
        self.answering: Answering | None = None
        self.again_s = 0.0

    @property
    def speaks_eap(self) -> bool:
        """Whether the NAS talks EAP with the user's machine, in many rounds."""
        return self.refusal[:1] == _EAP

    def forget(self) -> None:
        """Forget the password: the question is answered, or given up."""
        self.answering = None
        if self.question is not None:
            self.question.forget()
            self.question = None

    def ends(self, verdict: Verdict) -> None:
        """Give a verdict what only this login's NAS gets, and forget what was typed."""
        self.forget()
        self.typed = None
        if verdict.is_accept:
            verdict.passed_on = self.accepted
        elif verdict.outcome is REJECT and self.refusal:
            said = {each.kind for each in attributes_in(verdict.attributes)}
            if all(each.kind not in said for each in attributes_in(self.refusal)):
                verdict.attributes += self.refusal

    def __repr__(self) -> str:
        """Hide what was typed, and what the home server has said."""
        return f"<Primary is_asked={self.question is not None} is_accepted={self.accepted is not None}>"
