"""Reads and writes upstreams, their domains, who waits to be linked, and what an upstream may end.

Not here: what is decided with them (`login/upstreams.py`).
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import bindparam, delete, or_, select, update

from idp.crypto import Place
from idp.models.arrivals import Match
from idp.models.people import Credential, Identity
from idp.models.upstreams import (
    ClientAuth,
    Upstream,
    UpstreamArrival,
    UpstreamDomain,
    UpstreamSession,
    Words,
)
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of
from idp.storage.vault import Vault

_AT_MOST: Final = 500
_KEPT_SECONDS: Final = 90 * 86400

_upstreams = table_of(Upstream)
_domains = table_of(UpstreamDomain)
_arrivals = table_of(UpstreamArrival)
_sessions = table_of(UpstreamSession)
_identities = table_of(Identity)
_credentials = table_of(Credential)

_ALL = Prepared(select(_upstreams).order_by(_upstreams.c.municipality, _upstreams.c.name).limit(_AT_MOST))
_ONE = Prepared(select(_upstreams).where(_upstreams.c.id == bindparam("upstream")))
_BY_ISSUER = Prepared(
    select(_upstreams).where(_upstreams.c.issuer == bindparam("issuer"), _upstreams.c.enabled).limit(_AT_MOST)
)
_BY_DOMAIN = Prepared(
    select(_upstreams)
    .join(_domains, _domains.c.upstream_id == _upstreams.c.id)
    .where(_domains.c.domain == bindparam("domain"), _upstreams.c.enabled)
)
_OF_IDENTITY = Prepared(
    select(_upstreams)
    .join(_identities, _identities.c.source == _upstreams.c.id)
    .where(_identities.c.id == bindparam("identity"), _upstreams.c.enabled)
)
_IDENTITY = Prepared(
    select(_identities).where(
        _identities.c.source == bindparam("source"), _identities.c.subject == bindparam("subject")
    )
)
_IDENTITY_OF_USER = Prepared(
    select(_identities).where(
        _identities.c.source == bindparam("source"), _identities.c.user_id == bindparam("user_id")
    )
)
_DOUBTED = Prepared(
    select(_credentials.c.id, _upstreams.c.enabled)
    .join(_identities, _identities.c.id == _credentials.c.secret)
    .join(_upstreams, _upstreams.c.id == _identities.c.source)
    .where(
        _credentials.c.user_id == bindparam("owner"),
        or_(_upstreams.c.enabled.is_(False), _upstreams.c.believes_mfa.is_(False)),
    )
    .limit(_AT_MOST)
)
_DOMAINS_OF = Prepared(
    select(_domains.c.domain)
    .where(_domains.c.upstream_id == bindparam("upstream"))
    .order_by(_domains.c.domain)
    .limit(_AT_MOST)
)
_SWITCH = Prepared(
    update(_upstreams).where(_upstreams.c.id == bindparam("upstream")).values(enabled=bindparam("is_on"))
)
_BELIEVE = Prepared(
    update(_upstreams)
    .where(_upstreams.c.id == bindparam("upstream"))
    .values(believes_mfa=bindparam("is_believed"), mfa_acr=bindparam("acr"))
)
_SET_RULE = Prepared(
    update(_upstreams)
    .where(_upstreams.c.id == bindparam("upstream"))
    .values(match_by=bindparam("rule"), match_claim=bindparam("claim"), creates_accounts=bindparam("creates"))
)
_RENEW = Prepared(
    update(_upstreams)
    .where(_upstreams.c.id == bindparam("upstream"))
    .values(
        client_secret_sealed=bindparam("sealed"),
        auth=bindparam("shown_by"),
        certificate=bindparam("shown"),
    )
)
_REMOVE_CREDENTIALS = Prepared(
    delete(_credentials).where(
        _credentials.c.secret.in_(
            select(_identities.c.id).where(_identities.c.source == bindparam("upstream"))
        )
    )
)
_REMOVE_IDENTITIES = Prepared(delete(_identities).where(_identities.c.source == bindparam("upstream")))
_REMOVE_CREDENTIAL = Prepared(
    delete(_credentials).where(
        _credentials.c.user_id == bindparam("owner"), _credentials.c.secret == bindparam("identity")
    )
)
_REMOVE_IDENTITY = Prepared(delete(_identities).where(_identities.c.id == bindparam("identity")))
_REMOVE = Prepared(delete(_upstreams).where(_upstreams.c.id == bindparam("upstream")))
_ARRIVED_AGAIN = Prepared(
    update(_arrivals)
    .where(_arrivals.c.upstream_id == bindparam("upstream"), _arrivals.c.subject == bindparam("who"))
    .values(last_at=bindparam("at"), name=bindparam("called"), username=bindparam("named"))
)
_OLD_ARRIVALS = Prepared(
    delete(_arrivals).where(
        _arrivals.c.upstream_id == bindparam("upstream"), _arrivals.c.last_at < bindparam("before")
    )
)
_ARRIVAL = Prepared(select(_arrivals).where(_arrivals.c.id == bindparam("arrival")))
_TAKE_ARRIVAL = Prepared(delete(_arrivals).where(_arrivals.c.id == bindparam("arrival")))
_FORGET_ARRIVAL = Prepared(
    delete(_arrivals).where(
        _arrivals.c.upstream_id == bindparam("upstream"), _arrivals.c.subject == bindparam("who")
    )
)
_OLD_SESSIONS = Prepared(
    delete(_sessions).where(
        _sessions.c.credential_id == bindparam("credential"), _sessions.c.at < bindparam("before")
    )
)


class UpstreamStore:
    def __init__(self, unit: Unit, vault: Vault) -> None:
        self._unit = unit
        self._vault = vault

    def add(self, upstream: Upstream, secret: str, domains: Iterable[str]) -> None:
        """Raises AlreadyExistsError when the issuer knows us by that client id, or a domain is taken."""
        upstream.client_secret_sealed = self._vault.seal(secret.encode(), _place(upstream.id))
        self._unit.add(upstream)
        for domain in domains:
            self._unit.add(UpstreamDomain(domain=domain, upstream_id=upstream.id))

    def secret_of(self, upstream: Upstream) -> str:
        """Raises SealError."""
        return client_secret_of(self._vault, upstream)

    def list_all(self) -> list[Upstream]:
        return records(Upstream, self._unit.rows(_ALL))

    def list_of_issuer(self, issuer: str) -> list[Upstream]:
        """Those that are on."""
        return records(Upstream, self._unit.rows(_BY_ISSUER, {"issuer": issuer}))

    def find(self, upstream_id: str) -> Upstream | None:
        row = self._unit.first(_ONE, {"upstream": upstream_id})
        return record(Upstream, row) if row else None

    def find_for_domain(self, domain: str) -> Upstream | None:
        """One that is on."""
        row = self._unit.first(_BY_DOMAIN, {"domain": domain})
        return record(Upstream, row) if row else None

    def find_of_identity(self, identity_id: str) -> Upstream | None:
        """One that is on."""
        row = self._unit.first(_OF_IDENTITY, {"identity": identity_id})
        return record(Upstream, row) if row else None

    def words_of(self, user_id: str) -> Words:
        """What is worth less than it was said to be, of this person."""
        rows = self._unit.rows(_DOUBTED, {"owner": user_id})
        return Words(
            silenced=frozenset(each for each, is_on in rows if not is_on),
            doubted=frozenset(each for each, _ in rows),
        )

    def domains_of(self, upstream_id: str) -> list[str]:
        return [row[0] for row in self._unit.rows(_DOMAINS_OF, {"upstream": upstream_id})]

    def switch(self, upstream_id: str, *, on: bool) -> bool:
        return self._unit.changed(_SWITCH, {"upstream": upstream_id, "is_on": on}) == 1

    def believe(self, upstream_id: str, *, on: bool, mfa_acr: str) -> bool:
        """Also of what was proved by it before: see `Words`."""
        values = {"upstream": upstream_id, "is_believed": on, "acr": mfa_acr}
        return self._unit.changed(_BELIEVE, values) == 1

    def set_rule(self, upstream_id: str, match: Match, claim: str, *, creates_accounts: bool) -> bool:
        """By which first arrivals are known from now on."""
        values = {"upstream": upstream_id, "rule": match.value, "claim": claim, "creates": creates_accounts}
        return self._unit.changed(_SET_RULE, values) == 1

    def renew(self, upstream_id: str, secret: str, auth: ClientAuth, certificate: str) -> bool:
        values = {
            "upstream": upstream_id,
            "sealed": self._vault.seal(secret.encode(), _place(upstream_id)),
            "shown_by": auth.value,
            "shown": certificate,
        }
        return self._unit.changed(_RENEW, values) == 1

    def remove(self, upstream_id: str) -> bool:
        """With every link: nobody signs in by it any more, and what was proved by it counts no longer."""
        self._unit.changed(_REMOVE_CREDENTIALS, {"upstream": upstream_id})
        self._unit.changed(_REMOVE_IDENTITIES, {"upstream": upstream_id})
        return self._unit.changed(_REMOVE, {"upstream": upstream_id}) == 1

    # Whom it names --------------------------------------------------------------------------------------

    def find_identity(self, upstream_id: str, subject: str) -> Identity | None:
        row = self._unit.first(_IDENTITY, {"source": upstream_id, "subject": subject})
        return record(Identity, row) if row else None

    def find_identity_of_user(self, upstream_id: str, user_id: str) -> Identity | None:
        row = self._unit.first(_IDENTITY_OF_USER, {"source": upstream_id, "user_id": user_id})
        return record(Identity, row) if row else None

    def unlink(self, identity: Identity) -> None:
        """With the credential that names it."""
        self._unit.changed(_REMOVE_CREDENTIAL, {"owner": identity.user_id, "identity": identity.id})
        self._unit.changed(_REMOVE_IDENTITY, {"identity": identity.id})

    def queue(self, arrival: UpstreamArrival) -> None:
        """Once for each subject; again renews it. Those who stayed away for long are forgotten."""
        before = arrival.last_at - _KEPT_SECONDS
        self._unit.changed(_OLD_ARRIVALS, {"upstream": arrival.upstream_id, "before": before})
        if not self._unit.add_unless_there(arrival, "upstream_id", "subject"):
            values = {
                "upstream": arrival.upstream_id,
                "who": arrival.subject,
                "at": arrival.last_at,
                "called": arrival.name,
                "named": arrival.username,
            }
            self._unit.changed(_ARRIVED_AGAIN, values)

    def find_arrival(self, arrival_id: str) -> UpstreamArrival | None:
        row = self._unit.first(_ARRIVAL, {"arrival": arrival_id})
        return record(UpstreamArrival, row) if row else None

    def take_arrival(self, arrival_id: str) -> bool:
        """False when somebody else did."""
        return self._unit.changed(_TAKE_ARRIVAL, {"arrival": arrival_id}) == 1

    def forget_arrival(self, upstream_id: str, subject: str) -> None:
        """Waits no longer, if they did."""
        self._unit.changed(_FORGET_ARRIVAL, {"upstream": upstream_id, "who": subject})

    def list_arrivals(self, municipality: str | None = None) -> list[UpstreamArrival]:
        """The latest first, of all or of one municipality's upstreams."""
        statement = select(_arrivals).order_by(_arrivals.c.last_at.desc(), _arrivals.c.id).limit(_AT_MOST)
        if municipality is not None:
            own = select(_upstreams.c.id).where(_upstreams.c.municipality == municipality)
            statement = statement.where(_arrivals.c.upstream_id.in_(own))
        return records(UpstreamArrival, self._unit.rows(Prepared(statement)))

    # What it may end ------------------------------------------------------------------------------------

    def keep_session(self, session: UpstreamSession) -> None:
        before = session.at - _KEPT_SECONDS
        self._unit.changed(_OLD_SESSIONS, {"credential": session.credential_id, "before": before})
        self._unit.put(session, "upstream_id", "sub", "sid")

    def list_sessions(self, upstream_id: str, *, sub: str, sid: str) -> list[UpstreamSession]:
        """Those that have every name that is given; none for no name."""
        if not sub and not sid:
            return []
        statement = select(_sessions).where(_sessions.c.upstream_id == upstream_id).limit(_AT_MOST)
        if sub:
            statement = statement.where(_sessions.c.sub == sub)
        if sid:
            statement = statement.where(_sessions.c.sid == sid)
        return records(UpstreamSession, self._unit.rows(Prepared(statement)))


def client_secret_of(vault: Vault, upstream: Upstream) -> str:
    """Raises SealError."""
    return vault.open(upstream.client_secret_sealed, _place(upstream.id)).decode()


def _place(upstream_id: str) -> Place:
    return Place(table="upstreams", column="client_secret_sealed", row=upstream_id)
