"""Back-Channel Logout 1.0: who is told, of what, when, how often, and what happens when nobody answers.

The receiving side is a stranger's, over TLS; the clock is the test's, so that hours of back-off pass at once.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
from joserfc import jwe, jws, jwt
from joserfc.jwk import RSAKey
from structlog.testing import capture_logs

from idp import worker
from idp.events import Event, EventType
from idp.gateways.outbound import Outbound
from idp.login.sessions import Visitor
from idp.models.notices import LogoutNotice
from idp.models.people import User
from idp.oidc.authorize import Browser
from idp.oidc.backchannel import BACK_OFF_SECONDS, CLAIM_SECONDS, BackchannelLogout
from idp.oidc.client_keys import ClientKeys
from idp.oidc.consent import Decider
from idp.oidc.encryption import Encryption
from idp.oidc.errors import ProtocolError
from idp.oidc.subjects import Subjects
from idp.storage import migrate
from idp.storage.outbox import State
from tests.idp.oidc.house import ISSUER, House
from tests.support.at_once import at_once
from tests.support.builders import RIGA, World, add_municipality
from tests.support.certificates import Authority
from tests.support.logout_receiver import LogoutReceiver, assert_one_each
from tests.support.relying_party import ProviderError, RelyingParty
from tests.support.remote import Remote, Reply, remote_server

VISITOR = Visitor(browser="b" * 43, address="192.0.2.7")
FOREVER = 3 * 86400.0


@dataclass
class Outbox:
    """The house with a worker that delivers when it is told to."""

    house: House
    remote: Remote
    outbound: Outbound
    logout: BackchannelLogout = field(init=False)

    def __post_init__(self) -> None:
        self.logout = self.another_worker()

    def another_worker(self) -> BackchannelLogout:
        return BackchannelLogout(
            issuer=ISSUER,
            database=self.house.world.database,
            keys=self.house.openid.keys,
            subjects=Subjects(self.house.world.database, self.house.world.vault),
            encryption=Encryption(ClientKeys(self.outbound, self.house.world.effects)),
            outbound=self.outbound,
            effects=self.house.world.effects,
        )

    def app(self, path: str = "/ended", **metadata: Any) -> tuple[RelyingParty, LogoutReceiver]:
        party = self.house.add_client(backchannel_logout_uri=self.remote.url(path), **metadata)
        receiver = LogoutReceiver(
            self.remote,
            path,
            ISSUER,
            party.client_id,
            party.keys,
            self.house.world.clock,
            algorithm=party.algorithm,
        )
        return party, receiver

    def deliver(self) -> None:
        for client_id in self.logout.clients_due():
            while self.logout.deliver_next(client_id):
                pass

    def notices(self, state: State | None = None) -> list[LogoutNotice]:
        with self.house.world.database.read() as work:
            return work.notices.list_notices(state, now=self.house.world.clock())

    def the_one(self) -> LogoutNotice:
        (notice,) = self.notices()
        return notice

    def sign_out(self, browser: Browser) -> None:
        assert browser.signed_in is not None
        signed_in = browser.signed_in
        assert self.house.login.sign_out(signed_in.session_id, user_id=signed_in.user_id, visitor=VISITOR)

    def move(self, seconds: float) -> None:
        self.house.world.clock.move(seconds)


@pytest.fixture
def outbox(house: House, remote: Remote, outbound: Outbound) -> Outbox:
    return Outbox(house, remote, outbound)


def session_of(browser: Browser) -> str:
    assert browser.signed_in is not None
    return browser.signed_in.session_id


# Who is told, of what ---------------------------------------------------------------------------------


def test_it_says_that_it_can_do_this(app: RelyingParty) -> None:
    said = app.metadata()
    assert said["backchannel_logout_supported"] is True
    assert said["backchannel_logout_session_supported"] is True


def test_every_application_reached_in_the_session_is_told_once(
    outbox: Outbox, house: House, anna: User, browser: Browser
) -> None:
    first, at_first = outbox.app("/first")
    second, at_second = outbox.app("/second", id_token_signed_response_alg="ES256")
    _, at_third = outbox.app("/third")
    unheard = house.add_client()
    tokens = [house.tokens_for(party, browser) for party in (first, first, second, unheard)]
    outbox.sign_out(browser)
    outbox.deliver()
    outbox.deliver()
    assert_one_each([at_first, at_second], {session_of(browser)})
    assert at_third.came == []
    assert at_first.taken()[0]["sub"] == tokens[0].claims["sub"] == anna.id
    assert at_first.taken()[0]["sid"] == tokens[0].claims["sid"]
    assert all(notice.delivered_at is not None for notice in outbox.notices())


def test_a_sector_is_told_by_its_own_names_for_the_person_and_the_session(
    outbox: Outbox, house: House, anna: User, browser: Browser
) -> None:
    party, receiver = outbox.app(subject_type="pairwise")
    tokens = house.tokens_for(party, browser)
    outbox.sign_out(browser)
    outbox.deliver()
    (told,) = receiver.taken()
    assert (told["sub"], told["sid"]) == (tokens.claims["sub"], tokens.claims["sid"])
    assert not {anna.id, session_of(browser)} & set(map(str, told.values()))


def test_who_gets_encrypted_id_tokens_gets_encrypted_logout_tokens(
    outbox: Outbox, house: House, browser: Browser
) -> None:
    """Section 2.6: "If ID Token encryption was negotiated ... and the Logout Token is not encrypted, the RP SHOULD
    reject it"
    """
    key = RSAKey.generate_key(2048, {"kid": "mine", "use": "enc"})
    party, receiver = outbox.app(
        jwks={"keys": [key.as_dict(private=False)]},
        id_token_encrypted_response_alg="RSA-OAEP-256",
        id_token_encrypted_response_enc="A256GCM",
    )
    question, code = house.code_for(party, browser)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": party.redirect_uri}
    party.post("/token", {**form, "code_verifier": question.verifier})
    outbox.sign_out(browser)
    outbox.deliver()
    (came,) = receiver.raw()
    opened = jwe.decrypt_compact(came, key, algorithms=["RSA-OAEP-256", "A256GCM"])
    assert (opened.protected["cty"], opened.protected["kid"]) == ("JWT", "mine")
    assert opened.plaintext is not None
    inside = opened.plaintext.decode()
    assert jws.extract_compact(inside.encode()).headers()["typ"] == "logout+jwt"
    claims = jwt.decode(inside, party.keys(), algorithms=["RS256"]).claims
    assert (claims["aud"], claims["sid"]) == (party.client_id, session_of(browser))


def test_who_has_no_key_to_encrypt_to_is_told_nothing_in_the_clear(
    house: House, remote: Remote, outbound: Outbound, browser: Browser
) -> None:
    house = House(house.world, outbound=outbound)
    outbox = Outbox(house, remote, outbound)
    key = RSAKey.generate_key(2048, {"kid": "mine", "use": "enc"})
    published = Reply(json.dumps({"keys": [key.as_dict(private=False)]}).encode())
    remote.answers["/keys"] = published
    party, receiver = outbox.app(jwks_uri=remote.url("/keys"), id_token_encrypted_response_alg="RSA-OAEP-256")
    question, code = house.code_for(party, browser)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": party.redirect_uri}
    party.post("/token", {**form, "code_verifier": question.verifier})
    outbox.sign_out(browser)
    remote.answers["/keys"] = Reply(b'{"keys": []}')
    outbox.deliver()
    assert receiver.came == []
    assert "no key for RSA-OAEP-256" in (outbox.the_one().last_error or "")
    remote.answers["/keys"] = published
    outbox.move(BACK_OFF_SECONDS[0] + 60)
    outbox.deliver()
    assert len(receiver.came) == 1


Ending = Callable[[Outbox, Browser, Browser], None]


def _in_account(outbox: Outbox, ended: Browser, other: Browser) -> None:
    assert other.signed_in is not None
    with outbox.house.world.database.begin() as work:
        assert outbox.house.sessions.end_one(work, other.signed_in, session_of(ended), VISITOR)


def _others_in_account(outbox: Outbox, _ended: Browser, other: Browser) -> None:
    assert other.signed_in is not None
    with outbox.house.world.database.begin() as work:
        outbox.house.sessions.end_others(work, other.signed_in, VISITOR)


def _by_administrator(outbox: Outbox, ended: Browser, _other: Browser) -> None:
    with outbox.house.world.database.begin() as work:
        event = Event(type=EventType.SESSION_ENDED, actor_id="administrator")
        assert outbox.house.sessions.end(work, session_of(ended), event)


def _signing_out(outbox: Outbox, ended: Browser, _other: Browser) -> None:
    outbox.sign_out(ended)


def _consent_withdrawn(outbox: Outbox, ended: Browser, _other: Browser) -> None:
    assert ended.signed_in is not None
    decider = Decider(ended.signed_in.user_id, session_of(ended), "192.0.2.7")
    with outbox.house.world.database.read() as work:
        (reached,) = work.sessions.clients_of(session_of(ended))
    assert outbox.house.openid.consents.withdraw(reached.client_id, decider)


@pytest.mark.parametrize(
    "ending", [_in_account, _others_in_account, _by_administrator, _signing_out, _consent_withdrawn]
)
def test_however_a_session_ends_the_application_is_told(
    outbox: Outbox, house: House, anna: User, ending: Ending
) -> None:
    """attack 30: a session that ended somewhere goes on nowhere"""
    party, receiver = outbox.app(visvaris={"first_party": False})
    ended, other = house.sign_in(anna), house.sign_in(anna)
    question = party.ask()
    party.redeem(question, house.code_in(party, question, house.agree(house.visit(question, ended), ended)))
    ending(outbox, ended, other)
    outbox.deliver()
    assert_one_each([receiver], {session_of(ended)})


def test_ending_every_session_of_somebody_tells_of_each(outbox: Outbox, house: House, anna: User) -> None:
    party, receiver = outbox.app()
    browsers = [house.sign_in(anna) for _ in range(3)]
    berta = house.sign_in(employed(house))
    for browser in (*browsers, berta):
        house.tokens_for(party, browser)
    with house.world.database.begin() as work:
        work.sessions.end_all_of_user(anna.id, house.world.clock())
    outbox.deliver()
    assert_one_each([receiver], {session_of(browser) for browser in browsers})


def test_an_application_that_lost_its_permission_is_told_of_that_and_not_again_of_the_end(
    outbox: Outbox, house: House, anna: User, browser: Browser
) -> None:
    party, receiver = outbox.app(visvaris={"first_party": False})
    question = party.ask()
    party.redeem(
        question, house.code_in(party, question, house.agree(house.visit(question, browser), browser))
    )
    _consent_withdrawn(outbox, browser, browser)
    outbox.sign_out(browser)
    outbox.deliver()
    assert_one_each([receiver], {session_of(browser)})


def test_what_is_rolled_back_is_told_to_nobody(outbox: Outbox, house: House, browser: Browser) -> None:
    """The notice is written in the transaction that ends the session, or not at all."""
    party, _ = outbox.app()
    house.tokens_for(party, browser)
    with pytest.raises(ZeroDivisionError), house.world.database.begin() as work:
        work.sessions.end(session_of(browser), house.world.clock())
        _ = 1 / 0
    assert outbox.notices() == []
    outbox.sign_out(browser)
    assert outbox.the_one().session_id == session_of(browser)


def test_a_session_that_ended_is_told_of_once_however_often_it_is_ended(
    outbox: Outbox, house: House, browser: Browser
) -> None:
    party, _ = outbox.app()
    house.tokens_for(party, browser)
    outbox.sign_out(browser)
    assert browser.signed_in is not None
    user_id = browser.signed_in.user_id
    assert not house.login.sign_out(session_of(browser), user_id=user_id, visitor=VISITOR)
    with house.world.database.begin() as work:
        assert work.sessions.end_all_of_user(user_id, house.world.clock()) == []
    assert len(outbox.notices()) == 1


def test_what_was_given_for_the_persons_absence_outlives_the_session_and_nothing_else_does(
    outbox: Outbox, house: House, browser: Browser
) -> None:
    """Section 2.7: "Refresh tokens issued without the offline_access property" are revoked"""
    party, _ = outbox.app()
    online = house.tokens_for(party, browser, scope="openid")
    offline = house.tokens_for(party, browser, scope="openid offline_access")
    outbox.sign_out(browser)
    assert party.introspect(online.access_token) == {"active": False}
    assert party.refresh(offline.refresh_token or "").access_token


# When it does not arrive ------------------------------------------------------------------------------


def reached(outbox: Outbox, browser: Browser, **metadata: Any) -> LogoutReceiver:
    """An application that is about to be told that this session ended."""
    party, receiver = outbox.app(**metadata)
    outbox.house.tokens_for(party, browser)
    outbox.sign_out(browser)
    return receiver


def test_it_is_tried_again_ever_more_seldom_and_then_given_up(outbox: Outbox, browser: Browser) -> None:
    receiver = reached(outbox, browser)
    receiver.trouble.extend([500, 400, 503, 302, 201, 404, 500])
    for wait in BACK_OFF_SECONDS:
        outbox.deliver()
        count = len(receiver.came)
        outbox.move(wait - 0.1)
        outbox.deliver()
        assert len(receiver.came) == count, "not before its time"
        outbox.move(0.2)
    outbox.deliver()
    assert len(receiver.came) == len(BACK_OFF_SECONDS) + 1
    outbox.move(FOREVER)
    outbox.deliver()
    assert len(receiver.came) == len(BACK_OFF_SECONDS) + 1
    (dead,) = outbox.notices(State.GIVEN_UP)
    assert (dead.attempts, dead.last_error) == (7, "answered with status 500")
    assert len({claims["jti"] for claims in receiver.all_that_came()}) == 7, (
        "each attempt has a token of its own"
    )


def test_what_was_given_up_can_be_tried_again(outbox: Outbox, house: House, browser: Browser) -> None:
    receiver = reached(outbox, browser)
    receiver.trouble.extend([500] * 8)
    for wait in (*BACK_OFF_SECONDS, FOREVER):
        outbox.deliver()
        outbox.move(wait + 0.1)
    (dead,) = outbox.notices(State.GIVEN_UP)
    with house.world.database.begin() as work:
        assert work.notices.retry(dead.id, house.world.clock())
        assert not work.notices.retry(dead.id, house.world.clock())
    outbox.deliver()
    assert outbox.the_one().attempts == 1, "it starts anew"
    outbox.move(6)
    outbox.deliver()
    assert_one_each([receiver], {session_of(browser)})
    with house.world.database.begin() as work:
        assert not work.notices.retry(dead.id, house.world.clock()), "what arrived is not sent again"


def test_one_that_takes_too_long_is_tried_again(outbox: Outbox, browser: Browser) -> None:
    receiver = reached(outbox, browser)
    receiver.trouble.append(None)
    outbox.deliver()
    assert outbox.the_one().last_error == "took too long"
    outbox.move(6)
    outbox.deliver()
    assert_one_each([receiver], {session_of(browser)})


def test_one_whose_certificate_nobody_vouches_for_is_told_nothing(
    outbox: Outbox, house: House, browser: Browser, tmp_path: Path
) -> None:
    with remote_server(Authority(tmp_path / "other", "Svešs").server()) as elsewhere:
        elsewhere.answers["/ended"] = Reply()
        party = house.add_client(backchannel_logout_uri=elsewhere.url("/ended"))
        house.tokens_for(party, browser)
        outbox.sign_out(browser)
        outbox.deliver()
        assert elsewhere.received == []
    assert outbox.the_one().last_error == "its TLS certificate or handshake was not accepted"
    assert outbox.the_one().attempts == 1


def test_a_redirect_is_not_followed(outbox: Outbox, browser: Browser, remote: Remote) -> None:
    """attack 9"""
    receiver = reached(outbox, browser)
    remote.answers[receiver.path] = Reply(status=307, headers={"Location": remote.url("/elsewhere")})
    outbox.deliver()
    assert remote.asked("/elsewhere") == []
    assert outbox.the_one().last_error == "answered with status 307"


def test_a_private_address_is_not_called(
    outbox: Outbox, browser: Browser, remote: Remote, authority: Authority
) -> None:
    """attack 9: the name was registered in good faith and points into our network today"""
    receiver = reached(outbox, browser)
    outbox.logout = Outbox(outbox.house, remote, Outbound(ca_file=authority.ca_file)).logout
    outbox.deliver()
    assert remote.received == []
    assert receiver.came == []
    assert outbox.the_one().last_error == "the host has an address that may not be reached"


@pytest.mark.parametrize(
    "uri",
    [
        *("http://app.example.lv/ended", "https://app.example.lv/ended#part", "https://user@app.example.lv/"),
        *(
            "javascript:alert(1)",
            "data:text/plain,x",
            "file:///etc/passwd",
            "ftp://app.example.lv/",
            "/ended",
        ),
        *("https:///ended", "https://app.example.lv:0/", "https://exa mple.lv/", "", "x" * 600, 1, ["x"]),
    ],
)
def test_what_could_not_be_called_is_not_registered(house: House, uri: object) -> None:
    """attack 5, attack 9"""
    with pytest.raises(ProtocolError, match="backchannel_logout_uri"):
        house.add_client(backchannel_logout_uri=uri)


def test_who_signs_nobody_in_has_nobody_to_sign_out(house: House) -> None:
    with pytest.raises(ProtocolError, match="backchannel_logout_uri"):
        house.add_service(backchannel_logout_uri="https://app.example.lv/ended")
    with pytest.raises(ProtocolError, match="backchannel_logout_session_required"):
        house.add_client(backchannel_logout_session_required="yes")


def test_a_client_that_takes_no_notices_any_more_is_given_up_at_once(
    outbox: Outbox, house: House, browser: Browser
) -> None:
    receiver = reached(outbox, browser)
    with house.world.database.begin() as work:
        client = work.clients.get(receiver.client_id)
        registered = {k: v for k, v in client.registered.items() if k != "backchannel_logout_uri"}
        work.clients.replace_registration(
            client.client_id, registered=registered, audience=None, resources=[]
        )
    outbox.move(2)
    outbox.deliver()
    assert receiver.came == []
    (dead,) = outbox.notices(State.GIVEN_UP)
    assert dead.last_error == "the application takes no notices any more"


def test_what_cannot_be_made_is_given_up_too(
    outbox: Outbox, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours must not bring the same notice back for ever."""
    receiver = reached(outbox, browser)

    def fail(*_: object) -> str:
        raise RuntimeError("a fault")

    monkeypatch.setattr(outbox.logout, "token", fail)
    for wait in (*BACK_OFF_SECONDS, FOREVER):
        outbox.deliver()
        outbox.move(wait + 0.1)
    assert receiver.came == []
    assert [dead.last_error for dead in outbox.notices(State.GIVEN_UP)] == ["could not be sent"]


