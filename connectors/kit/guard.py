"""`@require(scope=…, level=…)`: a view runs only for a caller whose access token says so.

RFC 6750 and RFC 9449 for how the token comes and how refusals are told, RFC 9470 for asking a stronger
sign-in. A token is taken from the Authorization header alone: in a URL it would be written into logs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec, TypeVar

from flask import Flask, current_app, request

from connectors.kit.effects import Effects
from connectors.kit.jose import BadTokenError, Fault
from connectors.kit.levels import Level
from connectors.kit.problem import Problem, ProblemError
from connectors.kit.proofs import ALGORITHMS
from connectors.kit.provider import ProviderUnavailableError
from connectors.kit.proxies import Network, certificate_of
from connectors.kit.senders import Scheme, Shown
from connectors.kit.shelf import ShelfAwayError
from connectors.kit.step_up import INSUFFICIENT
from connectors.kit.tokens import Caller, TokenVerifier

P = ParamSpec("P")
R = TypeVar("R")

_EXTENSION = "token-verifier"
_SCHEMES = {scheme.value.lower(): scheme for scheme in Scheme}
_DETAILS = {
    Fault.EXPIRED: "The access token has expired.",
    Fault.PROOF: "The DPoP proof is missing, not valid for this request, or was used before.",
}


@dataclass(frozen=True, slots=True)
class _Guard:
    verifier: TokenVerifier
    effects: Effects
    trusted_proxies: Sequence[Network]


def guard(
    app: Flask, verifier: TokenVerifier, *, effects: Effects, trusted_proxies: Sequence[Network] = ()
) -> None:
    app.extensions[_EXTENSION] = _Guard(verifier, effects, trusted_proxies)


def require(
    *, scope: str, level: Level | None = None, max_age: int | None = None
) -> Callable[[Callable[Concatenate[Caller, P], R]], Callable[P, R]]:
    """`max_age`: how many seconds ago the person may have signed in. The caller is the first argument."""

    def decorate(view: Callable[Concatenate[Caller, P], R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            guarding: _Guard = current_app.extensions[_EXTENSION]
            shown, token = _shown(guarding.trusted_proxies)
            caller = _caller(guarding.verifier, shown, token)
            if scope not in caller.scope:
                raise ProblemError(_too_narrow(scope, shown.scheme))
            if not _is_sure(caller, level=level, max_age=max_age, now=guarding.effects.now()):
                raise ProblemError(_too_weak(level, max_age, shown.scheme))
            return view(caller, *args, **kwargs)

        return guarded

    return decorate


def _caller(verifier: TokenVerifier, shown: Shown, token: str) -> Caller:
    try:
        return verifier.verify(token, shown)
    except BadTokenError as error:
        raise ProblemError(_bad_token(error.fault, shown.scheme)) from None
    except ProviderUnavailableError as error:
        raise ProblemError(_unchecked("provider_unavailable", str(error))) from None
    except ShelfAwayError as error:
        raise ProblemError(_unchecked("proofs_unavailable", str(error))) from None


def _shown(trusted_proxies: Sequence[Network]) -> tuple[Shown, str]:
    name, _, token = request.headers.get("Authorization", "").partition(" ")
    scheme = _SCHEMES.get(name.lower())
    if scheme is None:
        raise ProblemError(_no_token())
    if not token or " " in token or len(request.headers.getlist("Authorization")) > 1:
        raise ProblemError(_malformed(scheme))
    shown = Shown(
        scheme=scheme,
        method=request.method,
        path=request.path,
        proof=request.headers.get("DPoP", "") if scheme is Scheme.DPOP else "",
        certificate=certificate_of(request.environ, trusted_proxies) if trusted_proxies else "",
    )
    return shown, token


def _is_sure(caller: Caller, *, level: Level | None, max_age: int | None, now: float) -> bool:
    if level is not None and (caller.acr is None or not caller.acr.meets(level)):
        return False
    return max_age is None or (caller.auth_time is not None and now - caller.auth_time <= max_age)


def _challenge(used: Scheme | None, **parameters: str) -> dict[str, list[str]]:
    """RFC 9449 section 7.2: both schemes are named, what was wrong is told to the one that was used."""
    told = "".join(f', {name}="{value}"' for name, value in parameters.items())
    offered = {
        Scheme.BEARER: 'Bearer realm="visvaris"',
        Scheme.DPOP: f'DPoP realm="visvaris", algs="{" ".join(ALGORITHMS)}"',
    }
    lines = [text + (told if scheme is used else "") for scheme, text in offered.items()]
    return {"WWW-Authenticate": lines}


def _no_token() -> Problem:
    """RFC 6750 section 3.1: who shows no token learns that one is needed and nothing more."""
    return Problem(
        HTTPStatus.UNAUTHORIZED, "token_required", "An access token is needed.", headers=_challenge(None)
    )


def _malformed(scheme: Scheme) -> Problem:
    detail = "The Authorization header must hold one access token."
    headers = _challenge(scheme, error="invalid_request", error_description=detail)
    return Problem(HTTPStatus.BAD_REQUEST, "invalid_request", detail, headers=headers)


def _bad_token(fault: Fault, scheme: Scheme) -> Problem:
    code = "invalid_dpop_proof" if fault is Fault.PROOF else "invalid_token"
    detail = _DETAILS.get(fault, "The access token is not valid here.")
    headers = _challenge(scheme, error=code, error_description=detail)
    return Problem(HTTPStatus.UNAUTHORIZED, code, detail, private=fault.value, headers=headers)


def _too_narrow(scope: str, scheme: Scheme) -> Problem:
    detail = f"The access token needs the scope {scope}."
    headers = _challenge(scheme, error="insufficient_scope", error_description=detail, scope=scope)
    return Problem(HTTPStatus.FORBIDDEN, "insufficient_scope", detail, headers=headers)


def _too_weak(level: Level | None, max_age: int | None, scheme: Scheme) -> Problem:
    """RFC 9470 section 3: says what sign-in would do, so that the client can ask the provider for it."""
    code, detail = INSUFFICIENT, "A stronger or more recent sign-in is needed."
    asked = {"acr_values": level.value} if level is not None else {}
    if max_age is not None:
        asked["max_age"] = str(max_age)
    headers = _challenge(scheme, error=code, error_description=detail, **asked)
    return Problem(HTTPStatus.UNAUTHORIZED, code, detail, headers=headers)


def _unchecked(code: str, private: str) -> Problem:
    detail = "Access tokens cannot be checked just now. Try again in half a minute."
    headers = {"Retry-After": "30"}
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, code, detail, private=private, headers=headers)
