"""People who have confirmed who owns their account, as a finished confirmation leaves it."""

from dataclasses import replace
from typing import Any

from idp.models.confirmations import Assurance, ConfirmedBy, IdentityRead
from idp.models.in_person import DocumentKind
from idp.models.people import User
from idp.models.person_code import PersonCode
from tests.support.builders import World

CODE = PersonCode.parse("320000-00015")


def confirm(
    world: World, user: User, *, by: ConfirmedBy = ConfirmedBy.SMART_ID, **columns: Any
) -> IdentityRead:
    """Now, with names as a certificate has them unless others are given."""
    in_person = by is ConfirmedBy.IN_PERSON
    read = IdentityRead(
        code=CODE,
        given_name="ANNA",
        family_name="BĒRZIŅA",
        confirmed_by=by,
        assurance=Assurance.SUBSTANTIAL if in_person else Assurance.HIGH,
        read_at=world.clock.at,
        flow=DocumentKind.PASSPORT if in_person else "QR",
        certificate_fingerprint="" if in_person else "ab" * 32,
        evidence="C-17" if in_person else "cd" * 32,
    )
    read = replace(read, **columns)
    with world.database.begin() as work:
        work.confirmations.put(user.id, read, consent_version="1", consent_language="lv")
    return read
