"""The gateway and the emulator, with a TLS connection between them and one clock."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any

import httpx
import pytest

from idp.effects import Effects
from idp.gateways.eparaksts.door import Begun, EParaksts, callback_address
from idp.gateways.eparaksts.environment import Environment, Server, Stage
from idp.gateways.eparaksts.ways import Way
from idp.gateways.outbound import Outbound
from tests.support.builders import Clock
from tests.support.certificates import Authority
from tests.support.eparaksts.people import ANDRIS, Person
from tests.support.eparaksts.running import Emulator, Visitor, running_emulator
from tests.support.eparaksts.service import CLIENT_ID, CLIENT_SECRET, Service

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
CALLBACK = callback_address("https://visvaris.lv")


@dataclass
class Rig:
    emulator: Emulator
    clock: Clock
    environment: Environment
    authority: Authority
    visitor: Visitor

    @property
    def service(self) -> Service:
        return self.emulator.service

    def eparaksts(self, **changes: Any) -> EParaksts:
        outbound = Outbound(ca_file=self.authority.ca_file, allowed=LOOPBACK)
        return EParaksts(replace(self.environment, **changes), Effects(now=self.clock), service=outbound)

    def begin(self, way: Way = Way.MOBILE) -> Begun:
        return self.eparaksts().begin(way, callback_url=CALLBACK, language="lv")

    def returned(self, begun: Begun, person: Person = ANDRIS) -> str:
        """The query of whoever went there and came back."""
        return self.visitor.proves(person, begun.address)


@pytest.fixture
def rig(authority: Authority) -> Iterator[Rig]:
    clock = Clock()
    trust = ssl.create_default_context(cafile=authority.ca_file)
    with (
        running_emulator(clock, redirect_uris=[CALLBACK], issued=authority.server()) as emulator,
        httpx.Client(timeout=20, verify=trust) as http,
    ):
        environment = Environment(
            stage=Stage.DEMO,
            origin=emulator.origin,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            server=Server.IDENTIFICATION,
        )
        yield Rig(emulator, clock, environment, authority, Visitor(http))


@pytest.fixture
def eparaksts(rig: Rig) -> EParaksts:
    return rig.eparaksts()
