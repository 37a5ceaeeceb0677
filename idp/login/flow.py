"""Sign-in as a whole: the one place where attempts are throttled, checked and written down.

Not here: what a method does (`methods/`), what comes next (`steps.py`), how it ends (`completion.py`), pages
(`web/login.py`).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from idp.crypto import token_hash
from idp.effects import Effects
from idp.errors import Reason
from idp.login.asking import begin_challenge
from idp.login.completion import Completion, Finished
from idp.login.delegation import Delegation, may_stand_in
from idp.login.limits import Attempt, Limits, Wait
from idp.login.look import Look, look_at
from idp.login.sessions import SignedIn, Visitor
from idp.login.standing import Person, Standing, Standings, match_posts
from idp.login.steps import Choose, Done, Identify, Offer
from idp.login.transaction import (
    LIFETIME_SECONDS,
    Application,
    Requirements,
    Transaction,
    Transactions,
    about_nobody,
    with_proof,
)
from idp.login.tries import Try, nobodys, settled, typed_username, why_blocked
from idp.login.welcome import Welcome, Whose
from idp.login.workplaces import Workplace
from idp.methods.base import (
    Answer,
    Arrived,
    Challenge,
    Discovering,
    Method,
    Negotiating,
    Outcome,
    Pending,
    Recognising,
    Rejected,
    Subject,
    Verified,
    leaves_browser,
    negotiates,
    recognises,
)
from idp.models.methods import Proof
from idp.storage.database import Database

_BUSY_SECONDS: Final = 5
"""How long to wait when the method itself had no room for this attempt."""

Answered: TypeAlias = Look | Rejected | Pending | Wait


class Login:
    def __init__(
        self,
        *,
        database: Database,
        methods: Mapping[str, Method],
        standings: Standings,
        transactions: Transactions,
        completion: Completion,
        limits: Limits,
        effects: Effects,
        whose: Whose = nobodys,
    ) -> None:
        self._database = database
        self._methods = methods
        self._welcome = Welcome(database, whose)
        self._standings = standings
        self._transactions = transactions
        self._completion = completion
        self._limits = limits
        self._effects = effects
        self._discovering = tuple(method for method in methods.values() if isinstance(method, Discovering))
        self._delegation = Delegation(methods, standings)

    def standing(self, signed_in: SignedIn | None, requirements: Requirements) -> Standing:
        return self._standings.of(signed_in, requirements)

    def start(
        self,
        requirements: Requirements,
        *,
        return_to: str,
        browser: str,
        application_name: str | None = None,
        third_party: bool = False,
        client_links: tuple[tuple[str, str], ...] = (),
        redirect_origin: str | None = None,
        client_id: str | None = None,
        signed_in: SignedIn | None = None,
    ) -> str:
        """Returns the id under `/login/`. `return_to` is a path of ours; `browser` the browser cookie's
        value.
        """
        expected = requirements.expected_user
        is_other = signed_in is not None and expected not in {None, signed_in.user_id}
        application = application_name and Application(
            name=application_name,
            third_party=third_party,
            links=client_links,
            redirect_origin=redirect_origin,
        )
        transaction = Transaction(
            id=self._transactions.new_id(),
            browser=token_hash(browser),
            requirements=requirements,
            return_to=return_to,
            expires_at=self._effects.now() + LIFETIME_SECONDS,
            application=application or None,
            client_id=client_id,
            adopts_session=not requirements.fresh and not is_other,
            challenges={
                method.facts.id: method.begin_for_anybody(None).state for method in self._discovering
            },
        )
        self._transactions.begin(transaction)
        return transaction.id

    def find(self, transaction_id: str, *, browser: str) -> Transaction | None:
        return self._transactions.find(transaction_id, browser=browser)

    def find_finished(self, transaction_id: str, *, browser: str) -> str | None:
        return self._transactions.find_finished(transaction_id, browser=browser)

    def look(self, transaction: Transaction, signed_in: SignedIn | None) -> Look:
        return look_at(transaction, signed_in, standings=self._standings, effects=self._effects)

    # What the person answers: each gives the sign-in as it stands then ------------------------------

    def answer(
        self,
        look: Look,
        method_id: str,
        answer: Answer,
        *,
        visitor: Visitor,
        signed_in: SignedIn | None,
    ) -> Answered:
        """Checks one answer. The sign-in with its new proof, or why not."""
        method = self._methods.get(method_id)
        if method is None or negotiates(method):
            return Rejected(Reason.METHOD_NOT_OFFERED)
        if method.facts.with_username:
            return self._identify(look, method, answer, visitor=visitor, signed_in=signed_in)
        is_known_by_answer = isinstance(look.step, Identify) or leaves_browser(method)
        if is_known_by_answer and recognises(method):
            return self._discover(look, method, answer, visitor=visitor, signed_in=signed_in)
        if look.person is None or not isinstance(look.step, Offer) or method_id not in look.step.methods:
            return Rejected(Reason.METHOD_NOT_OFFERED)
        attempt = Try(look.transaction, method, look.person.subject, look.person.user.username)
        outcome = self._attempt(attempt, answer, visitor)
        if not isinstance(outcome, Verified):
            return outcome
        if refused := self._completion.refuse_key(look, look.person, outcome.credential_id, visitor):
            return refused
        proven = self._proven(look.transaction, look.person, method, outcome, visitor)
        return self._go_on(proven, signed_in, look.person)

    def begin(self, look: Look, method_id: str, *, visitor: Visitor, anew: bool = False) -> Challenge | Wait:
        """What the page of an offered method shows; what the method must remember goes into the
        transaction. `anew`: what was asked on another device before is over.
        """
        method = self._methods[method_id]
        challenge = begin_challenge(look, method, visitor=visitor, limits=self._limits, anew=anew)
        if isinstance(challenge, Wait):
            return challenge
        if challenge.state and challenge.state != look.transaction.challenge_of(method_id):
            self._keep_challenge(look.transaction, method_id, challenge)
        return challenge

    def discovering(self) -> tuple[Discovering, ...]:
        """The ways to sign in without saying who one is, those that anybody may use."""
        return tuple(
            method for method in self._discovering if self._standings.is_allowed_nationally(method.facts.id)
        )

    def begin_for_anybody(self, look: Look, method: Discovering, *, anew: bool) -> Challenge:
        """For the page that asks who it is. `anew`: the challenge that was open has had its answer."""
        kept = look.transaction.challenge_of(method.facts.id)
        if kept and not anew:
            return method.begin_for_anybody(kept)
        challenge = method.begin_for_anybody(None)
        self._keep_challenge(look.transaction, method.facts.id, challenge)
        return challenge

    def begin_negotiation(self, look: Look, method: Negotiating, *, by_itself: bool) -> None:
        """The browser may answer once. `by_itself`: nobody asked for it, so nobody is told if it fails."""
        begun = method.begin_negotiation()
        state = {**begun.state, "by_itself": by_itself}
        self._keep_challenge(look.transaction, method.facts.id, Challenge(state=state))

    def negotiate(
        self, look: Look, workplace: Workplace, token: str, *, visitor: Visitor, signed_in: SignedIn | None
    ) -> tuple[Answered, str]:
        """`token`: from the header. The sign-in as it stands then, or why not; and what to tell in turn."""
        transaction, method, where = look.transaction, workplace.method, workplace.municipality
        by_itself = transaction.challenge_of(method.facts.id).get("by_itself", True)
        attempt = Try(transaction, method, None, "", first=True, municipality=where, by_itself=by_itself)
        answer = {"token": token, "municipality": where}
        outcome = self._attempt(attempt, answer, visitor)
        if not isinstance(outcome, Verified):
            return outcome, ""
        identified = self._identified(look, attempt, outcome, visitor=visitor, signed_in=signed_in)
        return identified, outcome.reply

    def refuse(self, look: Look, reason: Reason, visitor: Visitor) -> None:
        self._completion.refuse(look, reason, visitor)

    def finish(self, look: Look, *, visitor: Visitor, signed_in: SignedIn | None) -> Finished | None:
        return self._completion.finish(look, visitor=visitor, signed_in=signed_in)

    def choose_employment(self, look: Look, employment_id: str, signed_in: SignedIn | None) -> Look:
        """A post that was not offered changes nothing."""
        if not isinstance(look.step, Choose) or all(
            post.id != employment_id for post in look.step.employments
        ):
            return look
        return self._go_on(replace(look.transaction, employment_id=employment_id), signed_in, look.person)

    def confirm_account(self, look: Look, signed_in: SignedIn | None, *, go_on: bool) -> Look:
        if not go_on:
            return self.start_over(look.transaction, signed_in)
        return self._go_on(replace(look.transaction, account_confirmed=True), signed_in, look.person)

    def start_over(self, transaction: Transaction, signed_in: SignedIn | None) -> Look:
        """Somebody else, or the same person anew: forgets who it was."""
        anew = replace(about_nobody(transaction), account_confirmed=True)
        return self._go_on(anew, signed_in, None)

    def enrolled(self, look: Look, method_id: str, credential_id: str | None) -> None:
        """A method set up in the middle of a sign-in was proved by doing so."""
        if look.person is None:
            raise LookupError("nobody is known in this sign-in yet")
        proof = Proof(method_id, self._effects.now(), credential_id=credential_id)
        self._transactions.put(with_proof(look.transaction, look.person.user.id, proof))

    # Other ways in and out --------------------------------------------------------------------------

    def switch_employment(self, signed_in: SignedIn, employment_id: str, visitor: Visitor) -> str | None:
        """The session's new token, or None when it may not be."""
        return self._completion.switch_employment(signed_in, employment_id, visitor)

    def sign_out(
        self, session_id: str, *, user_id: str, visitor: Visitor, client_id: str | None = None
    ) -> bool:
        """Ends the session and its tokens, but for those the person gave to be used in their absence."""
        return self._completion.sign_out(session_id, user_id=user_id, visitor=visitor, client_id=client_id)

    # Inside -----------------------------------------------------------------------------------------

    def _identify(
        self, look: Look, method: Method, answer: Answer, *, visitor: Visitor, signed_in: SignedIn | None
    ) -> Answered:
        """Who and a first proof in one act; nobody, somebody wrong and somebody blocked cost and say the
        same.
        """
        username = typed_username(answer, look.person)
        with self._database.read() as work:
            user = work.people.find_user_by_username(username)
            credentials = work.people.credentials_of(user.id if user else "")
        subject = Subject(user, credentials) if user else None
        checking = self._delegation.checked_by(look, method, subject, username)
        instead_of = self._delegation.stood_in_for(method, checking, subject, answer)
        method = method if instead_of else checking
        attempt = Try(look.transaction, method, subject, username, first=True, instead_of=instead_of)
        outcome = self._attempt(attempt, {**answer, "username": username}, visitor)
        if not isinstance(outcome, Verified):
            return outcome
        return self._identified(look, attempt, outcome, visitor=visitor, signed_in=signed_in)

    def _discover(
        self,
        look: Look,
        method: Recognising,
        answer: Answer,
        *,
        visitor: Visitor,
        signed_in: SignedIn | None,
    ) -> Answered:
        """The same where the answer says who it is. A wrong answer and a blocked user are not told apart."""
        with self._database.read() as work:
            user = work.people.find_user(method.claimed_user(work, answer) or "")
            credentials = work.people.credentials_of(user.id if user else "")
        subject = Subject(user, credentials) if user else None
        attempt = Try(look.transaction, method, subject, user.username if user else "", first=True)
        outcome = self._attempt(attempt, answer, visitor)
        if not isinstance(outcome, Verified):
            return outcome
        return self._identified(look, attempt, outcome, visitor=visitor, signed_in=signed_in)

    def _identified(
        self,
        look: Look,
        attempt: Try,
        verified: Verified,
        *,
        visitor: Visitor,
        signed_in: SignedIn | None,
    ) -> Answered:
        """Somebody has said and proved who they are: whether they may, and what comes next."""
        method, transaction, subject = attempt.method, look.transaction, attempt.subject
        person = self._standings.find_person(subject.user.id if subject else verified.user_id)
        if person is None:
            return Rejected(why_blocked(method))
        if person.user.id != transaction.user_id:
            transaction = about_nobody(transaction)
        if refused := self._completion.refuse_key(look, person, verified.credential_id, visitor):
            return refused
        posts = match_posts(person, transaction.requirements, chosen=transaction.employment_id)
        decision = self._standings.decide(person, Requirements(), proofs=(), acting=posts.acting)
        if method.facts.id not in decision.offered and not may_stand_in(attempt, decision):
            reason = self._delegation.why_not(person, method, decision)
            self._completion.refuse(replace(look, person=person), reason, visitor)
            return Rejected(reason)
        transaction = replace(transaction, account_confirmed=True)
        proven = self._proven(transaction, person, method, verified, visitor, instead_of=attempt.instead_of)
        return self._go_on(proven, signed_in, person)

    def _attempt(self, attempt: Try, answer: Answer, visitor: Visitor) -> Outcome | Wait:
        transaction, method, subject = attempt.transaction, attempt.method, attempt.subject
        charge = self._charge(attempt, visitor)
        if isinstance(charge, Wait):
            return charge
        state = transaction.challenge_of(method.facts.id)
        if method.facts.one_answer and not self._transactions.spend_challenge(transaction, method.facts.id):
            state = {}
        with self._database.begin() as work:
            outcome = method.verify(work, subject, Challenge(state=state), answer)
            if isinstance(outcome, Verified | Rejected):
                outcome = settled(work, attempt, outcome, visitor)
        if isinstance(outcome, Arrived):
            outcome = self._welcome.settle(attempt, outcome, visitor)
        match outcome:
            case Rejected(Reason.THROTTLED):
                self._limits.give_back(charge)
                return Wait(_BUSY_SECONDS)
            case Rejected():
                if not outcome.counted:
                    self._limits.give_back(charge)
                return outcome
            case Verified() | Pending():
                self._limits.passed(charge)
                return outcome

    def _charge(self, attempt: Try, visitor: Visitor) -> Attempt | Wait:
        if negotiates(attempt.method):
            return self._limits.charge_negotiation(visitor)
        return self._limits.charge(
            username=attempt.username, method=attempt.method.facts, visitor=visitor, first=attempt.first
        )

    def _proven(
        self,
        transaction: Transaction,
        person: Person,
        method: Method,
        verified: Verified,
        visitor: Visitor,
        *,
        instead_of: Method | None = None,
    ) -> Transaction:
        now = self._effects.now()
        transaction = replace(transaction, shared=transaction.shared or visitor.shared)
        proof = verified.proof_by(method.facts.id, now, instead_of=instead_of.facts.id if instead_of else "")
        return with_proof(transaction, person.user.id, proof)

    def _keep_challenge(self, transaction: Transaction, method_id: str, challenge: Challenge) -> None:
        challenges = {**transaction.challenges, method_id: challenge.state}
        self._transactions.put(replace(transaction, challenges=challenges))

    def _go_on(self, transaction: Transaction, signed_in: SignedIn | None, person: Person | None) -> Look:
        """Kept for the next page, unless there is none: what is done is finished in this very request."""
        look = look_at(
            transaction, signed_in, standings=self._standings, effects=self._effects, person=person
        )
        if not isinstance(look.step, Done):
            self._transactions.put(look.transaction)
        return look
