"""One assertion sent a hundred times at once: it proves its client once, wherever it is remembered (attack 17)."""

from collections import Counter
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from joserfc.jwk import ECKey, OctKey

from tests.idp.oidc.house import House
from tests.support.at_once import at_once
from tests.support.relying_party import FORM, RelyingParty

AT_ONCE = 100


def by_key(house: House) -> RelyingParty:
    key = ECKey.generate_key("P-256", {"kid": "one"})
    jwks = {"keys": [{**key.as_dict(private=False), "kid": "one"}]}
    party = house.add_service(token_endpoint_auth_method="private_key_jwt", jwks=jwks)
    party.key = key
    return party


def by_secret(house: House) -> RelyingParty:
    party = house.add_service(token_endpoint_auth_method="client_secret_jwt")
    party.key = OctKey.import_key(party.secret or "")
    return party


@pytest.mark.parametrize("registered", [by_key, by_secret], ids=["key", "secret"])
def test_one_assertion_proves_its_client_once(
    everywhere: House, registered: Callable[[House], RelyingParty]
) -> None:
    party = registered(everywhere)
    form = urlencode({"token": "x", **party.assertion_form(party.assertion())})

    def use(_: int) -> int:
        return party.http.post("/revoke", content=form, headers=FORM).status_code

    assert Counter(at_once(AT_ONCE, use)) == {200: 1, 401: AT_ONCE - 1}
