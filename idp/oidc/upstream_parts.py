"""What speaks to upstreams, put together: its parts share the documents and keys they have fetched."""

from dataclasses import dataclass

from idp.effects import Effects
from idp.gateways.outbound import Outbound
from idp.gateways.patience import Patience
from idp.oidc.client_keys import ClientKeys
from idp.oidc.upstream import RelyingParty
from idp.oidc.upstream_logout import UpstreamLogout
from idp.oidc.upstream_metadata import Metadatas
from idp.oidc.upstream_tokens import UpstreamTokens
from idp.storage.open import Storage
from idp.storage.vault import Vault


@dataclass(frozen=True, slots=True)
class UpstreamProtocol:
    party: RelyingParty
    logout: UpstreamLogout


def upstream_protocol(
    issuer: str, storage: Storage, vault: Vault, outbound: Outbound, effects: Effects
) -> UpstreamProtocol:
    """Connects to nothing yet."""
    metadatas, patience = Metadatas(outbound, effects), Patience()
    tokens = UpstreamTokens(ClientKeys(outbound, effects), effects)
    return UpstreamProtocol(
        RelyingParty(
            issuer=issuer,
            metadatas=metadatas,
            tokens=tokens,
            outbound=outbound,
            vault=vault,
            effects=effects,
            patience=patience,
        ),
        UpstreamLogout(
            database=storage.database,
            shelf=storage.shelf,
            metadatas=metadatas,
            tokens=tokens,
            effects=effects,
            patience=patience,
        ),
    )
