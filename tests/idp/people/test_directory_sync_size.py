"""Reading a large directory: 5,000 people, all of them linked, and somebody in a thousand groups.

Not ten thousand: each one more makes Samba write the person's entry anew, which takes longer than all other
tests of this folder. What is shown does not depend on the number: nobody's own list of groups is ever read.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.gateways.ldap import door
from idp.gateways.ldap.changes import PAGE
from idp.models.directories import Directory, DirectoryLink
from idp.models.people import Credential
from idp.people.directories import USUAL_ATTRIBUTES
from idp.people.directory_sync import Asked, DirectorySyncs, open_changes
from idp.storage.municipalities import load
from tests.support.builders import RIGA, START, World, add_employment, add_user, make_database
from tests.support.directories import ACCOUNT_PASSWORD, add_directory, description_of
from tests.support.samba import Controller, domain_controller

pytestmark = [pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"]), pytest.mark.timeout(600)]
PEOPLE = 5000
GROUPS = 1000
SECONDS = 20.0


@pytest.fixture(scope="module")
def crowded_domain() -> Iterator[Controller]:
    """It may be slow to answer on a busy machine, and is waited for."""
    entries = (
        {"do": "user", "name": "visvaris", "password": ACCOUNT_PASSWORD},
        {"do": "crowd", "name": "novads", "count": PEOPLE},
        {"do": "group", "name": "Darbinieki", "members": [f"novads{number}" for number in range(PEOPLE)]},
        {"do": "group", "name": "Visi", "members": ["Darbinieki"]},
        {"do": "flat groups", "name": "grupa", "count": GROUPS, "member": "novads0"},
    )
    with (
        domain_controller("AD.NOVADS.TEST", "NOVADS", entries=entries) as controller,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(door, "SECONDS_AT_MOST", 25.0)
        yield controller


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    url = f"sqlite:///{tmp_path / 'visvaris.sqlite3'}"
    make_database(url).dispose()
    with World(url) as made:
        yield made


def employ_everybody(world: World, controller: Controller) -> Directory:
    described = description_of(controller, attributes=USUAL_ATTRIBUTES)
    found = controller.change()
    with world.database.begin() as work:
        load(work)
        directory = add_directory(
            work,
            password=described.pop("password"),
            roles={found["Visi"]["dn"]: "employee", found["grupa999"]["dn"]: "chosen"},
            **described,
        )
        for number in range(PEOPLE):
            name = f"novads{number}"
            user = add_user(work, name)
            add_employment(work, user.id, RIGA)
            work.people.add_credential(
                Credential(id=name, user_id=user.id, method="directory", secret="", created_at=START)
            )
            work.directories.add_link(
                DirectoryLink(
                    credential_id=name,
                    user_id=user.id,
                    directory_id=directory.id,
                    object_guid=found[name]["guid"],
                    linked_by="test",
                )
            )
    return directory


def roles_of(world: World, username: str) -> list[str]:
    with world.database.read() as work:
        user = work.people.find_user_by_username(username)
        assert user is not None
        (post,) = work.people.employments_of(user.id, now=world.clock())
    return sorted(post.roles)


def test_five_thousand_people_are_read_in_twenty_seconds_and_no_page_is_long(
    world: World, crowded_domain: Controller
):
    directory = employ_everybody(world, crowded_domain)
    pages: list[int] = []
    syncs = DirectorySyncs(world.database, world.effects)
    started = time.monotonic()
    first = syncs.run(
        directory, Asked(tell=lambda what, many: pages.append(many) if what == "read" else None)
    )
    took = time.monotonic() - started
    print(f"{PEOPLE} people, names and roles taken over: {took:.1f} s")
    assert (max(pages), sum(pages)) == (PAGE, first.run.entries)
    assert first.run.entries >= PEOPLE
    assert first.run.counts == {"data": PEOPLE, "role_given": PEOPLE + 1}
    assert (roles_of(world, "novads0"), roles_of(world, "novads4999")) == (
        ["chosen", "employee"],
        ["employee"],
    )

    started = time.monotonic()
    again = syncs.run(directory, Asked(full=True))
    again_took = time.monotonic() - started
    print(f"read again, nothing new: {again_took:.1f} s")
    assert min(took, again_took) < SECONDS, "the better of two, on a machine that has other things to do"
    assert again.run.counts == {}

    crowded_domain.change({"do": "disable", "name": "novads17"})
    started = time.monotonic()
    changed = syncs.run(directory, Asked())
    print(f"one change: {time.monotonic() - started:.2f} s")
    assert (changed.run.is_full, changed.run.entries, changed.run.counts) == (False, 2, {"blocked": 1})


def test_somebody_in_a_thousand_groups_costs_what_others_do(crowded_domain: Controller, world: World):
    """Membership is asked of the groups that give roles; no answer holds the groups of a person."""
    described = description_of(crowded_domain, attributes=USUAL_ATTRIBUTES)
    found = crowded_domain.change()
    with world.database.begin() as work:
        load(work)
        directory = add_directory(work, password=described.pop("password"), **described)
    with open_changes(directory, ACCOUNT_PASSWORD) as changes:
        asked: list[tuple[str, ...]] = []
        pages = changes._pages

        def watched(base: str, condition: str, names: list[str], **more: bool) -> object:
            asked.append(tuple(names))
            return pages(base, condition, names, **more)

        changes._pages = watched  # type: ignore[assignment,method-assign]
        guid = found["novads0"]["guid"]
        ((entry,),) = changes.by_guid([guid])
        within = changes.groups_within(found["grupa999"]["dn"])
        assert within == [found["grupa999"]["dn"]]
        assert changes.members_of(within[0]) == {guid}
    assert entry.entry.guid == guid
    assert "memberof" not in {name.lower() for names in asked for name in names}
