"""Approval on the phone as a method: what it asks, when it passes, and which browser may approve."""

from collections.abc import Mapping
from typing import Any

import pytest

from idp.crypto import token_hash
from idp.errors import Reason
from idp.methods.base import Challenge, Enrolled, NoRoom, Outcome, Pending, Rejected, Verified, Waiting
from idp.methods.phone_approval import METHOD, PHONES_AT_MOST, PhoneApproval
from idp.models.approvals import Approval, ApprovalRequest, Occasion
from idp.models.methods import Factor, Proof
from idp.models.people import Credential
from idp.policy import Level, amr_of, level_of
from idp.storage.approval_requests import WAITING_AT_MOST, ApprovalRequests
from idp.storage.shelves import SqlShelf
from tests.idp.methods.conftest import World
from tests.support.at_once import at_once
from tests.support.builders import add_session

OCCASION = Occasion(
    transaction_id="transaction",
    browser="a hash",
    asker="anna",
    application="",
    client_id=None,
    municipality=None,
    address="192.0.2.10",
    user_agent="",
)


@pytest.fixture
def requests(world: World) -> ApprovalRequests:
    return ApprovalRequests(SqlShelf(world.database, world.effects), world.effects)


@pytest.fixture
def method(world: World, requests: ApprovalRequests) -> PhoneApproval:
    return PhoneApproval(requests=requests, issuer="https://login.example.lv", effects=world.effects)


def enrolled(world: World, method: PhoneApproval, **answer: str) -> tuple[Credential, str]:
    outcome = world.enrol(method, method.begin_enrolment(world.subject()), answer)
    assert isinstance(outcome, Enrolled), outcome
    return outcome.credential, outcome.for_browser


def asked(world: World, method: PhoneApproval) -> Challenge:
    challenge = method.ask(world.subject(), OCCASION)
    assert isinstance(challenge, Challenge)
    return challenge


def approved(world: World, requests: ApprovalRequests, state: Mapping[str, Any], credential_id: str) -> str:
    """By a session that has just begun; its id."""
    with world.database.begin() as work:
        session = add_session(work, "anna")
    request = requests.find(state["request"])
    assert isinstance(request, ApprovalRequest)
    assert requests.take(request)
    requests.approve(request, Approval(credential_id, session.id))
    return session.id


def verified(
    world: World, method: PhoneApproval, state: Mapping[str, Any], who: str | None = "anna"
) -> Outcome:
    subject = world.subject(who) if who else None
    with world.database.begin() as work:
        return method.verify(work, subject, Challenge(state=state), {})


def test_it_passes_once_it_is_approved_and_once_only(
    world: World, method: PhoneApproval, requests: ApprovalRequests
) -> None:
    """attacks 23, 32: out-of-band step not confirmed, replay"""
    credential, _ = enrolled(world, method)
    challenge = asked(world, method)
    assert verified(world, method, challenge.state) == Pending()
    assert method.stands(challenge.state) is Waiting.WAITING
    approved(world, requests, challenge.state, credential.id)
    assert method.stands(challenge.state) is Waiting.READY
    assert verified(world, method, challenge.state) == Verified(credential.id)
    assert verified(world, method, challenge.state) == Pending()
    assert world.subject().of(METHOD)[0].last_used_at == world.now[0]


def test_of_a_hundred_answers_at_once_one_passes(
    world: World, method: PhoneApproval, requests: ApprovalRequests
) -> None:
    credential, _ = enrolled(world, method)
    challenge = asked(world, method)
    approved(world, requests, challenge.state, credential.id)
    outcomes = at_once(100, lambda _: verified(world, method, challenge.state))
    assert outcomes.count(Verified(credential.id)) == 1
    assert outcomes.count(Pending()) == 99


def test_the_page_says_the_same_until_it_is_over(world: World, method: PhoneApproval) -> None:
    enrolled(world, method)
    challenge = asked(world, method)
    assert method.ask_on(challenge.state) == challenge
    assert challenge.page["inbox"] == "login.example.lv/approve"
    assert "<svg" in challenge.page["qr_svg"]
    world.now[0] += 120
    assert method.ask_on(challenge.state).page == {"over": True}
    assert method.stands(challenge.state) is Waiting.OVER
    assert verified(world, method, challenge.state) == Rejected(Reason.REQUEST_OVER)


