"""The API of administrators: what it tells and does, and everybody whom it refuses."""

import re
from collections.abc import Callable
from typing import Any

import fastjsonschema
import httpx
import pytest

from idp.models.mails import Mail
from idp.models.notices import LogoutNotice
from idp.models.people import Employment
from idp.oidc import jose
from idp.storage.outbox import State
from idp.web.api_description import describe
from tests.support.actors import ISSUER, Employee, Hall
from tests.support.administrators import AUDIENCE, SCOPE, Api, administrator, program, service, token_of
from tests.support.builders import KEKAVA, RIGA
from tests.support.relying_party import RelyingParty

EVERY_ADDRESS = [
    *(("GET", "/logout-notices"), ("POST", "/logout-notices/x/retry")),
    *(("GET", "/sessions?user=anna"), ("DELETE", "/sessions/x")),
    *(("GET", "/enrolment-tickets"), ("POST", "/enrolment-tickets")),
    *(("GET", "/enrolment-tickets/x"), ("DELETE", "/enrolment-tickets/x")),
    *(("GET", "/mails"), ("POST", "/mails/x/retry")),
    *(("GET", "/identity-checks"), ("POST", "/identity-checks"), ("POST", "/identity-checks/x/approval")),
    *(("GET", "/identity-checks/x"), ("DELETE", "/identity-checks/x")),
    *(("GET", "/cases"), ("GET", "/cases/x"), ("POST", "/cases/x/close")),
    *(("GET", "/municipalities/x/rules"), ("PUT", "/municipalities/x/rules")),
    *(("GET", "/municipalities/x/directories"), ("POST", "/municipalities/x/directories")),
    *(("GET", "/municipalities/x/directories/x"), ("PUT", "/municipalities/x/directories/x")),
    *(("DELETE", "/municipalities/x/directories/x"), ("POST", "/municipalities/x/directories/x/test")),
    *(("GET", "/municipalities/x/directories/x/links"), ("POST", "/municipalities/x/directories/x/links")),
    ("DELETE", "/municipalities/x/directories/x/links/x"),
    ("GET", "/municipalities/x/directories/x/invitations"),
    ("POST", "/municipalities/x/directories/x/invitations"),
    ("DELETE", "/municipalities/x/directories/x/invitations/x"),
    *(("GET", "/municipalities/x/arrivals"), ("POST", "/municipalities/x/arrivals/x/link")),
    ("DELETE", "/municipalities/x/arrivals/x"),
    *(("GET", "/municipalities/x/directory-status"),),
    *(("GET", "/municipalities/x/upstreams"), ("GET", "/municipalities/x/upstreams/x/invitations")),
    ("POST", "/municipalities/x/upstreams/x/invitations"),
    ("DELETE", "/municipalities/x/upstreams/x/invitations/x"),
    ("GET", "/municipalities/x/upstream-arrivals"),
    ("POST", "/municipalities/x/upstream-arrivals/x/link"),
    *(("GET", "/municipalities/x/directories/y/runs"), ("GET", "/municipalities/x/directories/y/runs/z")),
    ("POST", "/municipalities/x/directories/y/runs/z/confirm"),
]


@pytest.fixture
def console(hall: Hall) -> RelyingParty:
    return program(hall)


@pytest.fixture
def operator(hall: Hall) -> Employee:
    return hall.employee("operators", totp=True, roles=["operator"])


@pytest.fixture
def system(hall: Hall, console: RelyingParty, operator: Employee) -> Api:
    """The API as an operator has it."""
    return Api(hall, token_of(hall, console, operator))


@pytest.fixture
def kekava(hall: Hall, console: RelyingParty) -> Api:
    """The API as the administrator of Ķekava has it."""
    return Api(hall, token_of(hall, console, administrator(hall, "kekavas", KEKAVA)))


def assert_refused(reply: httpx.Response, status: int, code: str) -> None:
    assert reply.status_code == status
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in reply.headers
    told = reply.json()
    conforms(told, "problem")
    assert (told["status"], told["code"]) == (status, code)
    assert told["reference"]
    challenge = reply.headers.get("WWW-Authenticate", "")
    assert challenge.startswith("Bearer ") == (status == 401 or code == "insufficient_scope")


