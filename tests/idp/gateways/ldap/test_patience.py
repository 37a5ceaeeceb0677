"""How long anybody waits for a directory that does not answer, and who looks whether it is back.

Times are counted by a clock of the test's own where one can be given; where a thread really waits, what it may
wait at most is given, and it is only held that it ends.
"""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from idp.gateways.ldap import door as door_module
from idp.gateways.ldap import probe
from idp.gateways.ldap.door import Door
from idp.gateways.ldap.outcomes import Bind, DirectoryError, Fault
from idp.gateways.ldap.pool import LEFT_OUT_SECONDS, Pool
from idp.gateways.ldap.route import Route, controllers_of
from idp.gateways.ldap.values import Controller as Host
from idp.gateways.ldap.values import Entry
from idp.models.directories import Encryption
from tests.support.at_once import at_once
from tests.support.certificates import Authority
from tests.support.directories import PASSWORD, route_to
from tests.support.mute_directory import (
    BIND,
    BUSY,
    OPERATIONS_ERROR,
    REFERRAL,
    SEARCH,
    SUCCESS,
    UNBIND,
    UNWILLING,
    Mute,
    entry,
    mute_directory,
    reference,
)
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
PATIENCE = 0.4
ONE, TWO = Host("dc1", 636), Host("dc2", 636)
DOWN = DirectoryError(Fault.UNREACHABLE, "no answer")
NOBODY = Entry(dn="CN=x,DC=x", guid="", upn="x@x", account_name="x", is_disabled=False)


def route_of(authority: Authority, *controllers: str, encryption: Encryption = Encryption.LDAPS) -> Route:
    return Route(
        controllers=controllers_of(list(controllers), encryption),
        encryption=encryption,
        ca_pem=authority.ca_file.read_text(),
        account="visvaris@x",
        password="x",
        base_dns=("DC=x",),
        user_filter="(objectClass=user)",
        attributes={},
        realm="x",
    )


def signs_in(door: Door) -> None:
    """All that one step of a sign-in may ask, whatever becomes of each question."""
    step = door.for_one_step()
    for question in (
        lambda: step.find_by_upn("x@x"),
        lambda: step.bind("x@x", "x"),
        lambda: step.change_password(NOBODY, old="x", new="y"),
        lambda: step.bind("x@x", "y"),
        lambda: step.in_group(NOBODY, "CN=g"),
        lambda: step.bind_nobody("x"),
    ):
        with pytest.raises(DirectoryError):
            question()


# One step, one deadline -----------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("encryption", list(Encryption))
def test_a_black_hole_keeps_nobody_longer_than_one_question(
    authority: Authority, tls: bool, encryption: Encryption
):
    """It takes the connection and says nothing; or it shakes hands, and then says nothing."""
    with mute_directory(authority if tls else None) as mute:
        signs_in(Door(route_of(authority, mute.address, encryption=encryption), patience=PATIENCE))


def test_one_that_lets_our_account_in_and_finds_nobody_keeps_nobody_longer(authority: Authority):
    with mute_directory(authority, {BIND: SUCCESS}) as mute:
        signs_in(Door(route_of(authority, mute.address), patience=10 * PATIENCE))
        assert mute.asked.count(SEARCH) == 1


@pytest.mark.parametrize("controllers", [1, 2, 7])
def test_all_that_a_step_asks_takes_no_longer_than_three_seconds(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, controllers: int
):
    """Every controller takes all the time it is given, by a clock of our own."""
    now, waited = [0.0], []

    def takes_its_time(route: Route, controller: Host, seconds: float) -> NoReturn:
        now[0] += seconds
        waited.append(seconds)
        raise DOWN

    monkeypatch.setattr(door_module, "connect", takes_its_time)
    hosts = [f"dc{number}" for number in range(controllers)]
    signs_in(Door(route_of(authority, *hosts), clock=lambda: now[0], patience=3.0))
    assert sum(waited) == pytest.approx(3.0)
    assert len(waited) == min(controllers, 3)


