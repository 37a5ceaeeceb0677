"""What sessions of people are called on the shelf: found by cookie, or by the provider's names for them."""

from connectors.kit.relying_party import SignedIn

SESSION = "session"


def labels_of(person: SignedIn) -> list[str]:
    of_sign_in = [of_session(person.session_id)] if person.session_id else []
    return [*of_sign_in, of_subject(person.subject)]


def of_session(session_id: str) -> str:
    """By the provider's `sid`: this person in this browser."""
    return f"sid:{session_id}"


def of_subject(subject: str) -> str:
    """By `sub`: this person wherever they are."""
    return f"sub:{subject}"
