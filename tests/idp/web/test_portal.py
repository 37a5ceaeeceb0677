"""The first page: which applications are there, in which order, and how they are found."""

from typing import Any

import pytest

from idp.models.clients import Client, ClientKind
from tests.support.actors import Browser, Hall
from tests.support.builders import ADAZI, RIGA


def _application(hall: Hall, name: str, **columns: Any) -> None:
    values = {
        "tile_group": "Darbs",
        "tile_text": f"Par {name}",
        "registered": {"initiate_login_uri": f"https://{len(name)}.example.lv/start"},
        **columns,
    }
    client_id = hall.world.effects.new_id()
    hall.add_client(Client(client_id=client_id, name=name, created_at=hall.clock(), **values))


@pytest.fixture
def portal(hall: Hall, browser: Browser) -> Browser:
    browser.signs_in(hall.employee("viens"))
    return browser


def test_applications_stand_in_latvian_order_in_their_groups(hall: Hall, portal: Browser) -> None:
    for name in ("Čeki", "Cenas", "Dati", "Ēdināšana", "Ezeri"):
        _application(hall, name)
    _application(hall, "Ābols", tile_group="Atpūta")
    words = portal.opens("/").words
    order = [words.index(f"Par {name}") for name in ("Ābols", "Cenas", "Čeki", "Dati", "Ezeri", "Ēdināšana")]
    assert order == sorted(order)
    assert words.index("Atpūta") < words.index("Darbs")


def test_only_what_the_person_may_open_is_there(hall: Hall, portal: Browser) -> None:
    """Another municipality's applications are not even named (attack 40)."""
    _application(hall, "Visiem")
    _application(hall, "Rīgai", municipalities=[RIGA])
    _application(hall, "Ādažiem", municipalities=[ADAZI])
    _application(hall, "Lomai", roles=["grāmatvedis"])
    _application(hall, "Slēgts", disabled=True)
    _application(hall, "Bez flīzes", tile_group=None)
    words = portal.opens("/").words
    assert "Par Visiem" in words
    assert "Par Rīgai" in words
    for hidden in ("Ādažiem", "Lomai", "Slēgts", "Bez flīzes"):
        assert hidden not in words


def test_the_search_needs_no_marks_and_no_scripts(hall: Hall, portal: Browser) -> None:
    _application(hall, "Bāriņtiesa")
    _application(hall, "Grāmatvedība")
    portal.opens("/")
    page = portal.presses(q="BARINT")
    assert "Par Bāriņtiesa" in page.words
    assert "Grāmatvedība" not in page.words
    assert portal.opens("/?q=nekas").has("page-title")


def test_a_web_application_is_a_link_and_an_installed_one_is_not(hall: Hall, portal: Browser) -> None:
    _application(hall, "Tīmeklis")
    _application(hall, "Rakstāmgalds", kind=ClientKind.INSTALLED.value)
    links = portal.opens("/").content.links
    assert links["Tīmeklis"] == "https://8.example.lv/start?iss=https%3A%2F%2Flogin.example.lv"
    assert "Rakstāmgalds" not in links


def test_the_municipality_is_named_and_may_be_changed_by_who_works_for_two(
    hall: Hall, browser: Browser
) -> None:
    hall.rule(ADAZI)
    busy = hall.employee("divas", municipalities=[RIGA, ADAZI])
    browser.signs_in(busy)
    before = browser.session
    for post in busy.posts:
        browser.follows("switch-employment")
        browser.presses(municipality=post.id)
        name = "Rīgas valstspilsēta" if post.municipality == RIGA else "Ādažu novads"
        assert browser.page.path == "/"
        assert name in browser.page.words
    assert hall.provider.sessions.find(before) is None


def test_somebody_elses_post_cannot_be_switched_to(hall: Hall, browser: Browser) -> None:
    """By id in the form (attack 42)."""
    hall.rule(ADAZI)
    other = hall.employee("cita", municipalities=[ADAZI])
    browser.signs_in(hall.employee("divas", municipalities=[RIGA, ADAZI]))
    browser.follows("switch-employment")
    browser.presses(municipality=other.posts[0].id)
    session = hall.provider.sessions.find(browser.session)
    assert session is not None
    assert session.employment_id is None
