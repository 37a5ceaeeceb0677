"""What a person granted becomes tokens at once, in the answer to the browser (OpenID Connect Core 3.2.2.5).

The same is held and written down as when a code is redeemed (`redemption.py`), and before any token is made:
the row by which the access token lives and the record of it are one unit of work. The access token is for
userinfo, for five minutes, and cannot be renewed. Not here: who may have this (`implicit.py`), what the
request must say (`authorize_checks.py`).
"""

from typing import Final

from idp.effects import Effects
from idp.models.clients import Client
from idp.oidc.claims import names_for
from idp.oidc.codes import Granted
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grants.redemption import Redeemed, family_of, hand_out, issued
from idp.oidc.id_tokens import IdTokens
from idp.oidc.response_types import ResponseType
from idp.oidc.tokens import ACCESS_TOKEN_SECONDS, AccessTokens, token_type
from idp.storage.database import Database

Fields = tuple[tuple[str, str], ...]

_OVER: Final = "The sign-in is no longer good."


class ImplicitTokens:
    def __init__(
        self,
        *,
        issuer: str,
        database: Database,
        access_tokens: AccessTokens,
        id_tokens: IdTokens,
        effects: Effects,
    ) -> None:
        self._issuer = issuer
        self._database = database
        self._access_tokens = access_tokens
        self._id_tokens = id_tokens
        self._effects = effects

    def issue(
        self,
        granted: Granted,
        client: Client,
        response_type: ResponseType,
        *,
        address: str,
        tells_scope: bool,
    ) -> Fields:
        """The fields of the answer. Raises ProtocolError with a code of the authorization endpoint."""
        self._id_tokens.require_mintable(client)
        redeemed = self._hand_out(granted, client, response_type, address)
        access_token: str | None = None
        fields: Fields = ()
        if response_type is ResponseType.ID_TOKEN_TOKEN:
            access_token = self._access_tokens.for_person(
                redeemed.grant, audience=self._issuer, scopes=granted.scopes
            )
            fields = _of_access_token(access_token, granted, tells_scope=tells_scope)
        id_token = self._id_tokens.mint(
            redeemed.grant, client, nonce=granted.nonce, access_token=access_token, claims=redeemed.claims
        )
        return (*fields, ("id_token", id_token))

    def _hand_out(
        self, granted: Granted, client: Client, response_type: ResponseType, address: str
    ) -> Redeemed:
        family = family_of(
            granted,
            family_id=self._effects.new_id(),
            code=self._effects.new_token(),  # there is none, and nobody learns of this one
            now=self._effects.now(),
            seconds=ACCESS_TOKEN_SECONDS,
        )
        try:
            with self._database.begin() as work:
                if response_type is ResponseType.ID_TOKEN_TOKEN:
                    work.grants.add_family(family)
                return hand_out(
                    work,
                    family,
                    granted,
                    client,
                    names=_names_for_id_token(granted, response_type),
                    event=issued(granted, address=address, response_type=response_type.value),
                )
        except ProtocolError as error:
            # What it was granted on ended since it was looked at. There is no grant to call invalid here.
            raise ProtocolError(ErrorCode.ACCESS_DENIED, _OVER, detail=error.detail) from None


def _names_for_id_token(granted: Granted, response_type: ResponseType) -> list[str]:
    """Core 5.4: the claims of the scopes are in the ID token "when no Access Token is issued"."""
    asked_for = granted.claims.get("id_token", [])
    return names_for(granted.scopes, asked_for) if response_type is ResponseType.ID_TOKEN else list(asked_for)


def _of_access_token(access_token: str, granted: Granted, *, tells_scope: bool) -> Fields:
    """RFC 6749 section 4.2.2."""
    scope = (("scope", " ".join(granted.scopes)),) if tells_scope else ()
    return (
        ("access_token", access_token),
        ("token_type", token_type({})),
        ("expires_in", str(ACCESS_TOKEN_SECONDS)),
        *scope,
    )