def conforms(value: object, schema: str) -> None:
    contract = describe(ISSUER)
    check = fastjsonschema.compile({"$ref": f"#/components/schemas/{schema}", **contract}, use_formats=True)
    check(value)


def notice(
    hall: Hall, who: Employee, *, given_up: bool = True, client_id: str = "app", **columns: Any
) -> str:
    now = hall.clock()
    values = {
        "id": hall.world.effects.new_id(),
        "session_id": "session",
        "created_at": now,
        "next_at": now,
        "attempts": 7,
        "last_error": "answered with status 500",
        "given_up_at": now if given_up else None,
    }
    made = LogoutNotice(user_id=who.user.id, client_id=client_id, **{**values, **columns})
    with hall.world.database.begin() as work:
        work.add(made)
    return made.id


# What it does -------------------------------------------------------------------------------------------


def test_an_operator_ends_somebodys_session(
    hall: Hall, system: Api, anna: Employee, console: RelyingParty
) -> None:
    """attack 30: with its tokens, and applications that wish to be told are"""
    told = program(hall, backchannel_logout_uri="https://app.example.lv/ended")
    window, question = hall.browser(), told.ask(scope="openid")
    window.signs_in(anna, question.url.removeprefix(ISSUER))
    tokens = told.redeem(question, told.read_answer(question, window.left_for or "")["code"])
    (session,) = system.sessions_of(anna)
    assert session["client_ids"] == [told.client_id]
    reply = system.ask("DELETE", f"/sessions/{session['id']}")
    assert (reply.status_code, reply.content) == (204, b"")
    assert not window.is_signed_in
    assert told.introspect(tokens.access_token) == {"active": False}
    assert system.sessions_of(anna) == []
    (waiting,) = system.get("/logout-notices", state="waiting").json()["logout_notices"]
    assert (waiting["client_id"], waiting["session_id"]) == (told.client_id, session["id"])
    assert hall.events(anna)[-1] == "session.ended"
    with hall.world.database.read() as work:
        event = work.audit.activity_of(anna.user.id)[0]
    assert (event.client_id, event.session_id) == (console.client_id, session["id"])
    assert event.actor_id not in {None, anna.user.id}
    assert_refused(system.ask("DELETE", f"/sessions/{session['id']}"), 404, "not_found")


def test_dead_letters_are_listed_and_sent_again(hall: Hall, system: Api, anna: Employee) -> None:
    dead = notice(hall, anna)
    waits = notice(hall, anna, given_up=False)
    arrived = notice(hall, anna, given_up=False, delivered_at=hall.clock())
    listed = system.get("/logout-notices", state="given_up").json()
    assert [each["id"] for each in listed["logout_notices"]] == [dead]
    assert listed["logout_notices"][0]["last_error"] == "answered with status 500"
    assert {each["id"] for each in system.get("/logout-notices").json()["logout_notices"]} == {
        dead,
        waits,
        arrived,
    }
    again = system.ask("POST", f"/logout-notices/{dead}/retry")
    assert again.status_code == 200
    conforms(again.json(), "logout_notice")
    assert (again.json()["state"], again.json()["attempts"]) == ("waiting", 0)
    assert hall.events(anna)[-1] == "logout_notice.retried"
    for no_letter in (dead, waits, arrived):
        assert_refused(system.ask("POST", f"/logout-notices/{no_letter}/retry"), 409, "not_given_up")
    assert_refused(system.ask("POST", "/logout-notices/nothing/retry"), 404, "not_found")


def test_a_list_is_read_page_by_page(hall: Hall, system: Api, anna: Employee) -> None:
    made = {notice(hall, anna) for _ in range(5)}
    seen, after, pages = [], None, 0
    while True:
        asked = {"limit": "2"} | ({"after": after} if after else {})
        page = system.get("/logout-notices", **asked).json()
        conforms(page, "logout_notices")
        seen += [each["id"] for each in page["logout_notices"]]
        after, pages = page["after"], pages + 1
        if after is None:
            break
    assert (sorted(seen), pages) == (sorted(made), 3)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "limit=٣",
        "limit=2&limit=3",
        "state=dead",
        "after=%27--",
        "after=",
    ],
)
def test_a_parameter_that_means_nothing_is_refused(system: Api, query: str) -> None:
    """attack 43: pagination"""
    assert_refused(system.ask("GET", f"/logout-notices?{query}"), 400, "invalid_request")


