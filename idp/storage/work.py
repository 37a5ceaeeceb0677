"""A unit of work with the stores in it. Not here: what each store asks."""

import threading

from idp.effects import Effects
from idp.storage.arrivals import ArrivalStore
from idp.storage.audit import AuditStore
from idp.storage.authenticators import AuthenticatorStore
from idp.storage.cases import CaseStore
from idp.storage.clients import ClientCache, ClientStore
from idp.storage.computers import ComputerStore
from idp.storage.confirmations import ConfirmationStore
from idp.storage.connections import Connections
from idp.storage.contacts import ContactStore
from idp.storage.directories import DirectoryStore
from idp.storage.directory_states import DirectoryStateStore
from idp.storage.directory_sync import DirectorySyncStore
from idp.storage.grants import GrantStore
from idp.storage.in_person import IdentityCheckStore
from idp.storage.initial_tokens import InitialTokenStore
from idp.storage.invitations import InvitationStore
from idp.storage.keys import KeyStore
from idp.storage.keytabs import KeytabStore
from idp.storage.mails import MailStore
from idp.storage.municipality_rules import MunicipalityRuleStore
from idp.storage.networks import NetworkStore
from idp.storage.notices import NoticeStore
from idp.storage.nudges import NudgeStore
from idp.storage.people import PeopleStore
from idp.storage.rules import RuleStore
from idp.storage.sessions import SessionStore
from idp.storage.tickets import TicketStore
from idp.storage.unit import Unit
from idp.storage.upstreams import UpstreamStore
from idp.storage.vault import Vault
from idp.storage.vouching import VouchingStore


class Work(Unit):
    def __init__(
        self,
        connections: Connections,
        writing: threading.local | None,
        *,
        vault: Vault,
        effects: Effects,
        client_cache: ClientCache,
    ) -> None:
        super().__init__(connections, writing, effects)
        self._vault = vault
        self._client_cache = client_cache

    @property
    def people(self) -> PeopleStore:
        return PeopleStore(self, self._vault)

    @property
    def rules(self) -> RuleStore:
        return RuleStore(self)

    @property
    def municipality_rules(self) -> MunicipalityRuleStore:
        return MunicipalityRuleStore(self)

    @property
    def computers(self) -> ComputerStore:
        return ComputerStore(self)

    @property
    def authenticators(self) -> AuthenticatorStore:
        return AuthenticatorStore(self)

    @property
    def clients(self) -> ClientStore:
        return ClientStore(self, self._client_cache)

    @property
    def initial_tokens(self) -> InitialTokenStore:
        return InitialTokenStore(self)

    @property
    def grants(self) -> GrantStore:
        return GrantStore(self)

    @property
    def sessions(self) -> SessionStore:
        return SessionStore(self)

    @property
    def tickets(self) -> TicketStore:
        return TicketStore(self)

    @property
    def notices(self) -> NoticeStore:
        return NoticeStore(self)

    @property
    def mails(self) -> MailStore:
        return MailStore(self)

    @property
    def contacts(self) -> ContactStore:
        return ContactStore(self)

    @property
    def confirmations(self) -> ConfirmationStore:
        return ConfirmationStore(self, self._vault)

    @property
    def identity_checks(self) -> IdentityCheckStore:
        return IdentityCheckStore(self, self._vault)

    @property
    def directory_states(self) -> DirectoryStateStore:
        return DirectoryStateStore(self)

    @property
    def directories(self) -> DirectoryStore:
        return DirectoryStore(self, self._vault)

    @property
    def arrivals(self) -> ArrivalStore:
        return ArrivalStore(self)

    @property
    def invitations(self) -> InvitationStore:
        return InvitationStore(self)

    @property
    def keytabs(self) -> KeytabStore:
        return KeytabStore(self, self._vault)

    @property
    def directory_syncs(self) -> DirectorySyncStore:
        return DirectorySyncStore(self)

    @property
    def networks(self) -> NetworkStore:
        return NetworkStore(self)

    @property
    def nudges(self) -> NudgeStore:
        return NudgeStore(self)

    @property
    def keys(self) -> KeyStore:
        return KeyStore(self, self._vault)

    @property
    def cases(self) -> CaseStore:
        return CaseStore(self)

    @property
    def vouchings(self) -> VouchingStore:
        return VouchingStore(self)

    @property
    def upstreams(self) -> UpstreamStore:
        return UpstreamStore(self, self._vault)

    @property
    def audit(self) -> AuditStore:
        return AuditStore(self, self._vault)
