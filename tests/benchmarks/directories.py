"""What a sign-in by a directory costs by the clock, held against the bare bind and search by python-ldap.

By the clock, since most of it is waiting for the domain controller: both are measured in turns, with the same
controller. Needs root and Samba; without them it says so.
"""

import os
import statistics
import time
from pathlib import Path

from idp.gateways.ldap.connection import library
from idp.people import directories
from idp.seed.people import CESIS
from tests.benchmarks.journeys import Person
from tests.benchmarks.messages import InProcess, Message
from tests.benchmarks.report import Fact
from tests.benchmarks.world import World
from tests.support.builders import add_employment, add_user
from tests.support.directories import ENTRIES, PASSWORD, add_directory, description_of
from tests.support.samba import Controller, domain_controller

NAME = "sign-in by a directory, all three requests"
TIMES_BARE = 1.3
BESIDE_SECONDS = 0.010
ROUNDS = 60
_USERNAME = "tikls"
"""Nobody of the demonstration: what others set up for these would be asked for here."""


class DirectoryPerson(Person):
    """Somebody who is an entry of a directory, at the first page."""

    def sign_in(self) -> str:
        """From the first page, by way of the one that asks who it is, to having been let in."""
        self._cookies.clear()
        door = self._follow(Message("GET", "/"))
        page = self._ask(Message("GET", door)).expect(200)
        end = self._answer(page, door, username=_USERNAME, password=PASSWORD, method="password")
        assert not end.startswith("/login/"), "one factor is enough here"
        return end


def facts(world: World, send: InProcess) -> list[Fact]:
    if os.geteuid() != 0 or not Path("/usr/sbin/samba").exists():
        return [Fact(name=NAME, measured="not measured: it needs root, for a domain controller (Samba)")]
    with domain_controller("AD.RIGA.TEST", "RIGA", entries=ENTRIES) as controller:
        _link(world, controller)
        person = DirectoryPerson(world, send)
        person.sign_in()
        ours, bare = [], []
        for _ in range(ROUNDS):
            bare.append(_bare(controller))
            before = time.perf_counter()
            person.sign_in()
            ours.append(time.perf_counter() - before)
    by_hand, by_us = statistics.median(bare), statistics.median(ours)
    bound = TIMES_BARE * by_hand + BESIDE_SECONDS
    return [
        Fact(name="bare bind and search by python-ldap", measured=f"{by_hand * 1e3:.1f} ms"),
        Fact(
            name=NAME,
            measured=f"{by_us * 1e3:.1f} ms",
            target=f"{TIMES_BARE:g} × bare + {BESIDE_SECONDS * 1e3:g} ms: {bound * 1e3:.1f} ms",
            is_met=by_us <= bound,
        ),
    ]


def _link(world: World, controller: Controller) -> None:
    described = description_of(controller, municipality=CESIS)
    password = described.pop("password")
    guid = controller.change()["anna"]["guid"]
    with world.provider.storage.database.begin() as work:
        directory = add_directory(work, password=password, **described)
        user = add_user(work, _USERNAME)
        add_employment(work, user.id, CESIS)
        directories.link(work, directory, user, guid, work.effects, by="bench")


def _bare(controller: Controller) -> float:
    """As one would write it: connect, check the certificate, bind, look for oneself."""
    ldap = library()
    before = time.perf_counter()
    connection = ldap.initialize(f"ldaps://{controller.address}")
    connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(controller.authority.ca_file))
    connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
    connection.set_option(ldap.OPT_REFERRALS, 0)
    connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    connection.simple_bind_s(controller.upn("anna"), PASSWORD)
    found = connection.search_ext_s(
        controller.base_dn,
        ldap.SCOPE_SUBTREE,
        f"(userPrincipalName={controller.upn('anna')})",
        ["objectGUID", "userPrincipalName", "sAMAccountName", "userAccountControl"],
    )
    connection.unbind_s()
    spent = time.perf_counter() - before
    assert any(dn is not None for dn, _ in found)
    return spent