@pytest.mark.parametrize("query", ["", "user=", "user=a&user=b", "user=%00", "user=x%0ay"])
def test_sessions_are_those_of_one_person_who_is_named(system: Api, query: str) -> None:
    assert_refused(system.ask("GET", f"/sessions?{query}"), 400, "invalid_request")


def test_a_username_is_found_however_it_is_written(hall: Hall, system: Api, anna: Employee) -> None:
    """attack 45"""
    hall.browser().signs_in(anna)
    (session,) = system.get("/sessions", user=" ANNA ").json()["sessions"]
    conforms({"sessions": [session]}, "sessions")
    assert_refused(system.get("/sessions", user="nobody"), 404, "not_found")


def test_a_service_that_is_registered_for_it_may_use_it(hall: Hall, anna: Employee) -> None:
    worker = service(hall)
    api = Api(hall, worker.own_token(resource=AUDIENCE, scope=SCOPE).access_token)
    hall.browser().signs_in(anna)
    (session,) = api.sessions_of(anna)
    assert api.ask("DELETE", f"/sessions/{session['id']}").status_code == 204
    with hall.world.database.read() as work:
        assert work.audit.activity_of(anna.user.id)[0].actor_id == worker.client_id


def _as_described(rule: str) -> str:
    return re.sub(r"<(\w+)>", r"{\1}", re.sub(r"<\w+_id>", "{id}", rule))


def test_its_description_is_public_and_true(hall: Hall) -> None:
    contract = Api(hall, None).get("/openapi.json").json()
    assert contract == describe(ISSUER)
    assert contract["openapi"] == "3.1.0"
    assert contract["servers"] == [{"url": AUDIENCE}]
    routed = {
        (method.lower(), _as_described(rule.rule.removeprefix("/api/v1")))
        for rule in hall.app._application._pages.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(method, path) for path, methods in contract["paths"].items() for method in methods}
    assert routed == described | {("get", "/openapi.json")}


def mail(hall: Hall, who: Employee, **columns: Any) -> str:
    """One in the outbox, given up unless told otherwise; its id."""
    made = Mail(
        id=hall.world.effects.new_id(),
        user_id=who.user.id,
        kind="notice",
        about="method.enrolled",
        address="anna.berzina@example.lv",
        created_at=hall.clock(),
        next_at=hall.clock(),
        **{"given_up_at": hall.clock(), "last_error": "the relay took too long", **columns},
    )
    with hall.world.database.begin() as work:
        work.mails.add(made)
    return made.id


def test_mails_that_did_not_arrive_are_listed_and_sent_again(hall: Hall, system: Api, anna: Employee) -> None:
    dead, waits = mail(hall, anna), mail(hall, anna, given_up_at=None)
    arrived = mail(hall, anna, delivered_at=hall.clock(), given_up_at=None)
    listed = system.get("/mails", state="given_up").json()
    conforms(listed, "mails")
    (shown,) = listed["mails"]
    assert (shown["id"], shown["event"], shown["to"]) == (dead, "method.enrolled", "an…@example.lv")
    assert {each["id"] for each in system.get("/mails").json()["mails"]} == {dead, waits, arrived}
    first = system.get("/mails", limit="2").json()
    rest = system.get("/mails", limit="2", after=first["after"]).json()
    assert len({each["id"] for each in (*first["mails"], *rest["mails"])}) == 3
    again = system.ask("POST", f"/mails/{dead}/retry")
    assert again.status_code == 200
    conforms(again.json(), "mail")
    assert (again.json()["state"], again.json()["attempts"]) == ("waiting", 0)
    assert hall.events(anna)[-1] == "mail.retried"
    for no_letter in (dead, waits, arrived):
        assert_refused(system.ask("POST", f"/mails/{no_letter}/retry"), 409, "not_given_up")
    assert_refused(system.ask("POST", "/mails/nothing/retry"), 404, "not_found")


def test_an_administrator_sees_the_mails_of_their_people_and_no_others(
    hall: Hall, kekava: Api, anna: Employee
) -> None:
    """attack 40"""
    own = hall.employee("savs", municipalities=[KEKAVA])
    foreign, theirs = mail(hall, anna), mail(hall, own)
    assert [each["id"] for each in kekava.get("/mails").json()["mails"]] == [theirs]
    assert_refused(kekava.ask("POST", f"/mails/{foreign}/retry"), 404, "not_found")
    assert kekava.ask("POST", f"/mails/{theirs}/retry").status_code == 200
    assert "anna.berzina@" not in kekava.get("/mails").text


