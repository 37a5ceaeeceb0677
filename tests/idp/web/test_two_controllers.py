"""Two controllers of one domain: one goes, the other answers. And what only a controller of its own can show.

The second is a copy of the first at the moment it is started: joining a domain takes RPC, which the controllers
of the tests do not serve. Nothing is replicated between them, which is how it can be seen which one answered.
"""

import base64
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from idp.gateways.ldap import door as door_module
from idp.gateways.ldap.door import Door
from idp.gateways.ldap.outcomes import Bind, Change
from tests.support.actors import Hall
from tests.support.directories import CLERKS, PASSWORD, Connected, connect, person, route_to
from tests.support.mute_directory import BIND, mute_directory
from tests.support.samba import Controller, another_controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
MANY = 1_500
"""More than fit into a token of Windows, and made in seconds."""
NEW = "Pavisam-jauna-88"
STRANGE = 'Ozols, Jānis (IT) *+"\\#=<>; '


@pytest.fixture
def riga(hall: Hall, riga_domain: Controller) -> Connected:
    return connect(hall, riga_domain)


@pytest.fixture
def second(riga_domain: Controller) -> Iterator[Controller]:
    with another_controller(riga_domain, changes=[person("only_there")]) as controller:
        yield controller


def lets_in(hall: Hall, name: str) -> bool:
    browser = hall.browser()
    browser.opens("/")
    browser.presses(username=name, password=PASSWORD)
    return browser.is_signed_in


def test_the_second_answers_when_the_first_is_gone(riga_domain: Controller):
    with ExitStack() as first_lives, another_controller(riga_domain) as second:
        first = first_lives.enter_context(another_controller(riga_domain))
        door = Door(route_to(riga_domain, controllers=[first.address, second.address]))
        found = door.find_by_account_name("anna")
        assert found is not None
        assert door.bind(found.upn, PASSWORD) is Bind.PASSED
        assert door.pool.out == {}
        first_lives.close()
        assert door.find_by_account_name("anna") == found
        assert door.bind(found.upn, PASSWORD) is Bind.PASSED
        assert [str(each) for each in door.pool.out] == [f"{first.address}:636"]
        door.close()


def test_people_sign_in_by_whichever_answers(riga: Connected, second: Controller):
    anna = riga.employs("anna")
    riga.put(controllers=["127.0.0.1:1", second.address])
    assert lets_in(riga.hall, anna.username)
    assert lets_in(riga.hall, riga.controller.upn("anna"))


def test_one_that_hangs_up_on_the_password_is_followed_by_a_real_one(riga_domain: Controller):
    """Fail-over while binding."""
    with mute_directory(riga_domain.authority) as hangs_up:
        hangs_up.hangs_up_after = BIND
        door = Door(route_to(riga_domain, controllers=[hangs_up.address, riga_domain.address]))
        assert door.bind(riga_domain.upn("anna"), PASSWORD) is Bind.PASSED
        assert hangs_up.asked == [BIND]


def test_a_name_with_every_sign_that_means_something_in_a_dn_is_that_of_one_entry(
    riga_domain: Controller, second: Controller
):
    """attack 38: who has no UPN binds by the DN, and a new password is written to it."""
    second.change(
        person("janis"),
        {"do": "call", "name": "janis", "cn": STRANGE},
        {"do": "unset", "name": "janis", "attribute": "userPrincipalName"},
        {"do": "group", "name": "Ozoli", "members": ["janis"]},
    )
    door = Door(route_to(riga_domain, controllers=[second.address]))
    found = door.find_by_account_name("janis")
    assert found is not None
    assert found.binds_as == found.dn
    assert door.find_by_guid(found.guid) == found
    assert door.bind(found.binds_as, "wrong") is Bind.WRONG_PASSWORD
    assert door.bind(found.binds_as, PASSWORD) is Bind.PASSED
    groups = second.change()
    assert door.in_group(found, groups["Ozoli"]["dn"])
    assert not door.in_group(found, groups[CLERKS]["dn"])
    assert door.change_password(found, old=PASSWORD, new=NEW) is Change.CHANGED
    assert door.bind(found.binds_as, NEW) is Bind.PASSED
    assert door.bind(riga_domain.upn("anna"), PASSWORD) is Bind.PASSED


def test_attributes_of_bytes_are_empty_and_keep_nobody_out(riga: Connected, second: Controller):
    """attack 38"""
    guid = second.change(person("picture"))["picture"]["guid"]
    second.change(
        {
            "do": "expand",
            "name": "picture",
            "attribute": "jpegPhoto",
            "base64": base64.b64encode(b"\xff\xd8\x00\xff" * 40_000).decode(),
        }
    )
    door = Door(route_to(riga.controller, controllers=[second.address], attributes={"email": "jpegPhoto"}))
    found = door.find_by_guid(guid)
    assert found is not None
    assert found.values == {"email": ""}


@pytest.mark.timeout(600)
def test_somebody_in_more_groups_than_windows_takes_signs_in(
    riga_domain: Controller, monkeypatch: pytest.MonkeyPatch
):
    """Of the groups nothing is read when they sign in; one is asked about by name, and nested ones count."""
    crowd = [person("many"), {"do": "groups", "prefix": "grupa", "many": MANY, "member": "many"}]
    monkeypatch.setattr(door_module, "SECONDS_AT_MOST", 120.0)
    with another_controller(riga_domain, changes=crowd) as crowded:
        door = Door(route_to(riga_domain, controllers=[crowded.address]))
        found = door.find_by_account_name("many")
        assert found is not None
        assert set(found.values) == {"given_name", "family_name"}
        assert door.bind(found.upn, PASSWORD) is Bind.PASSED
        assert door.in_group(found, f"CN=grupa{MANY - 1},CN=Users,{riga_domain.base_dn}")
        assert not door.in_group(found, riga_domain.change()[CLERKS]["dn"])
        door.close()
