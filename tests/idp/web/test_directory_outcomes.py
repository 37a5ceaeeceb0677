"""Every outcome of asking a directory, with its own reason and event, and the sentence that somebody reads.

52e, 533, 701, 532, 773, 775, no answer, a certificate that is not trusted, our own account refused.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from idp.errors import Reason
from idp.events import EventType
from idp.gateways.ldap.door import Door
from idp.languages import catalogue
from idp.models.audit import AuditEvent
from idp.storage.prepared import Prepared
from idp.storage.unit import records, table_of
from tests.support.actors import Hall
from tests.support.certificates import Authority
from tests.support.directories import LOCKS_AFTER, PASSWORD, Connected, connect, forgive, person, route_to
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
_TRAIL = Prepared(select(table_of(AuditEvent)).order_by(table_of(AuditEvent).c.seq))
FAILED, AWAY = EventType.METHOD_FAILED.value, EventType.DIRECTORY_UNAVAILABLE.value


@dataclass(frozen=True)
class Row:
    name: str
    reason: Reason
    event: str = FAILED
    password: str = PASSWORD
    broken: dict[str, Any] | None = None


TABLE = [
    Row("o_fine", Reason.DIRECTORY_WRONG_PASSWORD, password="wrong"),
    Row("o_disabled", Reason.DIRECTORY_DISABLED),
    Row("o_account_expired", Reason.DIRECTORY_ACCOUNT_EXPIRED),
    Row("o_password_expired", Reason.DIRECTORY_PASSWORD_EXPIRED),
    Row("o_must_change", Reason.DIRECTORY_MUST_CHANGE),
    Row("o_disabled_must_change", Reason.DIRECTORY_DISABLED),
    Row("o_locked", Reason.DIRECTORY_LOCKED_OUT),
    Row("o_fine", Reason.DIRECTORY_EMPTY_PASSWORD, password=""),
    Row("o_fine", Reason.DIRECTORY_UNREACHABLE, AWAY, broken={"controllers": ["127.0.0.1:1"]}),
    Row("o_fine", Reason.DIRECTORY_UNTRUSTED, AWAY, broken={"ca_certificates": "another"}),
    Row("o_fine", Reason.DIRECTORY_OWN_ACCOUNT_REFUSED, AWAY, broken={"account": "nobody@ad.riga.test"}),
]
WRONG = {row.reason for row in TABLE if row.reason.public == Reason.UNKNOWN_USER.public}


def locks_out(controller: Controller, name: str) -> None:
    door = Door(route_to(controller))
    for _ in range(LOCKS_AFTER):
        door.bind(controller.upn(name), "wrong")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.reason.code)
def test_each_is_its_own_reason(hall: Hall, riga_domain: Controller, tmp_path: Path, row: Row):
    riga: Connected = connect(hall, riga_domain)
    state = row.name.removeprefix("o_")
    known = riga_domain.change()
    if row.name not in known:
        fine = state in {"fine", "locked"}
        riga_domain.change(person(row.name, **({} if fine else {"state": state})))
    somebody = riga.employs(row.name)
    if state == "locked":
        locks_out(riga_domain, row.name)
    if row.broken is not None:
        another = Authority(tmp_path / "another").ca_file.read_text()
        riga.put(**{name: another if value == "another" else value for name, value in row.broken.items()})
    browser = hall.browser()
    browser.opens("/")
    browser.presses(username=somebody.username, password=row.password)
    assert not browser.is_signed_in
    assert catalogue("lv").gettext(row.reason.public) in browser.page.content.text
    with hall.world.database.read() as work:
        trail = [each for each in records(AuditEvent, work.rows(_TRAIL)) if each.reason]
    assert [(each.type, each.reason) for each in trail] == [(row.event, row.reason.code)]
    assert trail[0].user_id == somebody.user.id
    forgive(riga_domain)


def test_what_reveals_something_is_said_to_nobody_who_does_not_know_the_password():
    """The rest reads like a password of ours that is wrong."""
    assert {
        Reason.DIRECTORY_WRONG_PASSWORD,
        Reason.DIRECTORY_LOCKED_OUT,
        Reason.DIRECTORY_EMPTY_PASSWORD,
    } == WRONG