# Whose things are whose ---------------------------------------------------------------------------------


def test_an_administrator_sees_the_people_of_their_municipality_and_nobody_else(
    hall: Hall, kekava: Api, anna: Employee
) -> None:
    """attack 40: by name, by id in the URL, in the list, for reading and for writing alike"""
    own, both = (
        hall.employee("savs", municipalities=[KEKAVA]),
        hall.employee("abi", municipalities=[KEKAVA, RIGA]),
    )
    windows = {who.username: hall.browser() for who in (anna, own, both)}
    for who in (anna, own, both):
        windows[who.username].signs_in(who)
    foreign, theirs = notice(hall, anna), notice(hall, own)
    with hall.world.database.read() as work:
        (session,) = work.sessions.of_user(anna.user.id, now=hall.clock(), idle_seconds=3600)

    assert_refused(kekava.get("/sessions", user="anna"), 404, "not_found")
    assert_refused(kekava.ask("DELETE", f"/sessions/{session.id}"), 404, "not_found")
    assert_refused(kekava.ask("POST", f"/logout-notices/{foreign}/retry"), 404, "not_found")
    assert windows["anna"].is_signed_in
    listed = kekava.get("/logout-notices").json()["logout_notices"]
    assert [each["id"] for each in listed] == [theirs]

    for who in (own, both):
        (mine,) = kekava.sessions_of(who)
        assert kekava.ask("DELETE", f"/sessions/{mine['id']}").status_code == 204
        assert not windows[who.username].is_signed_in
    assert kekava.ask("POST", f"/logout-notices/{theirs}/retry").status_code == 200


def test_what_is_not_theirs_looks_like_what_is_not_there(hall: Hall, kekava: Api, anna: Employee) -> None:
    """attack 40: membership cannot be found out"""
    there, nowhere = (
        kekava.get("/sessions", user="anna").json(),
        kekava.get("/sessions", user="nobody").json(),
    )
    assert {**there, "reference": ""} == {**nowhere, "reference": ""}


def test_who_no_longer_works_there_is_no_longer_theirs(hall: Hall, kekava: Api) -> None:
    """attack 40"""
    leaver = hall.employee("aizgajejs", municipalities=[])
    with hall.world.database.begin() as work:
        gone = Employment(id="gone", user_id=leaver.user.id, municipality=KEKAVA, ends_at=hall.clock() - 1)
        work.people.add_employment(gone)
    assert_refused(kekava.get("/sessions", user=leaver.username), 404, "not_found")
    notice(hall, leaver)
    assert kekava.get("/logout-notices").json()["logout_notices"] == []


def test_an_administrator_of_two_municipalities_acts_for_one_at_a_time(hall: Hall, anna: Employee) -> None:
    """attack 40: the post in which they signed in says for which"""
    console = program(hall, own={"needs_employment": True})
    of_both = administrator(hall, "divu", KEKAVA, RIGA)
    acting = next(post for post in of_both.posts if post.municipality == KEKAVA)
    api = Api(hall, token_of(hall, console, of_both, acting=acting))
    hall.browser().signs_in(anna)
    assert_refused(api.get("/sessions", user="anna"), 404, "not_found")


def test_a_service_of_one_municipality_sees_no_other(hall: Hall, anna: Employee) -> None:
    """attack 40"""
    worker = service(hall, own={"service_municipality": KEKAVA})
    api = Api(hall, worker.own_token(resource=AUDIENCE, scope=SCOPE).access_token)
    notice(hall, anna)
    assert_refused(api.get("/sessions", user="anna"), 404, "not_found")
    assert api.get("/logout-notices").json()["logout_notices"] == []


# Whom it refuses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), EVERY_ADDRESS)
@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "bearer", "Token x"])
def test_without_a_token_it_says_that_one_is_needed(
    hall: Hall, method: str, path: str, header: str | None
) -> None:
    with httpx.Client(transport=httpx.WSGITransport(app=hall.app), base_url=ISSUER) as http:
        reply = http.request(
            method, f"/api/v1{path}", headers={"Authorization": header} if header is not None else {}
        )
    assert_refused(reply, 401, "invalid_token")
    assert "error=" not in reply.headers["WWW-Authenticate"]


