"""`@require(scope=…, level=…)`: a view runs only for a caller whose access token says so.

RFC 6750 for how the token comes and how refusals are told, RFC 9470 for asking a stronger sign-in. A token
is taken from the Authorization header alone: in a URL it would be written into logs.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec, TypeVar

from flask import Flask, current_app, request

from connectors.kit.effects import Effects
from connectors.kit.jose import BadTokenError, Fault
from connectors.kit.levels import Level
from connectors.kit.problem import Problem, ProblemError
from connectors.kit.provider import ProviderUnavailableError
from connectors.kit.tokens import Caller, TokenVerifier

P = ParamSpec("P")
R = TypeVar("R")

_EXTENSION = "token-verifier"


def guard(app: Flask, verifier: TokenVerifier, *, effects: Effects) -> None:
    app.extensions[_EXTENSION] = (verifier, effects)


def require(
    *, scope: str, level: Level | None = None, max_age: int | None = None
) -> Callable[[Callable[Concatenate[Caller, P], R]], Callable[P, R]]:
    """`max_age`: how many seconds ago the person may have signed in. The caller is the first argument."""

    def decorate(view: Callable[Concatenate[Caller, P], R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            verifier, effects = current_app.extensions[_EXTENSION]
            caller = _caller(verifier)
            if scope not in caller.scope:
                raise ProblemError(_too_narrow(scope))
            if not _is_sure(caller, level=level, max_age=max_age, now=effects.now()):
                raise ProblemError(_too_weak(level, max_age))
            return view(caller, *args, **kwargs)

        return guarded

    return decorate


def _caller(verifier: TokenVerifier) -> Caller:
    try:
        return verifier.verify(_token())
    except BadTokenError as error:
        raise ProblemError(_bad_token(error.fault)) from None
    except ProviderUnavailableError as error:
        raise ProblemError(_no_keys(str(error))) from None


def _token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise ProblemError(_no_token())
    if not token or " " in token or len(request.headers.getlist("Authorization")) > 1:
        raise ProblemError(_malformed())
    return token


def _is_sure(caller: Caller, *, level: Level | None, max_age: int | None, now: float) -> bool:
    if level is not None and (caller.acr is None or not caller.acr.meets(level)):
        return False
    return max_age is None or (caller.auth_time is not None and now - caller.auth_time <= max_age)


def _challenge(**parameters: str) -> dict[str, str]:
    told = "".join(f', {name}="{value}"' for name, value in parameters.items())
    return {"WWW-Authenticate": f'Bearer realm="visvaris"{told}'}


def _no_token() -> Problem:
    """RFC 6750 section 3.1: who shows no token learns that one is needed and nothing more."""
    return Problem(
        HTTPStatus.UNAUTHORIZED, "token_required", "An access token is needed.", headers=_challenge()
    )


def _malformed() -> Problem:
    detail = "The Authorization header must hold one bearer token."
    headers = _challenge(error="invalid_request", error_description=detail)
    return Problem(HTTPStatus.BAD_REQUEST, "invalid_request", detail, headers=headers)


def _bad_token(fault: Fault) -> Problem:
    detail = (
        "The access token has expired." if fault is Fault.EXPIRED else "The access token is not valid here."
    )
    headers = _challenge(error="invalid_token", error_description=detail)
    return Problem(HTTPStatus.UNAUTHORIZED, "invalid_token", detail, private=fault.value, headers=headers)


def _too_narrow(scope: str) -> Problem:
    detail = f"The access token needs the scope {scope}."
    headers = _challenge(error="insufficient_scope", error_description=detail, scope=scope)
    return Problem(HTTPStatus.FORBIDDEN, "insufficient_scope", detail, headers=headers)


def _too_weak(level: Level | None, max_age: int | None) -> Problem:
    """RFC 9470 section 3: says what sign-in would do, so that the client can ask the provider for it."""
    detail = "A stronger or more recent sign-in is needed."
    asked = {"acr_values": level.value} if level is not None else {}
    if max_age is not None:
        asked["max_age"] = str(max_age)
    headers = _challenge(error="insufficient_user_authentication", error_description=detail, **asked)
    return Problem(HTTPStatus.UNAUTHORIZED, "insufficient_user_authentication", detail, headers=headers)


def _no_keys(private: str) -> Problem:
    detail = "Access tokens cannot be checked just now. Try again in half a minute."
    headers = {"Retry-After": "30"}
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "provider_unavailable", detail, private=private, headers=headers
    )
