"""The parts of the protocol that several endpoints share, made once and handed to each that needs them."""

from dataclasses import dataclass

from idp.effects import Effects
from idp.gateways.outbound import Outbound
from idp.oidc.client_keys import ClientKeys
from idp.oidc.clients import Clients
from idp.oidc.codes import Codes
from idp.oidc.consent import Consents
from idp.oidc.device_codes import DeviceCodes
from idp.oidc.dpop import DPoP
from idp.oidc.encryption import Encryption
from idp.oidc.id_tokens import IdTokens
from idp.oidc.keys import KeyRing
from idp.oidc.options import Options
from idp.oidc.senders import Senders
from idp.oidc.subjects import Subjects
from idp.oidc.tokens import AccessTokens
from idp.storage.database import Database
from idp.storage.ephemeral import Shelf
from idp.storage.open import Storage
from idp.storage.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    options: Options
    database: Database
    shelf: Shelf
    vault: Vault
    outbound: Outbound
    effects: Effects
    keys: KeyRing
    clients: Clients
    client_keys: ClientKeys
    encryption: Encryption
    subjects: Subjects
    codes: Codes
    device_codes: DeviceCodes
    consents: Consents
    id_tokens: IdTokens
    access_tokens: AccessTokens
    senders: Senders


def make_core(
    options: Options, *, storage: Storage, vault: Vault, outbound: Outbound, effects: Effects
) -> Core:
    """Connects to nothing yet."""
    keys, clients = KeyRing(storage.database, vault, effects), Clients(storage.database)
    client_keys, subjects = ClientKeys(outbound, effects), Subjects(storage.database, vault)
    encryption = Encryption(client_keys)
    return Core(
        options=options,
        database=storage.database,
        shelf=storage.shelf,
        vault=vault,
        outbound=outbound,
        effects=effects,
        keys=keys,
        clients=clients,
        client_keys=client_keys,
        encryption=encryption,
        subjects=subjects,
        codes=Codes(storage.shelf, effects),
        device_codes=DeviceCodes(storage.shelf, effects),
        consents=Consents(storage.database, effects),
        id_tokens=IdTokens(
            issuer=options.issuer,
            keys=keys,
            clients=clients,
            subjects=subjects,
            encryption=encryption,
            effects=effects,
        ),
        access_tokens=AccessTokens(
            issuer=options.issuer,
            keys=keys,
            clients=clients,
            subjects=subjects,
            storage=storage,
            effects=effects,
        ),
        senders=Senders(
            DPoP(options=options, database=storage.database, shelf=storage.shelf, effects=effects), clients
        ),
    )
