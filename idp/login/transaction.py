"""One sign-in in progress, and what it is held against.

Not here: what comes next (`steps.py`), checking answers (`flow.py`), a finished sign-in (`sessions.py`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from idp.crypto import token_hash
from idp.effects import Effects, Instant
from idp.errors import Reason
from idp.models.methods import Proof
from idp.policy import Level
from idp.storage.ephemeral import Shelf
from idp.storage.sealed_shelf import SealedShelf
from idp.storage.vault import Vault

LIFETIME_SECONDS: Final = 30 * 60
FRESH_SECONDS: Final = 10 * 60
"""How old a proof may be for adding, changing or removing a way of signing in."""
_KIND = "sign-in"
_FINISHED_KIND = "sign-in-finished"
_SPENT_KIND = "challenge-spent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What whoever sent the person here needs to be sure of.

    `not_before` is fixed when the request comes (`max_age`, `prompt=login`), so that it holds when the
    person is back. `select_account` is answered inside the transaction: whoever resumes after it asks again
    without it.
    `municipalities` and `roles`: empty means any; otherwise one fitting post is enough.
    """

    level: Level = Level.ONE_FACTOR
    not_before: Instant | None = None
    needs_employment: bool = False
    municipalities: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    select_account: bool = False
    login_hint: str | None = None
    expected_user: str | None = None
    set_aside: tuple[str, ...] = ()
    """Ways to sign in that do not count here, though the person has them."""
    fresh: bool = False
    """Ask who it is even when somebody is signed in (`prompt=login`)."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A sign-in that somebody ended who was not at its browser."""

    reason: Reason
    return_to: str
    application: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """For whom the person signs in, as the pages name it."""

    name: str
    third_party: bool = False
    links: tuple[tuple[str, str], ...] = ()
    """Pairs of label and URL: the application's own terms and privacy pages."""
    redirect_origin: str | None = None
    """Where the browser is sent in the end, as a CSP source, since browsers hold `form-action` against that
    too.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """`browser` is a hash; `user_id` is set by a session or by a proof, never by a typed name alone."""

    id: str
    browser: str
    requirements: Requirements
    return_to: str
    expires_at: Instant
    application: Application | None = None
    client_id: str | None = None
    user_id: str | None = None
    proofs: tuple[Proof, ...] = ()
    """Gained in this sign-in; those of the session are looked at beside them."""
    employment_id: str | None = None
    account_confirmed: bool = False
    adopts_session: bool = True
    """Whether whoever is signed in on this browser is taken for the person who signs in here."""
    challenges: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """By method: what it keeps between begin and verify."""
    shared: bool = False
    """Something was proved in it at a shared computer, whatever became of the mark since."""

    @property
    def begun_at(self) -> Instant:
        return self.expires_at - LIFETIME_SECONDS

    def challenge_of(self, method_id: str) -> Mapping[str, Any]:
        """Empty when none is open."""
        return self.challenges.get(method_id, {})


class Transactions:
    """Sign-ins in progress on the Shelf: sealed, bound to the browser that began them, finished once."""

    def __init__(self, shelf: Shelf, vault: Vault, effects: Effects) -> None:
        self._shelf = shelf
        self._open = SealedShelf(shelf, vault, _KIND)
        self._effects = effects

    def new_id(self) -> str:
        return self._effects.new_id()

    def begin(self, transaction: Transaction) -> None:
        self._open.put(transaction.id, asdict(transaction), expires_at=transaction.expires_at)

    def put(self, transaction: Transaction) -> None:
        self.begin(transaction)
        if self._shelf.find(_FINISHED_KIND, transaction.id) is not None:
            # Finished by a parallel request in the meantime: what is finished does not come back.
            self._open.remove(transaction.id)

    def find(self, transaction_id: str, *, browser: str) -> Transaction | None:
        item = self._open.find(transaction_id)
        transaction = _from_json(item) if item is not None else None
        if transaction is None or transaction.browser != token_hash(browser):
            return None
        return transaction if self._effects.now() < transaction.expires_at else None

    def take(self, transaction: Transaction) -> bool:
        """Ends it; False when another request already did. Remembers for the same time where it led."""
        finished = {"browser": transaction.browser, "return_to": transaction.return_to}
        if not self._shelf.add(_FINISHED_KIND, transaction.id, finished, expires_at=transaction.expires_at):
            return False
        self._open.remove(transaction.id)
        return True

    def spend_challenge(self, transaction: Transaction, method_id: str) -> bool:
        """False when an answer to the challenge that is open was looked at before, of any number at once."""
        state = json.dumps(transaction.challenge_of(method_id), sort_keys=True)
        key = f"{transaction.id}\x1f{method_id}\x1f{state}"
        return self._shelf.add(_SPENT_KIND, key, {}, expires_at=transaction.expires_at)

    def find_finished(self, transaction_id: str, *, browser: str) -> str | None:
        """Where a finished sign-in led: a back button or a second click ends up there too."""
        finished = self._shelf.find(_FINISHED_KIND, transaction_id)
        if finished is None or finished["browser"] != token_hash(browser) or "ended" in finished:
            return None
        return str(finished["return_to"])

    def end(self, transaction_id: str, reason: Reason) -> bool:
        """From outside its browser: whatever was proved in it is worth nothing from now on. False when it was
        over before, in a session perhaps.
        """
        item = self._open.find(transaction_id)
        if item is None:
            return False
        transaction = _from_json(item)
        application = transaction.application
        ended = {
            "browser": transaction.browser,
            "return_to": transaction.return_to,
            "ended": reason.name,
            "application": application.name if application else None,
        }
        if not self._shelf.add(_FINISHED_KIND, transaction_id, ended, expires_at=transaction.expires_at):
            return False
        self._open.remove(transaction_id)
        return True

    def find_ended(self, transaction_id: str, *, browser: str) -> Ended | None:
        item = self._shelf.find(_FINISHED_KIND, transaction_id)
        if item is None or item["browser"] != token_hash(browser) or "ended" not in item:
            return None
        return Ended(Reason[item["ended"]], item["return_to"], item["application"])


def with_proof(transaction: Transaction, user_id: str, proof: Proof) -> Transaction:
    """One proof by each method, the latest."""
    others = (earlier for earlier in transaction.proofs if earlier.method != proof.method)
    return replace(transaction, user_id=user_id, proofs=(*others, proof))


def about_nobody(transaction: Transaction) -> Transaction:
    return replace(
        transaction, user_id=None, proofs=(), employment_id=None, challenges={}, adopts_session=False
    )


def _from_json(value: dict[str, Any]) -> Transaction:
    wanted, application = value["requirements"], value["application"]
    parts = {
        "requirements": Requirements(
            **{
                **wanted,
                "level": Level(wanted["level"]),
                "municipalities": tuple(wanted["municipalities"]),
                "roles": tuple(wanted["roles"]),
                "set_aside": tuple(wanted.get("set_aside", ())),
            }
        ),
        "application": application
        and Application(
            **{**application, "links": tuple((label, url) for label, url in application["links"])}
        ),
        "proofs": tuple(Proof(**proof) for proof in value["proofs"]),
    }
    return Transaction(**{**value, **parts})
