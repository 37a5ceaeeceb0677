"""Where a person is sent who wants to begin at an application (OpenID Connect Core 4).

The application then asks us as it always does. No `login_hint`: an application learns who somebody is when
they sign in, and not before.
"""

from idp.oidc.authorization_request import with_query


def initiation_url(initiate_login_uri: str, *, issuer: str) -> str:
    """Core 4: `iss` tells an application that knows several providers which one this is."""
    address, mark, fragment = initiate_login_uri.partition("#")
    return with_query(address, (("iss", issuer),)) + mark + fragment
