"""An OpenID provider of the municipality vouches for the person: Entra ID, AD FS, or any other.

What came back is checked by the protocol (`oidc/upstream.py`) outside of any unit of work; `verify` gets it
sealed, so that nothing a browser posts passes for it, and looks whose account it is. An upstream vouches for
nobody who also acts for somebody else: not for a person with a post in another municipality, and not for
those who run the system.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final, Protocol

from idp.crypto import Place, SealError
from idp.effects import Effects
from idp.errors import Reason
from idp.methods.base import Answer, Challenge, Enrolled, Outcome, Rejected, Subject, Verified, label_from
from idp.models.methods import Factor, MethodFacts
from idp.models.people import Credential, Identity
from idp.models.upstreams import Assertion, Leaving, Upstream, UpstreamSession, Wanted, may_vouch_for
from idp.storage.vault import Vault
from idp.storage.work import Work
from idp.words import N_

METHOD: Final = "upstream_oidc"
_GOOD_SECONDS: Final = 60.0
_FIELD: Final = "arrived"
_PLACE: Final = Place(table="answers", column=METHOD, row=_FIELD)


class Party(Protocol):
    """The protocol: a relying party of upstreams."""

    def set_out(self, upstream: Upstream, wanted: Wanted) -> Leaving | Rejected: ...

    def come_back(self, upstream: Upstream, kept: Mapping[str, Any], query: str) -> Assertion | Rejected: ...


class _Nowhere:
    """For programs that sign nobody in."""

    def set_out(self, upstream: Upstream, wanted: Wanted) -> Leaving | Rejected:
        return Rejected(Reason.UPSTREAM_UNREACHABLE)

    def come_back(self, upstream: Upstream, kept: Mapping[str, Any], query: str) -> Assertion | Rejected:
        return Rejected(Reason.UPSTREAM_UNREACHABLE)


NOWHERE: Final[Party] = _Nowhere()


class UpstreamOidc:
    facts = MethodFacts(id=METHOD, factor=Factor.UPSTREAM, amr=(), elsewhere=True)
    label = N_("Your organisation's account")
    description = N_("The log-in page of your organisation opens, and leads back here.")

    def __init__(self, *, party: Party, vault: Vault, effects: Effects) -> None:
        self._party = party
        self._vault = vault
        self._effects = effects

    def set_out(self, upstream: Upstream, wanted: Wanted) -> Leaving | Rejected:
        return self._party.set_out(upstream, wanted)

    def come_back(self, upstream: Upstream, kept: Mapping[str, Any], query: str) -> Assertion | Rejected:
        return self._party.come_back(upstream, kept, query)

    def answer_of(self, upstream: Upstream, arrived: Assertion) -> Answer:
        told = {"upstream": upstream.id, "made_at": self._effects.now(), "arrived": asdict(arrived)}
        return {_FIELD: self._vault.seal(json.dumps(told).encode(), _PLACE)}

    def link(self, user_id: str, identity: Identity, upstream: Upstream) -> Credential:
        """`secret` is none: it names the identity, so that both are needed and either may be taken away."""
        return Credential(
            id=self._effects.new_id(),
            user_id=user_id,
            method=METHOD,
            secret=identity.id,
            created_at=self._effects.now(),
            label=label_from(upstream.name),
            vouched_by=upstream.municipality,
        )

    def claimed_user(self, work: Work, answer: Answer) -> str | None:
        told = self._opened(answer)
        identity = _identity(work, told) if told is not None else None
        return identity.user_id if identity is not None else None

    def begin(self, subject: Subject) -> Challenge:
        return Challenge()

    def verify(self, work: Work, subject: Subject | None, challenge: Challenge, answer: Answer) -> Outcome:
        told = self._opened(answer)
        upstream = work.upstreams.find(told["upstream"]) if told is not None else None
        if told is None or upstream is None or not upstream.enabled:
            return Rejected(Reason.UPSTREAM_OFF)
        identity = _identity(work, told)
        if subject is None or identity is None or identity.user_id != subject.user.id:
            return Rejected(Reason.UPSTREAM_NOT_LINKED)
        credential = next((each for each in subject.of(METHOD) if each.secret == identity.id), None)
        if credential is None:
            return Rejected(Reason.UPSTREAM_NOT_LINKED)
        if credential.blocked_at is not None:
            return Rejected(Reason.UPSTREAM_BLOCKED_USER)
        now = self._effects.now()
        posts = work.people.employments_of(subject.user.id, now=now)
        if not may_vouch_for(upstream, subject.user, posts):
            return Rejected(Reason.UPSTREAM_NOT_ITS_PERSON)
        arrived = Assertion(**told["arrived"])
        work.people.touch_credential(credential.id, at=now)
        work.upstreams.keep_session(
            UpstreamSession(
                id=self._effects.new_id(),
                upstream_id=upstream.id,
                sub=arrived.sub,
                sid=arrived.sid,
                user_id=subject.user.id,
                credential_id=credential.id,
                at=now,
            )
        )
        believed = arrived.multi_factor and upstream.believes_mfa
        return Verified(credential.id, at=arrived.at, multi_factor=believed)

    def is_enrolled(self, subject: Subject) -> bool:
        return bool(subject.of(METHOD))

    def begin_enrolment(self, subject: Subject) -> Challenge:
        raise LookupError("linked by an administrator or on arrival")

    def enrol(
        self, work: Work, subject: Subject, challenge: Challenge, answer: Answer
    ) -> Enrolled | Rejected:
        return Rejected(Reason.METHOD_NOT_OFFERED)

    def _opened(self, answer: Answer) -> dict[str, Any] | None:
        try:
            told: dict[str, Any] = json.loads(self._vault.open(answer.get(_FIELD, ""), _PLACE))
        except SealError:
            return None
        return told if self._effects.now() - told["made_at"] <= _GOOD_SECONDS else None


def _identity(work: Work, told: Mapping[str, Any]) -> Identity | None:
    return work.upstreams.find_identity(told["upstream"], told["arrived"]["subject"])
