"""Two municipalities, each with a network of its own, in which people have the same names."""

from collections.abc import Iterator

import pytest

from tests.support.actors import Browser, Hall
from tests.support.builders import KEKAVA, RIGA
from tests.support.directories import ENTRIES, PASSWORD, Connected, connect, person
from tests.support.samba import Controller, domain_controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
THEIRS = "Cita-parole-4401"


@pytest.fixture(scope="module")
def kekava_domain() -> Iterator[Controller]:
    entries = [each for each in ENTRIES if each.get("name") != "anna" and each["do"] != "group"]
    with domain_controller(
        "AD.KEKAVA.TEST", "KEKAVA", entries=[*entries, person("anna") | {"password": THEIRS}]
    ) as controller:
        yield controller


@pytest.fixture
def riga(hall: Hall, riga_domain: Controller) -> Connected:
    return connect(hall, riga_domain)


@pytest.fixture
def kekava(hall: Hall, riga: Connected, kekava_domain: Controller) -> Connected:
    return connect(hall, kekava_domain, municipality=KEKAVA)


def lets_in(hall: Hall, name: str, password: str) -> bool:
    browser: Browser = hall.browser()
    browser.opens("/")
    browser.presses(username=name, password=password)
    return browser.is_signed_in


def test_each_is_asked_about_its_own_people(hall: Hall, riga: Connected, kekava: Connected):
    """attack 39"""
    here = riga.link(hall.employee("anna.riga", municipalities=[RIGA]), "anna")
    there = kekava.link(hall.employee("anna.kekava", municipalities=[KEKAVA]), "anna")
    for name, right, wrong in (
        (here.username, PASSWORD, THEIRS),
        ("anna@ad.riga.test", PASSWORD, THEIRS),
        ("RIGA\\anna", PASSWORD, THEIRS),
        (there.username, THEIRS, PASSWORD),
        ("anna@ad.kekava.test", THEIRS, PASSWORD),
        ("KEKAVA\\anna", THEIRS, PASSWORD),
    ):
        assert not lets_in(hall, name, wrong), name
        assert lets_in(hall, name, right), name


def test_one_that_is_down_keeps_nobody_of_the_other_out(hall: Hall, riga: Connected, kekava: Connected):
    riga.link(hall.employee("anna.riga", municipalities=[RIGA]), "anna")
    there = kekava.link(hall.employee("anna.kekava", municipalities=[KEKAVA]), "anna")
    riga.put(controllers=["127.0.0.1:1"])
    assert not lets_in(hall, "anna.riga", PASSWORD)
    assert lets_in(hall, there.username, THEIRS)
