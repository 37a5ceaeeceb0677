import base64
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET

import pyotp
import pytest
import segno

from idp.crypto import SealError
from idp.errors import Reason
from idp.methods.base import Challenge, Enrolled, Rejected, Subject, Verified
from idp.methods.totp import Totp
from tests.idp.methods.conftest import World

SECRET = bytes(range(20))
STEP = 30


@pytest.fixture
def totp(world: World) -> Totp:
    return Totp(issuer="visvaris.lv", vault=world.vault, effects=world.effects)


@pytest.fixture
def enrolled(world: World, totp: Totp) -> Totp:
    world.keeps(totp.credential("anna", SECRET))
    return totp


def code_at(at: float, secret: bytes = SECRET) -> str:
    return pyotp.TOTP(base64.b32encode(secret).decode()).at(int(at))


def key_of(challenge: Challenge) -> str:
    return challenge.page["key_text"].replace(" ", "")


@pytest.mark.parametrize("clock_is_off_by", [-STEP, 0, STEP])
def test_a_code_is_good_one_step_before_and_after_its_own(
    world: World, enrolled: Totp, clock_is_off_by: int
) -> None:
    assert isinstance(world.verify(enrolled, {"code": code_at(world.now[0] + clock_is_off_by)}), Verified)


@pytest.mark.parametrize("clock_is_off_by", [-2 * STEP, 2 * STEP])
def test_and_no_further(world: World, enrolled: Totp, clock_is_off_by: int) -> None:
    """attack 31: skew"""
    code = code_at(world.now[0] + clock_is_off_by)
    assert world.verify(enrolled, {"code": code}) == Rejected(Reason.WRONG_CODE)


def test_a_code_works_once(world: World, enrolled: Totp) -> None:
    """attack 31: replay inside the window"""
    code = code_at(world.now[0])
    assert isinstance(world.verify(enrolled, {"code": code}), Verified)
    assert world.verify(enrolled, {"code": code}) == Rejected(Reason.CODE_ALREADY_USED)
    world.now[0] += STEP
    assert world.verify(enrolled, {"code": code}) == Rejected(Reason.CODE_ALREADY_USED)


def test_an_older_code_is_spent_with_a_newer_one(world: World, enrolled: Totp) -> None:
    """attack 31: replay inside the window"""
    assert isinstance(world.verify(enrolled, {"code": code_at(world.now[0])}), Verified)
    assert world.verify(enrolled, {"code": code_at(world.now[0] - STEP)}) == Rejected(
        Reason.CODE_ALREADY_USED
    )
    assert isinstance(world.verify(enrolled, {"code": code_at(world.now[0] + STEP)}), Verified)


def test_of_twenty_parallel_submissions_of_one_code_one_wins(world: World, enrolled: Totp) -> None:
    """attack 31: replay in parallel"""
    answer = {"code": code_at(world.now[0])}
    before = world.subject()
    with ThreadPoolExecutor(20) as threads:
        outcomes = list(threads.map(lambda _: world.verify(enrolled, answer, subject=before), range(20)))
    assert sum(isinstance(outcome, Verified) for outcome in outcomes) == 1
    assert outcomes.count(Rejected(Reason.CODE_ALREADY_USED)) == 19


@pytest.mark.parametrize(
    "typed",
    ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "１２３４５６", "123456\x00", "-12345", "1e5000", "0x1234"],
)
def test_what_is_not_six_digits_is_no_code(world: World, enrolled: Totp, typed: str) -> None:
    """attack 45"""
    assert world.verify(enrolled, {"code": typed}) == Rejected(Reason.WRONG_CODE)
    assert world.verify(enrolled, {}) == Rejected(Reason.WRONG_CODE)


def test_digits_of_another_script_are_not_read_as_digits(world: World, enrolled: Totp) -> None:
    """attack 45"""
    arabic = code_at(world.now[0]).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    assert world.verify(enrolled, {"code": arabic}) == Rejected(Reason.WRONG_CODE)


def test_spaces_around_and_between_do_no_harm(world: World, enrolled: Totp) -> None:
    code = code_at(world.now[0])
    assert isinstance(world.verify(enrolled, {"code": f" {code[:3]}\u00a0{code[3:]}\n"}), Verified)


def test_nobody_and_somebody_without_it_are_told_the_same(world: World, totp: Totp) -> None:
    """attack 28"""
    answer = {"code": code_at(world.now[0])}
    assert (
        world.verify(totp, answer, nobody=True) == world.verify(totp, answer) == Rejected(Reason.WRONG_CODE)
    )