def test_the_log_says_where_and_why_and_never_what(outbox: Outbox, house: House, browser: Browser) -> None:
    """attack 44"""
    party, receiver = outbox.app("/ended?key=hunter2")
    receiver.remote.answers["/ended"] = receiver._answer
    receiver.trouble.append(500)
    house.tokens_for(party, browser)
    outbox.sign_out(browser)
    with capture_logs() as lines:
        outbox.deliver()
        outbox.move(6)
        outbox.deliver()
    failed, delivered = lines
    assert (failed["event"], failed["why"]) == ("logout notice not delivered", "answered with status 500")
    assert failed["url"] == delivered["url"] == outbox.remote.url("/ended")
    assert delivered["event"] == "logout notice delivered"
    written = repr(lines) + repr(outbox.notices())
    assert [token for token in receiver.raw() if token in written] == []
    assert "hunter2" not in written
    assert "eyJ" not in written


# Several workers, and workers that die ----------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def everywhere(
    request: pytest.FixtureRequest, tmp_path: Path, remote: Remote, outbound: Outbound
) -> Iterator[Outbox]:
    url = f"sqlite:///{tmp_path / 'outbox.sqlite3'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    migrate.upgrade(url)
    world = World(url)
    with world.database.begin() as work:
        if work.people.find_municipality(RIGA) is None:
            add_municipality(work)
    house = House(world)
    for scope in ("national", RIGA):
        house.permit(scope)
    yield Outbox(house, remote, outbound)
    world.database.dispose()


