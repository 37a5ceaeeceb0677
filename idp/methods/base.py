"""What a method is: it begins a challenge and verifies an answer, and may enrol a credential.

Not here: throttling, audit, sessions and "which methods may be used" (`login/flow.py`, `policy.py`).
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol, TypeAlias, TypeGuard, cast, runtime_checkable

from idp.attestation_policy import Demand
from idp.effects import Instant
from idp.errors import Reason
from idp.models.approvals import Occasion
from idp.models.methods import MethodFacts, Proof
from idp.models.people import Credential, Identity, User
from idp.models.upstreams import Assertion, Leaving, Upstream, Wanted
from idp.storage.work import Work

LABEL_AT_MOST = 60
"""Characters of the name that an owner gives to one of several credentials."""

Answer: TypeAlias = Mapping[str, str]
"""Form fields as posted."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose answer is checked: the user and all their credentials, as read before the check."""

    user: User
    credentials: Sequence[Credential]
    demands: tuple[Demand, ...] = ()
    """On the keys this person may set up."""
    on_shared_computer: bool = False
    """What is set up must be carried away by its owner, not stay in the computer."""

    def of(self, method: str) -> list[Credential]:
        return [c for c in self.credentials if c.method == method and c.spent_at is None]


@dataclass(frozen=True, slots=True)
class Challenge:
    """`page` is what the person sees; `state` stays with the server between begin and verify, never on a
    page.
    """

    page: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Verified:
    credential_id: str
    remaining: int | None = None
    """For methods that use themselves up: how many are left."""
    user_verified: bool = False
    """The device itself made sure of who holds it."""
    user_id: str = ""
    """Whose answer it was, where nobody knew before (`Delegated`, `Negotiating`)."""
    reply: str = field(default="", repr=False)
    """What the browser is to be told in turn (`Negotiating`)."""
    at: Instant | None = None
    """When it was proved, if that was earlier and somewhere else."""
    multi_factor: bool = False
    """Somebody who is believed says that it took two factors."""

    def proof_by(self, method: str, now: Instant, *, instead_of: str = "") -> Proof:
        at = now if self.at is None else min(self.at, now)
        return Proof(
            method,
            at,
            user_verified=self.user_verified,
            credential_id=self.credential_id,
            instead_of=instead_of,
            multi_factor=self.multi_factor,
        )