def test_a_secret_moved_to_another_row_does_not_open(world: World, enrolled: Totp) -> None:
    stolen = world.subject().credentials[0]
    stolen.id = "another-row"
    moved = Subject(world.subject("juris").user, [stolen])
    with pytest.raises(SealError):
        world.verify(enrolled, {"code": code_at(world.now[0])}, subject=moved)


def test_setting_up_shows_one_key_as_picture_and_as_text(world: World, totp: Totp) -> None:
    challenge = totp.begin_enrolment(world.subject())
    page = challenge.page
    assert re.fullmatch(r"([A-Z2-7]{4} ){7}[A-Z2-7]{4}", page["key_text"])
    assert page["account_label"] == "visvaris.lv: anna.user"
    uri = pyotp.TOTP(key_of(challenge)).provisioning_uri(name="anna.user", issuer_name="visvaris.lv")
    assert unquote(urlsplit(uri).path) == "/visvaris.lv:anna.user"
    assert parse_qs(urlsplit(uri).query)["issuer"] == ["visvaris.lv"]
    drawn = ET.fromstring(page["qr_svg"])  # noqa: S314  our own
    expected = ET.fromstring(segno.make_qr(uri, error="m").svg_inline(border=4))  # noqa: S314
    paths = [element.get("d") for element in drawn.iter() if element.tag.endswith("path")]
    assert paths[-1] == [element.get("d") for element in expected.iter() if element.tag.endswith("path")][-1]


def test_the_picture_keeps_within_the_content_security_policy(world: World, totp: Totp) -> None:
    """attack 42"""
    svg = totp.begin_enrolment(world.subject()).page["qr_svg"]
    assert svg.startswith("<svg")
    assert 'class="qr-code"' in svg
    assert "<title>" in svg
    assert not re.search(r"style=|<style|<script|href|\bon\w+=", svg)


def test_the_secret_stays_on_the_server_sealed_for_the_person(world: World, totp: Totp) -> None:
    """attack 31, attack 33"""
    challenge = totp.begin_enrolment(world.subject())
    kept = str(dict(challenge.state))
    assert key_of(challenge) not in kept
    assert base64.b32decode(key_of(challenge)).hex() not in kept
    assert kept not in repr(challenge)
    with world.database.begin() as work, pytest.raises(SealError):
        totp.enrol(work, world.subject("juris"), challenge, {"code": "123456"})


def test_each_setting_up_has_a_secret_of_its_own(world: World, totp: Totp) -> None:
    keys = {key_of(totp.begin_enrolment(world.subject())) for _ in range(20)}
    assert len(keys) == 20
    assert {len(base64.b32decode(key)) for key in keys} == {20}


def test_the_code_that_confirms_is_spent_with_that(world: World, totp: Totp) -> None:
    """attack 31"""
    challenge = totp.begin_enrolment(world.subject())
    assert world.enrol(totp, challenge, {"code": "000000"}) == Rejected(Reason.WRONG_CODE)
    assert not totp.is_enrolled(world.subject())
    secret = base64.b32decode(key_of(challenge))
    code = code_at(world.now[0], secret)
    assert isinstance(world.enrol(totp, challenge, {"code": f"{code[:3]} {code[3:]}"}), Enrolled)
    assert totp.is_enrolled(world.subject())
    assert world.verify(totp, {"code": code}) == Rejected(Reason.CODE_ALREADY_USED)
    world.now[0] += STEP
    assert isinstance(world.verify(totp, {"code": code_at(world.now[0], secret)}), Verified)


def test_a_new_secret_replaces_the_old(world: World, enrolled: Totp) -> None:
    challenge = enrolled.begin_enrolment(world.subject())
    code = code_at(world.now[0], base64.b32decode(key_of(challenge)))
    assert isinstance(world.enrol(enrolled, challenge, {"code": code}), Enrolled)
    assert len(world.subject().of("totp")) == 1
    assert world.verify(enrolled, {"code": code_at(world.now[0])}) == Rejected(Reason.WRONG_CODE)


def test_nothing_stored_reveals_the_secret(world: World, enrolled: Totp) -> None:
    """attack 44"""
    stored = world.subject().credentials[0]
    assert base64.b32encode(SECRET).decode() not in stored.secret
    assert stored.secret.startswith("s1.")
    assert stored.secret not in repr(stored)
