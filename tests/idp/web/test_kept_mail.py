"""Where no relay is and the issuer is this computer, letters can be read; anywhere else there is no such page."""

import re

import pytest

from idp.events import Event, EventType
from tests.support.actors import Browser, Employee, Hall

LOCAL = "http://localhost:8000"
RELAY = {"mail_host": "relay.example.lv", "mail_from": "visvaris@login.example.lv"}


def hall_at(url: str, issuer: str = LOCAL, **options: object) -> Hall:
    return Hall(url, issuer=issuer, options=options)


def happens(hall: Hall, who: Employee) -> str:
    with hall.world.database.begin() as work:
        work.audit.append(Event(type=EventType.METHOD_ENROLLED, user_id=who.user.id))
        (mail,) = work.mails.list_mails(now=hall.clock())
    return mail.id


def here(hall: Hall) -> Browser:
    return hall.browser("127.0.0.1")


def test_letters_are_listed_and_shown(fresh_database: str) -> None:
    hall = hall_at(fresh_database)
    anna = hall.employee("anna", email="anna@example.lv")
    browser = here(hall)
    assert "Vēstuļu vēl nav" in browser.opens("/mail").words
    mail_id = happens(hall, anna)
    page = browser.opens("/mail")
    assert "anna@example.lv" in page.words
    page = browser.follows("visvaris.lv: Iestatīts pieslēgšanās veids")
    assert page.path == f"/mail/{mail_id}"
    assert "Labdien, Anna Bērziņa!" in page.words
    assert f"<{mail_id}@visvaris.example>" in page.words
    assert [link for link in page.content.links.values() if "not-me" in link] == ["/account/not-me?event=1"]
    assert page.content.sources[-1] == f"/mail/{mail_id}/html"
    hall.close()


def test_a_letters_markup_can_do_nothing(fresh_database: str) -> None:
    """attack 26, 42: it is shown in a sandbox, by a page that frames nothing else"""
    hall = hall_at(fresh_database)
    browser = here(hall)
    mail_id = happens(hall, hall.employee("anna", email="anna@example.lv"))
    outer = browser.opens(f"/mail/{mail_id}")
    assert "frame-src 'self'" in outer.headers["content-security-policy"]
    assert re.search(r"<iframe [^>]*\ssandbox>", outer.content.markup)
    inner = browser.opens(f"/mail/{mail_id}/html")
    policy = inner.headers["content-security-policy"]
    for rule in ("default-src 'none'", "frame-ancestors 'self'", "form-action 'none'", "sandbox"):
        assert rule in policy
    assert "script-src" not in policy
    assert inner.headers["x-frame-options"] == "SAMEORIGIN"
    assert inner.headers["cache-control"] == "no-store"
    assert "frame-src" not in browser.opens("/mail").headers["content-security-policy"]
    hall.close()


@pytest.mark.parametrize("address", ["192.0.2.10", "10.0.0.1", "2001:db8::1"])
def test_nobody_reads_them_over_a_network(fresh_database: str, address: str) -> None:
    hall = hall_at(fresh_database)
    mail_id = happens(hall, hall.employee("anna", email="anna@example.lv"))
    for path in ("/mail", f"/mail/{mail_id}", f"/mail/{mail_id}/html"):
        assert hall.browser(address).opens(path).status == 404
    hall.close()


@pytest.mark.parametrize(
    ("issuer", "options"),
    [("https://login.example.lv", {}), (LOCAL, RELAY), ("https://login.example.lv", RELAY)],
)
def test_anywhere_else_there_is_no_such_page(
    fresh_database: str, issuer: str, options: dict[str, object]
) -> None:
    hall = hall_at(fresh_database, issuer, **options)
    mail_id = happens(hall, hall.employee("anna", email="anna@example.lv"))
    for path in ("/mail", f"/mail/{mail_id}", f"/mail/{mail_id}/html"):
        assert here(hall).opens(path).status == 404
    hall.close()


def test_a_letter_that_is_not_there_is_not_found(fresh_database: str) -> None:
    hall = hall_at(fresh_database)
    for path in ("/mail/nothing", "/mail/nothing/html"):
        assert here(hall).opens(path).status == 404
    hall.close()


def test_a_letter_that_has_nothing_to_say_any_more_is_listed_and_not_shown(fresh_database: str) -> None:
    hall = hall_at(fresh_database)
    mail_id = happens(hall, hall.employee("anna", email="no address"))
    assert "no address" in here(hall).opens("/mail").words
    assert here(hall).opens(f"/mail/{mail_id}").status == 404
    hall.close()
