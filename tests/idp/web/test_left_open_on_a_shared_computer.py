"""Who walks away from a shared computer: their session ends, and applications are told (attack 22).

With a worker that delivers and an application that listens on a socket of its own. Not here: sessions that
somebody ended (`test_shared_computer.py`).
"""

from dataclasses import dataclass

import pytest

from idp.gateways.outbound import Outbound
from idp.models.municipality_rules import SHARED_IDLE_MINUTES, MunicipalityRules
from idp.oidc.backchannel import BackchannelLogout
from idp.oidc.client_keys import ClientKeys
from idp.oidc.encryption import Encryption
from idp.oidc.subjects import Subjects
from idp.worker import Jobs
from tests.support.actors import ISSUER, Browser, Employee, Hall
from tests.support.administrators import program
from tests.support.builders import RIGA
from tests.support.logout_receiver import LogoutReceiver
from tests.support.relying_party import RelyingParty, Tokens
from tests.support.remote import Remote

IDLE = SHARED_IDLE_MINUTES * 60
IDLE_ELSEWHERE = 3600.0


@dataclass
class Office:
    """The hall with an application that wants to be told, and a worker that does one thing when asked."""

    hall: Hall
    party: RelyingParty
    receiver: LogoutReceiver
    logout: BackchannelLogout

    def left_open(self, browser: Browser, who: Employee) -> Tokens:
        """The application is opened there; its person then just walks away."""
        question = self.party.ask(scope="openid")
        browser.signs_in(who, question.url.removeprefix(ISSUER))
        code = self.party.read_answer(question, browser.left_for or "")["code"]
        return self.party.redeem(question, code)

    def told(self) -> list[str]:
        """The `sid` of every logout token that came, once all are delivered."""
        for client_id in self.logout.clients_due():
            while self.logout.deliver_next(client_id):
                pass
        return [claims["sid"] for claims in self.receiver.taken()]

    def jobs(self, *, idle_seconds: float = IDLE_ELSEWHERE) -> Jobs:
        world = self.hall.world
        keys = self.hall.provider.openid.keys
        return Jobs(world.storage, keys, world.effects, session_idle_seconds=idle_seconds)


@pytest.fixture
def office(hall: Hall, remote: Remote, outbound: Outbound) -> Office:
    party = program(hall, backchannel_logout_uri=remote.url("/ended"))
    world = hall.world
    logout = BackchannelLogout(
        issuer=ISSUER,
        database=world.database,
        keys=hall.provider.openid.keys,
        subjects=Subjects(world.database, world.vault),
        encryption=Encryption(ClientKeys(outbound, world.effects)),
        outbound=outbound,
        effects=world.effects,
    )
    receiver = LogoutReceiver(remote, "/ended", ISSUER, party.client_id, party.keys, hall.clock)
    return Office(hall, party, receiver, logout)


@pytest.fixture
def shared(browser: Browser) -> Browser:
    browser.opens("/")
    browser.presses("shared-on")
    return browser


def test_whoever_walked_away_is_signed_out_of_applications_when_the_next_signs_in(
    office: Office, hall: Hall, shared: Browser, anna: Employee
) -> None:
    """attack 22: our session was over, the applications' own were not, and the next person would find them open"""
    tokens = office.left_open(shared, anna)
    hall.clock.move(IDLE)
    shared.signs_in(hall.employee("berta"))
    assert office.told() == [tokens.claims["sid"]]
    assert office.party.introspect(tokens.access_token) == {"active": False}
    assert hall.events(anna)[-1] == "session.ended"
    assert office.jobs().end_shared_sessions() == 0
    assert office.told() == [tokens.claims["sid"]], "once, whoever looks again"
    assert shared.is_signed_in


def test_and_by_the_worker_when_nobody_comes(
    office: Office, hall: Hall, shared: Browser, anna: Employee
) -> None:
    """attack 22: and once, though somebody comes afterwards"""
    tokens = office.left_open(shared, anna)
    own = hall.browser()
    hall.clock.move(30)
    own.signs_in(anna)
    hall.clock.move(IDLE - 31)
    assert office.jobs().end_shared_sessions() == 0
    hall.clock.move(1)
    assert office.jobs().end_shared_sessions() == 1
    assert office.jobs().end_shared_sessions() == 0
    shared.signs_in(hall.employee("berta"))
    assert office.told() == [tokens.claims["sid"]]
    assert hall.events(anna).count("session.ended") == 1
    assert own.is_signed_in


def test_the_same_person_coming_back_finds_applications_told_of_the_old_session_alone(
    office: Office, hall: Hall, shared: Browser, anna: Employee
) -> None:
    old = office.left_open(shared, anna)
    hall.clock.move(IDLE)
    new = office.left_open(shared, anna)
    assert new.claims["sid"] != old.claims["sid"]
    assert office.told() == [old.claims["sid"]]
    assert shared.is_signed_in


def test_who_takes_the_mark_away_first_changes_nothing(
    office: Office, hall: Hall, shared: Browser, anna: Employee
) -> None:
    tokens = office.left_open(shared, anna)
    hall.clock.move(IDLE)
    shared.opens("/")
    shared.presses("shared-off")
    shared.signs_in(hall.employee("berta"))
    assert office.told() == [tokens.claims["sid"]]


def test_ones_own_session_that_ran_out_is_told_to_nobody(
    office: Office, hall: Hall, browser: Browser, anna: Employee
) -> None:
    office.left_open(browser, anna)
    hall.clock.move(IDLE_ELSEWHERE)
    assert office.jobs().end_shared_sessions() == 0
    browser.signs_in(anna)
    assert office.told() == []


@pytest.mark.parametrize(
    ("minutes", "idle_elsewhere", "limit"),
    [(3, IDLE_ELSEWHERE, 180), (25, IDLE_ELSEWHERE, 1500), (25, 120.0, 120)],
    ids=["a short one", "a long one", "shorter for everybody"],
)
def test_the_worker_goes_by_the_limit_that_holds_for_its_person(
    office: Office,
    hall: Hall,
    shared: Browser,
    anna: Employee,
    minutes: int,
    idle_elsewhere: float,
    limit: float,
) -> None:
    with hall.world.database.begin() as work:
        work.municipality_rules.put(RIGA, MunicipalityRules(shared_idle_minutes=minutes))
    tokens = office.left_open(shared, anna)
    jobs = office.jobs(idle_seconds=idle_elsewhere)
    hall.clock.move(limit - 1)
    assert jobs.end_shared_sessions() == 0
    hall.clock.move(1)
    assert jobs.end_shared_sessions() == 1
    assert office.told() == [tokens.claims["sid"]]
