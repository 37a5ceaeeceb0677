"""Which keys are accepted, through the whole provider: setting up, signing in, sessions, and what people are told."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import JSON, bindparam, update

from idp.errors import Reason
from idp.login.standing import NeedsSignIn, Satisfied
from idp.login.transaction import Requirements
from idp.methods.registry import read_blob, take_over
from idp.models.authenticators import AttestationRule
from idp.models.people import User
from idp.policy import NATIONAL, OPERATOR, Level, Why
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, table_of
from tests.support.actors import ISSUER, WITH_KEYS, Browser, Employee, Hall
from tests.support.alliance import Alliance, entry
from tests.support.authenticator import Authenticator, Lie
from tests.support.builders import KEKAVA, RIGA
from tests.support.makers import PackedMaker, SelfMaker
from tests.support.pages import Page
from tests.support.passkeys import asked_for, sets_up, uses_key, uses_passkey

NOT_ACCEPTED = "Jūsu kontam šāda veida atslēga nav atļauta."
GENERIC = "Šo piekļuves atslēgu vai drošības atslēgu neizdevās izmantot."
ALLIANCE = Alliance()
_USERS = table_of(User)
_ROLES = Prepared(
    update(_USERS).where(_USERS.c.id == bindparam("who")).values(roles=bindparam("new_roles", type_=JSON()))
)


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
def viens(hall: Hall) -> Employee:
    """With a password alone."""
    return hall.employee("viens")


@pytest.fixture
def maker(hall: Hall) -> PackedMaker:
    """Of the one model that is listed."""
    made = PackedMaker()
    lists(hall, entry(roots=[made.root]))
    return made


def lists(hall: Hall, *entries: dict[str, Any], number: int = 1) -> None:
    now = hall.clock()
    blob = read_blob(ALLIANCE.blob(number, entries), root=ALLIANCE.root.certificate, now=now)
    with hall.world.database.begin() as work:
        take_over(work, blob, now=now)


def demands(hall: Hall, scope: str = RIGA, **columns: Any) -> None:
    with hall.world.database.begin() as work:
        work.rules.put_attestation_rule(AttestationRule(scope=scope, **({"attestation": "mds"} | columns)))


def becomes_operator(hall: Hall, who: Employee) -> None:
    with hall.world.database.begin() as work:
        work.changed(_ROLES, {"who": who.user.id, "new_roles": [OPERATOR]})


def events(hall: Hall, who: Employee) -> list[tuple[str, str | None]]:
    with hall.world.database.read() as work:
        return [(event.type, event.reason) for event in reversed(work.audit.activity_of(who.user.id))]


def enrolled(hall: Hall, who: Employee, device: Authenticator, method: str = "passkey", **given: str) -> Page:
    at_home = hall.browser()
    at_home.signs_in(who)
    return sets_up(at_home, device, method, **given)


def keys_of(hall: Hall, who: Employee) -> list[str | None]:
    with hall.world.database.read() as work:
        found = work.people.credentials_of(who.user.id)
    return [each.attestation for each in found if each.key_id is not None]


# Setting up --------------------------------------------------------------------------------------------------


def test_only_those_who_are_held_to_it_are_asked_what_their_key_is(
    hall: Hall, browser: Browser, viens: Employee, maker: PackedMaker
) -> None:
    browser.signs_in(viens)
    page = browser.opens("/account/methods/passkey")
    assert asked_for(page.form("credential"))["attestation"] == "none"
    assert "ražotājs" not in page.words
    demands(hall)
    anew = hall.browser()
    anew.signs_in(viens)
    page = anew.opens("/account/methods/security_key")
    assert asked_for(page.form("credential"))["attestation"] == "direct"
    assert "vai drīkstam redzēt atslēgas marku un modeli" in page.words


def test_a_key_that_is_accepted_is_set_up_and_told_of_on_the_account_page(
    hall: Hall, browser: Browser, viens: Employee, maker: PackedMaker
) -> None:
    demands(hall)
    device = Authenticator(ISSUER, maker=maker)
    assert enrolled(hall, viens, device).status == 200
    assert keys_of(hall, viens) == ["packed"]
    browser.opens("/account")
    page = uses_passkey(browser, device)
    assert page.path == "/account"
    assert "Atslēgu kalves sērija 5" in page.words
    assert "Ražotājs apliecina, kas tā ir." in page.words
    assert NOT_ACCEPTED not in page.words


@pytest.mark.parametrize("method", ["passkey", "security_key"])
@pytest.mark.parametrize(
    ("device", "reason"),
    [
        (Authenticator(ISSUER), "key_not_attested"),
        (Authenticator(ISSUER, maker=SelfMaker()), "key_not_attested"),
        (Authenticator(ISSUER, synced=True), "key_not_attested"),
    ],
    ids=["none", "self", "synced"],
)
def test_one_that_is_not_accepted_is_refused_in_words_that_help_and_leaves_nothing(
    hall: Hall, viens: Employee, maker: PackedMaker, method: str, device: Authenticator, reason: str
) -> None:
    """attack 32: attestation downgrade; one audit event, and nothing half-enrolled"""
    demands(hall)
    page = enrolled(hall, viens, device, method)
    assert NOT_ACCEPTED in page.words
    assert page.has("page-title")
    assert keys_of(hall, viens) == []
    assert events(hall, viens)[-1] == ("method.failed", reason)
    assert [kind for kind, _ in events(hall, viens)].count("method.failed") == 1
    assert "recovery_codes.made" not in hall.events(viens)


def test_a_hostile_attestation_is_one_event_and_one_sentence_that_tells_nothing(
    hall: Hall, viens: Employee, maker: PackedMaker
) -> None:
    """attack 32"""
    demands(hall)
    page = enrolled(hall, viens, Authenticator(ISSUER, maker=PackedMaker()))
    assert GENERIC in page.words
    assert NOT_ACCEPTED not in page.words
    assert keys_of(hall, viens) == []
    assert events(hall, viens)[-1] == ("method.failed", "key_answer_broken")
    assert [kind for kind, _ in events(hall, viens)].count("method.failed") == 1


def test_after_a_refusal_the_next_key_is_asked_for_with_another_challenge(
    hall: Hall, browser: Browser, viens: Employee, maker: PackedMaker
) -> None:
    demands(hall)
    browser.signs_in(viens)
    browser.opens("/account/methods/passkey")
    before = asked_for(browser.page.form("credential"))["challenge"]
    sets_up(browser, Authenticator(ISSUER))
    assert asked_for(browser.page.form("credential"))["challenge"] != before
    assert sets_up(browser, Authenticator(ISSUER, maker=maker)).status == 200
    assert keys_of(hall, viens) == ["packed"]


def test_a_demand_on_a_role_is_on_those_who_have_it(hall: Hall, maker: PackedMaker) -> None:
    demands(hall, role="admin")
    demands(hall, KEKAVA)
    clerk, elsewhere = hall.employee("clerk"), hall.employee("elsewhere", municipalities=(RIGA, KEKAVA))
    assert enrolled(hall, clerk, Authenticator(ISSUER)).status == 200
    assert keys_of(hall, clerk) == [None]
    assert NOT_ACCEPTED in enrolled(hall, elsewhere, Authenticator(ISSUER)).words, "of every post they have"


# Signing in --------------------------------------------------------------------------------------------------


def test_a_key_from_before_the_demand_does_not_sign_in_and_its_owner_gets_out_another_way(
    hall: Hall, browser: Browser, maker: PackedMaker
) -> None:
    """attack 32: the check is at the place of use"""
    anna = hall.employee("anna", totp=True)
    old = Authenticator(ISSUER)
    at_home = hall.browser()
    at_home.signs_in(anna)
    assert sets_up(at_home, old, label="Vecā").status == 200
    demands(hall)
    browser.opens("/account")
    page = uses_passkey(browser, old)
    assert NOT_ACCEPTED in page.words
    assert not browser.is_signed_in
    assert events(hall, anna)[-2:] == [("method.passed", None), ("sign_in.refused", "key_not_attested")]
    hall.clock.move(60)
    assert browser.signs_in(anna, "/account").path == "/account"
    assert NOT_ACCEPTED.removeprefix("Jūsu") in browser.opens("/account").words
    hall.clock.move(60)
    again = hall.browser()
    again.signs_in(anna, "/account")
    new = Authenticator(ISSUER, maker=maker)
    assert sets_up(again, new).status == 200
    later = hall.browser()
    later.opens("/account")
    assert uses_passkey(later, new).path == "/account"


def test_a_synced_passkey_of_somebody_who_became_an_operator_counts_no_more_not_even_in_its_session(
    hall: Hall, browser: Browser, viens: Employee
) -> None:
    """attack 41: nobody keeps what they had for what they have become"""
    phone = Authenticator(ISSUER, synced=True)
    assert enrolled(hall, viens, phone).status == 200
    browser.opens("/account")
    assert uses_passkey(browser, phone).path == "/account"
    signed_in = hall.provider.sessions.find(browser.session)
    assert isinstance(hall.provider.login.standing(signed_in, Requirements()), Satisfied)
    becomes_operator(hall, viens)
    assert isinstance(hall.provider.login.standing(signed_in, Requirements()), NeedsSignIn)
    anew = hall.browser()
    anew.opens("/account")
    assert NOT_ACCEPTED in uses_passkey(anew, phone).words
    assert events(hall, viens)[-1] == ("sign_in.refused", "key_not_device_bound")


def test_a_password_alone_does_not_open_what_such_a_key_no_longer_opens(
    hall: Hall, browser: Browser, viens: Employee
) -> None:
    """attack 35: a new rule must not make an account easier to open, nor let its thief set up a key"""
    assert enrolled(hall, viens, Authenticator(ISSUER, synced=True)).status == 200
    with hall.world.database.begin() as work:
        work.people.remove_credentials(viens.user.id, "recovery_code")
    becomes_operator(hall, viens)
    page = browser.signs_in(viens, "/account")
    assert not browser.is_signed_in
    assert "credential" not in str(page.content.ids)
    person = hall.provider.standings.find_person(viens.user.id)
    assert person is not None
    decision = hall.provider.standings.reachable(person)
    assert (decision.required, decision.reached, decision.enough) == (
        Level.MULTI_FACTOR,
        Level.ONE_FACTOR,
        False,
    )
    assert {each.method: each.why for each in decision.excluded}["passkey"] is Why.NOT_ACCEPTED
    assert decision.enrollable == ()


def test_an_operator_with_a_key_that_stays_on_one_device_signs_in(hall: Hall, browser: Browser) -> None:
    chief = hall.employee("chief", totp=True, roles=[OPERATOR], municipalities=())
    stick = Authenticator(ISSUER)
    assert enrolled(hall, chief, stick).status == 200
    browser.opens("/account")
    assert uses_passkey(browser, stick).path == "/account"
    assert NOT_ACCEPTED in sets_up(browser, Authenticator(ISSUER, synced=True)).words


def test_a_model_that_is_revoked_later_signs_in_no_more_where_models_are_demanded(
    hall: Hall, viens: Employee, maker: PackedMaker
) -> None:
    """And goes on where nothing is demanded."""
    free = hall.employee("free", municipalities=(KEKAVA,))
    devices = {who.username: Authenticator(ISSUER, maker=maker) for who in (viens, free)}
    demands(hall)
    for who in (viens, free):
        assert enrolled(hall, who, devices[who.username]).status == 200
    in_use = hall.browser()
    in_use.opens("/account")
    assert uses_passkey(in_use, devices["viens"]).path == "/account"
    lists(hall, entry(roots=[maker.root], statuses=["FIDO_CERTIFIED", "REVOKED"]), number=2)
    assert in_use.opens("/account").path != "/account", "not even where it signed in a moment ago"
    for who, is_in in ((viens, False), (free, True)):
        browser = hall.browser()
        browser.opens("/account")
        page = uses_passkey(browser, devices[who.username])
        assert (NOT_ACCEPTED in page.words, browser.is_signed_in) == (not is_in, is_in)
    assert events(hall, viens)[-1] == ("sign_in.refused", "key_model_untrusted")
    lists(hall, entry(roots=[maker.root]), number=3)
    browser = hall.browser()
    browser.opens("/account")
    assert uses_passkey(browser, devices["viens"]).path == "/account", (
        "a list that is corrected lets it in again"
    )


def test_a_model_that_vanished_from_the_list_is_not_listed(
    hall: Hall, browser: Browser, viens: Employee, maker: PackedMaker
) -> None:
    demands(hall)
    device = Authenticator(ISSUER, maker=maker)
    enrolled(hall, viens, device)
    lists(hall, number=2)
    browser.opens("/account")
    assert NOT_ACCEPTED in uses_passkey(browser, device).words
    assert events(hall, viens)[-1] == ("sign_in.refused", "key_not_listed")


def test_of_two_keys_the_one_that_is_not_accepted_proves_nothing(
    hall: Hall, browser: Browser, viens: Employee, maker: PackedMaker
) -> None:
    old, new = Authenticator(ISSUER), Authenticator(ISSUER, maker=maker)
    enrolled(hall, viens, old, "security_key")
    demands(hall, attestation="none", binding="device_bound_or_attested")
    at_home = hall.browser()
    at_home.opens("/account/methods/security_key")
    at_home.enters(viens)
    uses_key(at_home, old)
    sets_up(at_home, new, "security_key")
    assert set(keys_of(hall, viens)) == {None, "packed"}
    in_session = hall.browser()
    in_session.opens("/account")
    in_session.enters(viens)
    assert uses_key(in_session, old).path == "/account"
    demands(hall)
    assert in_session.opens("/account").path != "/account", "what it proved before counts no more"
    browser.opens("/account")
    browser.enters(viens)
    assert NOT_ACCEPTED in uses_key(browser, old, key=old.keys[0]).words
    assert not browser.is_signed_in
    browser.opens("/account")
    browser.enters(viens)
    assert uses_key(browser, new).path == "/account"


def test_the_last_key_that_is_accepted_is_not_removed_while_another_is_not(
    hall: Hall, browser: Browser, viens: Employee, maker: PackedMaker
) -> None:
    """attack 35: what does not open the account does not count as a way to open it"""
    old, new = Authenticator(ISSUER), Authenticator(ISSUER, maker=maker)
    enrolled(hall, viens, old)
    demands(hall, attestation="none", binding="device_bound_or_attested")
    browser.opens("/account")
    uses_passkey(browser, old)
    sets_up(browser, new)
    demands(hall)
    person = hall.provider.standings.find_person(viens.user.id)
    assert person is not None
    by_word = {key.attestation: key.id for key in person.subject.of("passkey")}
    assert hall.provider.enrolments.may_remove(person, "passkey", by_word[None])
    assert not hall.provider.enrolments.may_remove(person, "passkey", by_word["packed"])


def test_nobody_is_told_what_others_are_held_to(hall: Hall, browser: Browser, viens: Employee) -> None:
    """attack 28: a stranger's key, and a lie about whose it is, are told nothing of demands"""
    demands(hall, attestation="none", binding="device_bound")
    stranger = Authenticator(ISSUER, synced=True)
    other = hall.employee("other", municipalities=(KEKAVA,))
    assert enrolled(hall, other, stranger).status == 200
    browser.opens("/account")
    page = uses_passkey(browser, stranger, Lie(user_handle=b"v" * 32))
    assert GENERIC in page.words
    assert NOT_ACCEPTED not in page.words


