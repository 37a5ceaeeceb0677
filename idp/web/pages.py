"""What every page is given: words, links to assets, who is signed in, and the municipality whose colours it
wears.
"""

from typing import Final
from urllib.parse import urlencode

from flask import Flask, g, request

from idp.languages import LANGUAGES
from idp.models.people import Municipality
from idp.web.assets import asset_url
from idp.web.guards import current_session, form_token
from idp.web.i18n import format_date, format_time, language
from idp.web.site import site

PRODUCT_NAME: Final = "visvaris.lv"
_HUE: Final = 210


def install(app: Flask) -> None:
    app.jinja_env.globals.update(
        asset=asset_url, format_date=format_date, format_time=format_time, product_name=PRODUCT_NAME
    )
    app.context_processor(_every_page)


def act_for(atvk: str | None) -> None:
    """This response is about working for that municipality."""
    if atvk is not None:
        with site().storage.database.read() as work:
            g.municipality = work.people.find_municipality(atvk)


def municipality_names(codes: set[str]) -> dict[str, str]:
    with site().storage.database.read() as work:
        return {atvk: work.people.get_municipality(atvk).name for atvk in codes}


def _every_page() -> dict[str, object]:
    municipality: Municipality | None = g.get("municipality")
    return {
        "lang": language(),
        "lang_links": {code: _language_link(code) for code in LANGUAGES},
        "csrf_token": form_token(),
        "page_hue": municipality.hue if municipality else _HUE,
        "municipality_name": municipality.name if municipality else "",
        "signed_in": None if g.get("without_session") else current_session(),
    }


def _language_link(code: str) -> str:
    here = request.full_path.rstrip("?") if request.method in {"GET", "HEAD"} else request.path
    return f"/language/{code}?{urlencode({'back': here})}"
