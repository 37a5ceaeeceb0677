"""Enrolment letters through the whole provider: ordered over the API, used on the pages, and whatever must not work."""

import re
from collections.abc import Callable, Iterator

import pytest
import segno

from idp.login.limits import Limits
from idp.login.sessions import Visitor
from idp.login.tickets import SITTING_SECONDS, TICKET_SECONDS
from idp.models.people import Employment
from idp.policy import NATIONAL, OPERATOR, Level
from idp.storage import municipalities
from tests.support.actors import ISSUER, WITH_KEYS, Browser, Employee, Hall
from tests.support.administrators import AUDIENCE, SCOPE, Api, administrator, program, service, token_of
from tests.support.at_once import at_once
from tests.support.authenticator import Authenticator, Lie
from tests.support.builders import KEKAVA, RIGA, make_database
from tests.support.letters import (
    PrintedLetter,
    chooses,
    letter_for,
    newcomer,
    order,
    sets_up_authenticator,
    uses,
)
from tests.support.pages import Page
from tests.support.passkeys import creates, uses_passkey
from tests.support.relying_party import RelyingParty

WRONG = "Lietotājvārds vai kods nav pareizs, vai arī vēstule vairs nav derīga."


@pytest.fixture
def hall(fresh_database: str) -> Iterator[Hall]:
    made = Hall(fresh_database)
    for scope in (NATIONAL, RIGA, KEKAVA, OPERATOR):
        made.rule(scope, methods=WITH_KEYS)
    yield made
    made.close()


@pytest.fixture
def browser(hall: Hall) -> Browser:
    return hall.browser()


@pytest.fixture
def console(hall: Hall) -> RelyingParty:
    return program(hall)


@pytest.fixture
def manager(hall: Hall) -> Employee:
    """The administrator of Riga."""
    return administrator(hall, "parvaldnieks", RIGA)


@pytest.fixture
def riga(hall: Hall, console: RelyingParty, manager: Employee) -> Api:
    return Api(hall, token_of(hall, console, manager))


@pytest.fixture
def operator(hall: Hall) -> Employee:
    return hall.employee("operators", totp=True, roles=[OPERATOR], municipalities=[])


@pytest.fixture
def system(hall: Hall, console: RelyingParty, operator: Employee) -> Api:
    return Api(hall, token_of(hall, console, operator))


@pytest.fixture
def jauna(hall: Hall) -> Employee:
    """New here, with nothing to sign in with."""
    return newcomer(hall)


@pytest.fixture
def letter(riga: Api, jauna: Employee) -> PrintedLetter:
    return letter_for(riga, jauna)


@pytest.fixture
def laptop() -> Authenticator:
    return Authenticator(ISSUER, transports=["internal"])


def trail(hall: Hall, who: Employee) -> list[tuple[str, str | None]]:
    with hall.world.database.read() as work:
        return [(event.type, event.reason) for event in reversed(work.audit.activity_of(who.user.id))]


def methods_of(hall: Hall, who: Employee) -> list[str]:
    with hall.world.database.read() as work:
        return [each.method for each in work.people.credentials_of(who.user.id)]


def state(api: Api, letter: PrintedLetter) -> str:
    return str(api.get(f"/enrolment-tickets/{letter.id}").json()["state"])


def hire(hall: Hall, who: Employee, atvk: str, **columns: object) -> None:
    post = Employment(id=hall.world.effects.new_id(), user_id=who.user.id, municipality=atvk, **columns)  # type: ignore[arg-type]
    with hall.world.database.begin() as work:
        work.people.add_employment(post)


def write(hall: Hall, statement: str, *values: object) -> None:
    with hall.world.database.begin() as work:
        work.connection().exec_driver_sql(statement, values)


# The whole way -----------------------------------------------------------------------------------------------


