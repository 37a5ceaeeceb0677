"""Where a WSGI server finds the provider: `wsgi:application`, or one of the functions below as a factory."""

from functools import cache
from typing import TYPE_CHECKING

from idp.app import create_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@cache
def provider() -> "WSGIApplication":
    """One for the process and those it forks; it connects to nothing until it is asked something."""
    return create_app(compile_templates=True)


def with_connectors() -> "WSGIApplication":
    """For development: the connectors on the provider's own origin. In production each has its own."""
    from connectors.agreements.app import create_app as create_agreements

    return create_app(mounts={"/connectors/agreements": create_agreements()})


def __getattr__(name: str) -> "WSGIApplication":
    if name == "application":
        return provider()
    raise AttributeError(name)