def test_the_picture_holds_the_link_and_not_the_number(world: World, method: PhoneApproval) -> None:
    """Whoever photographs it learns nothing that lets anybody in."""
    challenge = asked(world, method)
    number = f">{challenge.page['number']}<"
    assert number not in challenge.page["qr_svg"]
    assert "title" not in challenge.page["qr_svg"]


def test_what_is_removed_or_ended_in_between_approved_nothing(
    world: World, method: PhoneApproval, requests: ApprovalRequests
) -> None:
    credential, _ = enrolled(world, method)
    other, _ = enrolled(world, method)
    first = asked(world, method)
    approved(world, requests, first.state, credential.id)
    with world.database.begin() as work:
        work.people.remove_credential("anna", credential.id)
    assert verified(world, method, first.state) == Rejected(Reason.REQUEST_OVER)
    second = asked(world, method)
    session_id = approved(world, requests, second.state, other.id)
    with world.database.begin() as work:
        work.sessions.end(session_id, world.now[0])
    assert verified(world, method, second.state) == Rejected(Reason.REQUEST_OVER)


def test_a_state_of_somebody_else_or_none_at_all_passes_nobody(
    world: World, method: PhoneApproval, requests: ApprovalRequests
) -> None:
    """attack 22"""
    credential, _ = enrolled(world, method)
    challenge = asked(world, method)
    approved(world, requests, challenge.state, credential.id)
    for who in ("juris", None):
        assert verified(world, method, challenge.state, who) == Rejected(Reason.REQUEST_OVER)
    assert verified(world, method, {}) == Rejected(Reason.REQUEST_OVER)
    assert method.stands({}) is Waiting.OVER
    assert verified(world, method, challenge.state) == Verified(credential.id), (
        "and it was not used up by that"
    )


def test_there_are_few_places_for_requests(world: World, method: PhoneApproval) -> None:
    for _ in range(WAITING_AT_MOST):
        asked(world, method)
    assert method.ask(world.subject(), OCCASION) == NoRoom(120.0)


def test_nothing_is_asked_without_an_occasion(world: World, method: PhoneApproval) -> None:
    assert method.begin(world.subject()) == Challenge()


def test_the_browser_gets_a_token_of_which_we_keep_the_hash(world: World, method: PhoneApproval) -> None:
    credential, token = enrolled(world, method, label="  Mans\ttālrunis ")
    assert credential.secret == token_hash(token)
    assert credential.label == "Mans tālrunis"
    subject = world.subject()
    assert method.credential_of(subject, token) == subject.of(METHOD)[0]
    for wrong in ("", token[:-1], credential.secret, "x" * 43):
        assert method.credential_of(subject, wrong) is None
    assert method.credential_of(world.subject("juris"), token) is None
    assert token not in repr(Enrolled(credential, for_browser=token))


def test_allowing_it_again_replaces_the_token_of_this_browser_alone(
    world: World, method: PhoneApproval
) -> None:
    other, _ = enrolled(world, method)
    _, token = enrolled(world, method)
    again, newer = enrolled(world, method, kept_token=token)
    assert {each.id for each in world.subject().of(METHOD)} == {other.id, again.id}
    assert newer != token


def test_there_are_only_so_many_phones(world: World, method: PhoneApproval) -> None:
    for _ in range(PHONES_AT_MOST):
        _, token = enrolled(world, method)
    refused = world.enrol(method, method.begin_enrolment(world.subject()), {})
    assert refused == Rejected(Reason.TOO_MANY_PHONES)
    assert enrolled(world, method, kept_token=token), "one that is there may be renewed"


def test_it_is_possession_never_more(method: PhoneApproval) -> None:
    ways = (method.facts,)
    alone = (Proof(METHOD, 1.0),)
    assert method.facts.factor is Factor.POSSESSION
    assert not method.facts.phishing_resistant
    assert not method.facts.enrollable
    assert level_of(alone, ways) is Level.ONE_FACTOR
    assert amr_of(alone, ways) == ("mca",)
