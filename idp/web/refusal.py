"""The page that ends a sign-in with a refusal: what a person may know of it, and what to do now."""

from http import HTTPStatus

from flask import Response, render_template

from idp.errors import Reason
from idp.web.errors import reference
from idp.web.i18n import translate


def refusal(
    reason: Reason, *, restart_url: str, application_name: str | None, confirm_action: str | None = None
) -> Response:
    """`confirm_action`: where a form to confirm whose account it is leads, where that would help."""
    page = render_template(
        "login/refused.html",
        message=translate(reason.public),
        code=reason.code,
        confirm_action=confirm_action,
        reference=reference(),
        application_name=application_name,
        restart_url=restart_url,
    )
    return Response(page, status=HTTPStatus.FORBIDDEN)
