"""The outbox as a page, on the computer of somebody who tries things out, where no relay is.

Only there: `app.py` installs it when the issuer is localhost and no relay is set, and it answers nobody who
comes over a network. A letter's HTML is shown in a frame that may do nothing.
"""

from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.policy import SMTP
from ipaddress import ip_address
from typing import Final

from flask import Blueprint, Response, abort, render_template, request

from idp.models.mails import Mail
from idp.people.letters import Letter, NotWantedError
from idp.storage.outbox import state_of
from idp.web.headers import allow_frames
from idp.web.http import client_address
from idp.web.site import site

blueprint = Blueprint("kept_mail", __name__, url_prefix="/mail")

_AT_MOST: Final = 100
_HEADERS: Final = ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted")
_IN_A_FRAME: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox"
)


@blueprint.before_request
def _answer_nobody_else() -> None:
    here = client_address(request.environ, site().trusted_proxies)
    try:
        is_local = ip_address(here).is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        abort(404)


@blueprint.get("")
def list_kept() -> str:
    with site().storage.database.read() as work:
        mails = work.mails.list_latest(limit=_AT_MOST)
    return render_template("mail/list.html", mails=list(_listed(mails)))


@blueprint.get("/<mail_id>")
def show(mail_id: str) -> str:
    mail = _find(mail_id)
    letter = _letter(mail)
    if letter is None:
        abort(404)
    allow_frames()
    message = message_from_bytes(letter.envelope.content, policy=SMTP)
    prefix = f"{site().issuer}/"
    words = letter.text.split()
    return render_template(
        "mail/letter.html",
        letter=letter,
        headers=[(name, message[name]) for name in _HEADERS],
        state=state_of(mail).value,
        links=["/" + word.removeprefix(prefix) for word in words if word.startswith(prefix)],
        mail_id=mail.id,
    )


@blueprint.get("/<mail_id>/html")
def show_html(mail_id: str) -> Response:
    letter = _letter(_find(mail_id))
    if letter is None:
        abort(404)
    response = Response(letter.html)
    response.headers["Content-Security-Policy"] = _IN_A_FRAME
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _find(mail_id: str) -> Mail:
    with site().storage.database.read() as work:
        mail = work.mails.find(mail_id)
    if mail is None:
        abort(404)
    return mail


def _letter(mail: Mail) -> Letter | None:
    """As it was sent, or would be; None for one that has nothing to say any more."""
    try:
        return site().letters.write(mail, mail.delivered_at or mail.created_at)
    except NotWantedError:
        return None


def _listed(mails: list[Mail]) -> Iterator[Mapping[str, object]]:
    for mail in mails:
        letter = _letter(mail)
        yield {
            "id": mail.id,
            "url": f"/mail/{mail.id}" if letter else None,
            "to": mail.address,
            "subject": letter.subject if letter else "",
            "at": mail.delivered_at or mail.created_at,
            "is_sent": mail.delivered_at is not None,
        }