def test_all_questions_of_a_step_end_at_the_same_moment(authority: Authority):
    """By a clock of our own: what the first took, the others do not have."""
    now = [100.0]
    door = Door(route_of(authority, "127.0.0.1:1"), clock=lambda: now[0], patience=3.0)
    step = door.for_one_step()
    assert (step.until, door.until) == (103.0, None)
    assert step.pool is door.pool
    now[0] = 103.0
    with pytest.raises(DirectoryError, match="no time is left"):
        step.find_by_upn("x@x")
    assert door.pool.out == {}, "nobody is to blame who was not asked"


def test_a_name_server_that_does_not_answer_keeps_nobody(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
):
    asked, over = threading.Event(), threading.Event()

    def never(*_: object, **__: object) -> list[object]:
        asked.set()
        over.wait()
        raise socket.gaierror

    monkeypatch.setattr(probe.socket, "getaddrinfo", never)
    door = Door(route_of(authority, "dc.never.test"), patience=PATIENCE)
    with pytest.raises(DirectoryError) as caught:
        door.find_by_upn("x@x")
    over.set()
    assert asked.is_set()
    assert caught.value.fault is Fault.UNREACHABLE


@pytest.mark.parametrize("slowly", [b"\x16", b"\x30"])
def test_a_handshake_that_comes_byte_by_byte_keeps_nobody(authority: Authority, slowly: bytes):
    """Each byte in time, and the whole never: a limit for each read would not see that."""
    stop = threading.Event()

    def drip(listener: socket.socket) -> None:
        near, _ = listener.accept()
        with near:
            while not stop.wait(PATIENCE / 8):
                try:
                    near.sendall(slowly)
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        encryption = Encryption.STARTTLS if slowly == b"\x30" else Encryption.LDAPS
        with pytest.raises(DirectoryError):
            Door(route_of(authority, address, encryption=encryption), patience=PATIENCE).greet()
        stop.set()
        thread.join()


# What a broken one says -----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [BUSY, OPERATIONS_ERROR, REFERRAL])
def test_no_answer_to_a_bind_is_ever_a_wrong_password(authority: Authority, code: int):
    """attack 38: a referral is not followed, and is no answer."""
    with mute_directory(authority, {BIND: code}) as mute, pytest.raises(DirectoryError) as caught:
        Door(route_of(authority, mute.address), patience=20 * PATIENCE).bind("x@x", "x")
    assert caught.value.sent


def test_a_bind_that_is_refused_without_a_word_of_the_password_is_a_refusal(authority: Authority):
    with mute_directory(authority, {BIND: UNWILLING}) as mute:
        assert (
            Door(route_of(authority, mute.address), patience=20 * PATIENCE).bind("x@x", "x") is Bind.REFUSED
        )


def test_a_search_that_is_sent_elsewhere_finds_nobody(authority: Authority):
    """attack 38"""
    with mute_directory(authority, {BIND: SUCCESS, SEARCH: REFERRAL}) as mute:
        with pytest.raises(DirectoryError) as caught:
            Door(route_of(authority, mute.address), patience=20 * PATIENCE).find_by_upn("x@x")
        assert caught.value.fault is Fault.BROKEN
    with mute_directory(authority, {BIND: SUCCESS, SEARCH: SUCCESS}) as mute:
        mute.entries = reference("ldap://127.0.0.1:9/DC=elsewhere")
        assert Door(route_of(authority, mute.address), patience=20 * PATIENCE).find_by_upn("x@x") is None


def test_bytes_that_are_no_text_and_half_an_id_are_nobody(authority: Authority):
    """attack 38"""
    with mute_directory(authority, {BIND: SUCCESS, SEARCH: SUCCESS}) as mute:
        door = Door(route_of(authority, mute.address), patience=20 * PATIENCE)
        mute.entries = entry("CN=x", objectGUID=b"\xff" * 15, userPrincipalName=b"x@x")
        assert door.find_by_upn("x@x") is None
        mute.entries = entry("CN=x", objectGUID=b"\xff" * 16, userPrincipalName=b"\xff\x00", sn=b"\x00\xfe")
        found = door.find_by_upn("x@x")
        assert found is not None
        assert (found.upn, found.binds_as) == ("", "CN=x")


