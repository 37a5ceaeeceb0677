"""Addresses at which people are told what happens: added with proof, confirmed by link, removed in the open."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from idp.models.contacts import ContactAddress
from idp.models.mails import Mail, MailKind
from idp.people import contacts
from idp.policy import Level
from idp.storage.throttle import Bucket
from tests.support.actors import Browser, Employee, Hall
from tests.support.at_once import at_once
from tests.support.builders import RIGA

RECORDED = "anna@pasvaldiba.example.lv"
NEW = "anna@majas.example.com"


@pytest.fixture
def hall(fresh_database: str) -> Iterator[Hall]:
    made = Hall(
        fresh_database, options={"mail_host": "relay.example.lv", "mail_from": "visvaris@login.example.lv"}
    )
    yield made
    made.close()


@pytest.fixture
def anna(hall: Hall) -> Employee:
    return hall.employee("anna", totp=True, email=RECORDED)


def mails(hall: Hall, kind: MailKind | None = None) -> list[Mail]:
    with hall.world.database.read() as work:
        found = work.mails.list_mails(now=hall.clock(), limit=1000)
    return sorted(
        (mail for mail in found if kind in {None, mail.kind}), key=lambda mail: (mail.created_at, mail.about)
    )


def told(hall: Hall, about: str) -> list[str]:
    return sorted(mail.address for mail in mails(hall, MailKind.NOTICE) if mail.about == about)


def own(hall: Hall, who: Employee) -> list[ContactAddress]:
    with hall.world.database.read() as work:
        return work.contacts.of(who.user.id)


def link_in(hall: Hall, mail: Mail) -> str:
    """The path that the letter's link leads to."""
    text = hall.provider.letters.write(mail, hall.clock()).text
    (link,) = re.findall(rf"{re.escape(hall.issuer)}(/account/contacts/confirm\S+)", text)
    return str(link)


def adds(browser: Browser, address: str = NEW) -> None:
    browser.opens("/account/contacts/add")
    browser.presses(contact=address)


def csrf_of(browser: Browser) -> dict[str, str]:
    return {"csrf_token": browser.opens("/logout").form().fields["csrf_token"]}


def last_link(hall: Hall) -> str:
    return link_in(hall, mails(hall, MailKind.CONFIRM_CONTACT)[-1])


@pytest.fixture
def signed_in(hall: Hall, browser: Browser, anna: Employee) -> Browser:
    """With everything that can be proved, just now."""
    hall.rule(RIGA, Level.MULTI_FACTOR)
    browser.signs_in(anna)
    return browser


def test_an_address_is_added_confirmed_and_told_and_everybody_else_is_told_of_it(
    hall: Hall, signed_in: Browser, anna: Employee
) -> None:
    adds(signed_in)
    assert signed_in.page.path.startswith("/account")
    assert "Nav apstiprināta" in signed_in.page.words
    assert told(hall, "contact.added") == []
    page = signed_in.opens(last_link(hall))
    assert NEW in page.words
    signed_in.presses("contact-confirm")
    assert "Apstiprināta" in signed_in.opens("/account").words
    assert told(hall, "contact.added") == sorted([RECORDED, NEW])
    assert hall.events(anna)[-2:] == ["contact.requested", "contact.added"]


def test_an_unconfirmed_address_gets_its_link_and_nothing_else(
    hall: Hall, signed_in: Browser, anna: Employee
) -> None:
    """attack 33: whoever adds an address does not make it theirs"""
    adds(signed_in)
    signed_in.opens("/account/methods/password")
    signed_in.presses(
        current_password=anna.password,
        new_password="upe-akmens-vilnis",
        new_password_again="upe-akmens-vilnis",
    )
    assert told(hall, "method.enrolled") == [RECORDED]
    assert [mail.kind for mail in mails(hall) if mail.address == NEW] == ["confirm_contact"]


def test_the_claims_of_the_account_stay_what_the_municipality_said(
    hall: Hall, signed_in: Browser, anna: Employee
) -> None:
    """attack 33: a self-verified address is no claim"""
    adds(signed_in)
    signed_in.opens(last_link(hall))
    signed_in.presses("contact-confirm")
    with hall.world.database.read() as work:
        user = work.people.get_user(anna.user.id)
    assert (user.email, user.email_verified) == (RECORDED, False)


