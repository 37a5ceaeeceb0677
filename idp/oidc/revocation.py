"""A client gives a token back (RFC 7009).

A token of a person takes its whole family with it: whoever gives back one wants none. One that was exchanged
goes alone, since the family is not its holder's. What is unknown,
expired or already revoked is answered like what was revoked just now (section 2.2).
"""

from idp.crypto import token_hash
from idp.events import Event, EventType
from idp.models.clients import Client
from idp.oidc.core import Core
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.jose import TokenError
from idp.oidc.requests import NO_STORE, Request, Response
from idp.oidc.tokens import AccessToken


class Revocation:
    def __init__(self, core: Core) -> None:
        self._database = core.database
        self._access_tokens = core.access_tokens
        self._subjects = core.subjects
        self._effects = core.effects

    def respond(self, request: Request, caller: Client) -> Response:
        token = request.form.get("token")
        if "." in token:
            self._revoke_access_token(token, caller, request)
        else:
            self._revoke_refresh_token(token, caller, request)
        return Response(200, NO_STORE)

    def _revoke_refresh_token(self, token: str, caller: Client, request: Request) -> None:
        with self._database.read() as work:
            row = work.grants.find_refresh(token_hash(token))
        if row is None:
            return
        _require_own(row.client_id, caller)
        self._revoke_family(
            row.family_id, user_id=row.user_id, session_id=row.session_id, caller=caller, request=request
        )

    def _revoke_access_token(self, token: str, caller: Client, request: Request) -> None:
        try:
            found = self._access_tokens.verify(token)
        except TokenError:
            return
        _require_own(found.client_id, caller)
        if found.family_id is None or found.actor:
            self._access_tokens.revoke_alone(found)
            self._write_down(found, caller, request)
        else:
            self._revoke_family(
                found.family_id,
                user_id=self._subjects.user_of(caller, found.subject),
                session_id=self._subjects.session_of(caller, str(found.claims.get("sid"))),
                caller=caller,
                request=request,
            )

    def _revoke_family(
        self, family_id: str, *, user_id: str | None, session_id: str | None, caller: Client, request: Request
    ) -> None:
        with self._database.begin() as work:
            if work.grants.revoke_family(family_id, self._effects.now()):
                work.audit.append(
                    Event(
                        type=EventType.TOKENS_REVOKED,
                        user_id=user_id,
                        client_id=caller.client_id,
                        session_id=session_id,
                        address=request.remote,
                    )
                )

    def _write_down(self, token: AccessToken, caller: Client, request: Request) -> None:
        with self._database.begin() as work:
            work.audit.append(
                Event(
                    type=EventType.TOKENS_REVOKED,
                    client_id=caller.client_id,
                    address=request.remote,
                    detail={"jti": token.id},
                )
            )


def _require_own(client_id: str, caller: Client) -> None:
    """RFC 7009 section 2.1: whether it "was issued to the client making the revocation request"."""
    if client_id != caller.client_id:
        raise ProtocolError(
            ErrorCode.UNAUTHORIZED_CLIENT,
            "The token was not issued to this client.",
            detail="another client's token",
        )
