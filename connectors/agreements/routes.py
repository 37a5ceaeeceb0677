"""Addresses of the agreements connector: one page for people, an API for programs. Decides nothing itself."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from flask import Blueprint, render_template, request

from connectors.agreements.openapi import SCOPE, describe
from connectors.agreements.service import PAGE_SIZE, Agreements, UnknownCursorError, Viewer
from connectors.agreements.words import programme_rows
from connectors.kit.browser import Browsers
from connectors.kit.guard import require
from connectors.kit.problem import Problem, ProblemError, answer_problems
from connectors.kit.relying_party import SignedIn
from connectors.kit.tokens import Caller


class NoMunicipalityError(Exception):
    """Somebody signed in for no municipality that is known here."""


def pages(agreements: Agreements, browsers: Browsers) -> Blueprint:
    routes = Blueprint("agreements", __name__)

    @routes.get("/")
    @browsers.signed_in
    def index(person: SignedIn) -> str:
        viewer = Viewer(person.municipality, frozenset(person.roles))
        municipality = agreements.find_municipality(viewer, person.municipality or "")
        if municipality is None:
            raise NoMunicipalityError
        return render_template(
            "connectors/agreements/index.html",
            municipality=municipality,
            programmes=programme_rows(municipality.programmes),
        )

    return routes


def api(agreements: Agreements, *, base_url: str, issuer: str) -> Blueprint:
    routes = Blueprint("api", __name__, url_prefix="/api/v1")
    answer_problems(routes)

    @routes.get("/municipalities")
    @require(scope=SCOPE)
    def municipalities(caller: Caller) -> dict[str, Any]:
        try:
            page = agreements.list_municipalities(
                _viewer(caller), limit=_limit(), after=request.args.get("after")
            )
        except UnknownCursorError:
            raise ProblemError(_bad_parameter("after names no row of this list.")) from None
        return {"municipalities": [asdict(row) for row in page.rows], "after": page.after}

    @routes.get("/municipalities/<atvk>")
    @require(scope=SCOPE)
    def municipality(caller: Caller, atvk: str) -> dict[str, Any]:
        found = agreements.find_municipality(_viewer(caller), atvk)
        if found is None:
            detail = "There is no such municipality among those this token may see."
            raise ProblemError(Problem(HTTPStatus.NOT_FOUND, "not_found", detail))
        return asdict(found)

    @routes.get("/openapi.json")
    def openapi() -> dict[str, Any]:
        return describe(base_url=base_url, issuer=issuer)

    return routes


def _viewer(caller: Caller) -> Viewer:
    return Viewer(caller.municipality, caller.roles)


def _limit() -> int:
    given = request.args.get("limit", str(PAGE_SIZE))
    if not (given.isascii() and given.isdigit() and len(given) < 4 and 1 <= int(given) <= PAGE_SIZE):
        raise ProblemError(_bad_parameter(f"limit must be a number from 1 to {PAGE_SIZE}."))
    return int(given)


def _bad_parameter(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "invalid_parameter", detail)