@pytest.mark.parametrize("path", ["/account/contacts/add", "remove"])
def test_a_change_asks_for_a_proof_of_the_last_ten_minutes(
    hall: Hall, signed_in: Browser, anna: Employee, path: str
) -> None:
    adds(signed_in)
    (contact,) = own(hall, anna)
    address = path if path.startswith("/") else f"/account/contacts/{contact.id}/remove"
    form = signed_in.opens(address).form()
    hall.clock.move(11 * 60)
    assert signed_in.opens(address).path.startswith("/login/")
    data = {**form.fields, "contact": "other@example.com"}
    assert signed_in.posts(address, data).path.startswith("/login/")
    assert own(hall, anna) == [contact]


def test_the_link_asks_a_browser_it_does_not_know_who_is_there(
    hall: Hall, signed_in: Browser, anna: Employee
) -> None:
    """attack 23: the letter signs nobody in"""
    adds(signed_in)
    link = last_link(hall)
    phone = hall.browser("192.0.2.99")
    assert phone.opens(link).path.startswith("/login/")
    assert not phone.is_signed_in
    phone.opens(link)
    hall.clock.move(30)
    phone.enters(anna)
    assert phone.page.path.startswith("/account/contacts/confirm")
    phone.presses("contact-confirm")
    assert own(hall, anna)[0].confirmed_at is not None


def test_the_link_is_of_no_use_to_anybody_else_and_stays_good(
    hall: Hall, signed_in: Browser, anna: Employee
) -> None:
    """attack 33: the owner of the mailbox cannot take over, nor spoil it"""
    adds(signed_in)
    link = last_link(hall)
    berta = hall.employee("berta", totp=True)
    hers = hall.browser()
    hers.signs_in(berta)
    assert hers.opens(link).error_code == "link_not_good"
    data = {**csrf_of(hers), "link": link.partition("link=")[2]}
    assert hers.posts("/account/contacts/confirm", data).error_code == "link_not_good"
    assert signed_in.opens(link).status == 200
    assert own(hall, anna)[0].confirmed_at is None


def test_opening_the_link_confirms_nothing(hall: Hall, signed_in: Browser, anna: Employee) -> None:
    """Programs that look at mail open what is in it"""
    adds(signed_in)
    for _ in range(3):
        assert signed_in.opens(last_link(hall)).status == 200
    assert own(hall, anna)[0].confirmed_at is None


def test_a_link_is_good_once_and_for_a_day(hall: Hall, signed_in: Browser, anna: Employee) -> None:
    """attack 30"""
    adds(signed_in)
    link = last_link(hall)
    page = signed_in.opens(link)
    data = page.form("link").fields
    hall.clock.move(24 * 3600)
    signed_in.signs_in(anna)
    assert signed_in.opens(link).error_code == "link_not_good"
    assert signed_in.posts("/account/contacts/confirm", data).error_code == "link_not_good"
    (contact,) = own(hall, anna)
    page = signed_in.opens("/account")
    form = next(form for form in page.content.forms if form.action.endswith("/send-again"))
    signed_in.posts(form.action, form.fields)
    again = last_link(hall)
    assert again != link
    signed_in.opens(again)
    signed_in.presses("contact-confirm")
    assert signed_in.opens(again).error_code == "link_not_good"
    assert own(hall, anna)[0].id == contact.id


def test_a_form_from_elsewhere_confirms_nothing(hall: Hall, signed_in: Browser, anna: Employee) -> None:
    """attack 24"""
    adds(signed_in)
    token = last_link(hall).partition("link=")[2]
    assert signed_in.posts("/account/contacts/confirm", {"link": token}).status == 403
    form = signed_in.opens(last_link(hall)).form("link")
    page = signed_in.posts("/account/contacts/confirm", form.fields, **{"Sec-Fetch-Site": "cross-site"})
    assert page.status == 403
    assert own(hall, anna)[0].confirmed_at is None


def test_of_a_hundred_confirmations_at_once_one_is_written_down(
    hall: Hall, signed_in: Browser, anna: Employee
) -> None:
    """attack 33"""
    adds(signed_in)
    data = signed_in.opens(last_link(hall)).form("link").fields
    cookies = dict(signed_in.http.cookies)

    def confirm(_: int) -> int:
        window = hall.browser()
        window.http.cookies.update(cookies)
        with window.http:
            return window.http.post("/account/contacts/confirm", data=data).status_code

    assert Counter(at_once(100, confirm)) == {303: 1, 404: 99}
    assert hall.events(anna).count("contact.added") == 1


