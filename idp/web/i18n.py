"""Languages of the pages: Latvian unless the person chose English.

What they chose on the account page goes with them to every browser. A link on a page chooses for this browser
and, for who is signed in, for this session; so nobody gets the language of who was there before.

Words come from `templates/locale/*.po`, read at the start. Not here: the catalogues (`languages.py`).
"""

from typing import Final

from flask import Blueprint, Flask, abort, g, request
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from idp.crypto import token_hash
from idp.effects import Instant
from idp.languages import LANGUAGES, catalogue, written_date, written_time
from idp.login.sessions import SignedIn
from idp.web.http import LANGUAGE, local_path, read_cookie, see_other, write_cookie

blueprint = Blueprint("i18n", __name__)

_YEAR_SECONDS: Final = 365 * 24 * 3600


def install(app: Flask) -> None:
    for code in LANGUAGES:
        catalogue(code)
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
    return catalogue(language()).gettext(message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """With `%(num)s` filled in, as in templates."""
    return _choose_plural(singular, plural, number) % {"num": number}


def format_date(at: Instant) -> str:
    return written_date(at, language())


def format_time(at: Instant) -> str:
    return written_time(at, language())


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
    return catalogue(language()).ngettext(singular, plural, number)
