"""What passkeys cost: one check of an answer, held against raw verifications, and a whole sign-in by one.

The answers are made by the software authenticator, outside what is timed.
"""

import html
import re
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from idp.methods.base import Challenge, Enrolled, Method, Subject, Verified
from idp.seed.people import PEOPLE
from tests.benchmarks.journeys import Person, code_of
from tests.benchmarks.messages import InProcess, Message, OverHttp, Send
from tests.benchmarks.report import Baselines, Cost
from tests.benchmarks.served import Server
from tests.benchmarks.world import World
from tests.support.authenticator import Authenticator

SIGN_IN_AT_MOST = 0.012
VERIFICATIONS_AT_MOST = 3
BESIDE_THEM_AT_MOST = 0.001
ROUNDS = 7
ANSWERS = 60
SIGN_INS = 12
_OWNER = next(person for person in PEOPLE if not person.has_totp)
_OPTIONS = re.compile(rb'data-webauthn="get" data-options="([^"]+)"')
_KEY = generate_private_key(SECP256R1())
_SIGNED = b"x" * 69
_SIGNATURE = _KEY.sign(_SIGNED, ECDSA(SHA256()))


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody of the demonstration with a passkey, and the authenticator that holds it."""

    world: World
    user_id: str
    device: Authenticator

    @property
    def method(self) -> Method:
        return self.world.provider.methods["passkey"]

    def subject(self) -> Subject:
        with self.world.provider.storage.database.read() as work:
            return Subject(work.people.get_user(self.user_id), work.people.credentials_of(self.user_id))


def costs(world: World, send: InProcess, server: Server, baselines: Baselines) -> list[Cost]:
    owner = _set_up(world)
    here, there = _sign_in_here(owner, send), _sign_in_there(owner, server)
    verifying, raw = _verification(owner)
    bound = VERIFICATIONS_AT_MOST * raw + BESIDE_THEM_AT_MOST
    return [
        Cost(name="one raw ES256 verification", in_process=raw, signatures=raw / baselines.signature),
        Cost(
            name="passkey, one answer checked and its use written down",
            in_process=verifying,
            signatures=verifying / baselines.signature,
            target="3 raw verifications and 1 ms",
            is_met=verifying <= bound,
        ),
        Cost(
            name="sign-in by passkey, all four requests",
            in_process=here,
            signatures=here / baselines.signature,
            served=there,
            target=f"{SIGN_IN_AT_MOST * 1e6:g} µs",
            is_met=here <= SIGN_IN_AT_MOST,
        ),
    ]


class PasskeyPerson(Person):
    """The same person at the same browser, with a passkey in place of password and code."""

    def __init__(self, owner: Owner, send: Send) -> None:
        super().__init__(owner.world, send)
        self._device = owner.device

    def sign_in(self) -> str:
        """From the application's link to its code: four requests."""
        self._cookies.clear()
        door = self._follow(self.authorize())
        page = self._ask(Message("GET", door)).expect(200)
        found = _OPTIONS.search(page.body)
        assert found is not None
        answer = self._device.gets(html.unescape(found[1].decode()))
        resume = self._answer(page, door, credential=answer, method="passkey")
        return code_of(self._ask(Message("GET", resume)))


def _set_up(world: World) -> Owner:
    database = world.provider.storage.database
    with database.read() as work:
        user = work.people.find_user_by_username(_OWNER.username)
    assert user is not None
    owner = Owner(world, user.id, Authenticator(world.settings.issuer))
    subject = owner.subject()
    challenge = owner.method.begin_enrolment(subject)
    answer = {"credential": owner.device.creates(challenge.page["options"])}
    with database.begin() as work:
        assert isinstance(owner.method.enrol(work, subject, challenge, answer), Enrolled)
    return owner


def _verification(owner: Owner) -> tuple[float, float]:
    """One check with its write, and one raw verification: medians of rounds measured in turns."""
    checks, raws = [], []
    for _ in range(ROUNDS):
        raws.append(_raw_verification())
        prepared = [_asked_and_answered(owner) for _ in range(ANSWERS)]
        before = time.process_time()
        for challenge, answer, subject in prepared:
            with owner.world.provider.storage.database.begin() as work:
                outcome = owner.method.verify(work, subject, challenge, answer)
            assert isinstance(outcome, Verified)
        checks.append((time.process_time() - before) / ANSWERS)
    return statistics.median(checks), statistics.median(raws)


def _asked_and_answered(owner: Owner) -> tuple[Challenge, Mapping[str, Any], Subject]:
    subject = owner.subject()
    challenge = owner.method.begin(subject)
    return challenge, {"credential": owner.device.gets(challenge.page["options"])}, subject


def _raw_verification() -> float:
    public = _KEY.public_key()
    before = time.process_time()
    for _ in range(200):
        public.verify(_SIGNATURE, _SIGNED, ECDSA(SHA256()))
    return (time.process_time() - before) / 200


def _sign_in_here(owner: Owner, send: InProcess) -> float:
    person = PasskeyPerson(owner, send)
    person.sign_in()
    spent = []
    for _ in range(SIGN_INS):
        before = send.cpu
        person.sign_in()
        spent.append(send.cpu - before)
    return statistics.median(spent)


def _sign_in_there(owner: Owner, server: Server) -> float:
    send = OverHttp(server.port)
    person = PasskeyPerson(owner, send)
    person.sign_in()
    before = server.worker_cpu()
    for _ in range(SIGN_INS * 2):
        person.sign_in()
    spent = server.worker_cpu() - before
    send.close()
    return spent / (SIGN_INS * 2)
