"""The one place that knows every method, in the order in which they are preferred."""

from collections.abc import Iterable, Iterator, Mapping

from idp.effects import Effects
from idp.errors import Reason
from idp.methods.base import Method
from idp.methods.directory.answers import Answers
from idp.methods.directory.doors import Doors
from idp.methods.directory.kerberos import Kerberos
from idp.methods.directory.method import DirectoryPassword, vouched_for
from idp.methods.password.hashing import Argon2Parameters
from idp.methods.password.hashing import calibrate as calibrate_argon2
from idp.methods.password.method import Password
from idp.methods.phone_approval import PhoneApproval
from idp.methods.recovery_code import FEW_LEFT, RecoveryCode
from idp.methods.totp import Totp
from idp.methods.upstream_oidc import NOWHERE, Party, UpstreamOidc
from idp.methods.webauthn.ceremony import WebAuthnParty
from idp.methods.webauthn.metadata import Changes as MetadataChanges
from idp.methods.webauthn.metadata import OlderListError, take_over
from idp.methods.webauthn.metadata_blob import BYTES_AT_MOST as BLOB_BYTES_AT_MOST
from idp.methods.webauthn.metadata_blob import Blob, UntrustedBlobError, read_blob
from idp.methods.webauthn.passkey import Passkey
from idp.methods.webauthn.security_key import SecurityKey
from idp.models.people import Credential, User
from idp.storage.approval_requests import ApprovalRequests
from idp.storage.open import Storage
from idp.storage.vault import Vault

__all__ = [
    "BLOB_BYTES_AT_MOST",
    "FEW_LEFT",
    "Argon2Parameters",
    "Blob",
    "MetadataChanges",
    "Methods",
    "OlderListError",
    "UntrustedBlobError",
    "WebAuthnParty",
    "calibrate_argon2",
    "given_password",
    "given_totp",
    "methods",
    "read_blob",
    "take_over",
    "vouched_for",
]


class Methods(Mapping[str, Method]):
    """Methods by id, in order of preference."""

    def __init__(self, ordered: Iterable[Method]) -> None:
        self._by_id = {method.facts.id: method for method in ordered}

    def __getitem__(self, method_id: str) -> Method:
        return self._by_id[method_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)


def methods(
    *,
    effects: Effects,
    vault: Vault,
    parameters: Argon2Parameters,
    hashes_at_once: int,
    issuer_name: str,
    webauthn: WebAuthnParty,
    approvals: ApprovalRequests,
    issuer: str,
    directories: Storage | None = None,
    upstreams: Party = NOWHERE,
) -> tuple[Method, ...]:
    """`hashes_at_once` bounds argon2id in this process; `issuer_name` is shown by authenticator apps;
    `webauthn` is who we are to passkeys and security keys; `issuer` is what links begin with;
    `directories`: where those of municipalities are kept, without which none is asked;
    `upstreams`: how those of municipalities are asked, if they are to be.
    """
    password = Password(parameters=parameters, at_once=hashes_at_once, effects=effects)
    return (
        Passkey(party=webauthn, effects=effects),
        password,
        *(_by_directory(directories, password, effects) if directories else ()),
        UpstreamOidc(party=upstreams, vault=vault, effects=effects),
        SecurityKey(party=webauthn, effects=effects),
        Totp(issuer=issuer_name, vault=vault, effects=effects),
        PhoneApproval(requests=approvals, issuer=issuer, effects=effects),
        RecoveryCode(vault=vault, effects=effects),
    )


def _by_directory(storage: Storage, password: Password, effects: Effects) -> tuple[Method, ...]:
    doors, answers = Doors(storage.database, effects), Answers(effects)
    by_password = DirectoryPassword(
        doors=doors,
        answers=answers,
        throttle=storage.throttle,
        effects=effects,
        clock=password.clock,
        fail_like=password.fail_like_one,
    )
    return by_password, Kerberos(doors=doors, answers=answers, shelf=storage.shelf, effects=effects)


def given_password(ordered: Iterable[Method], user: User, password: str) -> Credential | Reason:
    """A password an operator gives somebody: the credential to store, or why it may not be."""
    return next(method for method in ordered if isinstance(method, Password)).credential(user, password)


def given_totp(ordered: Iterable[Method], user: User, secret: bytes) -> Credential:
    """A secret known beforehand, as the demonstration has it."""
    return next(method for method in ordered if isinstance(method, Totp)).credential(user.id, secret)
