"""What policy must know of a method: its kind of factor and what it is worth. No behaviour."""

from dataclasses import dataclass
from enum import Enum


class Factor(Enum):
    KNOWLEDGE = "knowledge"
    POSSESSION = "possession"
    UPSTREAM = "upstream"


class Device(Enum):
    """What a person has at hand; the values stand in addresses."""

    COMPUTER = "computer"
    """One that knows a fingerprint, a face or a PIN."""
    PHONE = "phone"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodFacts:
    """`amr`: RFC 8176 values its proof is told by."""

    id: str
    factor: Factor
    amr: tuple[str, ...]
    phishing_resistant: bool = False
    touch_is_enough: bool = False
    """Whoever holds it may pass with a touch alone; a proof says itself whether the user was verified."""
    with_username: bool = False
    """Asked for on the same page as the username."""
    enrollable: bool = False
    """A person may set it up in the middle of a sign-in."""
    backup: bool = False
    """Stands in when the usual way is lost; offered last and never enrolled alone."""
    several: bool = False
    """A person may have more than one, each with a name of its own."""
    one_answer: bool = False
    """A challenge takes one answer, right or wrong; for the next there is another challenge."""
    needs: frozenset[Device] = frozenset()
    """Any one of these will do; none: nothing to advise."""
    elsewhere: bool = False
    """Kept by somebody outside: nobody sets it up, changes or removes it on our pages."""
    companion: bool = False
    """Leans on other ways to sign in: set up by who has one besides, and goes when the last of them goes."""
    credential_of: str = ""
    """The method whose credentials these are, too: what blocks or refuses those holds for both."""
    unattended: bool = False
    """Passes without anybody at the keyboard, so it never shows that somebody is there now (`not_before`)."""


@dataclass(frozen=True, slots=True)
class Proof:
    """This user passed this method at this time (Unix seconds).

    `user_verified`: the device itself made sure of who holds it (WebAuthn UV).
    `credential_id`: what it was passed with; None in proofs from before that was written down.
    `multi_factor`: who vouched for it elsewhere says that it took two factors, and is believed.
    """

    method: str
    at: float
    user_verified: bool = False
    credential_id: str | None = None
    instead_of: str = ""
    """The way that gave no answer, in whose place this was allowed."""
    multi_factor: bool = False

    def is_by(self, method: str, credential_id: str | None = None) -> bool:
        """Made with that credential, or with any of the method; one that does not say may be of any."""
        return self.method == method and (
            credential_id is None or self.credential_id in {None, credential_id}
        )
