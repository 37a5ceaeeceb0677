"""Adding and removing ways to sign in: what must be proved for it, what must be left, and what ends with it."""

import json
from collections.abc import Iterator

import pyotp
import pytest

from idp.errors import Reason
from idp.login.sessions import Visitor
from idp.methods.base import Rejected
from idp.policy import NATIONAL, Level
from idp.storage import municipalities
from tests.support.actors import ISSUER, WITH_KEYS, Browser, Employee, Hall
from tests.support.administrators import program
from tests.support.at_once import at_once
from tests.support.authenticator import Authenticator
from tests.support.builders import KEKAVA, RIGA, make_database
from tests.support.letters import newcomer
from tests.support.passkeys import creates, sets_up, uses_passkey
from tests.support.relying_party import Tokens


@pytest.fixture
def hall(fresh_database: str) -> Iterator[Hall]:
    made = Hall(fresh_database)
    for scope in (NATIONAL, RIGA, KEKAVA):
        made.rule(scope, methods=WITH_KEYS)
    yield made
    made.close()


@pytest.fixture
def browser(hall: Hall) -> Browser:
    return hall.browser()


@pytest.fixture
def laptop() -> Authenticator:
    return Authenticator(ISSUER, transports=["internal"])


@pytest.fixture
def fob() -> Authenticator:
    return Authenticator(ISSUER, transports=["usb"])


def rows(hall: Hall, who: Employee, method: str) -> list[str]:
    with hall.world.database.read() as work:
        return [each.id for each in work.people.credentials_of(who.user.id) if each.method == method]


def block(hall: Hall, credential_id: str) -> None:
    with hall.world.database.begin() as work:
        assert work.people.block_credential(credential_id, at=hall.clock())


def may_remove(browser: Browser, method: str, credential_id: str | None = None) -> bool:
    path = f"{method}/{credential_id}" if credential_id else method
    return browser.opens(f"/account/methods/{path}/remove").status != 404


def removes(browser: Browser, method: str, credential_id: str | None = None) -> None:
    path = f"{method}/{credential_id}" if credential_id else method
    browser.opens(f"/account/methods/{path}/remove")
    browser.presses("remove-confirm")


def with_tokens(hall: Hall, browser: Browser) -> tuple[object, Tokens]:
    """An application that got tokens, also for the absence, in the session of this browser."""
    app = program(hall, scope="openid offline_access", grant_types=["authorization_code", "refresh_token"])
    question = app.ask(scope="openid offline_access", prompt="consent")
    browser.opens(question.url.removeprefix(ISSUER))
    if browser.left_for is None:
        form = browser.page.form(button="consent-allow")
        browser.posts(form.action, {**form.fields, "decision": "allow"})
    return app, app.redeem(question, app.read_answer(question, browser.left_for or "")["code"])


# Adding: what must be proved ---------------------------------------------------------------------------------


def test_in_another_post_the_password_alone_adds_nothing(hall: Hall, browser: Browser) -> None:
    """attack 33: enrolment with one factor only, by acting where the second is not known of"""
    hall.rule(KEKAVA, methods=["password", "passkey"])
    who = hall.employee("abi", totp=True, municipalities=[RIGA, KEKAVA])
    browser.opens("/account")
    assert browser.identifies(who).path == "/account", "where both municipalities' rules hold it is enough"
    assert browser.opens("/account/methods/passkey").has("code")
    assert browser.presses(code="000000").status == 422
    hall.clock.move(31)
    assert browser.presses(code=who.code()).path == "/account/methods/passkey"


def test_nor_does_it_remove_or_change_anything(hall: Hall, browser: Browser) -> None:
    """attack 33, attack 35"""
    hall.rule(KEKAVA, methods=["password", "passkey"])
    who = hall.employee("abi", totp=True, municipalities=[RIGA, KEKAVA])
    browser.signs_in(who)
    for path in ("/account/methods/password", "/account/methods/totp/remove"):
        assert browser.opens(path).has("code")


