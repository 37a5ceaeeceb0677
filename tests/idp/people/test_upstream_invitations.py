"""Coming back from an upstream with an invitation at the same moment, on both databases: one is linked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from idp.crypto import token_hash
from idp.errors import Reason
from idp.login.limits import Limits
from idp.login.sessions import Visitor
from idp.login.ticket_codes import new_ticket_code
from idp.login.upstream_return import Returned
from idp.methods.base import Rejected
from idp.methods.registry import Methods
from idp.methods.upstream_oidc import UpstreamOidc
from idp.models.arrivals import Invitation, Match
from idp.models.upstreams import Assertion, Leaving, Upstream, Wanted
from idp.people.invitations import Invitations
from idp.people.upstream_invitations import UpstreamInvitations
from idp.policy import NATIONAL
from idp.storage import migrate
from idp.storage.municipalities import load
from idp.storage.shelves import SqlShelf
from idp.storage.throttle import SqlThrottle
from tests.support.at_once import at_once
from tests.support.builders import RIGA, World, add_employment, add_rule, add_user

METHOD = "upstream_oidc"


class Party:
    """An upstream that vouches for whom the way back names; its protocol is tested elsewhere."""

    def __init__(self, world: World) -> None:
        self._world = world

    def set_out(self, upstream: Upstream, wanted: Wanted) -> Leaving | Rejected:
        state = self._world.effects.new_token()
        return Leaving(f"https://login.example/?state={state}", state, {})

    def come_back(self, upstream: Upstream, kept: Mapping[str, Any], query: str) -> Assertion | Rejected:
        return Assertion(subject=query, sub=query, sid="", at=self._world.effects.now(), multi_factor=False)


@dataclass
class Riga:
    world: World
    invitations: UpstreamInvitations

    def invites(self, username: str) -> str:
        with self.world.database.begin() as work:
            code = new_ticket_code(work.effects)
            user = work.people.find_user_by_username(username) or add_user(work, username)
            if not work.people.employments_of(user.id, now=self.world.effects.now()):
                add_employment(work, user.id)
            invitation = Invitation(
                id=work.effects.new_id(),
                code_hash=token_hash(code),
                user_id=user.id,
                source="u1",
                maker_municipality=None,
                made_by="command-line",
                made_at=1.0,
                expires_at=self.world.effects.now() + 3600,
            )
            work.invitations.add(invitation)
        return code

    def leaves(self, username: str, code: str, browser: str) -> str:
        """The state under which that browser may come back."""
        address = self.invitations.set_out(
            username=username, code=code, language="lv", visitor=Visitor(browser=browser, address="192.0.2.1")
        )
        assert isinstance(address, str), address
        return address.partition("state=")[2]

    def returns(self, state: str, browser: str, subject: str) -> Reason | None:
        visitor = Visitor(browser=browser, address="192.0.2.1")
        refused = self.invitations.came_back(Returned("u1", state, subject), visitor)
        return refused.reason if refused is not None else None

    def linked(self) -> list[str]:
        with self.world.database.read() as work:
            users = work.people.list_users()
            held = [(user, each) for user in users for each in work.people.credentials_of(user.id)]
            return sorted(user.username for user, _ in held)

    def used(self) -> int:
        with self.world.database.read() as work:
            found = work.invitations.list_of_source("u1", after=None, limit=99)
        return sum(each.used_at is not None for each in found)


@pytest.fixture
def riga(database_url: str) -> Iterator[Riga]:
    migrate.upgrade(database_url)
    with World(database_url) as world:
        upstream = Upstream(
            id="u1",
            municipality=RIGA,
            name="Rīgas konts",
            issuer="https://login.example",
            client_id="c",
            client_secret_sealed="",
            created_at=1.0,
            match_by=Match.INVITATION.value,
        )
        with world.database.begin() as work:
            load(work)
            for scope in (NATIONAL, RIGA):
                work.rules.replace_scope(scope, [])
                add_rule(work, scope, [METHOD])
            work.upstreams.add(upstream, "secret", [])
        database, effects = world.database, world.effects
        shelf, throttle = SqlShelf(database, effects), SqlThrottle(database, effects)
        methods = Methods([UpstreamOidc(party=Party(world), vault=world.vault, effects=effects)])
        invitations = Invitations(
            database=database,
            throttle=throttle,
            limits=Limits(throttle, shelf, effects),
            methods=methods,
            effects=effects,
        )
        by_upstream = UpstreamInvitations(
            invitations, database=database, shelf=shelf, vault=world.vault, methods=methods, effects=effects
        )
        yield Riga(world, by_upstream)


def test_of_twenty_with_one_invitation_one_is_linked(riga: Riga) -> None:
    """attack 33"""
    code = riga.invites("anna")
    states = [riga.leaves("anna", code, f"b{number}") for number in range(20)]
    outcomes = at_once(20, lambda number: riga.returns(states[number], f"b{number}", f"s{number % 3}"))
    assert outcomes.count(None) == 1
    assert set(outcomes) <= {None, Reason.INVITATION_WRONG, Reason.INVITATION_TAKEN_THERE}
    assert (riga.linked(), riga.used()) == (["anna"], 1)


def test_one_way_back_counts_once_however_often_it_comes(riga: Riga) -> None:
    """attack 33"""
    state = riga.leaves("anna", riga.invites("anna"), "b")
    outcomes = at_once(20, lambda _: riga.returns(state, "b", "s"))
    assert outcomes.count(None) == 1
    assert outcomes.count(Reason.UPSTREAM_ANSWER_BROKEN) == 19
    assert (riga.linked(), riga.used()) == (["anna"], 1)


def test_of_many_people_who_prove_one_account_there_one_is_linked(riga: Riga) -> None:
    """attack 39: whoever was too late keeps their invitation."""
    names = [f"anna{number}" for number in range(10)]
    states = [riga.leaves(name, riga.invites(name), name) for name in names]
    outcomes = at_once(10, lambda number: riga.returns(states[number], names[number], "s"))
    assert outcomes.count(None) == 1
    assert outcomes.count(Reason.INVITATION_TAKEN_THERE) == 9
    assert (len(riga.linked()), riga.used()) == (1, 1)


def test_another_browser_links_nobody_by_a_way_back_it_was_given(riga: Riga) -> None:
    """attack 24"""
    state = riga.leaves("anna", riga.invites("anna"), "attacker")
    assert not riga.invitations.is_waiting(state, "victim")
    assert riga.invitations.is_waiting(state, "attacker")
    assert riga.returns(state, "victim", "s") is Reason.UPSTREAM_ANSWER_BROKEN
    assert (riga.linked(), riga.used()) == ([], 0)