def employed(house: House, name: str = "berta") -> User:
    user = house.add_person(name)
    house.employ(user)
    return user


def test_several_workers_at_once_deliver_each_notice_once(everywhere: Outbox) -> None:
    house, berta = everywhere.house, employed(everywhere.house)
    apps = [everywhere.app(f"/app{number}") for number in range(2)]
    browsers = [house.sign_in(berta) for _ in range(8)]
    for browser in browsers:
        for party, _ in apps:
            house.tokens_for(party, browser)
    with house.world.database.begin() as work:
        work.sessions.end_all_of_user(berta.id, house.world.clock())
    workers = [everywhere.another_worker() for _ in range(6)]

    def deliver(number: int) -> None:
        for client_id in workers[number].clients_due():
            while workers[number].deliver_next(client_id):
                pass

    at_once(len(workers), deliver)
    assert_one_each([receiver for _, receiver in apps], {session_of(browser) for browser in browsers})
    assert len(everywhere.notices(State.DELIVERED)) == 16


class _Died(BaseException):
    """The process was killed."""


class _Dying:
    """An outbound door behind which the worker dies, before or after the call."""

    def __init__(self, outbound: Outbound, *, after: bool) -> None:
        self._outbound = outbound
        self._after = after

    def post_form(self, url: str, form: dict[str, str]) -> None:
        if self._after:
            self._outbound.post_form(url, form)
        raise _Died


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_worker_that_dies_leaves_its_notice_to_another(everywhere: Outbox, *, after: bool) -> None:
    """At least once: a claim lapses, and the attempt counts. Of one that was told twice the second is new."""
    house = everywhere.house
    party, receiver = everywhere.app()
    browser = house.sign_in(employed(house))
    house.tokens_for(party, browser)
    everywhere.sign_out(browser)
    dying = everywhere.another_worker()
    dying._outbound = _Dying(everywhere.outbound, after=after)  # type: ignore[assignment]
    with pytest.raises(_Died):
        dying.deliver_next(party.client_id)
    everywhere.move(CLAIM_SECONDS - 1)
    everywhere.deliver()
    assert len(receiver.came) == (1 if after else 0), "the claim still holds"
    everywhere.move(2)
    everywhere.deliver()
    taken = receiver.taken()
    assert [claims["sid"] for claims in taken] == [session_of(browser)] * (2 if after else 1)
    assert len({claims["jti"] for claims in taken}) == len(taken)
    assert everywhere.the_one().attempts == 2
    assert everywhere.the_one().delivered_at is not None


