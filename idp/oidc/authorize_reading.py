"""From the parameters of an authorization request to what they mean, held to all of `authorize_checks.py`."""

from typing import Final

from idp.effects import Effects
from idp.models.clients import Client
from idp.oidc import authorize_checks as checks
from idp.oidc.authorization_request import AuthorizationRequest, Prompt, ResponseMode
from idp.oidc.authorize_checks import Asked
from idp.oidc.claims import essential_levels, parse_claims_request
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.id_tokens import IdTokens
from idp.oidc.jose import TokenError
from idp.oidc.scopes import Scope, grantable, may_have
from idp.oidc.subjects import Subjects

_NOBODY: Final = "-"
"""No user has this id: who must be signed in is somebody we do not know."""


class RequestReader:
    def __init__(self, id_tokens: IdTokens, subjects: Subjects, effects: Effects) -> None:
        self._id_tokens = id_tokens
        self._subjects = subjects
        self._effects = effects

    def read(self, asked: Asked) -> AuthorizationRequest:
        checks.hold(checks.CHECKS, asked)
        parameters, client, now = asked.parameters, asked.client, self._effects.now()
        scopes = grantable((parameters.find("scope") or "").split(), client)
        wishes = parse_claims_request(parameters.find("claims"))
        of_single_claims = wishes.scopes() if Scope.OPENID in scopes else frozenset()
        extra = sorted(scope for scope in of_single_claims - set(scopes) if may_have(scope, client))
        consent_scopes = (*scopes, *extra)
        essential = essential_levels(wishes.acr())
        prompts = tuple((parameters.find("prompt") or "").split())
        max_age = checks.max_age(asked)
        oldest = [now] if Prompt.LOGIN in prompts else []
        return AuthorizationRequest(
            client_id=client.client_id,
            redirect_uri=parameters.get("redirect_uri"),
            response_mode=ResponseMode(parameters.find("response_mode") or ResponseMode.QUERY),
            received_at=now,
            scopes=scopes,
            resources=tuple(dict.fromkeys(parameters.all("resource"))),
            state=parameters.find("state"),
            nonce=parameters.find("nonce"),
            code_challenge=parameters.find("code_challenge"),
            prompts=prompts,
            not_before=max([*oldest, *([now - max_age] if max_age is not None else [])], default=None),
            required_level=max(client.minimum_level, min(essential, default=1)),
            essential_levels=essential,
            preferred_levels=checks.preferred_levels(asked),
            expected_user=self._expected_user(parameters.find("id_token_hint"), client)
            or self._required_user(wishes.required_subject(), client),
            login_hint=parameters.find("login_hint"),
            ui_locales=tuple((parameters.find("ui_locales") or "").split())[:10],
            claims=wishes.limited_to(consent_scopes) if Scope.OPENID in scopes else {},
            consent_scopes=consent_scopes,
        )

    def _required_user(self, subject: str | None, client: Client) -> str | None:
        """Core 5.5.1: the client knows people by its own names for them, and by no other."""
        if subject is None:
            return None
        return self._subjects.user_of(client, subject) or _NOBODY

    def _expected_user(self, hint: str | None, client: Client) -> str | None:
        if hint is None:
            return None
        try:
            read = self._id_tokens.read_hint(hint)
        except TokenError as error:
            raise ProtocolError(
                ErrorCode.INVALID_REQUEST, "The ID token hint is not valid.", detail=str(error)
            ) from None
        if client.client_id not in read.client_ids:
            raise ProtocolError(ErrorCode.INVALID_REQUEST, "The ID token hint was issued to another client.")
        return read.user_id