def test_a_newcomer_sets_up_a_passkey_with_a_letter_and_signs_in_with_it(
    hall: Hall, riga: Api, jauna: Employee, letter: PrintedLetter, browser: Browser, laptop: Authenticator
) -> None:
    page = uses(browser, "jauna", letter.code)
    assert page.path.startswith("/enrol/")
    chooses(browser, "passkey")
    assert creates(browser, laptop).has("recovery-codes")
    assert len(browser.page.content.ids["recovery-codes"].split()) == 10
    assert not browser.is_signed_in, "a letter signs nobody in"
    assert browser.opens("/enrol/done").has("sign-in")
    browser.follows("sign-in")
    assert uses_passkey(browser, laptop).path == "/"
    assert state(riga, letter) == "used"
    told = [kind for kind, _ in trail(hall, jauna)]
    assert told[:4] == [
        "enrolment_ticket.made",
        "method.enrolled",
        "recovery_codes.made",
        "enrolment_ticket.used",
    ]
    words = browser.opens("/account").words
    assert "Administrators sagatavoja vēstuli" in words
    assert "Izmantota vēstule" in words


def test_whoever_lost_the_phone_sets_up_another_beside_the_password(
    hall: Hall, riga: Api, anna: Employee, browser: Browser
) -> None:
    """attack 34: what was signed in before ends, codes on paper are new ones, and the old phone is worth nothing"""
    thief = hall.browser("198.51.100.7")
    thief.signs_in(anna)
    old = anna.authenticator
    uses(browser, "anna", letter_for(riga, anna).code)
    assert sets_up_authenticator(browser, anna).has("recovery-codes")
    assert not thief.is_signed_in
    hall.clock.move(31)
    browser.opens("/")
    browser.identifies(anna)
    fresh, anna.authenticator = anna.authenticator, old
    assert browser.presses(code=anna.code()).status == 422
    anna.authenticator = fresh
    hall.clock.move(31)
    assert browser.presses(code=anna.code()).path == "/"


def test_recovery_codes_that_were_there_are_replaced(
    hall: Hall, riga: Api, anna: Employee, browser: Browser
) -> None:
    """attack 34: whoever took the phone may have taken the paper as well"""
    at_home = hall.browser()
    at_home.signs_in(anna)
    at_home.opens("/account/methods/recovery_code")
    old = at_home.presses().content.ids["recovery-codes"].split()
    uses(browser, "anna", letter_for(riga, anna).code)
    new = sets_up_authenticator(browser, anna).content.ids["recovery-codes"].split()
    assert not set(old) & set(new)
    assert methods_of(hall, anna).count("recovery_code") == 10


def test_tokens_given_for_the_absence_of_the_person_end_too(
    hall: Hall, riga: Api, anna: Employee, browser: Browser
) -> None:
    """attack 34"""
    app = program(hall, scope="openid offline_access", grant_types=["authorization_code", "refresh_token"])
    question, window = app.ask(scope="openid offline_access", prompt="consent"), hall.browser()
    window.signs_in(anna, question.url.removeprefix(ISSUER))
    if window.left_for is None:
        form = window.page.form(button="consent-allow")
        window.posts(form.action, {**form.fields, "decision": "allow"})
    tokens = app.redeem(question, app.read_answer(question, window.left_for or "")["code"])
    assert app.introspect(tokens.access_token)["active"]
    uses(browser, "anna", letter_for(riga, anna).code)
    sets_up_authenticator(browser, anna)
    assert app.introspect(tokens.access_token) == {"active": False}


# The letter --------------------------------------------------------------------------------------------------


def test_the_letter_is_a_page_to_print_with_all_that_is_needed_but_the_username(
    hall: Hall, letter: PrintedLetter, riga: Api
) -> None:
    assert letter.reply.headers["Content-Type"].startswith("text/html")
    assert letter.reply.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in letter.reply.headers
    assert re.fullmatch(r"(?:[0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}", letter.code)
    assert "<svg" in letter.content.markup
    assert "<script" not in letter.content.markup
    picture = segno.make_qr(f"{ISSUER}/enrol#{letter.code.replace('-', '')}", error="m").svg_inline(
        scale=1.25, unit="mm"
    )
    assert re.findall(r' d="([^"]+)"', letter.content.markup)[-1] == re.findall(r' d="([^"]+)"', picture)[-1]
    assert f"{ISSUER}/enrol" in letter.content.text
    assert "jauna" not in letter.content.text
    assert letter.content.ids["letter-to"] == "Anna Bērziņa"
    assert letter.content.ids["letter-until"] == "12.10.2025. plkst. 11.53"
    assert letter.content.ids["letter-number"] == letter.id


