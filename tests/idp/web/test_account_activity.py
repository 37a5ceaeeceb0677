"""What happened with the account: words, filters, pages, a file; languages, permissions."""

import csv
import io
from datetime import UTC, datetime

import pytest

from idp.events import Event, EventType
from idp.web.account_page import TOLD
from idp.web.activity import KINDS, PERIODS, as_text, kind_of
from tests.support.actors import Browser, Employee, Hall
from tests.support.builders import add_client
from tests.support.reporting import arrives, party

DAY = 86_400


@pytest.fixture
def lived(hall: Hall, anna: Employee) -> Employee:
    """Anna, a year later."""
    for days, kind in (
        (400, "CONSENT_GIVEN"),
        (40, "METHOD_ENROLLED"),
        (20, "SIGNED_IN"),
        (3, "DEVICE_REFUSED"),
    ):
        hall.clock.move(-days * DAY)
        write(hall, anna, EventType[kind])
        hall.clock.move(days * DAY)
    return anna


def write(hall: Hall, who: Employee, kind: EventType, **columns: str) -> None:
    with hall.world.database.begin() as work:
        work.audit.append(Event(type=kind, user_id=who.user.id, **columns))


def happened(browser: Browser, path: str = "/account/activity") -> list[str]:
    """What the rows say, newest first."""
    browser.opens(path)
    return [words for name, words in browser.page.content.ids.items() if name.startswith("event-")]


def table(browser: Browser, query: str = "") -> list[list[str]]:
    reply = browser.http.get(f"/account/activity.csv{query}")
    assert reply.status_code == 200
    return list(csv.reader(io.StringIO(reply.content.decode("utf-8-sig")), delimiter=";"))


def test_each_event_says_when_what_with_which_application_and_from_where(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    arrives(browser, party(hall, path="/a"), anna)
    (row,) = [words for words in happened(browser) if "Lietojumprogrammai dota piekļuves atļauja" in words]
    assert row.startswith("09.10.2025. plkst. 11.53")
    assert "Lietotne /a" in row
    assert "Firefox, Linux" in row
    assert "192.0.2.10" in row
    assert "Tas nebiju es" in row


def test_a_failed_attempt_says_which_browser_it_came_from(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    other = hall.browser("198.51.100.7", **{"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Edg/140.0"})
    other.opens("/")
    other.identifies(anna, password="nepareiza-parole-1")
    browser.signs_in(anna)
    (row,) = [words for words in happened(browser) if "Neizdevies" in words]
    assert "Edge, Windows" in row
    assert "Parole" in row


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", [400, 40, 20, 3, 0]),
        ("?period=day", [0]),
        ("?period=week", [3, 0]),
        ("?period=month&kind=logins", [20, 0]),
        ("?kind=ways", [40]),
        ("?kind=applications&period=year", [3]),
        ("?kind=applications", [400, 3]),
        ("?kind=account", []),
        ("?kind=nonsense&period=nonsense&before=nonsense", [400, 40, 20, 3, 0]),
    ],
)
def test_it_is_filtered_by_kind_and_period(
    browser: Browser, lived: Employee, query: str, told: list[int]
) -> None:
    """By days ago."""
    browser.signs_in(lived)
    dates = [
        datetime.fromtimestamp(lived.clock() - days * DAY, UTC).strftime("%d.%m.%Y.")
        for days in reversed(told)
    ]
    assert [row.split()[0] for row in happened(browser, f"/account/activity{query}")] == dates


def test_what_was_chosen_stays_chosen_and_goes_into_the_file(browser: Browser, lived: Employee) -> None:
    browser.signs_in(lived)
    page = browser.opens("/account/activity?kind=logins&period=month")
    assert page.content.links["activity-csv"] == "/account/activity.csv?kind=logins&period=month"
    assert 'value="logins" selected' in page.content.markup
    assert 'value="month" selected' in page.content.markup
    assert len(table(browser, "?kind=logins&period=month")) == 3


