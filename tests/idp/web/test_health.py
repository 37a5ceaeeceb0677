"""Readiness names Smart-ID where it is set up, and never fails because of it."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from idp.errors import Refused
from idp.gateways.smart_id.breaker import FAILURES, REST_SECONDS
from idp.gateways.smart_id.door import SmartId
from idp.gateways.smart_id.interactions import Interaction
from idp.gateways.smart_id.words import Screen
from tests.support.actors import Browser, Hall
from tests.support.certificates import Authority
from tests.support.smart_id.authority import SmartIdAuthority
from tests.support.smart_id.running import Emulator, running_emulator
from tests.support.smart_id.service import NAME, RELYING_PARTY

SHOWN = (Interaction(screen=Screen.TEXT_AND_PIN, text="Pārbaude"),)


@pytest.fixture
def emulator(authority: Authority, tmp_path: Path) -> Iterator[Emulator]:
    with running_emulator(authority.server(), SmartIdAuthority(), lambda: 0.0, folder=tmp_path) as running:
        yield running


@pytest.fixture
def connected(emulator: Emulator, authority: Authority, fresh_database: str) -> Iterator[Hall]:
    options = {
        "smart_id_base_url": emulator.base_url,
        "smart_id_scheme_name": "smart-id-demo",
        "smart_id_rp_uuid": RELYING_PARTY,
        "smart_id_rp_name": NAME,
        "smart_id_anchors_file": emulator.anchors,
        "smart_id_pins": (emulator.pin,),
        "smart_id_ca_file": authority.ca_file,
        "outbound_allow": (ip_network("127.0.0.0/8"), ip_network("::1/128")),
    }
    hall = Hall(fresh_database, options=options)
    yield hall
    hall.close()


def ready(browser: Browser) -> tuple[int, dict[str, str]]:
    answer = browser.http.get("/healthz/ready")
    return answer.status_code, answer.json()


def fails(smart_id: SmartId) -> None:
    with pytest.raises(Refused):
        smart_id.begin_with_link(SHOWN, callback_url=None)


def test_a_service_that_keeps_failing_is_named_degraded_until_it_answers(connected: Hall, emulator: Emulator):
    browser, smart_id = connected.browser(), connected.provider.smart_id
    assert smart_id
    assert ready(browser) == (200, {"status": "ok", "smart_id": "ok"})
    emulator.service.faults.status = 580
    for _ in range(FAILURES):
        fails(smart_id)
    assert ready(browser) == (200, {"status": "ok", "smart_id": "degraded"})
    connected.clock.move(REST_SECONDS)
    assert ready(browser) == (200, {"status": "ok", "smart_id": "degraded"})
    emulator.service.faults.status = None
    assert smart_id.begin_with_link(SHOWN, callback_url=None)
    assert ready(browser) == (200, {"status": "ok", "smart_id": "ok"})


def test_where_it_is_not_set_up_it_is_not_named(browser: Browser):
    assert ready(browser) == (200, {"status": "ok"})