def test_who_made_it_cannot_read_it_again(
    hall: Hall, riga: Api, jauna: Employee, letter: PrintedLetter
) -> None:
    """attack 40: invitation link readable by the delegated administrator; attack 44: nor whoever has the database"""
    plain = letter.code.replace("-", "")
    (listed,) = riga.get("/enrolment-tickets", user="jauna").json()["enrolment_tickets"]
    shown = riga.get(f"/enrolment-tickets/{letter.id}")
    assert shown.json() == listed
    assert set(listed) == {
        *("id", "user_id", "made_by", "municipality", "state"),
        *("made_at", "expires_at", "used_at", "revoked_at"),
    }
    with hall.world.database.read() as work:
        ticket = work.tickets.find(letter.id)
        events = work.audit.activity_of(jauna.user.id)
    for text in (
        shown.text,
        repr(ticket),
        repr(ticket and ticket.code_hash),
        *(repr(event.detail) for event in events),
    ):
        assert plain not in text
        assert letter.code not in text


def test_a_letter_in_english_where_that_is_better(riga: Api, jauna: Employee) -> None:
    reply = riga.ask("POST", "/enrolment-tickets", json={"user": "jauna", "language": "en"})
    assert "Set up your way to log in" in reply.text
    assert 'lang="en"' in reply.text


def test_names_full_of_markup_are_text_on_the_letter(hall: Hall, riga: Api) -> None:
    """attack 42"""
    who = newcomer(hall, "x", given_name="<script>alert(1)</script>", family_name='"><img src=x>')
    assert "<script" not in letter_for(riga, who).content.markup


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"jauna"',
        b"{}",
        b'{"user": 1}',
        b'{"user": ""}',
        b'{"user": "jauna", "language": "ru"}',
        b'{"user": "jauna", "municipality": null}',
        b'{"user": "jauna", "expires_at": "2099-01-01T00:00:00Z"}',
        b"[" * 10_000,
    ],
)
def test_a_body_that_says_anything_else_is_refused(riga: Api, jauna: Employee, body: bytes) -> None:
    """attack 42: mass assignment; attack 43: JSON bombs"""
    api = {"content": body, "headers": {"Content-Type": "application/json"}}
    with_token = api | {"headers": {"Authorization": f"Bearer {riga.token}", **api["headers"]}}  # type: ignore[dict-item]
    browser = riga.hall.browser()
    reply = browser.http.post("/api/v1/enrolment-tickets", **with_token)  # type: ignore[arg-type]
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_request")
    assert riga.get("/enrolment-tickets").json()["enrolment_tickets"] == []


# Who may make one for whom -----------------------------------------------------------------------------------


def refused(api: Api, who: Employee, status: int, code: str) -> None:
    reply = order(api, who)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert "Set-Cookie" not in reply.headers


def test_nobody_makes_one_for_themself(
    hall: Hall, riga: Api, manager: Employee, system: Api, operator: Employee
) -> None:
    """attack 41"""
    refused(riga, manager, 403, "own_account")
    refused(system, operator, 403, "own_account")


def test_an_administrator_makes_none_for_an_operator(hall: Hall, riga: Api) -> None:
    """attack 41: also for one who has a post in the administrator's own municipality"""
    refused(riga, newcomer(hall, "ops", roles=[OPERATOR]), 403, "operator_only")


def test_an_administrator_makes_none_for_somebody_of_another_municipality(hall: Hall, riga: Api) -> None:
    """attack 40"""
    refused(riga, newcomer(hall, "svess", municipalities=[KEKAVA]), 404, "not_found")


def test_an_administrator_makes_none_for_somebody_who_works_elsewhere_too(
    hall: Hall, riga: Api, system: Api
) -> None:
    """attack 40: the letter would open the other municipality; and it is not told which it was"""
    both = newcomer(hall, "abi", municipalities=[RIGA, KEKAVA])
    refused(riga, both, 403, "operator_only")
    assert KEKAVA not in order(riga, both).text
    assert letter_for(system, both).code


