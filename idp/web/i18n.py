"""Languages of the pages: Latvian unless the person chose English.

What they chose on the account page goes with them to every browser. A link on a page chooses for this browser
and, for who is signed in, for this session; so nobody gets the language of who was there before.

Words come from `templates/locale/*.po`, read at the start. Not here: which words (the catalogues).
"""

import gettext
import io
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Blueprint, Flask, abort, g, request
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from idp.crypto import token_hash
from idp.effects import Instant
from idp.login.sessions import SignedIn
from idp.web.http import LANGUAGE, local_path, read_cookie, see_other, write_cookie

blueprint = Blueprint("i18n", __name__)

LANGUAGES: Final = ("lv", "en")
_LOCALE: Final = Path(__file__).resolve().parents[2] / "templates" / "locale"
_YEAR_SECONDS: Final = 365 * 24 * 3600
_RIGA: Final = ZoneInfo("Europe/Riga")


def install(app: Flask) -> None:
    for code in LANGUAGES:
        _catalogue(code)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # comes with the extension
        translate, _choose_plural, newstyle=True
    )
    app.register_blueprint(blueprint)


def language() -> str:
    if "language" not in g:
        g.language = _chosen() or LANGUAGES[0]
    return str(g.language)


def prefer(codes: tuple[str, ...]) -> None:
    """For this response, what an application suggests (`ui_locales`), unless the person has chosen."""
    if _chosen() is None:
        g.language = next((code[:2] for code in codes if code[:2] in LANGUAGES), LANGUAGES[0])


def translate(message: str) -> str:
    return _catalogue(language()).gettext(message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """With `%(num)s` filled in, as in templates."""
    return _choose_plural(singular, plural, number) % {"num": number}


def format_date(at: Instant) -> str:
    return datetime.fromtimestamp(at, _RIGA).strftime("%d.%m.%Y." if language() == "lv" else "%d.%m.%Y")


def format_time(at: Instant) -> str:
    clock = "plkst. %H.%M" if language() == "lv" else "at %H:%M"
    return f"{format_date(at)} {datetime.fromtimestamp(at, _RIGA).strftime(clock)}"


@blueprint.get("/language/<code>")
def choose(code: str) -> AnyResponse:
    if code not in LANGUAGES:
        abort(404)
    response = see_other(local_path(request.args.get("back")) or "/")
    keep_choice(response, code)
    return response


def keep_choice(response: AnyResponse, code: str) -> None:
    """On this browser; by whom, if somebody is signed in."""
    signed_in = _signed_in()
    mark = f".{_mark(signed_in)}" if signed_in else ""
    write_cookie(response, LANGUAGE, f"{code}{mark}", max_age=_YEAR_SECONDS)


def _chosen() -> str | None:
    """By the link in this session, by the person for good, by whoever used this browser, or by nobody."""
    code, _, mark = (read_cookie(LANGUAGE) or "").partition(".")
    on_browser = code if code in LANGUAGES else None
    signed_in = _signed_in()
    if signed_in is None or signed_in.language not in LANGUAGES:
        return on_browser
    return on_browser if on_browser and mark == _mark(signed_in) else signed_in.language


def _signed_in() -> SignedIn | None:
    """Not asked for where the page must not need what may have failed."""
    if g.get("without_session") or not current_user.is_authenticated:
        return None
    signed_in: SignedIn = current_user.signed_in
    return signed_in


def _mark(signed_in: SignedIn) -> str:
    """In which session it was chosen."""
    return token_hash(signed_in.session_id)[:16]


def _choose_plural(singular: str, plural: str, number: int) -> str:
    return _catalogue(language()).ngettext(singular, plural, number)


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    compiled = io.BytesIO()
    with (_LOCALE / f"{code}.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=code))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