def test_a_worker_too_slow_to_be_believed_in_changes_nothing_of_who_came_after(everywhere: Outbox) -> None:
    house = everywhere.house
    party, _ = everywhere.app()
    browser = house.sign_in(employed(house))
    house.tokens_for(party, browser)
    everywhere.sign_out(browser)
    slow = everywhere.the_one()
    now = house.world.clock()
    with house.world.database.begin() as work:
        assert work.notices.claim(slow, until=now + CLAIM_SECONDS)
        assert not work.notices.claim(slow, until=now + CLAIM_SECONDS), "one has it"
    everywhere.move(CLAIM_SECONDS + 1)
    with house.world.database.begin() as work:
        assert work.notices.claim(everywhere.the_one(), until=house.world.clock() + CLAIM_SECONDS)
        assert not work.notices.postpone(slow.id, attempt=1, until=now, why="late")
        assert not work.notices.give_up(slow.id, attempt=1, at=now, why="late")
        assert work.notices.delivered(slow.id, now), "that it arrived is true whoever says so"
        assert not work.notices.delivered(slow.id, now)


def test_an_application_reached_while_the_session_ends_is_told_or_gets_nothing(everywhere: Outbox) -> None:
    """attack 30: a code redeemed in the moment of signing out"""
    house, berta = everywhere.house, employed(everywhere.house)
    party, _ = everywhere.app()
    for _ in range(12):
        browser = house.sign_in(berta)
        question, code = house.code_for(party, browser)
        got: list[str] = []

        def redeem(question: Any = question, code: str = code, got: list[str] = got) -> None:
            with suppress(ProviderError):
                got.append(party.redeem(question, code).access_token)

        def end(browser: Browser = browser) -> None:
            everywhere.sign_out(browser)

        at_once(2, lambda number, acts=(redeem, end): acts[number]())  # type: ignore[misc]
        told = [notice for notice in everywhere.notices() if notice.session_id == session_of(browser)]
        assert len(told) == len(got)
        for token in got:
            assert party.introspect(token) == {"active": False}