def test_nobody_without_a_demand_pays_for_those_of_others(
    hall: Hall, viens: Employee, maker: PackedMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Demands come with the rules; only somebody who is held to a list costs a look into it."""
    enrolled(hall, viens, Authenticator(ISSUER, maker=maker))
    asked: list[object] = []
    real = Unit._execute

    def counting(unit: Unit, statement: Prepared, values: Mapping[str, Any]) -> Any:
        asked.append(statement)
        return real(unit, statement, values)

    monkeypatch.setattr(Unit, "_execute", counting)

    def statements() -> int:
        asked.clear()
        assert hall.provider.standings.find_person(viens.user.id) is not None
        return len(asked)

    assert statements() == 5, "the user, what they set up, their posts, and the rules of two scopes"
    demands(hall, binding="device_bound")
    assert statements() == 5
    demands(hall)
    assert statements() == 5, "nor for a key that nobody vouched for"
    vouched = hall.employee("vouched")
    enrolled(hall, vouched, Authenticator(ISSUER, maker=maker))
    asked.clear()
    person = hall.provider.standings.find_person(vouched.user.id)
    assert person is not None
    assert (person.refused_keys, len(asked)) == ({}, 6)


def test_a_demand_of_one_post_holds_whichever_post_acts_even_where_that_municipality_allows_nothing(
    hall: Hall, browser: Browser
) -> None:
    both = hall.employee("both", municipalities=(RIGA, KEKAVA))
    phone = Authenticator(ISSUER, synced=True)
    enrolled(hall, both, phone)
    demands(hall, KEKAVA, attestation="none", binding="device_bound")
    with hall.world.database.begin() as work:
        work.rules.replace_scope(KEKAVA, [])
    person = hall.provider.standings.find_person(both.user.id)
    assert person is not None
    assert set(person.refused_keys.values()) == {Reason.KEY_NOT_DEVICE_BOUND}