@pytest.mark.parametrize(("method", "path"), EVERY_ADDRESS)
def test_a_session_cookie_opens_nothing(
    hall: Hall, operator: Employee, system: Api, method: str, path: str
) -> None:
    """attack 24: a page on another site has the operator's browser, and no token; nor does one count in the URL"""
    window = hall.browser()
    window.signs_in(operator)
    join = "&" if "?" in path else "?"
    reply = window.http.request(method, f"/api/v1{path}{join}access_token={system.token}")
    assert_refused(reply, 401, "invalid_token")


@pytest.mark.parametrize(("method", "path"), EVERY_ADDRESS)
def test_a_token_for_anything_else_opens_nothing(
    hall: Hall, console: RelyingParty, operator: Employee, method: str, path: str
) -> None:
    """attack 16, attack 14: an ID token, a token for userinfo or for another API, a text"""
    other = program(hall, own={"resources": ["https://other.example.lv"]})
    for_userinfo = token_of(hall, console, operator, resource=None, scope=f"openid {SCOPE}")
    hall.clock.move(31)  # a code is good once
    for_another = token_of(hall, other, operator, resource="https://other.example.lv")
    for token in (for_userinfo, for_another, "x.y.z", "x", "x" * 10_000):
        assert_refused(Api(hall, token).ask(method, path), 401, "invalid_token")


def test_an_id_token_opens_nothing(hall: Hall, console: RelyingParty, operator: Employee) -> None:
    """attack 16"""
    question, window = console.ask(), hall.browser()
    window.signs_in(operator, question.url.removeprefix(ISSUER))
    tokens = console.redeem(question, console.read_answer(question, window.left_for or "")["code"])
    assert_refused(Api(hall, tokens.id_token).get("/logout-notices"), 401, "invalid_token")


def test_a_token_that_ended_opens_nothing(hall: Hall, system: Api) -> None:
    assert system.get("/logout-notices").status_code == 200
    hall.clock.move(301)
    assert_refused(system.get("/logout-notices"), 401, "invalid_token")


def test_a_token_without_the_scope_is_told_which_is_missing(
    hall: Hall, console: RelyingParty, operator: Employee
) -> None:
    api = Api(hall, token_of(hall, console, operator, scope="openid employment"))
    reply = api.get("/logout-notices")
    assert_refused(reply, 403, "insufficient_scope")
    assert f'scope="{SCOPE}"' in reply.headers["WWW-Authenticate"]


def test_a_password_alone_is_not_enough(hall: Hall, console: RelyingParty) -> None:
    """RFC 9470: says what would be"""
    weak = hall.employee("vajs", roles=["operator"])
    reply = Api(hall, token_of(hall, console, weak)).get("/logout-notices")
    assert_refused(reply, 401, "insufficient_user_authentication")
    assert 'acr_values="urn:visvaris:acr:mfa"' in reply.headers["WWW-Authenticate"]


def test_who_is_no_administrator_is_refused(hall: Hall, console: RelyingParty, anna: Employee) -> None:
    """attack 41"""
    api = Api(hall, token_of(hall, console, anna))
    for method, path in EVERY_ADDRESS:
        assert_refused(api.ask(method, path), 403, "access_denied")


def _role_taken(hall: Hall, operator: Employee, _console: RelyingParty) -> None:
    _write(hall, "UPDATE users SET roles = '[]' WHERE id = :id", operator.user.id)


def _blocked(hall: Hall, operator: Employee, _console: RelyingParty) -> None:
    hall.block(operator)


def _signed_out(hall: Hall, operator: Employee, _console: RelyingParty) -> None:
    with hall.world.database.begin() as work:
        for session_id in work.sessions.end_all_of_user(operator.user.id, hall.clock()):
            work.grants.revoke_session_families(session_id, hall.clock(), keep_offline=True)


def _client_disabled(hall: Hall, _operator: Employee, console: RelyingParty) -> None:
    with hall.world.database.begin() as work:
        work.clients.set_disabled(console.client_id, disabled=True)


def _resource_taken(hall: Hall, _operator: Employee, console: RelyingParty) -> None:
    with hall.world.database.begin() as work:
        registered = work.clients.get(console.client_id).registered
        work.clients.replace_registration(
            console.client_id, registered=registered, audience=None, resources=[]
        )


