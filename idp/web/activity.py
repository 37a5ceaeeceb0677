"""What happened with the account, in the person's words: the latest, a page of all with filters, and a file.

Not here: which events mean something to a person (`account_page.py`), what follows from "it was not me"
(`not_me.py`).
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, render_template, request

from idp.effects import Instant
from idp.events import EventType
from idp.login.browsers import browser_name
from idp.models.audit import AuditEvent
from idp.people.cases import may_be_disputed, session_of
from idp.storage.work import Work
from idp.web.account_page import TOLD, place_of
from idp.web.guards import satisfied, sign_in_required
from idp.web.i18n import translate
from idp.web.pages import act_for
from idp.web.site import site
from idp.words import N_

blueprint = Blueprint("activity", __name__)

_ON_A_PAGE: Final = 50
_READ_AT_ONCE: Final = 100
_IN_A_FILE: Final = 5000
_SEQ_DIGITS: Final = 18
_DAY_SECONDS: Final = 86_400
_RIGA: Final = ZoneInfo("Europe/Riga")
_BEGINS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_TYPES: Final = tuple(EventType(value) for value in TOLD if value != EventType.SIGNED_IN_ELSEWHERE.value)
"""That a browser was new is told by mail; here the sign-in itself stands, with its browser."""

KINDS: Final = {
    "logins": (
        N_("Logging in and out"),
        ("sign_in.", "session.", "approval.", EventType.METHOD_FAILED.value),
    ),
    "ways": (
        N_("Ways to log in"),
        ("method.", "recovery_codes.", "enrolment_ticket.", "remembered_", EventType.METHODS_RESET.value),
    ),
    "applications": (N_("Applications"), ("consent.", "device.", "code.", "refresh.")),
    "account": (N_("The account itself"), ("",)),
}
"""By how the names of event types begin; of several that fit, the first."""
PERIODS: Final = {
    "day": (N_("The last 24 hours"), 1),
    "week": (N_("The last 7 days"), 7),
    "month": (N_("The last 30 days"), 30),
    "year": (N_("The last year"), 365),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One event as a person reads it. `not_me_url` is empty where nobody else can have done it."""

    seq: int
    at: Instant
    text: str
    application: str
    browser: str
    place: str
    not_me_url: str


@dataclass(frozen=True, slots=True)
class Filters:
    """What was chosen of `KINDS` and `PERIODS`; empty is everything."""

    kind: str = ""
    period: str = ""

    @property
    def types(self) -> tuple[EventType, ...]:
        return tuple(each for each in _TYPES if self.kind in {"", kind_of(each)})

    def since(self, now: Instant) -> Instant | None:
        return now - PERIODS[self.period][1] * _DAY_SECONDS if self.period else None

    def url(self, path: str, **more: object) -> str:
        chosen = {"kind": self.kind, "period": self.period, **more}
        query = urlencode({name: value for name, value in chosen.items() if value})
        return f"{path}?{query}" if query else path


_EVERYTHING: Final = Filters()


def kind_of(event_type: EventType) -> str:
    return next(kind for kind, (_, beginnings) in KINDS.items() if event_type.value.startswith(beginnings))


@blueprint.get("/account/activity")
@sign_in_required
def show() -> Response:
    standing = satisfied()
    act_for(standing.municipality)
    filters, before = _filters(), _before()
    found = told_of(standing.person.user.id, filters, before=before, limit=_ON_A_PAGE + 1)
    shown = found[:_ON_A_PAGE]
    older = shown[-1].seq if len(found) > len(shown) else None
    page = render_template(
        "account/all_activity.html",
        activity=shown,
        kinds=_choices(KINDS, filters.kind, N_("Everything")),
        periods=_choices(PERIODS, filters.period, N_("Whenever")),
        csv_url=filters.url("/account/activity.csv"),
        older_url=filters.url("/account/activity", before=older) if older else None,
        latest_url=filters.url("/account/activity") if before else None,
        is_filtered=filters != _EVERYTHING,
        unfinished=site().cases.find_unfinished(standing.person.user.id),
    )
    return Response(page)


