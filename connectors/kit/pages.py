"""What a connector's pages need: languages, static files, headers, an error page with a code and a reference.

The templates are the ones the provider uses; the code is not, because a connector is a service of its own.
Nothing is loaded from another origin: each connector serves the static files itself.
"""

import gettext
import hashlib
import io
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

import structlog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Blueprint, Flask, Response, g, render_template, request, send_from_directory, url_for

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"
LANGUAGES = ("lv", "en")
PRODUCT_NAME = "visvaris.lv"
HUE = 210
RIGA = ZoneInfo("Europe/Riga")
YEAR_SECONDS = 31_536_000

_log = structlog.get_logger()


def current_lang() -> str:
    """Latvian unless this person chose English, here or before."""
    chosen: str = g.get("lang", LANGUAGES[0])
    return chosen


def translate(message: str) -> str:
    return _catalog(current_lang()).gettext(message)


def translate_plural(singular: str, plural: str, number: int) -> str:
    return _catalog(current_lang()).ngettext(singular, plural, number)


def format_date(at: float) -> str:
    return datetime.fromtimestamp(at, RIGA).strftime("%d.%m.%Y." if current_lang() == "lv" else "%d.%m.%Y")


def format_time(at: float) -> str:
    clock = "plkst. %H.%M" if current_lang() == "lv" else "at %H:%M"
    return f"{format_date(at)} {datetime.fromtimestamp(at, RIGA).strftime(clock)}"


@cache
def _catalog(lang: str) -> gettext.NullTranslations:
    compiled = io.BytesIO()
    with (TEMPLATES / "locale" / f"{lang}.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=lang))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def _fingerprint(path: str) -> str:
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]


def _asset(path: str) -> str:
    return url_for("assets.file", path=path, v=_fingerprint(path))


def _lang_links() -> dict[str, str]:
    """The page one is on, in the other language; or the door, where that page cannot be asked for again."""
    again = request.endpoint not in {None, "browser.callback", "browser.logout"}
    page = request.script_root + request.path if again else url_for("browser.start")
    return {lang: f"{page}?{urlencode({'lang': lang})}" for lang in LANGUAGES}


@dataclass(frozen=True, slots=True)
class ErrorPage:
    status: HTTPStatus
    code: str
    title: str
    message: str


def show_error(page: ErrorPage, *, private: str = "", way_on: tuple[str, str] | None = None) -> Response:
    """`way_on` is where to go next and what the button says. `private` goes to the log only."""
    reference = secrets.token_hex(6)
    _log.info("page_refused", code=page.code, status=page.status.value, why=private, reference=reference)
    url, label = way_on or ("", "")
    html = render_template(
        "connectors/error.html",
        title=page.title,
        message=page.message,
        code=page.code,
        reference=reference,
        way_on_url=url,
        way_on_label=label,
    )
    return Response(html, status=page.status.value, content_type="text/html; charset=utf-8")


def set_up_pages(app: Flask, *, issuer: str, is_https: bool) -> None:
    """`issuer` is where the sign-out form is redirected to, which `form-action` must allow."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        translate, translate_plural, newstyle=True
    )
    app.jinja_env.globals.update(asset=_asset, format_date=format_date, format_time=format_time)
    app.register_blueprint(_assets())
    cookie = "__Host-visvaris-lang" if is_https else "visvaris-lang"
    headers = _headers(issuer, is_https=is_https)

    @app.before_request
    def _choose_language() -> None:
        asked = request.args.get("lang") or request.cookies.get(cookie)
        g.lang = asked if asked in LANGUAGES else LANGUAGES[0]

    @app.context_processor
    def _context() -> dict[str, object]:
        person = g.get("signed_in")
        return {
            "lang": current_lang(),
            "lang_links": _lang_links(),
            "csrf_token": g.get("csrf_token", ""),
            "page_hue": HUE,
            "product_name": PRODUCT_NAME,
            "municipality_name": person.municipality_name if person else "",
            "signed_in": person,
            "logout_action": url_for("browser.logout"),
        }

    @app.after_request
    def _finish(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if request.args.get("lang") in LANGUAGES:
            response.set_cookie(
                cookie, g.lang, max_age=YEAR_SECONDS, secure=is_https, httponly=True, samesite="Lax"
            )
        return response


def _headers(issuer: str, *, is_https: bool) -> dict[str, str]:
    parts = urlsplit(issuer)
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; base-uri 'none'; "
        f"form-action 'self' {parts.scheme}://{parts.netloc}; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if is_https:
        headers["Strict-Transport-Security"] = f"max-age={2 * YEAR_SECONDS}"
    return headers


def _assets() -> Blueprint:
    routes = Blueprint("assets", __name__)

    @routes.get("/static/<path:path>")
    def file(path: str) -> Response:
        """For a year under the name of its content; without one, asked for anew each time."""
        response = send_from_directory(STATIC, path)
        fresh = request.args.get("v") == _fingerprint(path)
        response.headers["Cache-Control"] = (
            f"public, max-age={YEAR_SECONDS}, immutable" if fresh else "no-cache"
        )
        return response

    return routes
