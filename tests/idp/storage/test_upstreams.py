"""Upstreams, on both databases: found by domain, each subject waits once, what is removed leaves nothing."""

import pytest

from idp.errors import AlreadyExistsError
from idp.models.people import Credential, Identity
from idp.models.upstreams import Upstream, UpstreamArrival, UpstreamSession, domain_of
from idp.storage.municipalities import load
from tests.support.builders import RIGA, START, World, add_user

DAY = 86400.0


@pytest.fixture(autouse=True)
def municipalities(world: World) -> None:
    with world.database.begin() as work:
        load(work)


def add(world: World, name: str = "u1", *domains: str) -> None:
    upstream = Upstream(
        id=name,
        municipality=RIGA,
        name=name,
        issuer="https://login.example",
        client_id=name,
        client_secret_sealed="",
        created_at=START,
    )
    with world.database.begin() as work:
        work.upstreams.add(upstream, f"secret of {name}", domains)


def link(world: World, upstream: str = "u1", name: str = "anna") -> str:
    """The id of the credential, which is also the user's and the identity's."""
    with world.database.begin() as work:
        user = add_user(work, name, id=f"user-{name}")
        work.people.add_identity(
            Identity(id=f"i-{name}", user_id=user.id, source=upstream, subject=name, created_at=START)
        )
        work.people.add_credential(
            Credential(id=f"c-{name}", user_id=user.id, method="m", secret=f"i-{name}", created_at=START)
        )
    return f"c-{name}"


def arrives(world: World, subject: str, at: float, *, name: str = "Anna") -> None:
    arrival = UpstreamArrival(
        id=world.effects.new_id(),
        upstream_id="u1",
        subject=subject,
        name=name,
        username="",
        first_at=at,
        last_at=at,
    )
    with world.database.begin() as work:
        work.upstreams.queue(arrival)


def begins(world: World, credential: str, sub: str, sid: str, at: float = START) -> None:
    session = UpstreamSession(
        id=world.effects.new_id(),
        upstream_id="u1",
        sub=sub,
        sid=sid,
        user_id="user-anna",
        credential_id=credential,
        at=at,
    )
    with world.database.begin() as work:
        work.upstreams.keep_session(session)


def test_a_domain_leads_to_one_that_is_on(world: World) -> None:
    add(world, "u1", "riga.example")
    with pytest.raises(AlreadyExistsError):
        add(world, "u2", "riga.example")
    with world.database.read() as work:
        found = work.upstreams.find_for_domain("riga.example")
        assert found is not None
        assert work.upstreams.secret_of(found) == "secret of u1"
        assert work.upstreams.find_for_domain("other.example") is None
        assert [each.id for each in work.upstreams.list_of_issuer("https://login.example")] == ["u1"]
    with world.database.begin() as work:
        assert work.upstreams.switch("u1", on=False)
    with world.database.read() as work:
        assert work.upstreams.find_for_domain("riga.example") is None
        assert work.upstreams.list_of_issuer("https://login.example") == []


def test_each_subject_waits_once_and_not_for_ever(world: World) -> None:
    add(world)
    arrives(world, "old", START)
    arrives(world, "s", START + DAY)
    arrives(world, "s", START + 91 * DAY, name="Anna Bērziņa")
    with world.database.read() as work:
        (waits,) = work.upstreams.list_arrivals()
    assert (waits.subject, waits.name) == ("s", "Anna Bērziņa")
    assert (waits.first_at, waits.last_at) == (START + DAY, START + 91 * DAY)
    with world.database.begin() as work:
        assert work.upstreams.take_arrival(waits.id)
        assert not work.upstreams.take_arrival(waits.id)


def test_what_it_may_end_is_found_by_every_name_that_is_given(world: World) -> None:
    add(world)
    credential = link(world)
    for sub, sid in (("a", "1"), ("a", "2"), ("b", "1"), ("a", "2")):
        begins(world, credential, sub, sid)
    with world.database.read() as work:
        counts = [
            len(work.upstreams.list_sessions("u1", sub=sub, sid=sid))
            for sub, sid in (("a", ""), ("", "1"), ("a", "2"), ("b", "2"), ("", ""))
        ]
        assert counts == [2, 2, 1, 0, 0]
        assert work.upstreams.list_sessions("u2", sub="a", sid="") == []
    begins(world, credential, "a", "3", START + 91 * DAY)
    with world.database.read() as work:
        assert [each.sid for each in work.upstreams.list_sessions("u1", sub="a", sid="")] == ["3"]


def test_what_is_removed_leaves_no_link_and_nobody_elses_is_touched(world: World) -> None:
    add(world, "u1", "riga.example")
    add(world, "u2")
    begins(world, link(world), "a", "1")
    arrives(world, "s", START)
    link(world, "u2", "zane")
    with world.database.begin() as work:
        assert work.upstreams.remove("u1")
    with world.database.read() as work:
        assert work.people.credentials_of("user-anna") == []
        assert len(work.people.credentials_of("user-zane")) == 1
        assert work.upstreams.find_identity("u1", "anna") is None
        assert work.upstreams.list_sessions("u1", sub="a", sid="1") == []
        assert work.upstreams.list_arrivals() == []
        assert work.upstreams.domains_of("u1") == []
        assert [each.id for each in work.upstreams.list_all()] == ["u2"]


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("a@riga.lv", "riga.lv"),
        (" A@Riga.LV. ", "riga.lv"),
        ("a@b@riga.lv", "riga.lv"),
        ("a@rīga.lv", "xn--rga-uta.lv"),
        ("a@localhost", None),
        ("@riga.lv", None),
        ("a@", None),
        ("riga.lv", None),
        ("a@.lv", None),
        ("a@" + "x" * 64 + ".lv", None),
        ("a@\ud800.lv", None),
    ],
)
def test_a_domain_is_read_as_it_is_compared(typed: str, domain: str | None) -> None:
    assert domain_of(typed) == domain
