"""An invitation for an upstream: the code is typed here first, then the person goes there and comes back.

Between the two stands a record that only this browser can come back to, by `state` and the cookie both, so
that neither another's code can be slipped into a browser's way back, nor one's own way back into another
browser. The person must log in there anew: whoever a browser happens to be there is linked to nobody. What is
redeemed is looked at again in the act that links and uses it up. Nobody is signed in by it.
"""

import hmac
from collections.abc import Mapping
from typing import Any, Final

from idp.crypto import token_hash
from idp.effects import Effects
from idp.errors import AlreadyExistsError, Reason, Refused
from idp.events import Event, EventType
from idp.login.browsers import told_browser
from idp.login.limits import Wait
from idp.login.sessions import Visitor
from idp.login.upstream_links import is_open, leaving_method, link
from idp.login.upstream_return import Came, Returned, who_came
from idp.login.upstreams import SECONDS_TO_RETURN
from idp.methods.base import Method, Rejected
from idp.models.upstreams import Upstream, Wanted
from idp.people.invitation_origins import linked_before
from idp.people.invitations import Found, Invitations, used
from idp.storage.database import Database
from idp.storage.ephemeral import Shelf
from idp.storage.sealed_shelf import SealedShelf
from idp.storage.vault import Vault
from idp.storage.work import Work

_KIND: Final = "upstream-invited"


class UpstreamInvitations:
    def __init__(
        self,
        invitations: Invitations,
        *,
        database: Database,
        shelf: Shelf,
        vault: Vault,
        methods: Mapping[str, Method],
        effects: Effects,
    ) -> None:
        self._invitations = invitations
        self._database = database
        self._begun = SealedShelf(shelf, vault, _KIND)
        self._method = leaving_method(methods)
        self._effects = effects

    def set_out(self, *, username: str, code: str, language: str, visitor: Visitor) -> str | Rejected | Wait:
        """The address to send the browser to."""
        found = self._invitations.redeem(username=username, typed_code=code, visitor=visitor)
        if not isinstance(found, Found):
            return found
        upstream, now = found.origin, self._effects.now()
        if not isinstance(upstream, Upstream):
            return Rejected(Reason.INVITATION_WRONG)
        with self._database.read() as work:
            if not is_open(work, upstream, self._method.facts.id):
                return Rejected(Reason.METHOD_NOT_OFFERED)
        leaving = self._method.set_out(upstream, Wanted(not_before=now, anew=True, language=language))
        if isinstance(leaving, Rejected):
            return leaving
        begun = {
            "browser": token_hash(visitor.browser),
            "invitation": found.invitation.id,
            "upstream": upstream.id,
            "kept": dict(leaving.kept),
        }
        self._begun.put(token_hash(leaving.state), begun, expires_at=now + SECONDS_TO_RETURN)
        return leaving.address

    def is_waiting(self, state: str, browser: str) -> bool:
        """Whether this browser was sent out with it; uses nothing up."""
        begun = self._begun.find(token_hash(state))
        return begun is not None and _is_of(begun, browser)

    def came_back(self, returned: Returned, visitor: Visitor) -> Rejected | None:
        """None: who came is linked."""
        begun = self._begun.take(token_hash(returned.state))
        if begun is None or not _is_of(begun, visitor.browser):
            return self._failed(Reason.UPSTREAM_ANSWER_BROKEN, visitor)
        came = who_came(self._database, self._method, begun, returned)
        if isinstance(came, Reason):
            return self._failed(came, visitor)
        try:
            with self._database.begin() as work:
                refused = self._link(work, begun["invitation"], came, visitor)
        except AlreadyExistsError:  # somebody was first, with the account there or the one here
            refused = Reason.INVITATION_TAKEN_THERE
        except Refused:  # as it was looked at before; nothing was done
            refused = Reason.INVITATION_WRONG
        return None if refused is None else self._failed(refused, visitor)

    def _link(self, work: Work, invitation_id: str, came: Came, visitor: Visitor) -> Reason | None:
        """Everything is looked at again in the act that links."""
        found = self._invitations.examine(work, invitation_id)
        if found is None or not isinstance(found.origin, Upstream) or found.origin.id != came.upstream.id:
            return Reason.INVITATION_WRONG
        upstream, user, subject = found.origin, found.user, came.arrived.subject
        if not is_open(work, upstream, self._method.facts.id):
            return Reason.METHOD_NOT_OFFERED
        identity = work.upstreams.find_identity(upstream.id, subject)
        if identity is not None and identity.user_id != user.id:
            return Reason.INVITATION_TAKEN_THERE
        if linked_before(work, upstream, user.id) is not None:
            return Reason.INVITATION_TAKEN_THERE
        if not work.invitations.use(invitation_id, self._effects.now()):
            return Reason.INVITATION_WRONG
        event = Event(type=EventType.METHOD_ENROLLED, actor_id=user.id, address=visitor.address)
        # In place of what is left of a link that was taken away, if anything is.
        link(work, self._method, upstream, subject, user, event, replaces=True)
        work.audit.append(used(found, subject, visitor))
        return None

    def _failed(self, reason: Reason, visitor: Visitor) -> Rejected:
        with self._database.begin() as work:
            work.audit.append(
                Event(
                    type=EventType.METHOD_FAILED,
                    method=self._method.facts.id,
                    reason=reason.code,
                    address=visitor.address,
                    detail=told_browser(visitor.user_agent),
                )
            )
        return Rejected(reason)


def _is_of(begun: Mapping[str, Any], browser: str) -> bool:
    return hmac.compare_digest(str(begun["browser"]).encode(), token_hash(browser).encode())