def test_it_is_read_a_page_at_a_time_and_nothing_comes_twice(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    for _ in range(120):
        write(hall, anna, EventType.SIGNED_OUT)
    browser.signs_in(anna)
    seen: list[str] = []
    path: str | None = "/account/activity?kind=logins"
    pages = 0
    while path is not None:
        browser.opens(path)
        seen += [name for name in browser.page.content.ids if name.startswith("event-")]
        path = browser.page.content.links.get("activity-older")
        pages += 1
    assert pages == 3
    assert len(seen) == len(set(seen)) == 121
    assert browser.page.content.links["activity-latest"] == "/account/activity?kind=logins"


def test_a_cursor_shows_nobody_elses_events(hall: Hall, browser: Browser, anna: Employee) -> None:
    """attack 42"""
    other = hall.employee("otrs")
    for _ in range(5):
        write(hall, other, EventType.KEY_BLOCKED)
    browser.signs_in(anna)
    for before in ("1", "3", "999999999999999999"):
        assert all("bloķēta" not in row for row in happened(browser, f"/account/activity?before={before}"))
    assert browser.opens(f"/account/activity?before={'9' * 40}").status == 200


def test_the_file_is_one_for_the_spreadsheets_of_an_office(browser: Browser, anna: Employee) -> None:
    browser.signs_in(anna)
    reply = browser.http.get("/account/activity.csv")
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert reply.headers["Content-Disposition"] == 'attachment; filename="visvaris-2025-10-09.csv"'
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.content.startswith(b"\xef\xbb\xbf")
    head, row = table(browser)
    assert head == ["Laiks", "Kas notika", "Lietojumprogramma", "Pārlūkprogramma", "Vieta"]
    assert row == ["2025-10-09 11:53:20", "Pieslēgšanās", "", "Firefox, Linux", "192.0.2.10"]


def test_nothing_in_the_file_is_a_formula(hall: Hall, browser: Browser, anna: Employee) -> None:
    """attack 42: what an application calls itself"""
    names = [
        '=HYPERLINK("https://evil.example";"x")',
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        " =1",
        "\uff1d1",
        'a";"=1',
    ]
    with hall.world.database.begin() as work:
        for number, name in enumerate(names):
            add_client(work, f"app-{number}", name=name)
    for number in range(len(names)):
        write(hall, anna, EventType.CONSENT_REFUSED, client_id=f"app-{number}", address="=1+1")
    browser.signs_in(anna)
    rows = table(browser, "?kind=applications")[1:]
    assert len(rows) == len(names)
    assert {len(row) for row in rows} == {5}
    for row in rows:
        assert not any(cell.strip().startswith(("=", "+", "-", "@", "\uff1d")) for cell in row)
    assert {row[2] for row in rows} == {*(f"'{name}" for name in names[:-1]), names[-1]}


def test_text_that_calculates_nothing_stays_as_it_is() -> None:
    assert [as_text(each) for each in ("", "Pieslēgšanās", "a=b", "192.0.2.1")] == [
        *("", "Pieslēgšanās", "a=b", "192.0.2.1")
    ]


def test_the_file_has_an_end(
    hall: Hall, browser: Browser, anna: Employee, monkeypatch: pytest.MonkeyPatch
) -> None:
    """attack 43"""
    monkeypatch.setattr("idp.web.activity._IN_A_FILE", 200)
    for _ in range(300):
        write(hall, anna, EventType.SIGNED_OUT)
    browser.signs_in(anna)
    assert len(table(browser)) == 201


def test_an_applications_name_is_text_on_the_page(hall: Hall, browser: Browser, anna: Employee) -> None:
    """attack 42"""
    with hall.world.database.begin() as work:
        add_client(work, "app", name="<img src=x onerror=alert(1)>")
    write(hall, anna, EventType.CONSENT_REFUSED, client_id="app")
    browser.signs_in(anna)
    assert "<img" not in browser.opens("/account/activity").content.markup


def test_every_event_that_is_told_has_a_kind_and_all_choices_have_words() -> None:
    assert {kind_of(EventType(value)) for value in TOLD} == set(KINDS)
    assert all(words for words, _ in (*KINDS.values(), *PERIODS.values()))


# Languages ----------------------------------------------------------------------------------------------


def chooses(browser: Browser, code: str) -> None:
    browser.opens("/account")
    browser.presses("language-save", language=code)


def speaks(browser: Browser, path: str = "/account") -> str:
    return "en" if 'lang="en" data-hue' in browser.opens(path).content.markup else "lv"


def test_the_language_that_a_person_chose_goes_with_them(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    browser.signs_in(anna)
    chooses(browser, "en")
    assert speaks(browser) == "en"
    hall.clock.move(31)
    other = hall.browser()
    assert speaks(other, "/logged-out") == "lv"
    other.signs_in(anna)
    assert speaks(other) == "en"
    with hall.world.database.read() as work:
        assert work.people.get_user(anna.user.id).language == "en"


def test_a_link_on_a_page_still_changes_it_for_this_session(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    browser.signs_in(anna)
    chooses(browser, "en")
    browser.follows("lang-lv")
    assert speaks(browser) == "lv"
    browser.signs_out()
    assert speaks(browser, "/logged-out") == "lv"
    hall.clock.move(31)
    browser.signs_in(anna)
    assert speaks(browser) == "en"


def test_nobody_gets_the_language_of_who_was_there_before(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """attack 22"""
    other = hall.employee("otrs")
    browser.signs_in(other)
    chooses(browser, "lv")
    browser.signs_out()
    browser.signs_in(anna)
    chooses(browser, "en")
    browser.signs_out()
    browser.signs_in(other)
    assert speaks(browser) == "lv"


def test_an_application_suggests_a_language_to_who_has_chosen_none(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    browser.opens("/logout?ui_locales=en")
    assert speaks(browser, "/logged-out") == "en"
    browser.signs_in(anna)
    assert speaks(browser) == "en"
    chooses(browser, "lv")
    browser.opens("/logout?ui_locales=en")
    assert 'lang="lv" data-hue' in browser.page.content.markup


def test_a_language_we_do_not_speak_is_refused(hall: Hall, browser: Browser, anna: Employee) -> None:
    browser.signs_in(anna)
    token = browser.opens("/account").form().fields["csrf_token"]
    for code in ("", "de", "lv.x", "<script>"):
        assert browser.posts("/account/language", {"csrf_token": token, "language": code}).status == 400


# Permissions --------------------------------------------------------------------------------------------


def test_a_permission_says_what_since_when_and_when_it_was_last_used(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    app = party(hall, path="/a")
    tokens = arrives(browser, app, anna)
    hall.clock.move(2 * DAY)
    app.refresh(tokens.refresh_token or "")
    browser.signs_in(anna)
    card = browser.opens("/account").content.ids[f"permission-{app.client_id}"]
    assert "Drīkst redzēt: Kas Jūs esat, Vārds un uzvārds, Piekļuve Jūsu prombūtnē" in card
    assert "09.10.2025." in card
    assert "Pēdējā izmantošana: 11.10.2025. plkst. 11.53" in card


def test_a_permission_that_is_withdrawn_ends_its_tokens_and_tells_the_application(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    app = party(hall, path="/a")
    tokens = arrives(browser, app, anna)
    form = next(each for each in browser.opens("/account").content.forms if each.action.endswith("/withdraw"))
    browser.posts(form.action, form.fields)
    assert app.introspect(tokens.access_token) == {"active": False}
    with hall.world.database.read() as work:
        assert [each.client_id for each in work.notices.list_notices(now=hall.clock())] == [app.client_id]
    assert not browser.page.has(f"permission-{app.client_id}")
    assert browser.is_signed_in
