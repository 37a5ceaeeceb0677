"""Signing in by the municipality's own OpenID provider: off to it, back once, and whose account that is.

An address that is typed leads to the upstream of its domain, whether or not anybody has it. Not here: whose
account who arrives is (`upstream_arrivals.py`), the protocol (`oidc/upstream.py`), the pages
(`web/upstream.py`).
"""

from collections.abc import Mapping
from typing import Final

from idp.crypto import token_hash
from idp.effects import Effects, Instant
from idp.errors import Reason
from idp.events import Event, EventType
from idp.login.browsers import told_browser
from idp.login.flow import Answered, Login
from idp.login.look import Look
from idp.login.sessions import Sessions, SignedIn, Visitor
from idp.login.upstream_arrivals import UpstreamAccounts
from idp.login.upstream_links import is_open, leaving_method
from idp.login.upstream_return import Returned, who_came
from idp.methods.base import Method, Rejected
from idp.models.upstreams import (
    LogoutNotice,
    Upstream,
    Wanted,
    domain_of,
)
from idp.storage.database import Database
from idp.storage.ephemeral import Shelf
from idp.storage.sealed_shelf import SealedShelf
from idp.storage.vault import Vault

SECONDS_TO_RETURN: Final = 600
_KIND: Final = "upstream-begun"


class Upstreams:
    def __init__(
        self,
        *,
        database: Database,
        shelf: Shelf,
        vault: Vault,
        methods: Mapping[str, Method],
        sessions: Sessions,
        login: Login,
        effects: Effects,
    ) -> None:
        self._database = database
        self._begun = SealedShelf(shelf, vault, _KIND)
        self._method = leaving_method(methods)
        self._accounts = UpstreamAccounts(database, self._method, effects)
        self._sessions = sessions
        self._login = login
        self._effects = effects

    @property
    def method_id(self) -> str:
        return self._method.facts.id

    # Out ------------------------------------------------------------------------------------------------

    def find_for_address(self, typed: str) -> Upstream | None:
        """By the domain alone. Costs nothing where no address was typed."""
        domain = domain_of(typed) if "@" in typed else None
        if domain is None:
            return None
        with self._database.read() as work:
            upstream = work.upstreams.find_for_domain(domain)
            return upstream if upstream is not None and is_open(work, upstream, self.method_id) else None

    def find_of_person(self, look: Look) -> Upstream | None:
        """The one linked to who is known in this sign-in already."""
        linked = look.person.subject.of(self.method_id) if look.person is not None else []
        with self._database.read() as work:
            found = (work.upstreams.find_of_identity(credential.secret) for credential in linked)
            return next((upstream for upstream in found if upstream is not None), None)

    def leave(
        self,
        look: Look,
        upstream: Upstream,
        *,
        login_hint: str,
        language: str,
        shared: bool,
        not_before: Instant | None = None,
    ) -> str | Rejected:
        """The address to send the browser to. `not_before`: when more is asked than the application does;
        `shared`: the computer is, so whoever was there before may still be logged in there.
        """
        required = look.transaction.requirements
        if shared:
            not_before = self._effects.now()
        moments = [moment for moment in (required.not_before, not_before) if moment is not None]
        wanted = Wanted(
            login_hint=login_hint,
            not_before=max(moments, default=None),
            anew=required.fresh or not_before is not None,
            choose_account=required.select_account,
            language=language,
        )
        leaving = self._method.set_out(upstream, wanted)
        if isinstance(leaving, Rejected):
            return leaving
        begun = {
            "transaction": look.transaction.id,
            "upstream": upstream.id,
            "hint": login_hint,
            "language": language,
            "kept": dict(leaving.kept),
        }
        until = self._effects.now() + SECONDS_TO_RETURN
        self._begun.put(token_hash(leaving.state), begun, expires_at=until)
        return leaving.address

    # Back -----------------------------------------------------------------------------------------------

    def transaction_of(self, state: str) -> str | None:
        """Which sign-in waits for it; uses nothing up."""
        begun = self._begun.find(token_hash(state))
        return str(begun["transaction"]) if begun is not None else None

    def came_back(
        self, look: Look, returned: Returned, *, visitor: Visitor, signed_in: SignedIn | None
    ) -> Answered | str:
        """An address where it must be asked once more, for something newer. `look`: of the sign-in that
        waits, found by the browser it is bound to.
        """
        begun = self._begun.take(token_hash(returned.state))
        if begun is None or begun["transaction"] != look.transaction.id:
            return self._refused(look, Reason.UPSTREAM_ANSWER_BROKEN, visitor)
        came = who_came(self._database, self._method, begun, returned)
        if isinstance(came, Reason):
            return self._refused(look, came, visitor)
        upstream, arrived = came.upstream, came.arrived
        user = self._accounts.account_of(upstream, arrived, visitor)
        if isinstance(user, Reason):
            return self._refused(look, user, visitor)
        if look.person is not None and look.person.user.id != user.id:
            return self._refused(look, Reason.UPSTREAM_OTHER_PERSON, visitor)
        if user.proofs_not_before is not None and arrived.at < user.proofs_not_before:
            return self.leave(
                look,
                upstream,
                login_hint=begun["hint"],
                language=begun["language"],
                shared=visitor.shared,
                not_before=user.proofs_not_before,
            )
        answer = self._method.answer_of(upstream, arrived)
        return self._login.answer(look, self.method_id, answer, visitor=visitor, signed_in=signed_in)

    def end(self, notice: LogoutNotice) -> None:
        """Every session that leans on the identity that left, and whatever is half-way with it."""
        now = self._effects.now()
        with self._database.begin() as work:
            found = work.upstreams.list_sessions(notice.upstream_id, sub=notice.sub, sid=notice.sid)
            for user_id, credential_id in sorted({(each.user_id, each.credential_id) for each in found}):
                work.sessions.void_unfinished(user_id, now)
                for session_id in work.sessions.list_leaning_on(user_id, credential_id):
                    event = Event(
                        type=EventType.SESSION_ENDED,
                        user_id=user_id,
                        method=self.method_id,
                        detail={"upstream": notice.upstream_id},
                    )
                    self._sessions.end(work, session_id, event)

    def _refused(self, look: Look, reason: Reason, visitor: Visitor) -> Rejected:
        with self._database.begin() as work:
            work.audit.append(
                Event(
                    type=EventType.METHOD_FAILED,
                    user_id=look.person.user.id if look.person else None,
                    client_id=look.transaction.client_id,
                    method=self.method_id,
                    reason=reason.code,
                    address=visitor.address,
                    detail=told_browser(visitor.user_agent),
                )
            )
        return Rejected(reason)