# The worker's loop ------------------------------------------------------------------------------------


@dataclass
class Loop:
    outbox: Outbox
    stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self.thread = threading.Thread(
            target=worker.deliver_logout_notices, args=(self.outbox.logout, self.stop)
        )
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join(20)
        assert not self.thread.is_alive()


def test_the_loop_delivers_what_is_written_while_it_runs_and_stops_when_told(
    outbox: Outbox, browser: Browser
) -> None:
    assert worker.LOOK_SECONDS <= 1
    with Loop(outbox):
        reached(outbox, browser).await_taken(1)


def test_one_that_is_slow_keeps_no_other_waiting(outbox: Outbox, house: House, anna: User) -> None:
    """attack 43"""
    slow, at_slow = outbox.app("/slow")
    quick, at_quick = outbox.app("/quick")
    at_slow.slow = 1.5
    browsers = [house.sign_in(anna) for _ in range(3)]
    for browser in browsers:
        for party in (slow, quick):
            house.tokens_for(party, browser)
    with house.world.database.begin() as work:
        work.sessions.end_all_of_user(anna.id, house.world.clock())
    with Loop(outbox):
        at_quick.await_taken(3)
        assert len(at_slow.came) < 3, "still at it"
    assert len(at_slow.taken()) < 3, "what was not begun is left when the worker stops"
    outbox.deliver()
    assert_one_each([at_slow, at_quick], {session_of(browser) for browser in browsers})


def test_the_loop_outlives_a_database_that_does_not_answer(
    outbox: Outbox, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.05)
    look, failures = outbox.logout.clients_due, iter([OSError("gone")] * 3)

    def unlucky() -> list[str]:
        for failure in failures:
            raise failure
        return look()

    monkeypatch.setattr(outbox.logout, "clients_due", unlucky)
    receiver = reached(outbox, browser)
    with Loop(outbox):
        receiver.await_taken(1)


def test_old_notices_are_removed_and_no_others(outbox: Outbox, house: House, browser: Browser) -> None:
    party, _ = outbox.app()
    house.tokens_for(party, browser)
    outbox.sign_out(browser)
    jobs = worker.Jobs(house.world.storage, house.openid.keys, house.world.effects, session_idle_seconds=3600)
    outbox.move(60 * 86400.0)
    assert jobs.free_room()["logout_notices"] == 0, "what waits is kept however long"
    outbox.deliver()
    outbox.move(worker.DELIVERED_KEPT - 60)
    assert jobs.free_room()["logout_notices"] == 0
    outbox.move(120)
    assert jobs.free_room()["logout_notices"] == 1