def test_an_operator_makes_one_for_an_operator_and_for_anybody(
    hall: Hall, system: Api, jauna: Employee, browser: Browser, laptop: Authenticator
) -> None:
    other = newcomer(hall, "ops", roles=[OPERATOR], municipalities=[])
    assert uses(browser, "ops", letter_for(system, other).code).path.startswith("/enrol/")
    chooses(browser, "passkey")
    assert creates(browser, laptop).has("recovery-codes")
    assert letter_for(system, jauna).code


def test_a_service_makes_none(hall: Hall, jauna: Employee) -> None:
    """attack 41: whoever may register services may not so become anybody"""
    worker = service(hall)
    api = Api(hall, worker.own_token(resource=AUDIENCE, scope=SCOPE).access_token)
    refused(api, jauna, 403, "access_denied")


def test_a_letter_asks_the_administrator_for_a_sign_in_of_the_last_ten_minutes(
    hall: Hall, console: RelyingParty, manager: Employee, jauna: Employee
) -> None:
    """attack 34, attack 41: a token that was found, or a session left open, makes no letters (RFC 9470)"""
    window = hall.browser()
    api = Api(hall, _token_in(window, console, manager))
    hall.clock.move(11 * 60)
    assert order(api, jauna).status_code == 401, "that token has ended"
    later = Api(hall, _token_in(window, console, manager))
    assert later.get("/enrolment-tickets").status_code == 200
    reply = order(later, jauna)
    assert reply.json()["code"] == "insufficient_user_authentication"
    assert 'max_age="600"' in reply.headers["WWW-Authenticate"]
    anew = Api(hall, _token_in(window, console, manager, max_age="600"))
    assert order(anew, jauna).status_code == 201


def _token_in(window: Browser, party: RelyingParty, who: Employee, **asked: str) -> str:
    question = party.ask(scope=f"openid {SCOPE}", resource=AUDIENCE, **asked)
    window.opens(question.url.removeprefix(ISSUER))
    while window.left_for is None:
        code = window.page.has("code")
        window.presses(code=who.code()) if code else window.presses(
            username=who.username, password=who.password
        )
    answer = party.read_answer(question, window.left_for)
    return party.redeem(question, answer["code"], resource=AUDIENCE).access_token


def test_none_is_made_for_somebody_blocked(hall: Hall, riga: Api, jauna: Employee) -> None:
    """attack 25"""
    hall.block(jauna)
    refused(riga, jauna, 409, "blocked_user")


def test_none_is_made_where_nothing_could_be_set_up(hall: Hall, riga: Api, jauna: Employee) -> None:
    hall.rule(RIGA, Level.PHISHING_RESISTANT, methods=["password", "totp"])
    refused(riga, jauna, 409, "nothing_to_set_up")


def test_who_made_and_who_revoked_is_written_down(
    hall: Hall, riga: Api, manager: Employee, jauna: Employee, letter: PrintedLetter
) -> None:
    """attack 34: no reset by an administrator without audit"""
    assert riga.ask("DELETE", f"/enrolment-tickets/{letter.id}").status_code == 204
    with hall.world.database.read() as work:
        revoked, made = work.audit.activity_of(jauna.user.id)
    assert (made.type, revoked.type) == ("enrolment_ticket.made", "enrolment_ticket.revoked")
    for event in (made, revoked):
        assert (event.actor_id, event.municipality) == (manager.user.id, RIGA)
        assert event.address == "127.0.0.1"
        assert letter.id in str(event.detail)


def test_letters_of_others_are_neither_seen_nor_revoked(
    hall: Hall, console: RelyingParty, riga: Api, letter: PrintedLetter
) -> None:
    """attack 40"""
    kekava = Api(hall, token_of(hall, console, administrator(hall, "kekavas", KEKAVA)))
    for method in ("GET", "DELETE"):
        assert kekava.ask(method, f"/enrolment-tickets/{letter.id}").status_code == 404
    assert kekava.get("/enrolment-tickets").json()["enrolment_tickets"] == []
    assert kekava.get("/enrolment-tickets", user="jauna").status_code == 404
    assert state(riga, letter) == "open"


