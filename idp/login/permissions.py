"""What a person let an application have, taken back. Not here: giving it (`oidc/consent.py`)."""

from idp.effects import Instant
from idp.storage.work import Work


def take_back(work: Work, user_id: str, client_id: str, at: Instant) -> bool:
    """With every token that came of it, and the application is told; False for none.

    Whoever asks writes it down.
    """
    if not work.grants.withdraw_consent(user_id, client_id):
        return False
    work.grants.revoke_families_of_user(user_id, at, client_id)
    if (client := work.clients.find(client_id)) is not None:
        work.sessions.leave_client(user_id, client, at)
    return True