def _scope_taken(hall: Hall, _operator: Employee, console: RelyingParty) -> None:
    with hall.world.database.begin() as work:
        client = work.clients.get(console.client_id)
        work.clients.replace_registration(
            console.client_id,
            registered={**client.registered, "scope": "openid"},
            audience=None,
            resources=client.resources,
        )


def _write(hall: Hall, statement: str, key: str) -> None:
    from sqlalchemy import text

    with hall.world.database.begin() as work:
        work.connection().execute(text(statement), {"id": key})


@pytest.mark.parametrize(
    ("what", "status"),
    [
        *((_role_taken, 403), (_blocked, 401), (_signed_out, 401)),
        *((_client_disabled, 401), (_resource_taken, 401), (_scope_taken, 401)),
    ],
)
def test_what_is_taken_away_is_gone_at_once(
    hall: Hall,
    system: Api,
    operator: Employee,
    console: RelyingParty,
    what: Callable[[Hall, Employee, RelyingParty], None],
    status: int,
) -> None:
    """attack 14, attack 41: a token lives five minutes, and what it rested on may not"""
    assert system.get("/logout-notices").status_code == 200
    what(hall, operator, console)
    hall.clock.move(1.5)
    assert system.get("/logout-notices").status_code == status


def test_an_administrator_whose_post_ended_is_refused(hall: Hall, console: RelyingParty) -> None:
    """attack 40, attack 41"""
    who = administrator(hall, "bijusais", KEKAVA)
    api = Api(hall, token_of(hall, console, who))
    assert api.get("/logout-notices").status_code == 200
    _write(hall, "UPDATE employments SET ends_at = 1 WHERE id = :id", who.posts[0].id)
    assert_refused(api.get("/logout-notices"), 403, "access_denied")


def test_a_service_whose_token_was_revoked_is_refused(hall: Hall) -> None:
    worker = service(hall)
    token = worker.own_token(resource=AUDIENCE, scope=SCOPE).access_token
    assert Api(hall, token).get("/logout-notices").status_code == 200
    worker.revoke(token)
    assert_refused(Api(hall, token).get("/logout-notices"), 401, "invalid_token")


@pytest.mark.parametrize(
    "changed",
    [
        {"cnf": {"jkt": "x" * 43}},
        {"act": {"sub": "somebody"}},
        {"aud": [AUDIENCE, "https://other.example.lv"]},
        {"aud": f"{AUDIENCE}/"},
        {"iss": "https://other.example.lv"},
        {"sub": "somebody else"},
        {"jti": "family.which.is.none"},
        {"client_id": "nobody"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_token_that_says_one_thing_more_or_else_is_refused(hall: Hall, changed: dict[str, Any]) -> None:
    """attack 18, attack 20: bound to a key that is not shown, delegated, for two APIs, of another"""
    worker = service(hall)
    signer = hall.provider.openid.keys.signer("ES256")
    now = int(hall.clock())
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": worker.client_id, "client_id": worker.client_id,
        "jti": "x", "scope": SCOPE, "iat": now, "exp": now + 300,
    }  # fmt: skip
    good = jose.sign(claims, key=signer.key, alg="ES256", kid=signer.kid, typ="at+jwt")
    assert Api(hall, good).get("/logout-notices").status_code == 200
    bad = jose.sign({**claims, **changed}, key=signer.key, alg="ES256", kid=signer.kid, typ="at+jwt")
    assert_refused(Api(hall, bad).get("/logout-notices"), 401, "invalid_token")


def test_a_token_signed_by_somebody_else_is_refused(hall: Hall, system: Api) -> None:
    """attack 16"""
    header, claims, signature = (system.token or "").split(".")
    for forged in (f"{header}.{claims}.", f"{header}.{claims}.{signature[::-1]}", f"{header}.{claims}"):
        assert_refused(Api(hall, forged).get("/logout-notices"), 401, "invalid_token")


def test_every_state_can_be_asked_for(hall: Hall, system: Api, anna: Employee) -> None:
    notice(hall, anna)
    for state in State:
        found = system.get("/logout-notices", state=state.value).json()["logout_notices"]
        assert all(each["state"] == state.value for each in found)
        assert bool(found) == (state is State.GIVEN_UP)
