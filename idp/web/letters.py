"""The enrolment letter: a page to be printed and handed over, and the address its QR leads to.

The code stands after the `#` of that address, which no browser sends anywhere. The username is not on the
letter: whoever finds it has to know whose it is.
"""

import re
from typing import Final

import segno
from flask import current_app, g

from idp.languages import LANGUAGES
from idp.login.ticket_codes import shown_ticket_code
from idp.login.tickets import Letter
from idp.models.people import User
from idp.web.assets import asset_text
from idp.web.i18n import format_time
from idp.web.site import site

ADDRESS: Final = "/enrol"
_SHEET: Final = re.compile(r'<link rel="stylesheet" href="/static/\w+/([^"]+)">')


def address_in_qr(issuer: str, code: str) -> str:
    return f"{issuer}{ADDRESS}#{code}"


def printed(letter: Letter, language: str) -> str:
    """Made without the cookies that pages for people read and write."""
    g.language = language if language in LANGUAGES else LANGUAGES[0]
    template = current_app.jinja_env.get_template("enrol/letter.html")
    return template.render(
        lang=g.language,
        who=name_on_paper(letter.person.user),
        municipality_names=_municipality_names(letter),
        address=f"{site().issuer}{ADDRESS}",
        code=shown_ticket_code(letter.code),
        qr_svg=_qr(address_in_qr(site().issuer, letter.code)),
        valid_until=format_time(letter.ticket.expires_at),
        ticket_id=letter.ticket.id,
    )


def standing_alone(page: str) -> str:
    """To be kept as a file, with its style sheets in it and nothing to load."""
    page = re.sub(r'<link rel="icon"[^>]*>\n', "", page)
    return _SHEET.sub(lambda sheet: f"<style>{asset_text(sheet[1])}</style>", page)


def name_on_paper(user: User) -> str:
    """Empty for who has none: the username is on no paper."""
    return "" if user.display_name == user.username else user.display_name


def _municipality_names(letter: Letter) -> list[str]:
    with site().storage.database.read() as work:
        return [work.people.get_municipality(atvk).name for atvk in _codes(letter)]


def _codes(letter: Letter) -> list[str]:
    return list(dict.fromkeys(post.municipality for post in letter.person.employments))


def _qr(address: str) -> str:
    """With a size of its own, so that it prints well also where no style sheet is."""
    return segno.make_qr(address, error="m").svg_inline(
        svgclass="qr-code", lineclass=None, border=4, scale=1.25, unit="mm", dark="#000", light="#fff"
    )
