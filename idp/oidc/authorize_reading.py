"""From the parameters of an authorization request to what they mean, held to all of `authorize_checks.py`."""

from dataclasses import replace
from typing import Final

from idp.effects import Effects
from idp.models.clients import Client
from idp.oidc import authorization_details
from idp.oidc import authorize_checks as checks
from idp.oidc.authorization_request import AuthorizationRequest, Prompt, ResponseMode, modes_for
from idp.oidc.authorize_checks import Asked
from idp.oidc.claims import ClaimsRequest, essential_levels, parse_claims_request, voluntary_levels
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.id_tokens import IdTokens
from idp.oidc.jose import TokenError
from idp.oidc.response_types import ResponseType
from idp.oidc.scopes import Scope, grantable, may_have
from idp.oidc.subjects import Subjects

_NOBODY: Final = "-"
"""No user has this id: who must be signed in is somebody we do not know."""


class RequestReader:
    def __init__(
        self, id_tokens: IdTokens, subjects: Subjects, effects: Effects, *, offers_implicit: bool
    ) -> None:
        self._offers_implicit = offers_implicit
        self._id_tokens = id_tokens
        self._subjects = subjects
        self._effects = effects

    def read(self, asked: Asked) -> AuthorizationRequest:
        """Raises ProtocolError."""
        checks.hold_all(replace(asked, offers_implicit=self._offers_implicit))
        parameters, client, now = asked.parameters, asked.client, self._effects.now()
        scopes, is_narrowed = _scopes_of(asked)
        wishes = _wishes_of(asked)
        of_single_claims = wishes.scopes() if Scope.OPENID in scopes else frozenset()
        extra = sorted(scope for scope in of_single_claims - set(scopes) if may_have(scope, client))
        consent_scopes = (*scopes, *extra)
        essential = essential_levels(wishes.acr())
        voluntary = voluntary_levels(wishes.acr())
        prompts = tuple((parameters.find("prompt") or "").split())
        max_age = checks.max_age(asked)
        oldest = [now] if Prompt.LOGIN in prompts else []
        return AuthorizationRequest(
            client_id=client.client_id,
            redirect_uri=parameters.get("redirect_uri"),
            response_type=asked.response_type,
            response_mode=ResponseMode(parameters.find("response_mode") or modes_for(asked.response_type)[0]),
            received_at=now,
            scopes=scopes,
            is_narrowed=is_narrowed,
            resources=tuple(dict.fromkeys(parameters.all("resource"))),
            state=parameters.find("state"),
            nonce=parameters.find("nonce"),
            code_challenge=parameters.find("code_challenge"),
            prompts=prompts,
            not_before=max([*oldest, *([now - max_age] if max_age is not None else [])], default=None),
            required_level=max(client.minimum_level, min(essential, default=1)),
            essential_levels=essential,
            preferred_levels=checks.preferred_levels(asked, voluntary),
            expected_user=self._expected_user(parameters.find("id_token_hint"), client, wishes),
            login_hint=parameters.find("login_hint"),
            ui_locales=tuple((parameters.find("ui_locales") or "").split())[:10],
            claims=wishes.limited_to(consent_scopes) if Scope.OPENID in scopes else {},
            verified_claims=wishes.verified_within(consent_scopes) if Scope.OPENID in scopes else {},
            consent_scopes=consent_scopes,
            authorization_details=_details(asked),
            dpop_jkt=parameters.find("dpop_jkt"),
            pushed=asked.pushed,
        )

    def _expected_user(self, hint: str | None, client: Client, wishes: ClaimsRequest) -> str | None:
        """Whom the hint and a `sub` asked for by value name; no sign-in can be of two persons.

        Core 5.5.1 and 8.1: a client knows people by its own names for them, and by no other.
        """
        subjects = wishes.required_subjects()
        named = {self._subjects.user_of(client, subject) or _NOBODY for subject in subjects}
        if hint is not None:
            named.add(self._hinted_user(hint, client))
        if len(named) > 1:
            raise ProtocolError(ErrorCode.INVALID_REQUEST, "The request is for more than one person.")
        return next(iter(named), None)

    def _hinted_user(self, hint: str, client: Client) -> str:
        try:
            read = self._id_tokens.read_hint(hint)
        except TokenError as error:
            raise ProtocolError(
                ErrorCode.INVALID_REQUEST, "The ID token hint is not valid.", detail=str(error)
            ) from None
        if client.client_id not in read.client_ids:
            raise ProtocolError(ErrorCode.INVALID_REQUEST, "The ID token hint was issued to another client.")
        return read.user_id


def _scopes_of(asked: Asked) -> tuple[tuple[str, ...], bool]:
    """And whether they are fewer than was asked for. Raises ProtocolError.

    Core 11: without a code, `offline_access` is ignored.
    """
    requested = (asked.parameters.find("scope") or "").split()
    granted = grantable(requested, asked.client)
    if asked.response_type.is_implicit:
        granted = tuple(scope for scope in granted if scope != Scope.OFFLINE_ACCESS)
    return granted, set(granted) != set(requested)


def _wishes_of(asked: Asked) -> ClaimsRequest:
    """Core 5.5: claims are asked for at userinfo only with a token for it. Raises ProtocolError."""
    wishes = parse_claims_request(asked.parameters.find("claims"))
    if wishes.userinfo and asked.response_type is ResponseType.ID_TOKEN:
        raise ProtocolError(
            ErrorCode.INVALID_REQUEST, "Claims are asked for at userinfo, and there is no token for it."
        )
    return wishes


def _details(asked: Asked) -> authorization_details.Details:
    """RFC 9396; and of no municipality for which nobody may open the client."""
    details = authorization_details.read(asked.parameters, asked.client)
    open_to = asked.client.municipalities
    if open_to and not set(authorization_details.municipalities_of(details)) <= set(open_to):
        raise authorization_details.not_theirs()
    return details
