"""For which post a person acts, and whether an application is still open to it.

What the sign-in was held against (`login/standing.py`), held against the post as it is now. Pure functions.
"""

from collections.abc import Collection, Sequence

from idp.models.clients import Client
from idp.models.people import Employment
from idp.oidc.authorization_details import Detail, are_within
from idp.oidc.scopes import Scope


def acts_in_a_post(scopes: Collection[str], client: Client) -> bool:
    """Whether the access token says for which municipality the person acts."""
    return client.needs_employment or Scope.EMPLOYMENT in scopes


def post_problem(
    post: Employment | None,
    *,
    scopes: Collection[str],
    client: Client,
    user_roles: Collection[str],
    details: Sequence[Detail] = (),
) -> str | None:
    """Why tokens of somebody who signed in for a post may not be given now; `post` is None when it ended."""
    if not (client.municipalities or client.roles or details or acts_in_a_post(scopes, client)):
        return None
    if post is None:
        return "the post has ended"
    if client.municipalities and post.municipality not in client.municipalities:
        return "the client is no longer for this municipality"
    if not are_within(details, post.municipality):
        return "the authorization details are for another municipality"
    if client.roles and {*post.roles, *user_roles}.isdisjoint(client.roles):
        return "the client is no longer for these roles"
    return None
