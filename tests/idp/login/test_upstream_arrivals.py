"""First arrivals from an upstream at the same moment, on both databases: however many, one link and one account."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from idp.errors import Reason
from idp.login.sessions import Visitor
from idp.login.upstream_arrivals import UpstreamAccounts
from idp.methods.upstream_oidc import NOWHERE, UpstreamOidc
from idp.models.arrivals import Match
from idp.models.people import User
from idp.models.upstreams import Assertion, Upstream
from idp.policy import NATIONAL
from idp.storage import migrate
from idp.storage.municipalities import load
from tests.support.at_once import at_once
from tests.support.builders import RIGA, START, World, add_rule

METHOD = "upstream_oidc"
VISITOR = Visitor(browser="b", address="192.0.2.1")


@dataclass
class Riga:
    world: World
    upstream: Upstream

    def arrives(self, subject: str, matched: str) -> User | Reason:
        arrived = Assertion(
            subject=subject,
            sub=subject,
            sid="",
            at=START,
            multi_factor=False,
            username="anna@riga.lv",
            matched=matched,
        )
        method = UpstreamOidc(party=NOWHERE, vault=self.world.vault, effects=self.world.effects)
        accounts = UpstreamAccounts(self.world.database, method, self.world.effects)
        return accounts.account_of(self.upstream, arrived, VISITOR)

    def counts(self) -> tuple[int, int, int]:
        """Ways in, people, and those who wait."""
        with self.world.database.read() as work:
            users = work.people.list_users()
            held = [each for user in users for each in work.people.credentials_of(user.id)]
            return len(held), len(users), len(work.upstreams.list_arrivals(RIGA))


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
            created_at=START,
            match_by=Match.EMPLOYEE_NUMBER.value,
            match_claim="employeeid",
            creates_accounts=True,
        )
        with world.database.begin() as work:
            load(work)
            for scope in (NATIONAL, RIGA):
                work.rules.replace_scope(scope, [])
                add_rule(work, scope, [METHOD])
            work.upstreams.add(upstream, "secret", [])
        yield Riga(world, upstream)


@pytest.mark.parametrize(
    ("match", "value"), [(Match.EMPLOYEE_NUMBER, "J-1"), (Match.PERSON_CODE, "010180-12345")]
)
def test_a_hundred_arrivals_of_somebody_new_are_one_account(riga: Riga, match: Match, value: str) -> None:
    """attack 39"""
    riga.upstream.match_by = match.value
    with riga.world.database.begin() as work:
        work.upstreams.set_rule("u1", match, "employeeid", creates_accounts=True)
    outcomes = at_once(100, lambda _: riga.arrives("k1", value))
    assert all(isinstance(each, User) for each in outcomes)
    assert len({each.id for each in outcomes if isinstance(each, User)}) == 1
    assert riga.counts() == (1, 1, 0)


def test_of_two_new_ones_at_once_with_one_number_one_waits(riga: Riga) -> None:
    """attack 39"""
    outcomes = at_once(20, lambda number: riga.arrives(f"k{number % 2}", "J-1"))
    assert [each for each in outcomes if isinstance(each, Reason)] == [Reason.UPSTREAM_NOT_LINKED] * 10
    assert riga.counts() == (1, 1, 1)


def test_who_waited_waits_no_longer_once_there_is_an_account(riga: Riga) -> None:
    assert riga.arrives("k1", "") is Reason.UPSTREAM_NOT_LINKED
    assert riga.counts() == (0, 0, 1)
    assert isinstance(riga.arrives("k1", "J-1"), User)
    assert riga.counts() == (1, 1, 0)


def test_what_another_rule_read_makes_nobody(riga: Riga) -> None:
    """attack 39: a rule that changed while somebody was there; a number is not a code, nor another claim's."""
    with riga.world.database.begin() as work:
        work.upstreams.set_rule("u1", Match.EMPLOYEE_NUMBER, "another", creates_accounts=True)
    assert riga.arrives("k1", "J-1") is Reason.UPSTREAM_NOT_LINKED
    assert riga.counts() == (0, 0, 1)
