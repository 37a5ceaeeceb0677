"""Emulated people and authorities: one authority for each test process, since keys take their time."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest

from idp.effects import Effects
from idp.gateways.outbound import Outbound
from idp.gateways.smart_id.anchors import read_anchors
from idp.gateways.smart_id.door import SmartId, open_smart_id
from idp.gateways.smart_id.environment import Environment, Revocation, read_pin
from idp.gateways.smart_id.words import Scheme
from tests.support.builders import Clock
from tests.support.certificates import Authority
from tests.support.smart_id.authority import SmartIdAuthority
from tests.support.smart_id.running import Emulator, running_emulator
from tests.support.smart_id.service import NAME, RELYING_PARTY, Service
from tests.support.smart_id.studio import Studio

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


@dataclass
class Rig:
    """The gateway and the emulator, with a TLS connection between them and one clock."""

    emulator: Emulator
    clock: Clock
    environment: Environment
    authority: Authority

    @property
    def service(self) -> Service:
        return self.emulator.service

    def smart_id(self, **changes: object) -> SmartId:
        from dataclasses import replace

        outbound = Outbound(ca_file=self.authority.ca_file, allowed=LOOPBACK)
        environment = replace(self.environment, **changes)
        return open_smart_id(environment, Effects(now=self.clock), responders=outbound)


@pytest.fixture(scope="session")
def people() -> SmartIdAuthority:
    return SmartIdAuthority()


@pytest.fixture
def studio(people: SmartIdAuthority) -> Studio:
    return Studio(people)


@pytest.fixture
def rig(people: SmartIdAuthority, authority: Authority, tmp_path: Path) -> Iterator[Rig]:
    clock = Clock()
    with running_emulator(authority.server(), people, clock, folder=tmp_path) as emulator:
        environment = Environment(
            base_url=emulator.base_url,
            relying_party_id=RELYING_PARTY,
            relying_party_name=NAME,
            anchors=read_anchors(emulator.anchors.read_bytes(), Scheme.DEMO),
            pins=frozenset({read_pin(emulator.pin)}),
            revocation=Revocation.REQUIRED,
            countries=frozenset({"LV"}),
        )
        yield Rig(emulator, clock, environment, authority)


@pytest.fixture
def smart_id(rig: Rig) -> SmartId:
    return rig.smart_id()
