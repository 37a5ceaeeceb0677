"""From an authorization request to what a sign-in must fulfil, and back to what is told. Pure functions."""

from dataclasses import replace

from idp.login.standing import Missing, NeedsSignIn, NotAllowed, Standing
from idp.login.transaction import Requirements
from idp.models.clients import Client
from idp.oidc.authorization_details import municipalities_of
from idp.oidc.authorization_request import AuthorizationRequest, Prompt
from idp.oidc.errors import ErrorCode
from idp.policy import Level
from idp.words import N_


def requirements_of(request: AuthorizationRequest, client: Client) -> Requirements:
    """The same each time but for what the person can only be asked once.

    Authorization details are for a post in the municipality they name.
    """
    named = municipalities_of(request.authorization_details)
    return replace(
        required_by(client),
        level=Level(max(request.required_level, client.minimum_level)),
        not_before=request.not_before,
        needs_employment=client.needs_employment or bool(named),
        municipalities=_open_to(named, tuple(client.municipalities)),
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


def _open_to(named: tuple[str, ...], all_of_client: tuple[str, ...]) -> tuple[str, ...]:
    """Never more than the client is open to, whatever a request names."""
    narrower = bool(named) and (not all_of_client or set(named) <= set(all_of_client))
    return named if narrower else all_of_client


def before_identifying(request: AuthorizationRequest, client: Client) -> Requirements:
    """What is asked of whoever signs in, before it is known whether they have the post the details name.

    Were it asked at once, a person without it would end on a page of ours, and the application never learn.
    """
    return requirements_of(replace(request, authorization_details=()), client)


def says_who(missing: Missing) -> bool:
    """Whether the sign-in that is needed will first of all tell who the person is."""
    return missing in {Missing.NO_SESSION, Missing.OTHER_USER, Missing.ACCOUNT_SELECTION}


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
    """Labels to be translated, with the URL each stands for.

    A logo of another organisation is a link: nothing of another origin is loaded before somebody asks for it.
    """
    labels = (
        *(() if client.first_party else (("logo_uri", N_("Logo of the application")),)),
        ("client_uri", N_("About the application")),
        ("policy_uri", N_("How it handles personal data")),
        ("tos_uri", N_("Terms of use")),
    )
    return tuple((label, client.registered[name]) for name, label in labels if client.registered.get(name))
