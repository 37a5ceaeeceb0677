"""Where the parameters of an authorization request come from: itself, an object in it or named by it, or what
the client pushed before.

RFC 9101 section 6.3 and RFC 9126 section 4: beside an object or a reference, other parameters do not count.
"""

from dataclasses import replace

from idp.oidc.authorize_checks import Asked, Channel
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.pushed_requests import PREFIX as PUSHED_PREFIX
from idp.oidc.pushed_requests import PushedRequests
from idp.oidc.request_objects import RequestObjects
from idp.oidc.requests import Parameters, refuse_duplicates


class Sources:
    """All of these raise ProtocolError."""

    def __init__(self, objects: RequestObjects, pushed: PushedRequests) -> None:
        self._objects = objects
        self._pushed = pushed

    def at_authorize(self, brought: Asked) -> Asked:
        if names_pushed_request(brought):
            return self._pushed.get(brought.parameters.get("request_uri"), brought.client)
        return self._open(brought, signed=Channel.SIGNED)

    def at_par(self, posted: Asked) -> Asked:
        """RFC 9126 section 2.1: `request_uri` "MUST NOT be provided in this case"."""
        if posted.parameters.has("request_uri"):
            raise ProtocolError(ErrorCode.INVALID_REQUEST, "The parameter request_uri cannot be pushed.")
        return self._open(posted, signed=Channel.PUSHED_SIGNED)

    def _open(self, outer: Asked, *, signed: Channel) -> Asked:
        value, uri = outer.parameters.find("request"), outer.parameters.find("request_uri")
        if value is None and uri is None:
            return outer
        refuse_duplicates(outer.parameters)
        if value is not None and uri is not None:
            # RFC 9101 section 5: "MUST NOT be used together"
            raise ProtocolError(ErrorCode.INVALID_REQUEST, "Send either request or request_uri.")
        if value is not None:
            inner = self._objects.by_value(value, outer.client)
        else:
            inner = self._objects.by_reference(str(uri), outer.client)
        hold_agreement(outer.parameters, inner)
        return replace(outer, parameters=inner, channel=signed)


def names_pushed_request(brought: Asked) -> bool:
    return (brought.parameters.find("request_uri") or "").startswith(PUSHED_PREFIX)


def hold_agreement(outer: Parameters, inner: Parameters) -> None:
    """OpenID Connect Core 6.1: what must also stand outside says the same as inside."""
    for name in ("response_type", "scope"):
        beside = outer.find(name)
        if beside is not None and set(beside.split()) != set((inner.find(name) or "").split()):
            raise ProtocolError(
                ErrorCode.INVALID_REQUEST_OBJECT, f"The request object has another {name} than the request."
            )
