"""Single use under parallel requests, on every storage there is: SQLite, PostgreSQL, and Redis for the Shelf."""

import threading
from collections.abc import Callable

import pytest

from idp.models.people import User
from idp.oidc.authorize import Expired
from idp.oidc.errors import ProtocolError
from tests.idp.oidc.house import House
from tests.support.at_once import at_once as many_at_once
from tests.support.authorization_requests import push
from tests.support.relying_party import ProviderError, RelyingParty, Tokens

AT_ONCE = 100


def at_once(act: Callable[[], Tokens]) -> tuple[list[Tokens], list[str]]:
    """What each of several got, and how the others were refused."""
    got: list[Tokens] = []
    refused: list[str] = []
    start = threading.Barrier(AT_ONCE)

    def run() -> None:
        start.wait()
        try:
            got.append(act())
        except ProviderError as error:
            refused.append(error.error)

    threads = [threading.Thread(target=run) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got, refused


def assert_dead(party: RelyingParty, tokens: Tokens) -> None:
    assert party.introspect(tokens.access_token) == {"active": False}
    with pytest.raises(ProviderError, match="invalid_grant"):
        party.refresh(tokens.refresh_token or "")


def test_one_code_gives_tokens_once_and_then_takes_them_back(everywhere: House, berta: User) -> None:
    """attack 11"""
    party = everywhere.add_client()
    question, code = everywhere.code_for(party, everywhere.sign_in(berta), scope="openid offline_access")
    got, refused = at_once(lambda: party.redeem(question, code))
    assert (len(got), refused) == (1, ["invalid_grant"] * (AT_ONCE - 1))
    assert_dead(party, got[0])


def test_one_refresh_token_has_one_successor(everywhere: House, berta: User) -> None:
    """attack 14"""
    party = everywhere.add_client()
    tokens = everywhere.tokens_for(party, everywhere.sign_in(berta), scope="openid offline_access")
    got, refused = at_once(lambda: party.refresh(tokens.refresh_token or ""))
    assert refused == []
    assert len({each.refresh_token for each in got}) == 1
    successor = party.refresh(got[0].refresh_token or "")
    with pytest.raises(ProviderError, match="invalid_grant"):
        party.refresh(tokens.refresh_token or "")
    assert_dead(party, successor)


def test_one_pushed_request_is_answered_once(everywhere: House, berta: User) -> None:
    """attack 20: a hundred browsers bring one reference"""
    party = everywhere.add_client()
    question = push(party, party.ask())
    browsers = [everywhere.sign_in(berta) for _ in range(AT_ONCE)]

    def bring(number: int) -> str | None:
        try:
            outcome = everywhere.visit(question, browsers[number])
        except ProtocolError:
            return None
        return None if isinstance(outcome, Expired) else everywhere.code_in(party, question, outcome)

    codes = [code for code in many_at_once(AT_ONCE, bring) if code is not None]
    assert len(codes) == 1
    assert party.redeem(question, codes[0]).claims["sub"] == berta.id


def test_processes_that_start_at_once_agree_on_the_signing_key(everywhere: House) -> None:
    houses = [House(everywhere.world) for _ in range(4)]
    threads = [threading.Thread(target=house.openid.keys.reload) for house in houses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everywhere.world.clock.move(61)
    for alg in ("RS256", "ES256"):
        assert len({house.openid.keys.signer(alg).kid for house in houses}) == 1
