"""Passkeys and security keys through the whole provider: pages, policy, sessions, the trail."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from idp.login.standing import Satisfied
from idp.login.transaction import LIFETIME_SECONDS, Requirements
from idp.policy import NATIONAL, Level
from tests.support.actors import ISSUER, WITH_KEYS, Browser, Employee, Hall
from tests.support.at_once import at_once
from tests.support.authenticator import UV, Authenticator, Lie, text
from tests.support.builders import RIGA
from tests.support.pages import Page
from tests.support.passkeys import asked_for, creates, passkey_form, sends, sets_up, uses_key, uses_passkey

GENERIC = "Šo piekļuves atslēgu vai drošības atslēgu neizdevās izmantot."
OLD_HOST = "https://eriga.example.lv"


@pytest.fixture
def hall(fresh_database: str) -> Iterator[Hall]:
    made = Hall(fresh_database, options={"webauthn_origins": (OLD_HOST,)})
    made.rule(NATIONAL, methods=WITH_KEYS)
    made.rule(RIGA, methods=WITH_KEYS)
    yield made
    made.close()


@pytest.fixture
def browser(hall: Hall) -> Browser:
    return hall.browser()


@pytest.fixture
def viens(hall: Hall) -> Employee:
    """With a password alone."""
    return hall.employee("viens")


@pytest.fixture
def laptop() -> Authenticator:
    return Authenticator(ISSUER, transports=["internal"])


@pytest.fixture
def enrolled(hall: Hall, viens: Employee, laptop: Authenticator) -> Employee:
    """Viens, with a passkey on the laptop."""
    at_home = hall.browser()
    at_home.signs_in(viens)
    assert sets_up(at_home, laptop, label="Dators").status == 200
    return viens


def standing(hall: Hall, browser: Browser, requirements: Requirements) -> Satisfied:
    found = hall.provider.login.standing(hall.provider.sessions.find(browser.session), requirements)
    assert isinstance(found, Satisfied)
    return found


def events(hall: Hall, who: Employee) -> list[tuple[str, str | None]]:
    with hall.world.database.read() as work:
        return [(event.type, event.reason) for event in reversed(work.audit.activity_of(who.user.id))]


def requires(hall: Hall, browser: Browser, requirements: Requirements) -> Page:
    """As an application that wants to be surer would send this browser to sign in."""
    browser_id = browser.http.cookies.get("__Host-visvaris-browser") or ""
    session = hall.provider.sessions.find(browser.session)
    sign_in = hall.provider.login.start(
        requirements, return_to="/account", browser=browser_id, signed_in=session
    )
    return browser.opens(f"/login/{sign_in}")


# Passkeys: a whole sign-in -----------------------------------------------------------------------------------


def test_the_page_that_asks_who_it_is_takes_a_passkey_as_well(browser: Browser, viens: Employee) -> None:
    page = browser.opens("/")
    assert 'autocomplete="username webauthn"' in page.content.markup
    assert page.has("method-passkey")
    assert "data-conditional" in page.content.markup
    assert page.form(button="login-submit").fields.keys() >= {"username", "password"}


def test_it_does_not_where_nobody_may_use_one(hall: Hall, browser: Browser) -> None:
    hall.rule(NATIONAL)
    page = browser.opens("/")
    assert not page.has("method-passkey")
    assert 'autocomplete="username"' in page.content.markup


def test_a_passkey_signs_in_by_itself_in_one_step(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    browser.opens("/account")
    assert uses_passkey(browser, laptop).path == "/account"
    found = standing(hall, browser, Requirements(level=Level.PHISHING_RESISTANT))
    assert found.person.user.username == "viens"
    assert (found.acr, found.amr) == ("phr", ("pop", "user", "mfa"))
    assert events(hall, enrolled)[-3:] == [
        *(("method.passed", None), ("sign_in.new_browser", None), ("sign_in.completed", None))
    ]


def test_a_sign_in_by_passkey_makes_a_new_session_whatever_cookie_was_there(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 21: session fixation"""
    planted = "p" * 43
    browser.http.cookies.set("__Host-visvaris-session", planted, domain="login.example.lv", path="/")
    browser.opens("/")
    uses_passkey(browser, laptop)
    assert browser.session not in {None, planted}


