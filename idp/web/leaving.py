"""On the way to a municipality's own log-in page: who is led there, and the page that leads.

The page goes on by a header: a redirect of a form would have to be allowed to every such address there is.
"""

from flask import Response, render_template, request

from idp.login.look import Look
from idp.login.steps import Offer
from idp.methods.base import Rejected
from idp.models.upstreams import Upstream
from idp.web.forms import Problem, problem_of
from idp.web.i18n import language
from idp.web.shared import is_shared
from idp.web.site import site

_HINT_AT_MOST = 256


def lead_away(look: Look, method_id: str) -> Response | Problem | None:
    """None where the answer is for us. A password that was typed beside such an address is not looked at."""
    upstreams, method = site().upstreams, site().methods.get(method_id)
    hint = request.form.get("username", "").strip()[:_HINT_AT_MOST]
    upstream: Upstream | None = None
    if method is not None and method.facts.with_username:
        upstream = upstreams.find_for_address(hint)
    elif method_id == upstreams.method_id and isinstance(look.step, Offer) and method_id in look.step.methods:
        hint, upstream = "", upstreams.find_of_person(look)
    if upstream is None:
        return None
    address = upstreams.leave(look, upstream, login_hint=hint, language=language(), shared=is_shared())
    return problem_of(address) if isinstance(address, Rejected) else leading_to(address)


def leading_to(address: str) -> Response:
    page = render_template("login/leaving.html", address=address)
    response = Response(page)
    response.headers["Refresh"] = f"0; url={address}"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
