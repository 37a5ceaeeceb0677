"""What is shown to who proved an account of their municipality's network that is linked to nobody yet.

To nobody else: whoever does not know its password sees the page for a wrong one (`login.py`), and who has no
ticket of it the usual page (`negotiate.py`).
"""

from http import HTTPStatus

from flask import Response, render_template

from idp.errors import Reason
from idp.login.look import Look
from idp.web.errors import reference
from idp.web.invited import ADDRESS


def show_waiting(look: Look, *, by_computer: bool = False) -> Response:
    application = look.transaction.application
    page = render_template(
        "login/arrival_waits.html",
        by_computer=by_computer,
        code=Reason.ARRIVAL_WAITS.code,
        reference=reference(),
        application_name=application.name if application else None,
        restart_url=f"/login/{look.transaction.id}/anew",
        invitation_url=ADDRESS,
    )
    return Response(page, status=HTTPStatus.FORBIDDEN)