@dataclass(frozen=True, slots=True)
class Pending:
    """Not yet; ask again."""

    page: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Renewal:
    """The secret is over, and its owner may give it a successor: at `url`, or by the same method with
    `new_password` and `new_password_again` besides.
    """

    method: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Away:
    """Whoever was to be asked outside gives no answer. `own_secret`: meanwhile one that is kept here counts
    (`Yielding`).
    """

    own_secret: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    reason: Reason
    counted: bool = True
    """False: it was nobody's guess, and costs no attempt."""
    renewal: Renewal | None = None
    away: Away | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Somebody proved who they are to a source outside, and is linked to nobody here. Only `subject`, which
    the source never gives twice, says who that is.

    `matched`: what the source's `rule` compares, as it stands there, of exactly one of its people; empty: by
    the rule they are known to nobody. `names`: what they are called there, for people to read, and so that
    nobody else is given such a name. `refused`: their secret is right, and over. `by_itself`: their computer
    did it, and nobody asked it to. `reply`: as in `Verified`.
    """

    source: str
    subject: str
    method: str
    rule: str
    matched: str = field(default="", repr=False)
    given_name: str = field(default="", repr=False)
    family_name: str = field(default="", repr=False)
    names: tuple[str, ...] = field(default=(), repr=False)
    refused: Rejected | None = None
    by_itself: bool = False
    reply: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Enrolled:
    credential: Credential = field(repr=False)
    show_once: Sequence[str] = ()
    """Secrets the person must write down now; never readable again."""
    for_browser: str = field(default="", repr=False)
    """A token for the browser in which it was set up to keep, in place of the one it had."""


Outcome: TypeAlias = Verified | Pending | Rejected
Proved: TypeAlias = Outcome | Arrived
"""What comes of an answer for nobody yet (`Delegated`, `Negotiating`)."""


class Method(Protocol):
    """Its pages are `templates/methods/<id>.html` and, when a person may set it up, `<id>_enrol.html`."""

    facts: MethodFacts
    label: str
    """What people call it; an English message to translate, like `description`."""
    description: str

    def begin(self, subject: Subject) -> Challenge: ...

    def verify(self, work: Work, subject: Subject | None, challenge: Challenge, answer: Answer) -> Proved:
        """Checks and consumes in one act.

        Does slow work before it touches `work`, since that begins the transaction. `subject` is None for an
        unknown user: the same work is done for nobody and Rejected returned. Of whoever comes out as
        Arrived nothing was kept.
        """
        ...

    def is_enrolled(self, subject: Subject) -> bool: ...

    def begin_enrolment(self, subject: Subject) -> Challenge: ...

    def enrol(
        self, work: Work, subject: Subject, challenge: Challenge, answer: Answer
    ) -> Enrolled | Rejected:
        """Stores the credential when the answer proves it works."""
        ...


@runtime_checkable
class Recognising(Method, Protocol):
    """A method whose answer says itself who gives it, so that nobody need type a name."""

    def claimed_user(self, work: Work, answer: Answer) -> str | None:
        """The id of the user whose answer this would be. Proves nothing: that is `verify`."""
        ...


@runtime_checkable
class Discovering(Recognising, Protocol):
    """One that is offered to anybody beside the username.

    Its form on the page that asks who it is: `templates/methods/<id>_beside.html`.
    """

    def begin_for_anybody(self, kept: Mapping[str, Any] | None) -> Challenge:
        """`kept`: the state of the challenge that is open in this sign-in; None begins another."""
        ...


@runtime_checkable
class LeavesBrowser(Recognising, Protocol):
    """A method that is answered at somebody else's site: the browser is sent there and comes back once.

    What `set_out` keeps stays with the server until then, bound to the browser. Both ask another server, so
    neither is called inside a unit of work.
    """

    def set_out(self, upstream: Upstream, wanted: Wanted) -> Leaving | Rejected: ...

    def come_back(self, upstream: Upstream, kept: Mapping[str, Any], query: str) -> Assertion | Rejected:
        """`query` as it came, undecoded. Who came, checked in full; whose account that is, is not said."""
        ...

    def answer_of(self, upstream: Upstream, arrived: Assertion) -> Answer:
        """What `verify` takes; nobody else can make one."""
        ...

    def link(self, user_id: str, identity: Identity, upstream: Upstream) -> Credential:
        """To be stored with the identity: from then on the method is set up."""
        ...


@dataclass(frozen=True, slots=True)
class Description:
    """What the owner is told of one credential: names of products, and English messages to translate."""

    kind: str
    notes: tuple[str, ...] = ()
    is_blocked: bool = False


@runtime_checkable
class Describing(Method, Protocol):
    """A method of which a person may have several credentials, and must tell them apart."""

    def describe(self, credential: Credential) -> Description: ...


@runtime_checkable
class Delegated(Method, Protocol):
    """A method that checks what is typed on the page of another, with somebody outside who knows the person.

    Whoever is enrolled and may use it is asked for that secret and for no other.
    """

    def knows(self, name: str) -> bool:
        """Whether a name that is nobody's here is one that it would look for outside. Asks nobody yet.

        `verify` then gets no subject, and says in `Verified.user_id` who it was.
        """
        ...


@runtime_checkable
class Yielding(Delegated, Protocol):
    """One that may make room for the method on whose page it is asked."""

    def stands_aside(self, subject: Subject) -> bool:
        """Whether nobody outside can be asked about this person now, and it was decided that their secret
        here counts meanwhile.
        """
        ...

    def serves(self, municipalities: frozenset[str]) -> bool:
        """Whether any of these has somebody outside who vouches for its people."""
        ...


@runtime_checkable
class Negotiating(Method, Protocol):
    """A method in which the browser answers by itself, in a header (RFC 4559), at a municipality's computers.

    Its answer is never a form. It is what stands in the header (`token`) and whose networks it came from
    (`municipality`); `verify` gets no subject, and says in `Verified.user_id` who it was.
    """

    def begin_negotiation(self) -> Challenge:
        """One challenge takes one answer."""
        ...

    def list_places(self, work: Work) -> Mapping[str, bool]:
        """The municipalities where it works, and whether it is to be tried there without being asked for."""
        ...


class Waiting(StrEnum):
    """How a request stands that is answered elsewhere. READY: `verify` would pass now."""

    WAITING = "waiting"
    READY = "ready"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class NoRoom:
    """As many requests to this person wait as may."""

    seconds: float


@runtime_checkable
class AskedElsewhere(Method, Protocol):
    """A method that waits for an answer on another device, on which the person is signed in already.

    What it asks stays the same however often its page is shown; `verify` is Pending until it is answered.
    """

    inbox: str
    """The path on the other device where requests are listed, each under its id."""

    def ask(self, subject: Subject, occasion: Occasion) -> Challenge | NoRoom: ...

    def ask_on(self, state: Mapping[str, Any]) -> Challenge:
        """The page again for what was asked before."""
        ...

    def stands(self, state: Mapping[str, Any]) -> Waiting: ...

    def credential_of(self, subject: Subject, token: str) -> Credential | None:
        """Which of the person's devices keeps that token, if it may answer."""
        ...


def negotiates(method: Method) -> TypeGuard[Negotiating]:
    return _has_shape(cast("Hashable", method), Negotiating)


def recognises(method: Method) -> TypeGuard[Recognising]:
    return _has_shape(cast("Hashable", method), Recognising)


def leaves_browser(method: Method) -> TypeGuard[LeavesBrowser]:
    return _has_shape(cast("Hashable", method), LeavesBrowser)


def is_asked_elsewhere(method: Method) -> TypeGuard[AskedElsewhere]:
    return _has_shape(cast("Hashable", method), AskedElsewhere)


@lru_cache(maxsize=256)
def _has_shape(method: Hashable, shape: type) -> bool:
    """`isinstance`, which with protocols looks at every name each time: found out once for each method."""
    return isinstance(method, shape)


def label_from(typed: str) -> str:
    """What an owner calls a credential, on one line; empty for no name."""
    return " ".join("".join(mark if mark.isprintable() else " " for mark in typed).split())[:LABEL_AT_MOST]
