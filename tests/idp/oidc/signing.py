"""Tokens that only the provider could have signed, with claims it does not give of itself."""

from typing import Any

from idp.oidc import jose
from tests.idp.oidc.house import House
from tests.support.exchange import claims_of


def signed_by_us(house: House, token: str, **changed: Any) -> str:
    """As the token would be, had we made it so."""
    signer = house.openid.keys.signer("ES256")
    claims = {**claims_of(token), **changed}
    return jose.sign(claims, key=signer.key, alg="ES256", kid=signer.kid, typ="at+jwt")