def test_a_removed_address_is_told_for_the_last_time_and_so_are_the_others(
    hall: Hall, signed_in: Browser, anna: Employee
) -> None:
    """attack 34: a thief cannot take away in silence what would tell on them"""
    adds(signed_in)
    signed_in.opens(last_link(hall))
    signed_in.presses("contact-confirm")
    (contact,) = own(hall, anna)
    page = signed_in.opens(f"/account/contacts/{contact.id}/remove")
    assert NEW in page.words
    signed_in.presses("remove-confirm")
    assert own(hall, anna) == []
    assert told(hall, "contact.removed") == sorted([RECORDED, NEW])
    removed = next(mail for mail in mails(hall) if mail.about == "contact.removed")
    assert "an…@majas.example.com" in hall.provider.letters.write(removed, 0).text


def test_one_that_was_never_confirmed_goes_silently(hall: Hall, signed_in: Browser, anna: Employee) -> None:
    adds(signed_in)
    link = last_link(hall)
    (contact,) = own(hall, anna)
    signed_in.opens(f"/account/contacts/{contact.id}/remove")
    signed_in.presses("remove-confirm")
    assert told(hall, "contact.removed") == []
    assert signed_in.opens(link).error_code == "link_not_good"


def test_nobody_touches_an_address_of_another(hall: Hall, signed_in: Browser, anna: Employee) -> None:
    """attack 42"""
    adds(signed_in)
    (contact,) = own(hall, anna)
    berta = hall.employee("berta", totp=True)
    hers = hall.browser()
    hers.signs_in(berta)
    csrf = csrf_of(hers)
    assert hers.opens(f"/account/contacts/{contact.id}/remove").status == 404
    assert hers.posts(f"/account/contacts/{contact.id}/remove", csrf).status == 404
    assert hers.posts(f"/account/contacts/{contact.id}/send-again", csrf).status == 404
    assert own(hall, anna) == [contact]


@pytest.mark.parametrize("typed", ["", "anna", "anna@localhost", "a@example.lv, b@example.lv", "=1+1@x"])
def test_what_is_no_address_is_said_beside_the_field(
    hall: Hall, signed_in: Browser, anna: Employee, typed: str
) -> None:
    adds(signed_in, typed)
    assert signed_in.page.status == 422
    assert "e-pasta adresi" in signed_in.page.content.ids["contact-error"]
    assert own(hall, anna) == []


@pytest.mark.parametrize("typed", ['"><script>alert(1)</script>@x.lv', "{{7*7}}@example"])
def test_what_was_typed_comes_back_as_text(signed_in: Browser, typed: str) -> None:
    """attack 42"""
    adds(signed_in, typed)
    assert signed_in.page.content.ids["contact"] == typed
    assert "<script>alert" not in signed_in.page.content.markup


def test_an_address_is_on_the_list_once(hall: Hall, signed_in: Browser, anna: Employee) -> None:
    adds(signed_in)
    adds(signed_in, NEW.upper())
    assert "jau ir" in signed_in.page.content.ids["contact-error"]
    assert len(own(hall, anna)) == 1
    assert len(mails(hall, MailKind.CONFIRM_CONTACT)) == 1


def test_there_are_at_most_five(hall: Hall, signed_in: Browser, anna: Employee) -> None:
    for number in range(contacts.AT_MOST):
        adds(signed_in, f"anna{number}@example.com")
    assert not signed_in.opens("/account").content.links.get("contact-add")
    adds(signed_in, "one-more@example.com")
    assert signed_in.page.status == 422
    assert len(own(hall, anna)) == contacts.AT_MOST


