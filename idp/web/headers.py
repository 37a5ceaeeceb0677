"""What every response tells the browser to allow: almost nothing. No page runs or loads what is not ours."""

from typing import Final

from flask import Response, g, request

from idp.web.site import site

_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'"
)
_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not `no-referrer`, with which browsers send forms with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": (
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
        "hid=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()"
    ),
}
_STRICT_TRANSPORT: Final = "max-age=63072000; includeSubDomains"


def allow_form_action(source: str) -> None:
    """For a page whose form ends, over redirects, at an application: its origin, or scheme with a colon.

    Raises ValueError for what could be read as another directive.
    """
    if any(mark in source for mark in " ;,'\"\r\n\t*") or not source.isascii():
        raise ValueError("not a CSP source")
    g.form_action = source


def allow_frames() -> None:
    """For a page that shows another of ours in a frame."""
    g.frames = True


def allow_own_requests() -> None:
    """For a page whose script asks us whether something has happened."""
    g.own_requests = True


def set_headers(response: Response) -> Response:
    """After each request."""
    extra = g.get("form_action")
    policy = f"{_POLICY} {extra}" if extra else _POLICY
    policy = f"{policy}; frame-src 'self'" if g.get("frames") else policy
    if g.get("own_requests"):
        policy += "; connect-src 'self'"
    response.headers.setdefault("Content-Security-Policy", policy)
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    if site().secure:
        response.headers.setdefault("Strict-Transport-Security", _STRICT_TRANSPORT)
    if request.path.startswith("/static/"):
        response.headers.pop("Vary", None)
    return response
