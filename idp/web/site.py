"""What every view may use: the provider's parts, hung on the Flask application once by `app.py`."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias, cast

from flask import Flask, current_app

from idp.effects import Effects
from idp.gateways.smart_id.door import SmartId
from idp.login.approvals import Approvals
from idp.login.enrolment import Enrolments
from idp.login.flow import Login
from idp.login.places import Places
from idp.login.remembered import RememberedComputers
from idp.login.sessions import Sessions
from idp.login.standing import Standings
from idp.login.tickets import Tickets
from idp.login.upstreams import Upstreams
from idp.login.workplaces import Workplaces
from idp.methods.base import Method
from idp.oidc.server import OpenIDProvider
from idp.oidc.upstream_logout import UpstreamLogout
from idp.people.arrivals import Arrivals
from idp.people.cases import Cases
from idp.people.contacts import Contacts
from idp.people.identity.ways import IdentityWays
from idp.people.letters import Letters
from idp.people.vouching import Vouching
from idp.people.walk import Walk
from idp.storage.open import Storage
from idp.storage.vault import Vault

Network: TypeAlias = IPv4Network | IPv6Network
_KEY = "visvaris"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """`issuer` is the only base that links are built from; `secure` says that people reach it over https.

    `origins`: where our pages may be open, as browsers write it; the issuer's and those of old host names.
    """

    issuer: str
    origins: tuple[str, ...]
    secure: bool
    trusted_proxies: tuple[Network, ...]
    support_contact: str
    effects: Effects
    storage: Storage
    vault: Vault
    methods: Mapping[str, Method]
    sessions: Sessions
    standings: Standings
    login: Login
    computers: RememberedComputers
    places: Places
    enrolments: Enrolments
    tickets: Tickets
    approvals: Approvals
    openid: OpenIDProvider
    contacts: Contacts
    letters: Letters
    cases: Cases
    walk: Walk
    identity: IdentityWays
    upstreams: Upstreams
    upstream_logout: UpstreamLogout
    smart_id: SmartId | None
    """None where it is not set up."""
    vouching: Vouching
    arrivals: Arrivals
    workplaces: Workplaces


def install(app: Flask, site: Site) -> None:
    app.extensions[_KEY] = site


def site() -> Site:
    return cast("Site", current_app.extensions[_KEY])
