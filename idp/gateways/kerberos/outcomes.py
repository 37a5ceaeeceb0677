"""Why a ticket was not accepted. A closed list."""

from enum import Enum


class Refusal(Enum):
    UNREADABLE = "unreadable"
    TOO_LONG = "too_long"
    NTLM = "ntlm"
    SEVERAL_LEGS = "several_legs"
    """It would take more than one answer to agree on Kerberos."""
    WEAK = "weak"
    """Not sealed by AES."""
    OTHER_KEY = "other_key"
    """No key that we were given opens it: they are older than the service's password, or it is not for us."""
    EXPIRED = "expired"
    CLOCKS = "clocks"
    """The computer's clock and ours differ by more than five minutes."""
    REPLAYED = "replayed"
    NO_SID = "no_sid"
    """Nothing in it that the directory signed says whose account it is."""
    DELEGATED = "delegated"
    """A server got it in the account's name: it does not show that anybody sits there."""
    UNAVAILABLE = "unavailable"
    """The library is not there, or cannot work."""
    REFUSED = "refused"
    """For a reason that is not on this list."""


class TicketError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
