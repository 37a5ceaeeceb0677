"""From an authorization request to what a sign-in must fulfil, and back to what is told. Pure functions."""

from dataclasses import replace

from idp.errors import N_
from idp.login.standing import Missing, NeedsSignIn, NotAllowed, Standing
from idp.login.transaction import Requirements
from idp.models.clients import Client
from idp.oidc.authorization_request import AuthorizationRequest, Prompt
from idp.oidc.errors import ErrorCode
from idp.policy import Level


def requirements_of(request: AuthorizationRequest, client: Client) -> Requirements:
    """The same each time but for what the person can only be asked once."""
    return replace(
        required_by(client),
        level=Level(max(request.required_level, client.minimum_level)),
        not_before=request.not_before,
        select_account=request.wants(Prompt.SELECT_ACCOUNT) and not request.asked_person,
        login_hint=request.login_hint,
        expected_user=request.expected_user,
        fresh=request.wants(Prompt.LOGIN) and not request.asked_person,
    )


def required_by(client: Client) -> Requirements:
    """What holds for an application whatever it asks."""
    return Requirements(
        level=Level(client.minimum_level),
        needs_employment=client.needs_employment,
        municipalities=tuple(client.municipalities),
        roles=tuple(client.roles),
    )


def silent_error(standing: Standing) -> tuple[ErrorCode, str]:
    """OpenID Connect Core 3.1.2.6, for `prompt=none`."""
    match standing:
        case NeedsSignIn(Missing.ACCOUNT_SELECTION):
            return ErrorCode.ACCOUNT_SELECTION_REQUIRED, "The person must choose an account."
        case NeedsSignIn(Missing.EMPLOYMENT):
            return ErrorCode.INTERACTION_REQUIRED, "The person must choose a post."
        case NotAllowed():
            return ErrorCode.ACCESS_DENIED, "The person may not use this application."
        case _:
            return ErrorCode.LOGIN_REQUIRED, "The person must sign in."


def told_level(request: AuthorizationRequest, reached: Level) -> Level:
    """Core 5.5.1.1: an essential `acr` gets one of the values it named; a higher level includes the lower
    ones.
    """
    return Level(max((level for level in request.essential_levels if level <= reached), default=reached))


def links_of(client: Client) -> tuple[tuple[str, str], ...]:
    """Labels to be translated, with the URL each stands for."""
    labels = (
        ("client_uri", N_("About the application")),
        ("policy_uri", N_("How it handles personal data")),
        ("tos_uri", N_("Terms of use")),
    )
    return tuple((label, client.registered[name]) for name, label in labels if client.registered.get(name))