@blueprint.get("/account/activity.csv")
@sign_in_required
def download() -> Response:
    user_id = satisfied().person.user.id
    today = datetime.fromtimestamp(site().effects.now(), _RIGA).date().isoformat()
    response = Response(
        _as_csv(_all_told(user_id, _filters())).encode("utf-8-sig"), content_type="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="visvaris-{today}.csv"'
    return response


def told_of(
    user_id: str, filters: Filters = _EVERYTHING, *, before: int | None = None, limit: int = 20
) -> list[Told]:
    """The latest first; `before` is the event from which on there are only later ones. A hundred at most."""
    with site().storage.database.read() as work:
        events = work.audit.activity_of(
            user_id,
            types=filters.types,
            since=filters.since(site().effects.now()),
            before_seq=before,
            limit=limit,
        )
        return list(_told(work, events))


def told_event(event: AuditEvent) -> Told | None:
    """None for one that means nothing to a person."""
    with site().storage.database.read() as work:
        return next(_told(work, [event]), None)


def as_seq(text: str) -> int | None:
    """None for what cannot be an event's number."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _SEQ_DIGITS
    return int(text) if is_number else None


def _told(work: Work, events: Iterable[AuditEvent]) -> Iterator[Told]:
    events = [event for event in events if event.type in TOLD]
    agents = work.sessions.user_agents_of(filter(None, map(session_of, events)))
    for event in events:
        method = site().methods.get(event.method) if event.method else None
        client = work.clients.find(event.client_id) if event.client_id else None
        agent = agents.get(session_of(event) or "", "")
        browser = json.loads(event.detail).get("browser") or browser_name(agent)
        yield Told(
            seq=event.seq,
            at=event.at,
            text=translate(TOLD[event.type]) + (f": {translate(method.label)}" if method else ""),
            application=client.name if client else event.client_id or "",
            browser=browser or "",
            place=place_of(event.address),
            not_me_url=f"/account/not-me?event={event.seq}" if may_be_disputed(event.type) else "",
        )


def _all_told(user_id: str, filters: Filters) -> Iterator[Told]:
    before: int | None = None
    for _ in range(_IN_A_FILE // _READ_AT_ONCE):
        found = told_of(user_id, filters, before=before, limit=_READ_AT_ONCE)
        yield from found
        if len(found) < _READ_AT_ONCE:
            return
        before = found[-1].seq


def _as_csv(told: Iterable[Told]) -> str:
    """As the spreadsheets of an office in Latvia read it: columns by semicolons, and nothing is a formula."""
    table = io.StringIO()
    writer = csv.writer(table, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    heads = (N_("Time"), N_("What happened"), N_("Application"), N_("Browser"), N_("Place"))
    writer.writerow([translate(head) for head in heads])
    for row in told:
        at = datetime.fromtimestamp(row.at, _RIGA).strftime("%Y-%m-%d %H:%M:%S")
        writer.writerow([at, *map(as_text, (row.text, row.application, row.browser, row.place))])
    return table.getvalue()


def as_text(cell: str) -> str:
    """With a mark in front of what a spreadsheet would calculate or run (attack 42)."""
    begins = cell.startswith(_BEGINS_FORMULA) or cell.lstrip().startswith(_BEGINS_FORMULA)
    return f"'{cell}" if begins else cell


def _filters() -> Filters:
    kind, period = request.args.get("kind", ""), request.args.get("period", "")
    return Filters(kind if kind in KINDS else "", period if period in PERIODS else "")


def _before() -> int | None:
    return as_seq(request.args.get("before", ""))


def _choices(table: Mapping[str, tuple[str, object]], chosen: str, none: str) -> list[dict[str, object]]:
    """For a `select`; `none` is what no choice is called."""
    options = [("", none), *((name, words) for name, (words, _) in table.items())]
    return [{"value": name, "label": translate(words), "chosen": name == chosen} for name, words in options]