def test_an_older_code_beside_a_fresh_password_adds_nothing(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """attack 33: stale proofs"""
    browser.signs_in(anna)
    hall.clock.move(601)
    browser.opens("/account/methods/passkey")
    browser.presses(password=anna.password)
    assert browser.page.has("code")
    assert browser.opens("/account/methods/passkey").path.startswith("/login/")


def test_what_was_proved_before_a_key_was_blocked_adds_nothing(
    hall: Hall, browser: Browser, laptop: Authenticator
) -> None:
    """attack 33: the session may be that of whoever has the copy"""
    who = hall.employee("viens")
    browser.signs_in(who)
    sets_up(browser, laptop)
    assert browser.opens("/account/methods/totp").path == "/account/methods/totp"
    hall.clock.move(1)
    block(hall, rows(hall, who, "passkey")[0])
    assert browser.opens("/account/methods/totp").path.startswith("/login/")


def test_a_proof_by_what_is_no_longer_there_counts_no_more(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """attack 33: the same method set up anew by whoever is not the one who proved it"""
    hall.rule(RIGA, Level.MULTI_FACTOR, methods=WITH_KEYS)
    browser.signs_in(anna)
    assert browser.opens("/account").status == 200
    with hall.world.database.begin() as work:
        before = work.people.credentials_of(anna.user.id)
        (old,) = [each for each in before if each.method == "totp"]
        work.people.remove_credentials(anna.user.id, "totp")
        old.id = "another"
        work.people.add_credential(old)
    assert browser.opens("/account").has("code")
    assert browser.opens("/account/methods/passkey").path.startswith("/login/")


def test_a_sign_in_under_way_with_what_was_removed_does_not_end_in_a_session(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    hall.rule(RIGA, Level.MULTI_FACTOR, methods=WITH_KEYS)
    browser.opens("/")
    browser.identifies(anna)
    with hall.world.database.begin() as work:
        work.people.remove_credentials(anna.user.id, "password")
    assert browser.presses(code=anna.code()).path != "/"
    assert browser.session is None


def test_sessions_from_before_proofs_named_their_credential_go_on(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    hall.rule(RIGA, Level.MULTI_FACTOR, methods=WITH_KEYS)
    browser.signs_in(anna)
    forgets_credentials(hall)
    assert browser.opens("/account/methods/passkey").path == "/account/methods/passkey"
    with hall.world.database.begin() as work:
        work.people.remove_credentials(anna.user.id, "totp")
    assert browser.opens("/account").path.startswith("/login/"), "by method: there is none any more"


def forgets_credentials(hall: Hall) -> None:
    """As the rows of an older version are."""
    with hall.world.database.begin() as work:
        connection = work.connection()
        for session_id, proofs in connection.exec_driver_sql("SELECT id, proofs FROM sessions").all():
            bare = [{name: proof[name] for name in ("method", "at")} for proof in json.loads(proofs)]
            connection.exec_driver_sql(
                "UPDATE sessions SET proofs = ? WHERE id = ?", (json.dumps(bare), session_id)
            )


def test_a_session_that_ends_in_this_moment_adds_nothing(hall: Hall, browser: Browser) -> None:
    """attack 33: its page was open, and the check before it was passed"""
    who = hall.employee("viens")
    browser.signs_in(who)
    page = browser.opens("/account/methods/totp")
    who.authenticator = pyotp.TOTP(page.content.ids["totp-key"].replace(" ", ""))
    signed_in = hall.provider.sessions.find(browser.session)
    person = hall.provider.standings.find_person(who.user.id)
    assert signed_in is not None
    assert person is not None
    visitor = Visitor(browser="b", address="192.0.2.1", session_token=browser.session)
    with hall.world.database.begin() as work:
        work.sessions.end(signed_in.session_id, hall.clock())
    outcome = hall.provider.enrolments.answer(
        signed_in.session_id, person, "totp", {"code": who.code()}, visitor=visitor, signed_in=signed_in
    )
    assert outcome == Rejected(Reason.TRANSACTION_EXPIRED)
    assert rows(hall, who, "totp") == rows(hall, who, "recovery_code") == []
    assert "method.enrolled" not in hall.events(who)


def test_new_recovery_codes_are_not_made_in_a_session_that_ended(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """attack 33"""
    browser.signs_in(anna)
    browser.opens("/account/methods/recovery_code")
    signed_in = hall.provider.sessions.find(browser.session)
    person = hall.provider.standings.find_person(anna.user.id)
    assert signed_in is not None
    assert person is not None
    visitor = Visitor(browser="b", address="192.0.2.1", session_token=browser.session)
    with hall.world.database.begin() as work:
        work.sessions.end(signed_in.session_id, hall.clock())
    outcome = hall.provider.enrolments.answer(
        signed_in.session_id, person, "recovery_code", {}, visitor=visitor, signed_in=signed_in
    )
    assert outcome == Rejected(Reason.TRANSACTION_EXPIRED)
    assert rows(hall, anna, "recovery_code") == []


# In the middle of a sign-in: only the first second factor -----------------------------------------------------


def demands_two_factors(hall: Hall, *scopes: str, methods: list[str] = WITH_KEYS) -> None:
    for scope in scopes or (RIGA,):
        hall.rule(scope, Level.MULTI_FACTOR, methods=methods)


def test_who_has_none_sets_one_up_on_the_way(hall: Hall, browser: Browser) -> None:
    demands_two_factors(hall)
    browser.opens("/")
    assert browser.identifies(hall.employee("viens")).has("method-totp")


@pytest.mark.parametrize("first_enrolment", [False, True])
def test_a_blocked_key_is_a_second_factor(
    hall: Hall, browser: Browser, laptop: Authenticator, first_enrolment: bool
) -> None:
    """attack 33: enrolment with one factor only (authelia#135), after making somebody's key look copied"""
    who = hall.employee("viens")
    at_home = hall.browser()
    at_home.signs_in(who)
    sets_up(at_home, laptop)
    with hall.world.database.begin() as work:
        work.people.remove_credentials(who.user.id, "recovery_code")
    block(hall, rows(hall, who, "passkey")[0])
    hall.rule(RIGA, Level.MULTI_FACTOR, methods=WITH_KEYS, first_enrolment=first_enrolment)
    browser.opens("/")
    page = browser.identifies(who)
    assert page.error_code == "level_not_reachable"


def test_a_second_factor_that_is_not_allowed_here_is_one_too(hall: Hall, browser: Browser) -> None:
    """attack 33: the rules of the post forbid the factor, so the password would be all that is asked for"""
    demands_two_factors(hall, KEKAVA, methods=["password", "passkey"])
    who = hall.employee("abi", totp=True, municipalities=[KEKAVA])
    browser.opens("/")
    assert browser.identifies(who).error_code == "level_not_reachable"


def test_recovery_codes_alone_are_one_too(hall: Hall, browser: Browser, anna: Employee) -> None:
    """attack 33, attack 34"""
    demands_two_factors(hall)
    at_home = hall.browser()
    at_home.signs_in(anna)
    at_home.opens("/account/methods/recovery_code")
    at_home.presses()
    with hall.world.database.begin() as work:
        work.people.remove_credentials(anna.user.id, "totp")
    browser.opens("/")
    page = browser.identifies(anna)
    assert not page.has("totp-key")
    assert page.has("code")


def test_the_address_of_the_step_takes_no_factor_of_who_has_one(
    hall: Hall, browser: Browser, anna: Employee, laptop: Authenticator
) -> None:
    """attack 23: by direct URL"""
    demands_two_factors(hall)
    browser.opens("/")
    page = browser.identifies(anna)
    token = {"csrf_token": page.form().fields["csrf_token"], "credential": "{}"}
    browser.posts(f"{page.path.partition('?')[0]}?method=passkey", token)
    assert rows(hall, anna, "passkey") == []


def first_at_once(hall: Hall) -> None:
    demands_two_factors(hall)
    who, waiting = hall.employee("viens"), []
    for number in range(8):
        browser, device = hall.browser(f"10.0.{number}.1"), Authenticator(ISSUER)
        browser.opens("/")
        browser.identifies(who)
        browser.follows("method-passkey")
        form = browser.page.form("credential")
        waiting.append((browser, form.action, {**form.fields, "credential": device.creates(form.options)}))
    at_once(8, lambda number: waiting[number][0].posts(*waiting[number][1:]))
    assert len(rows(hall, who, "passkey")) == 1
    assert hall.events(who).count("method.enrolled") == 1


def test_of_several_that_set_up_a_first_factor_at_once_one_does(hall: Hall) -> None:
    """attack 33: whoever has the password beside its owner, in the same moment"""
    first_at_once(hall)


def test_of_several_that_set_up_a_first_factor_at_once_one_does_on_postgresql(deployed: Hall) -> None:
    """attack 33"""
    first_at_once(deployed)


@pytest.fixture
def deployed(postgres_url: str, redis_url: str) -> Iterator[Hall]:
    database = make_database(postgres_url)
    with database.begin() as work:
        municipalities.load(work)
    database.dispose()
    made = Hall(postgres_url, redis_url=redis_url)
    for scope in (NATIONAL, RIGA):
        made.rule(scope, methods=WITH_KEYS)
    yield made
    made.close()


# Removing: what must be left ---------------------------------------------------------------------------------


def test_codes_on_paper_are_no_way_in_that_is_left(hall: Hall, browser: Browser) -> None:
    """attack 35"""
    demands_two_factors(hall)
    who = hall.employee("viens", totp=True)
    browser.signs_in(who)
    browser.opens("/account/methods/recovery_code")
    browser.presses()
    assert not may_remove(browser, "totp")


def test_a_blocked_key_is_no_way_in_that_is_left(
    hall: Hall, browser: Browser, laptop: Authenticator, fob: Authenticator
) -> None:
    """attack 35: of two passkeys one is blocked, and the other is all there is"""
    who = hall.employee("viens")
    browser.signs_in(who)
    sets_up(browser, laptop)
    hall.clock.move(1)
    sets_up(browser, fob)
    good, blocked = rows(hall, who, "passkey")
    assert may_remove(browser, "passkey", good)
    demands_two_factors(hall)
    assert may_remove(browser, "passkey", good)
    block(hall, blocked)
    hall.clock.move(1)
    browser.signs_out()
    browser.opens("/account")
    uses_passkey(browser, laptop)
    assert not may_remove(browser, "passkey", good)
    assert may_remove(browser, "passkey", blocked)


def test_the_last_key_is_not_removed_when_it_is_blocked_and_codes_are_all_that_is_left(
    hall: Hall, browser: Browser, laptop: Authenticator
) -> None:
    """attack 35: the codes would go with it"""
    demands_two_factors(hall)
    who = hall.employee("viens")
    browser.opens("/")
    browser.identifies(who)
    browser.follows("method-passkey")
    codes = creates(browser, laptop).content.ids["recovery-codes"].split()
    block(hall, rows(hall, who, "passkey")[0])
    hall.clock.move(1)
    window = hall.browser()
    window.opens("/account")
    window.identifies(who)
    if not window.page.has("code"):
        window.follows("method-recovery_code")
    assert window.presses(code=codes[0]).path == "/account"
    assert not may_remove(window, "passkey", rows(hall, who, "passkey")[0])


def test_a_code_says_nothing_of_who_it_is_so_what_does_stays(
    hall: Hall, browser: Browser, laptop: Authenticator
) -> None:
    """Without a password the passkey is the only door, though an authenticator would be factor enough."""
    who = hall.employee("viens")
    browser.signs_in(who)
    sets_up(browser, laptop)
    browser.opens("/account/methods/totp")
    who.authenticator = pyotp.TOTP(browser.page.content.ids["totp-key"].replace(" ", ""))
    browser.presses(code=who.code())
    passkey = rows(hall, who, "passkey")[0]
    assert may_remove(browser, "passkey", passkey)
    with hall.world.database.begin() as work:
        work.people.remove_credentials(who.user.id, "password")
    hall.rule(RIGA, methods=WITH_KEYS)
    assert not may_remove(browser, "passkey", passkey)
    assert may_remove(browser, "totp")


def test_where_phr_is_demanded_the_last_key_stays(
    hall: Hall, browser: Browser, laptop: Authenticator, fob: Authenticator
) -> None:
    """attack 35: other factors do not stand in for it"""
    who = hall.employee("viens", totp=True)
    browser.signs_in(who)
    sets_up(browser, laptop)
    hall.rule(RIGA, Level.PHISHING_RESISTANT, methods=WITH_KEYS)
    passkey = rows(hall, who, "passkey")[0]
    assert not may_remove(browser, "passkey", passkey)
    assert may_remove(browser, "totp")
    sets_up(browser, fob, "security_key")
    assert may_remove(browser, "passkey", passkey), "a key that is touched is phr beside the password"


def test_every_post_counts(hall: Hall, browser: Browser, laptop: Authenticator) -> None:
    """attack 35, attack 40: one municipality knows codes, the other passkeys, and each demands a second factor"""
    who = hall.employee("abi", totp=True, municipalities=[RIGA, KEKAVA])
    browser.signs_in(who)
    sets_up(browser, laptop)
    passkey = rows(hall, who, "passkey")[0]
    assert may_remove(browser, "passkey", passkey)
    demands_two_factors(hall, KEKAVA, methods=["password", "passkey"])
    hall.rule(RIGA, methods=["password", "passkey", "totp"])
    assert not may_remove(browser, "passkey", passkey), "Ķekava would let nobody in without"
    assert may_remove(browser, "totp"), "it makes no difference anywhere"


def test_what_no_municipality_knows_any_more_may_go(
    hall: Hall, browser: Browser, laptop: Authenticator
) -> None:
    who = hall.employee("viens", totp=True)
    browser.signs_in(who)
    sets_up(browser, laptop)
    demands_two_factors(hall, methods=["password", "passkey", "recovery_code"])
    assert may_remove(browser, "totp")


def removals_at_once(hall: Hall) -> None:
    """The authenticator and the passkey, each while the other is still there."""
    laptop, who = Authenticator(ISSUER), hall.employee("viens", totp=True)
    window = hall.browser()
    window.signs_in(who)
    sets_up(window, laptop)
    demands_two_factors(hall)
    hall.clock.move(31)
    browsers = [hall.browser(f"10.0.{number}.1") for number in range(2)]
    paths = [
        "/account/methods/totp/remove",
        f"/account/methods/passkey/{rows(hall, who, 'passkey')[0]}/remove",
    ]
    forms = []
    for one, path in zip(browsers, paths, strict=True):
        one.opens("/account")
        uses_passkey(one, laptop)
        forms.append(one.opens(path).form(button="remove-confirm"))
    signed_in = [hall.provider.sessions.find(one.session) for one in browsers]
    assert all(signed_in)
    at_once(2, lambda number: browsers[number].posts(forms[number].action, forms[number].fields))
    left = [*rows(hall, who, "totp"), *rows(hall, who, "passkey")]
    assert len(left) == 1
    assert hall.events(who).count("method.removed") == 1


def test_of_two_removals_at_once_one_is_refused(hall: Hall) -> None:
    """attack 35"""
    removals_at_once(hall)


def test_of_two_removals_at_once_one_is_refused_on_postgresql(deployed: Hall) -> None:
    """attack 35: each sees what the other is about to remove"""
    removals_at_once(deployed)


# Removing: what ends with it ---------------------------------------------------------------------------------


def test_the_session_that_asks_stays_if_it_was_made_with_something_else(
    hall: Hall, browser: Browser, laptop: Authenticator, fob: Authenticator
) -> None:
    """attack 36: the others end, whatever they were made with"""
    who = hall.employee("viens")
    at_home, elsewhere = hall.browser(), hall.browser("198.51.100.7")
    at_home.signs_in(who)
    sets_up(at_home, laptop)
    hall.clock.move(1)
    sets_up(at_home, fob)
    for window in (browser, elsewhere):
        window.opens("/account")
        uses_passkey(window, laptop)
    first, second = rows(hall, who, "passkey")
    removes(browser, "passkey", second)
    assert browser.page.path == "/account"
    assert browser.is_signed_in
    assert not at_home.is_signed_in
    assert not elsewhere.is_signed_in
    assert rows(hall, who, "passkey") == [first]


def test_the_session_that_asks_ends_with_its_tokens_if_it_was_made_with_it(
    hall: Hall, browser: Browser, laptop: Authenticator
) -> None:
    """attack 36: also what was given for the person's absence"""
    who = hall.employee("viens")
    at_home = hall.browser()
    at_home.signs_in(who)
    sets_up(at_home, laptop)
    browser.opens("/account")
    uses_passkey(browser, laptop)
    app, tokens = with_tokens(hall, browser)
    assert app.introspect(tokens.access_token)["active"]  # type: ignore[attr-defined]
    page = browser.opens(f"/account/methods/passkey/{rows(hall, who, 'passkey')[0]}/remove")
    assert "tiks pabeigta arī šī sesija" in page.words
    browser.presses("remove-confirm")
    assert browser.page.path.startswith("/login/")
    assert browser.session is None
    assert app.introspect(tokens.access_token) == {"active": False}  # type: ignore[attr-defined]
    assert app.introspect(tokens.refresh_token) == {"active": False}  # type: ignore[attr-defined]
    assert "session.ended" in hall.events(who)


def test_a_session_from_before_that_was_written_down_counts_by_method(
    hall: Hall, browser: Browser, laptop: Authenticator, fob: Authenticator
) -> None:
    who = hall.employee("viens")
    browser.signs_in(who)
    sets_up(browser, laptop)
    hall.clock.move(1)
    sets_up(browser, fob)
    forgets_credentials(hall)
    removes(browser, "passkey", rows(hall, who, "passkey")[0])
    assert browser.session is None


def test_a_session_made_with_a_code_ends_with_the_codes(hall: Hall, browser: Browser, anna: Employee) -> None:
    """attack 34"""
    at_home = hall.browser()
    at_home.signs_in(anna)
    at_home.opens("/account/methods/recovery_code")
    codes = at_home.presses().content.ids["recovery-codes"].split()
    browser.opens("/account")
    browser.identifies(anna)
    browser.follows("method-recovery_code")
    assert browser.presses(code=codes[0]).path == "/account"
    removes(browser, "totp")
    assert browser.session is None
    assert rows(hall, anna, "recovery_code") == []


def test_every_removal_is_an_event_for_the_person(hall: Hall, browser: Browser, anna: Employee) -> None:
    """What is mailed hangs on these."""
    browser.signs_in(anna)
    browser.opens("/account/methods/recovery_code")
    browser.presses()
    removes(browser, "totp")
    with hall.world.database.read() as work:
        removed = [each for each in work.audit.activity_of(anna.user.id) if each.type == "method.removed"]
    assert {each.method for each in removed} == {"totp", "recovery_code"}


def test_who_has_nothing_cannot_be_helped_by_the_pages(hall: Hall, browser: Browser) -> None:
    """Somebody without anything set up gets no further than anybody."""
    newcomer(hall, "jauna")
    browser.opens("/")
    assert browser.presses(username="jauna", password="").status == 422