def test_letters_are_listed_page_by_page(hall: Hall, riga: Api) -> None:
    made = {letter_for(riga, newcomer(hall, f"n{number}")).id for number in range(3)}
    first = riga.get("/enrolment-tickets", limit="2").json()
    rest = riga.get("/enrolment-tickets", limit="2", after=first["after"]).json()
    assert {each["id"] for page in (first, rest) for each in page["enrolment_tickets"]} == made
    assert rest["after"] is None


def test_another_letter_revokes_the_one_before(
    hall: Hall, riga: Api, jauna: Employee, letter: PrintedLetter, browser: Browser
) -> None:
    another = letter_for(riga, jauna)
    assert (state(riga, letter), state(riga, another)) == ("revoked", "open")
    assert uses(browser, "jauna", letter.code).status == 422
    assert uses(browser, "jauna", another.code).path.startswith("/enrol/")


# What a letter opens, and what not ---------------------------------------------------------------------------


def test_the_code_is_taken_however_it_is_typed(letter: PrintedLetter, browser: Browser) -> None:
    """attack 45"""
    typed = letter.code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert uses(browser, "  JAUNA ", typed).path.startswith("/enrol/")


def test_opening_pages_uses_nothing_up(
    hall: Hall, riga: Api, letter: PrintedLetter, browser: Browser
) -> None:
    """attack 33: scanners and browsers that fetch ahead; and half-way is nothing"""
    for path in ("/enrol", f"/enrol?code={letter.code}", "/enrol/done", f"/enrol/{letter.id}"):
        browser.opens(path)
    sitting = uses(browser, "jauna", letter.code).path
    for method in ("passkey", "password", "nonsense"):
        browser.opens(f"{sitting}?method={method}")
    assert state(riga, letter) == "open"
    assert uses(hall.browser(), "jauna", letter.code).path.startswith("/enrol/")


def test_a_bad_answer_leaves_nothing_half_done(
    hall: Hall, riga: Api, anna: Employee, browser: Browser, laptop: Authenticator
) -> None:
    """attack 33"""
    letter, thief = letter_for(riga, anna), hall.browser()
    hall.clock.move(31)
    thief.signs_in(anna)
    before = methods_of(hall, anna)
    uses(browser, "anna", letter.code)
    browser.follows("method-totp")
    assert browser.presses(code="000000").status == 422
    browser.opens(browser.page.path.partition("?")[0])
    chooses(browser, "passkey")
    assert creates(browser, laptop, Lie(origin="https://evil.example")).status == 422
    assert methods_of(hall, anna) == before
    assert state(riga, letter) == "open"
    assert thief.is_signed_in, "nothing was recovered yet"
    assert creates(browser, laptop).has("recovery-codes")


def test_wrong_answers_are_counted(riga: Api, anna: Employee, browser: Browser) -> None:
    """attack 29"""
    uses(browser, "anna", letter_for(riga, anna).code)
    browser.follows("method-totp")
    statuses = [browser.presses(code="000000").status for _ in range(7)]
    assert statuses[-1] == 429


def test_one_letter_sets_up_one_way(
    hall: Hall, letter: PrintedLetter, browser: Browser, laptop: Authenticator, jauna: Employee
) -> None:
    """attack 33: replay of an enrolment ticket"""
    page = uses(browser, "jauna", letter.code)
    chooses(browser, "passkey")
    form = browser.page.form("credential")
    answer = {**form.fields, "credential": laptop.creates(form.options)}
    assert browser.posts(form.action, answer).has("recovery-codes")
    assert browser.posts(form.action, answer).status == 410
    assert browser.opens(page.path).status == 410
    assert uses(browser, "jauna", letter.code).status == 422
    assert methods_of(hall, jauna).count("passkey") == 1


def test_a_sitting_is_for_the_browser_it_was_opened_in(
    hall: Hall, letter: PrintedLetter, browser: Browser
) -> None:
    """attack 33"""
    sitting = uses(browser, "jauna", letter.code).path
    assert hall.browser().opens(sitting).status == 410
    assert browser.opens(sitting).status == 200


