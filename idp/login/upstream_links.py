"""Whose account an upstream's subject is: by the municipality's rule, or by an administrator's word.

A link is an identity and a credential that names it: where either is gone, nobody signs in by it.
"""

from collections.abc import Mapping
from dataclasses import replace

from idp.errors import Reason, Refused
from idp.events import Event
from idp.login.arrivals import Rule, is_allowed
from idp.methods.base import LeavesBrowser, Method
from idp.models.arrivals import Match
from idp.models.people import Credential, Identity, User
from idp.models.upstreams import (
    Upstream,
    UpstreamArrival,
    may_vouch_for,
)
from idp.storage.work import Work


def leaving_method(methods: Mapping[str, Method]) -> LeavesBrowser:
    return next(method for method in methods.values() if isinstance(method, LeavesBrowser))


def credential_of(work: Work, method: LeavesBrowser, identity: Identity) -> Credential | None:
    held = work.people.credentials_of(identity.user_id)
    return next(
        (each for each in held if each.method == method.facts.id and each.secret == identity.id), None
    )


def is_linked(work: Work, upstream: Upstream, user_id: str) -> bool:
    """False where only an identity is left, whose credential was taken away."""
    identity = work.upstreams.find_identity_of_user(upstream.id, user_id)
    held = work.people.credentials_of(user_id) if identity is not None else []
    return identity is not None and any(each.secret == identity.id for each in held)


def link(
    work: Work,
    method: LeavesBrowser,
    upstream: Upstream,
    subject: str,
    user: User,
    event: Event,
    *,
    replaces: bool,
) -> None:
    """That subject is this user from now on. `event`: who says so; `replaces`: in place of another
    subject of theirs there.

    Raises Refused; AlreadyExistsError when somebody else is that subject.
    """
    work.people.hold_user(user.id)
    posts = work.people.employments_of(user.id, now=work.effects.now())
    if not may_vouch_for(upstream, user, posts):
        raise Refused(Reason.UPSTREAM_NOT_ITS_PERSON)
    earlier = work.upstreams.find_identity_of_user(upstream.id, user.id)
    if earlier is not None and not replaces:
        raise Refused(Reason.UPSTREAM_NOT_LINKED)
    if earlier is not None:
        work.upstreams.unlink(earlier)
    identity = Identity(
        id=work.effects.new_id(),
        user_id=user.id,
        source=upstream.id,
        subject=subject,
        created_at=work.effects.now(),
    )
    work.people.add_identity(identity)
    credential = method.link(user.id, identity, upstream)
    work.people.add_credential(credential)
    work.upstreams.forget_arrival(upstream.id, subject)
    work.audit.append(
        replace(
            event,
            user_id=user.id,
            municipality=upstream.municipality,
            method=method.facts.id,
            detail={"upstream": upstream.id},
        )
    )


def is_open(work: Work, upstream: Upstream, method_id: str) -> bool:
    """On, and allowed by the nation and its municipality: before anybody is led there, and again before
    anything is believed that comes from there. Depends on the domain alone.
    """
    return upstream.enabled and is_allowed(work, upstream.municipality, method_id)


def rule_of(upstream: Upstream) -> Rule:
    return Rule(
        municipality=upstream.municipality,
        match=Match(upstream.match_by),
        creates_accounts=upstream.creates_accounts,
    )


def link_arrival(
    work: Work, method: LeavesBrowser, arrival: UpstreamArrival, upstream: Upstream, user: User, event: Event
) -> bool:
    """By an administrator, in place of whom the person was there before. False when somebody else was first.

    Raises Refused; AlreadyExistsError, and the unit of work is lost, when the subject is somebody's already.
    """
    if not work.upstreams.take_arrival(arrival.id):
        return False
    held = work.upstreams.find_identity(upstream.id, arrival.subject)
    if held is not None and held.user_id == user.id:
        work.upstreams.unlink(held)
    link(work, method, upstream, arrival.subject, user, event, replaces=True)
    return True
