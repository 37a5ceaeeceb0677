import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from idp.errors import Reason
from idp.methods.base import Challenge, Enrolled, Rejected, Verified
from idp.methods.recovery_code import CODES, FEW_LEFT, RecoveryCode
from tests.idp.methods.conftest import World


@pytest.fixture
def method(world: World) -> RecoveryCode:
    return RecoveryCode(vault=world.vault, effects=world.effects)


@pytest.fixture
def codes(world: World, method: RecoveryCode) -> list[str]:
    enrolled = world.enrol(method, method.begin_enrolment(world.subject()), {})
    assert isinstance(enrolled, Enrolled)
    return list(enrolled.show_once)


def test_ten_different_codes_easy_to_read_from_paper(codes: list[str]) -> None:
    assert len(set(codes)) == CODES == 10
    for code in codes:
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", code)


def test_each_works_once_and_tells_how_many_are_left(
    world: World, method: RecoveryCode, codes: list[str]
) -> None:
    """attack 31: reuse"""
    for used, code in enumerate(codes, start=1):
        outcome = world.verify(method, {"code": code})
        assert isinstance(outcome, Verified)
        assert outcome.remaining == CODES - used
        assert world.verify(method, {"code": code}) == Rejected(Reason.CODE_ALREADY_USED)
    assert not method.is_enrolled(world.subject())
    assert 0 < FEW_LEFT < CODES


def test_they_may_be_used_in_any_order(world: World, method: RecoveryCode, codes: list[str]) -> None:
    """attack 31: order"""
    for code in (codes[7], codes[0], codes[3]):
        assert isinstance(world.verify(method, {"code": code}), Verified)


def test_of_twenty_parallel_uses_of_one_code_one_wins(
    world: World, method: RecoveryCode, codes: list[str]
) -> None:
    """attack 31: recovery codes race"""
    before = world.subject()
    with ThreadPoolExecutor(20) as threads:
        outcomes = list(
            threads.map(lambda _: world.verify(method, {"code": codes[0]}, subject=before), range(20))
        )
    assert sum(isinstance(outcome, Verified) for outcome in outcomes) == 1
    assert len(world.subject().of("recovery_code")) == CODES - 1


@pytest.mark.parametrize(
    "retype",
    [
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: code.replace("-", " "),
        lambda code: f"  {code.replace('-', '–')} \n".replace("–", " - "),
        lambda code: code.replace("0", "O").replace("1", "l"),
        lambda code: code.replace("0", "o").replace("1", "I"),
    ],
)
def test_how_it_is_typed_does_not_matter(
    world: World, method: RecoveryCode, codes: list[str], retype: object
) -> None:
    for code in codes:
        assert isinstance(world.verify(method, {"code": retype(code)}), Verified)  # type: ignore[operator]


@pytest.mark.parametrize(
    "typed", ["", "AAAAA-AAAAA", "AAAAA", "A" * 1000, "ĀĀĀĀĀ-ĀĀĀĀĀ", "AAAAA-AAAA٠", "UUUUU-UUUUU"]
)
def test_anything_else_is_wrong(world: World, method: RecoveryCode, codes: list[str], typed: str) -> None:
    """attack 43, attack 45"""
    assert world.verify(method, {"code": typed}) == Rejected(Reason.WRONG_CODE)
    assert world.verify(method, {}) == Rejected(Reason.WRONG_CODE)


def test_one_persons_code_does_nothing_for_another(
    world: World, method: RecoveryCode, codes: list[str]
) -> None:
    juris = world.subject("juris")
    assert world.verify(method, {"code": codes[0]}, subject=juris) == Rejected(Reason.WRONG_CODE)
    assert world.verify(method, {"code": codes[0]}, nobody=True) == Rejected(Reason.WRONG_CODE)
    assert isinstance(world.verify(method, {"code": codes[0]}), Verified)


def test_a_new_set_replaces_the_old(world: World, method: RecoveryCode, codes: list[str]) -> None:
    """attack 31"""
    world.verify(method, {"code": codes[0]})
    newer = world.enrol(method, Challenge(), {})
    assert isinstance(newer, Enrolled)
    assert len(world.subject().credentials) == CODES
    for code in codes:
        assert world.verify(method, {"code": code}) == Rejected(Reason.WRONG_CODE)
    assert isinstance(world.verify(method, {"code": newer.show_once[0]}), Verified)


def test_only_keyed_hashes_are_stored(world: World, codes: list[str]) -> None:
    """attack 31: hash, attack 44"""
    stored = " ".join(credential.secret for credential in world.subject().credentials)
    assert re.fullmatch(r"([0-9a-f]{64} ?){10}", stored)
    for code in codes:
        assert code not in stored
        assert code.replace("-", "") not in stored