def test_steps_cannot_be_skipped(
    hall: Hall, letter: PrintedLetter, browser: Browser, jauna: Employee
) -> None:
    """attack 23: an empty form, a way that is not offered, an address made up"""
    sitting = uses(browser, "jauna", letter.code).path
    token = {"csrf_token": browser.opens("/enrol").form().fields["csrf_token"]}
    for path in (
        sitting,
        *(f"{sitting}?method={each}" for each in ("", "password", "recovery_code", "totp", "x")),
    ):
        browser.posts(path, {**token, "new_password": "upe-akmens-vilnis", "code": ""})
    assert browser.posts("/enrol/made-up?method=passkey", token).status == 410
    assert methods_of(hall, jauna) == []


def test_a_form_of_another_site_is_refused(letter: PrintedLetter, browser: Browser) -> None:
    """attack 24"""
    form = browser.opens("/enrol").form("code")
    data = {**form.fields, "username": "jauna", "code": letter.code}
    assert browser.posts("/enrol", data, **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert browser.posts("/enrol", {**data, "csrf_token": "x"}).status == 403


def _used(hall: Hall, riga: Api, letter: PrintedLetter, who: Employee) -> None:
    browser = hall.browser()
    uses(browser, who.username, letter.code)
    chooses(browser, "passkey")
    assert creates(browser, Authenticator(ISSUER)).has("recovery-codes")


def _revoked(_hall: Hall, riga: Api, letter: PrintedLetter, _who: Employee) -> None:
    assert riga.ask("DELETE", f"/enrolment-tickets/{letter.id}").status_code == 204


def _expired(hall: Hall, _riga: Api, _letter: PrintedLetter, _who: Employee) -> None:
    hall.clock.move(TICKET_SECONDS)


def _person_blocked(hall: Hall, _riga: Api, _letter: PrintedLetter, who: Employee) -> None:
    hall.block(who)


def _maker_blocked(hall: Hall, riga: Api, letter: PrintedLetter, _who: Employee) -> None:
    write(hall, "UPDATE users SET status = 'blocked' WHERE username = ?", "parvaldnieks")


def _post_ended(hall: Hall, _riga: Api, _letter: PrintedLetter, who: Employee) -> None:
    write(hall, "UPDATE employments SET ends_at = 1 WHERE user_id = ?", who.user.id)


def _post_elsewhere(hall: Hall, _riga: Api, _letter: PrintedLetter, who: Employee) -> None:
    hire(hall, who, KEKAVA)


def _became_operator(hall: Hall, _riga: Api, _letter: PrintedLetter, who: Employee) -> None:
    write(hall, "UPDATE users SET roles = '[\"operator\"]' WHERE id = ?", who.user.id)


def _forbidden(hall: Hall, _riga: Api, _letter: PrintedLetter, _who: Employee) -> None:
    hall.rule(RIGA, methods=[])


MEANWHILE: dict[str, Callable[[Hall, Api, PrintedLetter, Employee], None]] = {
    "used": _used,
    "revoked": _revoked,
    "expired": _expired,
    "blocked_user": _person_blocked,
    "blocked_maker": _maker_blocked,
    "other_posts": _post_ended,
    "other_posts ": _post_elsewhere,
    " other_posts": _became_operator,
    "nothing_to_set_up": _forbidden,
}


@pytest.mark.parametrize("why", MEANWHILE)
def test_what_changed_meanwhile_counts_when_the_code_is_typed(
    hall: Hall, riga: Api, letter: PrintedLetter, jauna: Employee, browser: Browser, why: str
) -> None:
    """attack 25, attack 30: and one sentence for all of it"""
    MEANWHILE[why](hall, riga, letter, jauna)
    page = uses(browser, "jauna", letter.code)
    assert page.status == 422
    assert WRONG in page.words
    assert trail(hall, jauna)[-1] == ("enrolment_ticket.refused", why.strip())


@pytest.mark.parametrize("why", MEANWHILE)
def test_what_changed_meanwhile_counts_when_the_way_is_set_up(
    hall: Hall,
    riga: Api,
    letter: PrintedLetter,
    jauna: Employee,
    browser: Browser,
    laptop: Authenticator,
    why: str,
) -> None:
    """attack 25, attack 30, attack 33: the sitting was open, and its page is sent afterwards"""
    uses(browser, "jauna", letter.code)
    chooses(browser, "passkey")
    before = "used" if why == "used" else None
    MEANWHILE[why](hall, riga, letter, jauna)
    kept = methods_of(hall, jauna)
    page = creates(browser, laptop)
    assert page.status == 410
    assert page.error_code == "ticket_over"
    assert methods_of(hall, jauna) == kept
    assert before or kept == []


def test_a_sitting_does_not_stay_open(hall: Hall, letter: PrintedLetter, browser: Browser) -> None:
    """attack 30"""
    page = uses(browser, "jauna", letter.code)
    hall.clock.move(SITTING_SECONDS)
    assert browser.opens(page.path).status == 410
    assert uses(browser, "jauna", letter.code).status == 200, "the letter itself is good for longer"


# Guessing ----------------------------------------------------------------------------------------------------


def test_whatever_is_wrong_is_told_alike(
    hall: Hall, riga: Api, letter: PrintedLetter, jauna: Employee, anna: Employee
) -> None:
    """attack 28: who there is, who has a letter, and which half was wrong"""
    other = letter_for(riga, anna).code
    tries = [
        ("jauna", "0" * 28),
        ("nobody", "0" * 28),
        ("nobody", letter.code),
        ("anna", letter.code),
        ("jauna", other),
        ("", letter.code),
        ("jauna\x00", letter.code),
        ("j" * 1000, letter.code),
        ("jauna", ""),
        ("jauna", "not a code"),
    ]
    told = set()
    for number, (username, code) in enumerate(tries):
        page = uses(hall.browser(f"192.0.2.{100 + number}"), username, code)
        told.add((page.status, re.sub(r'\s+value="[^"]*"', "", page.content.markup.partition("<main")[2])))
        assert letter.code not in page.content.markup
    assert len(told) == 1
    assert [event for event in trail(hall, jauna) if event[0] == "enrolment_ticket.refused"] == [
        ("enrolment_ticket.refused", "wrong_name")
    ] * 5


def test_guesses_are_counted_in_a_browser(letter: PrintedLetter, browser: Browser) -> None:
    """attack 29"""
    statuses = [uses(browser, "jauna", f"{number:028}").status for number in range(7)]
    assert statuses == [422] * 5 + [429] * 2
    assert uses(browser, "jauna", letter.code).status == 429


def test_guesses_are_counted_at_an_address_but_not_for_long(hall: Hall, letter: PrintedLetter) -> None:
    """attack 29: nobody keeps a town hall out"""
    statuses = [uses(hall.browser(), "jauna", f"{number:028}").status for number in range(22)]
    assert statuses[-1] == 429
    hall.clock.move(60)
    assert uses(hall.browser(), "jauna", letter.code).status == 200


def test_guesses_at_whose_a_found_letter_is_are_counted_from_wherever(
    hall: Hall, letter: PrintedLetter, jauna: Employee
) -> None:
    """attack 29, attack 28"""
    statuses = [
        uses(hall.browser(f"198.51.{number}.7"), f"kads{number}", letter.code).status for number in range(7)
    ]
    assert statuses == [422] * 5 + [429] * 2
    hall.clock.move(60)
    assert uses(hall.browser(), "jauna", letter.code).status == 200


def test_a_right_code_gives_back_its_own_payment_alone(
    hall: Hall, riga: Api, letter: PrintedLetter, browser: Browser
) -> None:
    """attack 29: counter cleared by another success"""
    for number in range(4):
        uses(browser, "jauna", f"{number:028}")
    assert uses(browser, "jauna", letter.code).status == 200
    assert uses(browser, "jauna", "9" * 28).status == 422
    assert uses(browser, "jauna", "8" * 28).status == 429


# By the rules ------------------------------------------------------------------------------------------------


def offered(page: Page) -> set[str]:
    return {link.removeprefix("method-") for link in page.content.links if link.startswith("method-")}


@pytest.mark.parametrize(
    ("methods", "minimum", "has_password", "expected"),
    [
        (WITH_KEYS, Level.ONE_FACTOR, False, {"passkey"}),
        (WITH_KEYS, Level.ONE_FACTOR, True, {"passkey", "security_key", "totp"}),
        (WITH_KEYS, Level.PHISHING_RESISTANT, True, {"passkey", "security_key"}),
        (["password", "totp"], Level.MULTI_FACTOR, True, {"totp"}),
        (["password", "totp"], Level.MULTI_FACTOR, False, {"password"}),
        (["password"], Level.ONE_FACTOR, False, {"password"}),
    ],
)
def test_what_may_be_set_up_is_what_lets_the_person_in(
    hall: Hall,
    riga: Api,
    browser: Browser,
    methods: list[str],
    minimum: Level,
    has_password: bool,
    expected: set[str],
) -> None:
    hall.rule(RIGA, minimum, methods=methods)
    who = hall.employee("x") if has_password else newcomer(hall, "x")
    page = uses(browser, "x", letter_for(riga, who).code)
    assert offered(page) == expected


def test_a_first_password_leads_on_to_a_second_factor(hall: Hall, riga: Api, browser: Browser) -> None:
    hall.rule(RIGA, Level.MULTI_FACTOR, methods=["password", "totp"])
    who = newcomer(hall, "x")
    uses(browser, "x", letter_for(riga, who).code)
    chooses(browser, "password")
    browser.presses(new_password=who.password, new_password_again=who.password)
    assert browser.page.path == "/enrol/done"
    browser.follows("sign-in")
    assert browser.identifies(who).has("totp-key")


def test_no_password_where_it_would_lead_nowhere(hall: Hall, riga: Api, jauna: Employee) -> None:
    hall.rule(RIGA, Level.MULTI_FACTOR, methods=["password", "totp"], first_enrolment=False)
    refused(riga, jauna, 409, "nothing_to_set_up")


# At once -----------------------------------------------------------------------------------------------------


def remembers(hall: Hall, browser: Browser, who: Employee) -> None:
    """As one they have signed in with before, so that the throttle does not do what the ticket must."""
    storage = hall.world.storage
    browser_id = browser.http.cookies["__Host-visvaris-browser"]
    limits = Limits(storage.throttle, storage.shelf, hall.world.effects)
    limits.remember_browser(username=who.username, visitor=Visitor(browser=browser_id, address=""))


def race(hall: Hall, letter: PrintedLetter, who: Employee) -> list[int]:
    """A hundred sittings with one letter, each in a browser and at an address of its own, sent at one moment."""
    waiting = []
    for number in range(100):
        browser, device = hall.browser(f"10.0.{number}.1"), Authenticator(ISSUER)
        page = uses(browser, who.username, letter.code)
        remembers(hall, browser, who)
        browser.opens(f"{page.path.partition('?')[0]}?method=passkey")
        form = browser.page.form("credential")
        waiting.append((browser, form.action, {**form.fields, "credential": device.creates(form.options)}))
    return at_once(100, lambda number: waiting[number][0].posts(*waiting[number][1:]).status)


def test_of_a_hundred_at_once_with_one_letter_one_sets_something_up(
    hall: Hall, letter: PrintedLetter, jauna: Employee
) -> None:
    """attack 33: in parallel, on SQLite"""
    statuses = race(hall, letter, jauna)
    assert sorted(statuses).count(200) == 1
    assert set(statuses) == {200, 410}
    assert methods_of(hall, jauna).count("passkey") == 1
    assert trail(hall, jauna).count(("enrolment_ticket.used", None)) == 1


def test_of_a_hundred_at_once_one_sets_something_up_on_postgresql_and_redis(
    postgres_url: str, redis_url: str
) -> None:
    """attack 33"""
    database = make_database(postgres_url)
    with database.begin() as work:
        municipalities.load(work)
    database.dispose()
    hall = Hall(postgres_url, redis_url=redis_url)
    for scope in (NATIONAL, RIGA):
        hall.rule(scope, methods=WITH_KEYS)
    api = Api(hall, token_of(hall, program(hall), administrator(hall, "parvaldnieks", RIGA)))
    jauna = newcomer(hall)
    statuses = race(hall, letter_for(api, jauna), jauna)
    assert sorted(statuses).count(200) == 1
    assert set(statuses) == {200, 410}
    assert methods_of(hall, jauna).count("passkey") == 1
    assert trail(hall, jauna).count(("enrolment_ticket.used", None)) == 1
    hall.close()