def test_somebody_else_with_a_passkey_ends_the_session_of_the_first(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 22"""
    page = browser.opens("/")
    form = passkey_form(browser)
    browser.signs_in(hall.employee("otra"))
    before = browser.session
    browser.opens(page.path)
    fresh = hall.browser()
    fresh.opens("/")
    assert hall.provider.sessions.find(before) is not None
    browser.opens("/logout")
    browser.presses("logout-confirm")
    browser.opens("/")
    uses_passkey(browser, laptop)
    assert hall.provider.sessions.find(before) is None
    signed_in = hall.provider.sessions.find(browser.session)
    assert signed_in is not None
    assert signed_in.username == "viens"
    assert form.options != passkey_form(fresh).options


def test_one_answer_to_one_challenge_right_or_wrong(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 32: challenge single use"""
    browser.opens("/")
    first = passkey_form(browser)
    wrong = uses_passkey(browser, laptop, Lie(origin="https://evil.example"))
    assert wrong.status == 422
    right_but_late = sends(browser, first, laptop.gets(first.options))
    assert right_but_late.status == 422
    assert events(hall, enrolled)[-1] == ("method.failed", "key_answer_broken")
    assert "data-conditional" not in right_but_late.content.markup, "what failed does not try again by itself"
    assert uses_passkey(browser, laptop).path == "/"


def test_a_reloaded_page_still_takes_the_answer_of_the_first(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """Two tabs of one sign-in: the challenge stays until it has had its answer."""
    page = browser.opens("/")
    first = passkey_form(browser)
    browser.opens(page.path)
    assert sends(browser, first, laptop.gets(first.options)).path == "/"


def test_an_answer_made_for_one_sign_in_is_worth_nothing_in_another(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 32: challenge bound to the session; attack 24: an answer planted in somebody's browser"""
    thief = hall.browser("198.51.100.7")
    thief.opens("/")
    stolen = laptop.gets(passkey_form(thief).options)
    browser.opens("/")
    assert sends(browser, passkey_form(browser), stolen).status == 422
    assert not browser.is_signed_in
    browser.opens("/account")
    other_tab = passkey_form(browser)
    browser.opens("/")
    assert sends(browser, passkey_form(browser), laptop.gets(other_tab.options)).status == 422


def test_of_a_hundred_at_once_with_one_answer_one_signs_in(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 32: single use, in parallel"""
    laptop.counts = False
    browser.opens("/")
    form = passkey_form(browser)
    data = {**form.fields, "credential": laptop.gets(form.options)}
    cookies = dict(browser.http.cookies)

    def tries(_: int) -> int:
        one = hall.browser()
        one.http.cookies.update(cookies)
        return one.http.post(form.action, data=data).status_code

    at_once(100, tries)
    assert hall.events(enrolled).count("sign_in.completed") == 2, "once to set it up, and once now"
    assert events(hall, enrolled).count(("method.passed", None)) == 2


def test_a_challenge_dies_with_its_sign_in(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 30"""
    browser.opens("/")
    hall.clock.move(LIFETIME_SECONDS)
    assert uses_passkey(browser, laptop).status == 410


def test_whatever_is_wrong_is_one_event_and_one_sentence(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 28: broken, forged, unknown and blocked are told alike"""
    said = set()
    stranger = Authenticator(ISSUER)
    browser.opens("/")
    at_home = hall.browser()
    at_home.signs_in(hall.employee("otra"))
    sets_up(at_home, stranger)
    with hall.world.database.begin() as work:
        work.people.remove_credentials(hall.employee("trešā").user.id, None)
    forged = text(b"x" * 32).encode()
    for lie in (
        Lie(origin="https://login.example.lv.evil.test"),
        Lie(rp_id="example.lv"),
        Lie(after_signing=lambda _: b"0\x06\x02\x01\x01\x02\x01\x01"),
        Lie(user_handle=forged),
        Lie(no_user_handle=True),
        Lie(key_id=stranger.keys[0].id),
        Lie(key_id=b"never seen before, by anybody!!!"),
        Lie(type="webauthn.create"),
    ):
        before = _trail_length(hall)
        hall.clock.move(60)
        page = uses_passkey(browser, laptop, lie)
        said.add((page.status, page.content.ids["main"]))
        assert _trail_length(hall) == before + 1, lie
    hall.block(enrolled)
    hall.clock.move(60)
    page = uses_passkey(browser, laptop)
    said.add((page.status, page.content.ids["main"]))
    assert len(said) == 1
    assert GENERIC in page.words
    assert not browser.is_signed_in


def test_a_blocked_user_is_written_down_as_such(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 25"""
    hall.block(enrolled)
    browser.opens("/")
    uses_passkey(browser, laptop)
    assert not browser.is_signed_in
    assert events(hall, enrolled)[-1] == ("method.failed", "key_of_blocked_user")


def test_a_municipality_that_allows_no_passkeys_is_obeyed(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    hall.rule(RIGA)
    browser.opens("/")
    page = uses_passkey(browser, laptop)
    assert page.status == 422
    assert not browser.is_signed_in
    assert events(hall, enrolled)[-1] == ("sign_in.refused", "method_not_offered")


def test_a_computer_that_did_not_make_sure_is_told_to_try_a_pin(
    browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 32: UV where policy says so"""
    browser.opens("/")
    page = uses_passkey(browser, laptop, Lie(flags={UV: False}))
    assert page.status == 422
    assert "PIN" in page.words


def test_without_scripts_the_button_says_what_it_needs(browser: Browser) -> None:
    browser.opens("/")
    page = browser.presses("method-passkey")
    assert page.status == 422
    assert "skripti" in page.words
    assert page.has("password")


def test_the_page_tells_nothing_of_who_exists(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 28: allowCredentials"""
    asked = []
    for hint in ("viens", "nobody-at-all"):
        requires(hall, browser, Requirements(login_hint=hint)) if asked else browser.opens("/")
        asked.append(asked_for(passkey_form(browser)) | {"challenge": ""})
    assert asked[0] == asked[1]
    assert asked[0]["allowCredentials"] == []
    after_a_failure = browser.presses(username="viens", password="wrong-wrong-wrong")
    assert after_a_failure.status == 422
    assert asked_for(passkey_form(browser))["allowCredentials"] == []


def test_hostile_answers_are_slowed_down_and_keep_nobody_out_for_long(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 29: lock-out as denial of service"""
    stranger = hall.browser("198.51.100.7")
    stranger.opens("/")
    statuses = [uses_passkey(stranger, laptop, Lie(origin="https://evil.example")).status for _ in range(20)]
    assert statuses[-1] == 429
    hall.clock.move(61)
    browser.opens("/")
    assert uses_passkey(browser, laptop).path == "/"


def test_a_passkey_asks_for_the_employment_like_any_way_in(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    browser.opens("/")
    requires(hall, browser, Requirements(expected_user="somebody-else"))
    page = uses_passkey(browser, laptop)
    assert page.status == 403
    assert page.error_code == "other_user"
    assert not browser.is_signed_in


# Stepping up -------------------------------------------------------------------------------------------------


def test_an_application_that_wants_phr_is_reached_with_the_passkey_of_who_is_signed_in(
    hall: Hall, browser: Browser, laptop: Authenticator
) -> None:
    anna = hall.employee("anna", totp=True)
    at_home = hall.browser()
    at_home.signs_in(anna)
    hall.clock.move(31)
    sets_up(at_home, laptop)
    hall.clock.move(31)
    browser.opens("/")
    browser.identifies(anna)
    browser.follows("method-totp")
    browser.presses(code=anna.code())
    assert standing(hall, browser, Requirements()).level is Level.MULTI_FACTOR
    before = browser.session
    page = requires(hall, browser, Requirements(level=Level.PHISHING_RESISTANT))
    form = page.form("credential")
    assert [each["id"] for each in asked_for(form)["allowCredentials"]] == [text(laptop.keys[0].id)]
    assert uses_key(browser, laptop).path == "/account"
    assert standing(hall, browser, Requirements()).level is Level.PHISHING_RESISTANT
    assert browser.session != before


def test_the_passkey_of_another_person_does_not_step_up_a_session(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 32: credential ownership at step-up"""
    anna = hall.employee("anna")
    hers = Authenticator(ISSUER)
    browser.signs_in(anna)
    sets_up(browser, hers)
    hall.clock.move(1)
    page = requires(
        hall,
        browser,
        Requirements(level=Level.PHISHING_RESISTANT, not_before=hall.clock()),
    )
    assert page.form("credential")
    refused = uses_key(browser, laptop, key=laptop.keys[0])
    assert refused.status == 422
    assert GENERIC in refused.words
    assert uses_key(browser, hers).path == "/account"


# Security keys -----------------------------------------------------------------------------------------------


@pytest.fixture
def key() -> Authenticator:
    return Authenticator(ISSUER, verifies_user=False)


@pytest.fixture
def with_key(hall: Hall, viens: Employee, key: Authenticator) -> Employee:
    at_home = hall.browser()
    at_home.signs_in(viens)
    assert sets_up(at_home, key, "security_key").has("recovery-codes")
    return viens


def test_a_security_key_is_asked_for_after_the_password(
    hall: Hall, browser: Browser, with_key: Employee, key: Authenticator
) -> None:
    browser.opens("/account")
    page = browser.identifies(with_key)
    assert not browser.is_signed_in
    assert [each["id"] for each in asked_for(page.form("credential"))["allowCredentials"]] == [
        text(key.keys[0].id)
    ]
    assert uses_key(browser, key).path == "/account"
    found = standing(hall, browser, Requirements())
    assert (found.acr, found.amr) == ("phr", ("pwd", "pop", "user", "mfa"))


def test_a_security_key_signs_nobody_in_by_itself(
    hall: Hall, browser: Browser, with_key: Employee, key: Authenticator
) -> None:
    """attack 23: the second step without the first"""
    browser.opens("/")
    assert uses_passkey(browser, key).status == 422
    form = passkey_form(browser)
    path = browser.page.path.replace("method=passkey", "method=security_key")
    data = {**form.fields, "credential": key.gets(form.options)}
    assert browser.posts(path, data).status == 422
    assert not browser.is_signed_in


def test_a_touch_alone_is_not_phr_once_the_password_no_longer_counts(
    hall: Hall, browser: Browser, with_key: Employee, key: Authenticator
) -> None:
    """A finder of the key at an open session: the key without something known is one factor."""
    browser.opens("/")
    browser.identifies(with_key)
    uses_key(browser, key)
    hall.clock.move(60)
    page = requires(
        hall,
        browser,
        Requirements(level=Level.PHISHING_RESISTANT, not_before=hall.clock()),
    )
    assert page.has("password"), "what is known is asked for first"
    browser.follows("method-security_key")
    assert uses_key(browser, key).has("password")
    assert browser.presses(password=with_key.password).path == "/account"


def test_a_key_that_made_sure_of_its_user_is_phr_alone(
    hall: Hall, browser: Browser, with_key: Employee, key: Authenticator
) -> None:
    browser.opens("/")
    browser.identifies(with_key)
    uses_key(browser, key, Lie(flags={UV: True}))
    session = hall.provider.sessions.find(browser.session)
    assert session is not None
    assert {proof.method: proof.user_verified for proof in session.proofs} == {
        "password": False,
        "security_key": True,
    }
    hall.clock.move(60)
    requires(hall, browser, Requirements(level=Level.PHISHING_RESISTANT, not_before=hall.clock()))
    browser.follows("method-security_key")
    assert uses_key(browser, key, Lie(flags={UV: True})).path == "/account"


def test_a_copied_key_is_blocked_and_the_password_alone_opens_nothing(
    hall: Hall, browser: Browser, with_key: Employee, key: Authenticator
) -> None:
    """attack 32: signCount; attack 35: what blocks a factor must not remove it from what is asked for"""
    browser.opens("/")
    browser.identifies(with_key)
    uses_key(browser, key)
    copy = hall.browser("198.51.100.7")
    copy.opens("/")
    copy.identifies(with_key)
    page = uses_key(copy, key, Lie(count=1))
    assert page.status in {403, 422}
    assert events(hall, with_key)[-1] == ("method.key_blocked", "key_copied")
    assert not copy.is_signed_in
    again = hall.browser("198.51.100.7")
    again.opens("/")
    page = again.identifies(with_key)
    assert not again.is_signed_in
    assert not page.has("totp-key"), "nor may another factor be added with the password alone"
    assert "credential" not in [name for form in page.content.forms for name in form.fields]


def test_a_blocked_key_is_shown_and_removed_by_its_owner(
    hall: Hall, browser: Browser, with_key: Employee, key: Authenticator
) -> None:
    second = Authenticator(ISSUER)
    browser.opens("/account")
    browser.identifies(with_key)
    uses_key(browser, key)
    sets_up(browser, second)
    copy = hall.browser("198.51.100.7")
    copy.opens("/")
    copy.identifies(with_key)
    copy.follows("method-security_key")
    uses_key(copy, key, Lie(count=1))
    page = browser.opens("/account")
    assert "Bloķēta" in page.content.ids["account-method-security_key"]
    assert "bloķēta" in page.words.lower()
    credential = _credentials(hall, with_key, "security_key")[0]
    browser.opens(f"/account/methods/security_key/{credential}/remove")
    browser.presses("remove-confirm")
    assert _credentials(hall, with_key, "security_key") == []


# Setting up and the account page -----------------------------------------------------------------------------


def test_a_passkey_is_set_up_from_the_account_page_with_recovery_codes_and_raises_the_session(
    hall: Hall, browser: Browser, viens: Employee, laptop: Authenticator
) -> None:
    browser.signs_in(viens)
    before = browser.session
    assert "Iestatīt" in browser.opens("/account").content.ids["account-method-passkey"]
    page = sets_up(browser, laptop, label="Darba dators")
    assert page.has("recovery-codes")
    assert browser.session != before
    assert standing(hall, browser, Requirements()).level is Level.PHISHING_RESISTANT
    card = browser.opens("/account").content.ids["account-method-passkey"]
    assert "Darba dators" in card
    assert "YubiKey 5 Series with NFC" in card
    assert "Paliek vienā ierīcē." in card
    assert "vēl nav bijusi" in card
    assert events(hall, viens)[-2:] == [("method.enrolled", None), ("recovery_codes.made", None)]


def test_a_second_one_is_added_beside_the_first_and_nobody_is_signed_out(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    other = hall.browser("192.0.2.99")
    other.opens("/")
    uses_passkey(other, laptop)
    browser.opens("/")
    uses_passkey(browser, laptop)
    phone = Authenticator(ISSUER, synced=True)
    assert sets_up(browser, phone, label="Tālrunis").path == "/account"
    card = browser.page.content.ids["account-method-passkey"]
    assert "Dators" in card
    assert "Tālrunis" in card
    assert "Sinhronizēta starp ierīcēm." in card
    assert other.is_signed_in
    third = hall.browser()
    third.opens("/")
    assert uses_passkey(third, phone).path == "/"


def test_setting_up_on_the_way_where_more_is_asked_for(hall: Hall, browser: Browser, viens: Employee) -> None:
    hall.rule(RIGA, Level.MULTI_FACTOR, methods=WITH_KEYS)
    browser.opens("/account")
    page = browser.identifies(viens)
    assert page.has("method-passkey")
    assert page.has("method-security_key")
    browser.follows("method-passkey")
    assert creates(browser, Authenticator(ISSUER)).has("recovery-codes")
    assert browser.presses().path == "/account"
    assert standing(hall, browser, Requirements()).level is Level.PHISHING_RESISTANT


def test_a_registration_takes_one_answer_right_or_wrong(
    hall: Hall, browser: Browser, viens: Employee, laptop: Authenticator
) -> None:
    """attack 33, attack 32: challenge single use; nothing half-enrolled remains"""
    browser.signs_in(viens)
    browser.opens("/account/methods/passkey")
    first = browser.page.form("credential")
    wrong = sends(browser, first, laptop.creates(first.options, Lie(origin="https://evil.example")))
    assert wrong.status == 422
    assert GENERIC in wrong.words
    assert events(hall, viens)[-1] == ("method.failed", "key_answer_broken")
    late = sends(browser, first, laptop.creates(first.options))
    assert late.status == 422
    assert _credentials(hall, viens, "passkey") == []
    assert creates(browser, laptop).has("recovery-codes")
    form = first
    replayed = sends(browser, form, Authenticator(ISSUER).creates(form.options))
    assert replayed.status == 422
    assert len(_credentials(hall, viens, "passkey")) == 1


def test_a_registration_is_for_the_session_it_was_begun_in(
    hall: Hall, browser: Browser, viens: Employee, laptop: Authenticator
) -> None:
    """attack 33: the attacker's key in the victim's account"""
    thief = hall.browser("198.51.100.7")
    thief.signs_in(hall.employee("zaglis"))
    thief.opens("/account/methods/passkey")
    his = laptop.creates(thief.page.form("credential").options)
    browser.signs_in(viens)
    browser.opens("/account/methods/passkey")
    assert sends(browser, browser.page.form("credential"), his).status == 422
    assert _credentials(hall, viens, "passkey") == []


def test_setting_one_up_asks_for_a_proof_of_the_last_ten_minutes(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 33: and for the highest level the person can reach"""
    browser.opens("/")
    uses_passkey(browser, laptop)
    browser.opens("/account/methods/passkey")
    form = browser.page.form("credential")
    hall.clock.move(11 * 60)
    page = sends(browser, form, Authenticator(ISSUER).creates(form.options))
    assert page.path.startswith("/login/")
    assert len(_credentials(hall, enrolled, "passkey")) == 1
    assert page.form("credential"), "the passkey is asked for first"
    assert uses_key(browser, laptop).path == "/account/methods/passkey"


def test_a_password_does_not_add_a_passkey_beside_the_one_there_is(
    hall: Hall, browser: Browser, enrolled: Employee
) -> None:
    """attack 33: enrolment with one factor only"""
    browser.opens("/account/methods/passkey")
    browser.identifies(enrolled)
    assert not browser.is_signed_in
    assert browser.page.path.startswith("/login/")


def test_a_key_that_is_registered_is_said_to_be(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    browser.opens("/")
    uses_passkey(browser, laptop)
    page = sets_up(browser, Authenticator(ISSUER), lie=Lie(key_id=laptop.keys[0].id))
    assert page.status == 422
    assert "jau ir reģistrēta" in page.words
    assert hall.events(enrolled).count("method.enrolled") == 1


def test_a_key_of_another_person_is_not_said_to_be_anybodys(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 32: cross-user credential id; attack 28"""
    otra = hall.employee("otra")
    browser.signs_in(otra)
    page = sets_up(browser, Authenticator(ISSUER), lie=Lie(key_id=laptop.keys[0].id))
    assert page.status == 422
    assert GENERIC in page.words
    assert "reģistrēta." not in page.content.ids["error-summary-title"]
    assert _credentials(hall, otra, "passkey") == []
    assert events(hall, otra)[-1] == ("method.failed", "key_of_another")


def test_a_name_is_changed_and_shown_as_text(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 42: stored script"""
    browser.opens("/account")
    uses_passkey(browser, laptop)
    browser.follows("Pārdēvēt Dators")
    assert browser.page.content.ids["label"] == "Dators"
    page = browser.presses(label="<script>alert(1)</script>\n\tA" + "z" * 100)
    assert page.path == "/account"
    assert "<script>alert" not in page.content.markup
    assert _labels(hall, enrolled) == [("<script>alert(1)</script> A" + "z" * 100)[:60]]
    assert hall.events(enrolled)[-1] == "method.renamed"


def test_without_a_name_it_is_called_what_it_is(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    browser.opens("/account")
    uses_passkey(browser, laptop)
    browser.follows("Pārdēvēt Dators")
    browser.presses(label="  ")
    assert "YubiKey 5 Series with NFC" in browser.page.content.ids["account-method-passkey"]


def test_one_of_two_is_removed_and_the_other_stays(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    other = hall.browser("192.0.2.99")
    other.opens("/")
    uses_passkey(other, laptop)
    browser.opens("/account")
    uses_passkey(browser, laptop)
    phone = Authenticator(ISSUER, synced=True)
    sets_up(browser, phone, label="Tālrunis")
    page = browser.follows("Noņemt Dators")
    assert "Dators" in page.words
    assert "rezerves kodi" not in page.content.ids["main"]
    browser.presses("remove-confirm")
    assert _labels(hall, enrolled) == ["Tālrunis"]
    assert not other.is_signed_in, "whoever signed in with it may hold it"
    assert "method.removed" in hall.events(enrolled)
    again = hall.browser()
    again.opens("/")
    assert uses_passkey(again, laptop, key=laptop.keys[0]).status == 422
    assert uses_passkey(again, phone).path == "/"


def test_the_last_one_that_is_needed_stays(hall: Hall, browser: Browser, laptop: Authenticator) -> None:
    """attack 35"""
    hall.rule(RIGA, Level.PHISHING_RESISTANT, methods=WITH_KEYS)
    viens = hall.employee("viens")
    browser.opens("/account")
    browser.identifies(viens)
    browser.follows("method-passkey")
    creates(browser, laptop)
    page = browser.presses()
    assert page.path == "/account"
    assert "Noņemt" not in page.content.ids["account-method-passkey"]
    credential = _credentials(hall, viens, "passkey")[0]
    assert browser.opens(f"/account/methods/passkey/{credential}/remove").status == 404
    token = browser.opens(f"/account/methods/passkey/{credential}").form("label").fields["csrf_token"]
    refused = browser.posts(f"/account/methods/passkey/{credential}/remove", {"csrf_token": token})
    assert refused.status == 409
    assert refused.error_code == "last_method"
    assert browser.posts("/account/methods/passkey/remove", {"csrf_token": token}).status == 409
    assert len(_credentials(hall, viens, "passkey")) == 1


def test_recovery_codes_go_with_the_last_key_they_stand_in_for(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    browser.opens("/account")
    uses_passkey(browser, laptop)
    assert _credentials(hall, enrolled, "recovery_code")
    page = browser.follows("Noņemt Dators")
    assert "rezerves kodi" in page.content.ids["main"]
    browser.presses("remove-confirm")
    assert _credentials(hall, enrolled, "recovery_code") == []
    fresh = hall.browser()
    fresh.opens("/")
    assert fresh.identifies(enrolled).path == "/"


def test_nobody_renames_or_removes_what_is_not_theirs(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 42: another person's key by its id"""
    theirs = _credentials(hall, enrolled, "passkey")[0]
    otra = hall.employee("otra")
    browser.signs_in(otra)
    sets_up(browser, Authenticator(ISSUER), label="Otras")
    own = _credentials(hall, otra, "passkey")[0]
    token = browser.opens(f"/account/methods/passkey/{own}").form("label").fields["csrf_token"]
    for path in (f"/account/methods/passkey/{theirs}", f"/account/methods/passkey/{theirs}/remove"):
        assert browser.opens(path).status == 404
        assert browser.posts(path, {"csrf_token": token, "label": "mans"}).status in {404, 409}
    assert browser.opens(f"/account/methods/security_key/{own}").status == 404
    assert browser.opens(f"/account/methods/password/{own}").status == 404
    assert browser.opens(f"/account/methods/nonsense/{own}").status == 404
    assert _labels(hall, enrolled) == ["Dators"]


def test_a_form_of_another_site_sets_up_and_changes_nothing(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    """attack 24"""
    browser.opens("/")
    form = passkey_form(browser)
    sent = {**form.fields, "credential": laptop.gets(form.options)}
    assert browser.posts(form.action, sent, Origin="https://evil.example").status == 403
    assert browser.posts(form.action, sent, **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert browser.posts(form.action, {**sent, "csrf_token": ""}).status == 403
    assert not browser.is_signed_in


# Domains and origins -----------------------------------------------------------------------------------------


def test_the_file_of_related_origins_names_the_old_host_names(browser: Browser) -> None:
    response = browser.http.get("/.well-known/webauthn")
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert response.json() == {"origins": [ISSUER, OLD_HOST]}


def test_a_passkey_made_at_the_issuer_works_at_an_old_host_name(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator
) -> None:
    browser.opens("/")
    form = passkey_form(browser)
    sent = {**form.fields, "credential": laptop.gets(form.options, Lie(origin=OLD_HOST))}
    assert browser.posts(form.action, sent, Origin=OLD_HOST, **{"Sec-Fetch-Site": "same-origin"}).path == "/"


@pytest.mark.parametrize("origin", ["https://xeriga.example.lv", "https://eriga.example.lv.evil.test"])
def test_and_at_no_other(
    hall: Hall, browser: Browser, enrolled: Employee, laptop: Authenticator, origin: str
) -> None:
    """attack 32: exact origin"""
    browser.opens("/")
    assert uses_passkey(browser, laptop, Lie(origin=origin)).status == 422


def test_the_parent_domain_can_be_what_passkeys_are_made_for(fresh_database: str) -> None:
    hall = Hall(fresh_database, options={"webauthn_rp_id": "example.lv"})
    hall.rule(NATIONAL, methods=WITH_KEYS)
    hall.rule(RIGA, methods=WITH_KEYS)
    viens, browser, laptop = hall.employee("viens"), hall.browser(), Authenticator(ISSUER)
    browser.signs_in(viens)
    sets_up(browser, laptop)
    assert laptop.keys[0].rp_id == "example.lv"
    other = hall.browser()
    other.opens("/")
    assert uses_passkey(other, laptop).path == "/"
    hall.close()


def test_what_the_page_asks_for_is_readable_by_browsers(browser: Browser, viens: Employee) -> None:
    """`parseCreationOptionsFromJSON` takes base64url without padding."""
    browser.signs_in(viens)
    browser.opens("/account/methods/passkey")
    asked = asked_for(browser.page.form("credential"))
    for encoded in (asked["challenge"], asked["user"]["id"]):
        assert len(encoded) == 43
        assert not set(encoded) & set("+/=")
    assert json.dumps(asked)


def _credentials(hall: Hall, who: Employee, method: str) -> list[str]:
    with hall.world.database.read() as work:
        return [each.id for each in work.people.credentials_of(who.user.id) if each.method == method]


def _labels(hall: Hall, who: Employee) -> list[str]:
    with hall.world.database.read() as work:
        return [each.label for each in work.people.credentials_of(who.user.id) if each.method == "passkey"]


def _trail_length(hall: Hall) -> Any:
    with hall.world.database.read() as work:
        return work.audit.verify().checked
