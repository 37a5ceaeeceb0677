"""The test accounts that the demo service publishes, and how each behaves; a test adds its own."""

import datetime as dt
import re
from dataclasses import dataclass, replace

from tests.support.smart_id.authority import PROFILES, Person, Profile, Variant

QUALIFIED, ADVANCED = "QUALIFIED", "ADVANCED"
TEXT_AND_PIN = "displayTextAndPIN"
CONFIRMATION = "confirmationMessage"
CODE_CHOICE = "confirmationMessageAndVerificationCodeChoice"
OLD_CODE_CHOICE = "verificationCodeChoice"


@dataclass(frozen=True)
class Behaviour:
    """How the session ends when the phone is asked; `screen` is where a person cancels."""

    end_result: str = "OK"
    screen: str | None = None
    supports: frozenset[str] = frozenset({TEXT_AND_PIN, CONFIRMATION, CODE_CHOICE})
    """What this model of the app can show."""


ACCEPTS = Behaviour()


@dataclass(frozen=True)
class Account:
    document_number: str
    person: Person
    behaviour: Behaviour = ACCEPTS
    profile: Profile = PROFILES[Variant.USUAL]
    revoked: bool = False
    states_level: str | None = None
    """What the service says of the certificate, when it is not true."""

    @property
    def identifier(self) -> str:
        return self.person.identifier

    @property
    def level(self) -> str:
        return ADVANCED if self.document_number.endswith("-NQ") else QUALIFIED

    def with_variant(self, variant: Variant) -> "Account":
        return replace(self, profile=PROFILES[variant], revoked=variant is Variant.REVOKED)


_OK_DEVICE_LINK = """
PNOEE-40404040009-MOCK-Q PNOLT-40404040009-MOCK-Q PNOLV-040404-10003-DEMO-Q PNOBE-04040400287-MOCK-Q
PNOEE-61101019999-MOCK-Q PNOLT-61101019999-MOCK-Q PNOLT-61101019988-MOCK-NQ PNOLV-010111-22341-MOCK-Q
PNOLV-320000-00008-DEMO-Q PNOLV-020211-12351-MOCK-NQ PNOBE-11010199815-MOCK-Q
"""
_OK_NOTIFICATION = """
PNOEE-40504040001-DEM0-Q PNOLT-40504040001-MOCK-Q PNOLV-050405-10009-DEM0-Q PNOLV-320000-10003-DEMO-Q
PNOBE-05040400032-DEMO-Q PNOLT-40504049999-MOCK-NQ PNOLV-050404-19993-DEMO-NQ PNOEE-50001029996-DEMO-Q
PNOLT-50001029996-DEMO-Q PNOLV-020100-29990-MOCK-Q PNOBE-00010299944-MOCK-Q PNOEE-39901012239-MOCK-Q
PNOLT-39901012239-DEMO-Q PNOLV-030303-10215-MOCK-Q PNOBE-99010199987-DEMO-Q PNOEE-61101012257-MOCK-Q
PNOLT-61101012257-MOCK-Q PNOLV-010111-23474-DEME-Q PNOLV-320000-00032-DEMO-Q PNOLV-311299-19993-MOCK-Q
PNOLV-329999-99901-MOCK-Q PNOLV-329999-99709-MOCK-Q PNOLT-30303039914-MOCK-Q PNOLT-49912318881-MOCK-NQ
PNOLV-030303-10004-MOCK-Q PNOLV-040404-19999-MOCK-Q PNOLV-040404-19980-MOCK-Q PNOLV-311299-18886-MOCK-NQ
"""
_WITHOUT_BIRTH = {"PNOLV-329999-99709-MOCK-Q"}
# By ending: the digits in Estonia and Lithuania, the code in Latvia, the digits in Belgium.
_ENDINGS = {
    Behaviour("USER_REFUSED"): ("30403039917", "030403-10016", "00010238349"),
    Behaviour("USER_REFUSED_INTERACTION", TEXT_AND_PIN): ("30403039928", "030403-10024", "00010267350"),
    Behaviour("USER_REFUSED_INTERACTION", OLD_CODE_CHOICE): ("30403039939", "030403-10032", "00010266756"),
    Behaviour("USER_REFUSED_INTERACTION", CONFIRMATION): ("30403039946", "030403-10040", "00010232708"),
    Behaviour("USER_REFUSED_INTERACTION", CODE_CHOICE): ("30403039950", "030403-10059", "00010211724"),
    Behaviour("WRONG_VC"): ("30403039972", "030403-10075", "00010216276"),
    Behaviour("TIMEOUT"): ("30403039983", "030403-10083", "00010220335"),
}


def preloaded() -> dict[str, Account]:
    """By document number."""
    accounts = [account(number) for number in (_OK_DEVICE_LINK + _OK_NOTIFICATION).split()]
    for behaviour, (baltic, latvian, belgian) in _ENDINGS.items():
        identifiers = (f"EE-{baltic}", f"LT-{baltic}", f"LV-{latvian}", f"BE-{belgian}")
        accounts += [account(f"PNO{identifier}-MOCK-Q", behaviour=behaviour) for identifier in identifiers]
    return {each.document_number: each for each in accounts}


def account(
    document_number: str,
    *,
    given_name: str = "OK",
    surname: str = "TESTNUMBER",
    behaviour: Behaviour = ACCEPTS,
    variant: Variant | None = None,
) -> Account:
    """The usual variant for the suffix, unless told."""
    found = re.fullmatch(r"((?:PNO|PAS|IDC)[A-Z]{2}-.+)-[A-Z0-9]{4}-(N?Q)", document_number)
    assert found
    qualified = found[2] == "Q"
    born = None if document_number in _WITHOUT_BIRTH or not qualified else dt.date(1999, 1, 1)
    person = Person(found[1], given_name, surname, born)
    usual = Variant.USUAL if qualified else Variant.NOT_QUALIFIED
    return Account(document_number, person, behaviour).with_variant(variant or usual)
