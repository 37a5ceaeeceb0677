"""Every address under /account says how sure it must be of who asks, and keeps to it (attacks 23, 33, 34).

A new address without a line here fails: whoever adds one decides.
"""

from dataclasses import dataclass

import pytest

from idp.app import make_pages
from tests.support.actors import ISSUER, WITH_KEYS, Browser, Employee, Hall
from tests.support.authenticator import Authenticator
from tests.support.builders import RIGA
from tests.support.passkeys import sets_up
from tests.support.reporting import cases_of, reports, seq_of

FRESH, SIGNED_IN = "a proof of the last ten minutes", "signed in"
SENSITIVITY = {
    ("GET", "/account"): SIGNED_IN,
    ("POST", "/account"): SIGNED_IN,
    ("POST", "/account/language"): SIGNED_IN,
    ("GET", "/account/activity"): SIGNED_IN,
    ("GET", "/account/choose"): SIGNED_IN,
    ("GET", "/account/activity.csv"): SIGNED_IN,
    ("GET", "/account/methods/<method_id>"): FRESH,
    ("POST", "/account/methods/<method_id>"): FRESH,
    ("GET", "/account/methods/<method_id>/remove"): FRESH,
    ("POST", "/account/methods/<method_id>/remove"): FRESH,
    ("GET", "/account/methods/<method_id>/<credential_id>"): FRESH,
    ("POST", "/account/methods/<method_id>/<credential_id>"): FRESH,
    ("GET", "/account/methods/<method_id>/<credential_id>/remove"): FRESH,
    ("POST", "/account/methods/<method_id>/<credential_id>/remove"): FRESH,
    ("GET", "/account/contacts/add"): FRESH,
    ("POST", "/account/contacts/add"): FRESH,
    ("GET", "/account/contacts/<contact_id>/remove"): FRESH,
    ("POST", "/account/contacts/<contact_id>/remove"): FRESH,
    # The link is the proof, and what it says was asked for with one.
    ("POST", "/account/contacts/<contact_id>/send-again"): SIGNED_IN,
    ("GET", "/account/contacts/confirm"): SIGNED_IN,
    ("POST", "/account/contacts/confirm"): SIGNED_IN,
    # Confirming is; where it is done already, the page only says how it was (test_identity_in_person.py).
    ("GET", "/account/identity"): FRESH,
    ("POST", "/account/identity"): FRESH,
    ("POST", "/account/identity/remove"): FRESH,
    # Ends or takes back, and gives nobody anything: the sooner the better.
    ("POST", "/account/sessions/end"): SIGNED_IN,
    ("POST", "/account/sessions/end-others"): SIGNED_IN,
    ("POST", "/account/permissions/<client_id>/withdraw"): SIGNED_IN,
    ("POST", "/account/vouching/<request_id>/stop"): SIGNED_IN,
    ("POST", "/account/computers/forget"): SIGNED_IN,
    ("POST", "/account/computers/forget-all"): SIGNED_IN,
    ("GET", "/account/not-me"): SIGNED_IN,
    ("POST", "/account/not-me"): SIGNED_IN,
    # Shows that a proof is needed, or asks for it.
    ("GET", "/account/not-me/<case_id>"): SIGNED_IN,
    ("GET", "/account/not-me/<case_id>/proof"): FRESH,
    ("POST", "/account/not-me/<case_id>"): FRESH,
}


@dataclass
class Place:
    """Anna signed in on a browser, with a key, an authenticator and an open case of hers."""

    hall: Hall
    browser: Browser
    values: dict[str, str]

    def path(self, rule: str) -> str:
        method = "passkey" if "<credential_id>" in rule else "totp"
        for name, value in {**self.values, "method_id": method}.items():
            rule = rule.replace(f"<{name}>", value)
        return rule

    def asks(self, verb: str, rule: str) -> str:
        """Where it leads first."""
        token = self.browser.opens("/account").form().fields["csrf_token"]
        path = self.path(rule)
        reply = (
            self.browser.http.get(path, follow_redirects=False)
            if verb == "GET"
            else self.browser.http.post(path, data={"csrf_token": token}, follow_redirects=False)
        )
        return reply.headers.get("Location", str(reply.status_code))


@pytest.fixture
def place(hall: Hall, browser: Browser, anna: Employee) -> Place:
    for scope in ("national", RIGA):
        hall.rule(scope, methods=WITH_KEYS)
    other = hall.browser()
    other.signs_in(anna)
    hall.clock.move(31)
    browser.signs_in(anna)
    sets_up(browser, Authenticator(ISSUER))
    sets_up(browser, Authenticator(ISSUER))
    other.signs_out()
    reports(browser, seq_of(hall, anna, "session.signed_out"))
    with hall.world.database.read() as work:
        key = next(each for each in work.people.credentials_of(anna.user.id) if each.key_id)
    (case,) = cases_of(hall, anna)
    values = {
        "credential_id": key.id,
        "case_id": case.id,
        "client_id": "portal",
        "contact_id": "x",
        "request_id": "x",
    }
    return Place(hall, browser, values)


def rules_of(hall: Hall) -> set[tuple[str, str]]:
    return {
        (verb, rule.rule)
        for rule in make_pages(hall.provider).url_map.iter_rules()
        if rule.rule.startswith("/account")
        for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_address_of_the_account_is_declared_and_no_other(hall: Hall) -> None:
    assert rules_of(hall) == set(SENSITIVITY)


def test_every_address_of_the_account_asks_who_is_there(hall: Hall, browser: Browser) -> None:
    token = browser.opens("/").form().fields["csrf_token"]
    for verb, rule in SENSITIVITY:
        path = rule.replace("<", "").replace(">", "")
        reply = browser.http.request(
            verb, path, data={"csrf_token": token} if verb == "POST" else None, follow_redirects=False
        )
        assert reply.headers.get("Location", "").startswith("/login/"), path


@pytest.mark.parametrize(("verb", "rule"), [key for key, how in SENSITIVITY.items() if how is FRESH])
def test_what_is_sensitive_asks_for_a_new_proof_after_ten_minutes(place: Place, verb: str, rule: str) -> None:
    place.hall.clock.move(10 * 60 + 1)
    assert place.asks(verb, rule).startswith("/login/")


@pytest.mark.parametrize(("verb", "rule"), [key for key, how in SENSITIVITY.items() if how is FRESH])
def test_what_is_sensitive_asks_for_a_proof_made_after_a_report(place: Place, verb: str, rule: str) -> None:
    """Though the last one is of this very moment: whoever reported may be the thief."""
    assert place.asks(verb, rule).startswith("/login/")


@pytest.mark.parametrize(("verb", "rule"), [key for key, how in SENSITIVITY.items() if how is SIGNED_IN])
def test_what_is_not_sensitive_asks_for_nothing_new(place: Place, verb: str, rule: str) -> None:
    place.hall.clock.move(10 * 60 + 1)
    assert not place.asks(verb, rule).startswith("/login/")


def test_the_rest_of_the_account_is_open_again_once_the_person_is_through(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    browser.signs_in(anna)
    hall.clock.move(31)
    other = hall.browser()
    other.signs_in(anna)
    reports(browser, seq_of(hall, anna, "sign_in.completed"))
    (case,) = cases_of(hall, anna)
    with hall.world.database.begin() as work:
        work.cases.close(case.id, "administrator", hall.clock())
    assert browser.opens("/account/methods/password").path == "/account/methods/password"