def test_an_entry_in_ten_thousand_groups_is_found_also_by_a_directory_that_tells_them_all(
    authority: Authority,
):
    groups = [
        f"CN=grupa{number},OU=Lielā pašvaldība,DC=ad,DC=riga,DC=test".encode() for number in range(10_000)
    ]
    with mute_directory(authority, {BIND: SUCCESS, SEARCH: SUCCESS}) as mute:
        mute.entries = entry("CN=x", objectGUID=b"\x01" * 16, userPrincipalName=b"x@x", memberOf=groups)
        door = Door(route_of(authority, mute.address), patience=20 * PATIENCE)
        found = door.find_by_upn("x@x")
        assert found is not None
        assert (found.upn, found.values) == ("x@x", {})
        assert door.in_group(found, groups[-1].decode())
        door.close()


# Fail-over while binding ----------------------------------------------------------------------------------


@pytest.fixture
def pair(authority: Authority) -> Iterator[tuple[Mute, Mute]]:
    with mute_directory(authority) as first, mute_directory(authority, {BIND: SUCCESS}) as second:
        first.hangs_up_after = BIND
        yield first, second


def test_one_that_hangs_up_on_a_password_is_followed_by_the_next(
    authority: Authority, pair: tuple[Mute, Mute]
):
    first, second = pair
    door = Door(route_of(authority, first.address, second.address), patience=20 * PATIENCE)
    assert door.bind("x@x", "x") is Bind.PASSED
    assert (first.asked, second.asked[:1]) == ([BIND], [BIND])
    assert [str(each) for each in door.pool.out] == [first.address]


def test_the_next_is_not_asked_when_that_would_be_one_attempt_too_many(
    authority: Authority, pair: tuple[Mute, Mute]
):
    """attack 29: the first may have counted it before it went away."""
    first, second = pair
    door = Door(route_of(authority, first.address, second.address), patience=20 * PATIENCE)
    with pytest.raises(DirectoryError) as caught:
        door.bind("x@x", "x", may_repeat=lambda: False)
    assert caught.value.sent
    assert set(second.asked) <= {UNBIND}  # a connection may be opened and closed; no password is sent


def test_that_it_was_heard_is_not_forgotten_when_the_next_is_gone(
    authority: Authority, pair: tuple[Mute, Mute]
):
    first, _ = pair
    door = Door(route_of(authority, first.address, "127.0.0.1:1"), patience=20 * PATIENCE)
    with pytest.raises(DirectoryError) as caught:
        door.bind("x@x", "x")
    assert caught.value.sent


def test_one_that_hears_a_password_and_says_nothing_has_heard_it(authority: Authority):
    with mute_directory(authority) as mute:
        door = Door(route_of(authority, mute.address), patience=10 * PATIENCE)
        with pytest.raises(DirectoryError) as caught:
            door.for_one_step().bind("x@x", "x")
        assert caught.value.sent


def test_an_answer_that_makes_no_sense_opens_no_circuit(authority: Authority):
    """attack 29: else whoever finds a way to one would shut out everybody else."""
    with mute_directory(authority, {BIND: OPERATIONS_ERROR}) as mute:
        door = Door(route_of(authority, mute.address), patience=20 * PATIENCE)
        with pytest.raises(DirectoryError):
            door.bind("x@x", "x")
        assert door.pool.out == {}


def test_a_password_that_nobody_heard_was_not_sent(authority: Authority):
    with pytest.raises(DirectoryError) as caught:
        Door(route_of(authority, "127.0.0.1:1")).bind("x@x", "x")
    assert not caught.value.sent


# Circuits -------------------------------------------------------------------------------------------------


def test_a_circuit_is_that_of_one_controller():
    pool = Pool()
    pool.failed(ONE, DOWN, 0.0)
    assert (pool.lets(ONE, 1.0), pool.lets(TWO, 1.0)) == (False, True)
    assert list(pool.out) == [ONE]


def test_one_thread_looks_whether_it_is_back_and_the_others_go_on_without():
    pool = Pool()
    pool.failed(ONE, DOWN, 0.0)
    assert at_once(8, lambda _: pool.lets(ONE, LEFT_OUT_SECONDS)).count(True) == 1
    pool.answered(ONE)
    assert pool.lets(ONE, LEFT_OUT_SECONDS)
    assert pool.out == {}