def test_there_are_at_most_five_also_of_those_added_at_once(
    hall: Hall, signed_in: Browser, anna: Employee, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = Bucket("wide", free=1000, base_seconds=1, cap_seconds=1, forget_seconds=1)
    monkeypatch.setattr(contacts, "LINKS_OF_PERSON", wide)
    csrf = signed_in.opens("/account/contacts/add").form("contact").fields
    cookies = dict(signed_in.http.cookies)

    def add(number: int) -> int:
        window = hall.browser()
        window.http.cookies.update(cookies)
        with window.http:
            data = {**csrf, "contact": f"a{number}@example.com"}
            return window.http.post("/account/contacts/add", data=data).status_code

    assert Counter(at_once(30, add)) == {303: 5, 422: 25}
    assert len(own(hall, anna)) == contacts.AT_MOST
    assert hall.events(anna).count("contact.requested") == contacts.AT_MOST


# Nobody is bombed -----------------------------------------------------------------------------------------


def test_one_person_has_few_links_sent(hall: Hall, signed_in: Browser, anna: Employee) -> None:
    """By adding and removing again"""
    for number in range(contacts.LINKS_OF_PERSON.free):
        adds(signed_in, f"a{number}@example.com")
        (contact,) = own(hall, anna)
        signed_in.opens(f"/account/contacts/{contact.id}/remove")
        signed_in.presses("remove-confirm")
    adds(signed_in, "another@example.com")
    assert signed_in.page.status == 429
    assert "Retry-After" in {name.title() for name in signed_in.page.headers}
    assert len(mails(hall, MailKind.CONFIRM_CONTACT)) == contacts.LINKS_OF_PERSON.free


def test_one_mailbox_gets_few_links_whoever_asks(hall: Hall) -> None:
    statuses = []
    for number in range(5):
        employee = hall.employee(f"user{number}")
        browser = hall.browser(f"192.0.2.{number}")
        browser.signs_in(employee)
        adds(browser, "victim@example.com" if number % 2 else "VICTIM@Example.com")
        statuses.append(browser.page.status)
    assert statuses == [200, 200, 200, 429, 429]
    assert len(mails(hall, MailKind.CONFIRM_CONTACT)) == 3


def test_sending_again_is_counted_as_well(hall: Hall, signed_in: Browser, anna: Employee) -> None:
    adds(signed_in)
    (contact,) = own(hall, anna)
    csrf = csrf_of(signed_in)
    path = f"/account/contacts/{contact.id}/send-again"
    statuses = [signed_in.posts(path, csrf).status for _ in range(4)]
    assert statuses == [200, 200, 429, 429]


def test_without_a_relay_nothing_can_be_added(fresh_database: str) -> None:
    hall = Hall(fresh_database)
    anna = hall.employee("anna", email=RECORDED)
    browser = hall.browser()
    browser.signs_in(anna)
    page = browser.opens("/account")
    assert RECORDED in page.words
    assert "contact-add" not in page.content.links
    assert browser.opens("/account/contacts/add").status == 404
    assert browser.posts("/account/contacts/add", csrf_of(browser)).status == 404
    hall.close()


# A browser not seen before --------------------------------------------------------------------------------


def test_a_browser_not_seen_before_is_told_of_once(hall: Hall, browser: Browser, anna: Employee) -> None:
    browser.signs_in(anna)
    assert told(hall, "sign_in.new_browser") == [RECORDED]
    browser.signs_out()
    hall.clock.move(30)
    browser.signs_in(anna)
    assert browser.is_signed_in
    assert told(hall, "sign_in.new_browser") == [RECORDED]
    hall.clock.move(30)
    hall.browser("198.51.100.9").signs_in(anna)
    assert told(hall, "sign_in.new_browser") == [RECORDED] * 2
    letter = hall.provider.letters.write(mails(hall)[-1], 0)
    assert "neredzētu pārlūkprogrammu" in letter.subject
    assert "Firefox, Linux" in letter.text


def test_the_event_of_a_new_browser_names_its_session(hall: Hall, browser: Browser, anna: Employee) -> None:
    """So that "it was not me" ends that one"""
    browser.signs_in(anna)
    with hall.world.database.read() as work:
        (event,) = (e for e in work.audit.activity_of(anna.user.id) if e.type == "sign_in.new_browser")
        (session,) = work.sessions.of_user(anna.user.id, now=hall.clock(), idle_seconds=3600)
    assert event.session_id == session.id


def test_a_browser_another_person_used_is_new_to_this_one(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """attack 22"""
    berta = hall.employee("berta", email="berta@example.lv")
    browser.signs_in(anna)
    browser.signs_out()
    browser.signs_in(berta)
    assert told(hall, "sign_in.new_browser") == [RECORDED, "berta@example.lv"]


def test_a_step_up_is_no_new_browser(hall: Hall, browser: Browser, anna: Employee) -> None:
    hall.rule(RIGA, methods=["password"])
    browser.signs_in(anna)
    hall.rule(RIGA)
    browser.opens("/account/methods/password")
    assert browser.presses(code=anna.code()).path == "/account/methods/password"
    assert told(hall, "sign_in.new_browser") == [RECORDED]
