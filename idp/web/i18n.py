"""Languages of the pages: Latvian unless the person chose English; the choice is kept in a cookie.

Words come from `templates/locale/*.po`, read at the start. Not here: the catalogues (`languages.py`).
"""

from typing import Final

from flask import Blueprint, Flask, abort, g, request
from werkzeug.wrappers import Response as AnyResponse

from idp.effects import Instant
from idp.languages import LANGUAGES, catalogue, written_date, written_time
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
        chosen = read_cookie(LANGUAGE)
        g.language = chosen if chosen in LANGUAGES else LANGUAGES[0]
    return str(g.language)


def prefer(codes: tuple[str, ...]) -> None:
    """For this response, what an application suggests (`ui_locales`), unless the person has chosen."""
    if read_cookie(LANGUAGE) not in LANGUAGES:
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
    write_cookie(response, LANGUAGE, code, max_age=_YEAR_SECONDS)
    return response


def _choose_plural(singular: str, plural: str, number: int) -> str:
    return catalogue(language()).ngettext(singular, plural, number)