def test_who_looks_and_never_says_what_was_seen_is_followed_by_another():
    pool = Pool()
    pool.failed(ONE, DOWN, 0.0)
    assert pool.lets(ONE, LEFT_OUT_SECONDS)
    assert not pool.lets(ONE, LEFT_OUT_SECONDS + 1)
    assert pool.lets(ONE, 2 * LEFT_OUT_SECONDS)


def test_when_it_is_back_it_is_asked_again(authority: Authority):
    now = [0.0]
    with mute_directory(authority, {BIND: BUSY, SEARCH: SUCCESS}) as mute:
        door = Door(route_of(authority, mute.address), clock=lambda: now[0], patience=20 * PATIENCE)
        with pytest.raises(DirectoryError):
            door.greet()
        mute.answers = {BIND: SUCCESS, SEARCH: SUCCESS}
        asked = len(mute.asked)
        with pytest.raises(DirectoryError):
            door.greet()
        assert len(mute.asked) == asked
        now[0] = LEFT_OUT_SECONDS
        door.greet()
        assert door.pool.out == {}


def test_while_it_is_left_out_the_reason_stays_what_it_was(riga_domain: Controller, tmp_path: Path):
    """Not trusted is not absent, also for who comes a moment later."""
    stranger = Authority(tmp_path / "stranger").ca_file.read_text()
    door = Door(route_to(riga_domain, ca_pem=stranger))
    for _ in range(2):
        with pytest.raises(DirectoryError) as caught:
            door.greet()
        assert caught.value.fault is Fault.UNTRUSTED


def test_all_connections_to_one_that_fell_silent_are_dropped(authority: Authority):
    """Each would be waited for by somebody else."""
    with mute_directory(authority, {BIND: SUCCESS, SEARCH: SUCCESS}) as mute:
        door = Door(route_of(authority, mute.address), patience=20 * PATIENCE)
        for held in [door._open_service(door._deadline()) for _ in range(3)]:
            door.pool.give_back(held, door.clock())
        mute.answers = {}
        door.patience = PATIENCE
        with pytest.raises(DirectoryError):
            door.greet()
        assert door.pool._kept == []


# What is left behind --------------------------------------------------------------------------------------


def left_behind() -> tuple[int, int]:
    tunnels = sum(thread.name == "ldap-tunnel" for thread in threading.enumerate())
    return sum(1 for _ in Path("/proc/self/fd").iterdir()), tunnels


def ends_as_before(before: tuple[int, int], *, within: float = 60.0) -> bool:
    """Threads end a moment after what they carried; waited for, not timed. Those of other tests end too."""
    ticks = threading.Event()
    until = time.monotonic() + within
    while any(now > then for now, then in zip(left_behind(), before, strict=True)):
        if time.monotonic() > until:
            return False
        ticks.wait(0.01)
    return True


@pytest.mark.parametrize(
    "answers", [None, {}, {BIND: SUCCESS}, {BIND: BUSY}, {BIND: SUCCESS, SEARCH: SUCCESS}]
)
def test_no_descriptor_and_no_thread_is_left_behind(authority: Authority, answers: dict[int, int] | None):
    with mute_directory(None if answers is None else authority, answers) as mute:
        before = left_behind()
        for _ in range(3):
            door = Door(route_of(authority, mute.address), patience=PATIENCE / 4)
            try:
                door.greet()
                door.bind("x@x", "x")
            except DirectoryError:
                pass
            door.close()
        mute.close()
        mute._open.clear()
        assert ends_as_before(before)


def test_threads_share_a_door_and_each_hears_its_own_answer(riga_domain: Controller):
    """python-ldap's connections are not to be used by two threads at once: each is with one at a time."""
    door = Door(route_to(riga_domain))
    names = ("anna", "juris", "disabled", "must_change")

    def asks(number: int) -> bool:
        name = names[number % len(names)]
        found = [door.find_by_account_name(name) for _ in range(5)]
        return all(each is not None and each.account_name == name for each in found)

    assert all(at_once(12, asks))
    assert door.bind(riga_domain.upn("anna"), PASSWORD) is Bind.PASSED
    door.close()
