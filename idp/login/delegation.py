"""Whose password is it that somebody typed: ours, or that of somebody outside who vouches for them.

Not here: checking it (`flow.py`), what a method that vouches asks (`methods/`).
"""

from collections.abc import Mapping
from typing import Final

from idp.errors import Reason
from idp.login.look import Look
from idp.login.standing import Person, Standings, match_posts
from idp.login.transaction import Requirements
from idp.login.tries import Try
from idp.methods.base import Answer, Delegated, Method, Subject, Yielding
from idp.policy import Decision, Exclusion, Why

OWN_SECRET: Final = "own_secret"  # noqa: S105  the name of a field
"""The field that says: this is the secret kept here, and not that of the network."""


class Delegation:
    def __init__(self, methods: Mapping[str, Method], standings: Standings) -> None:
        self._standings = standings
        self._delegated = tuple(method for method in methods.values() if isinstance(method, Delegated))

    def checked_by(self, look: Look, asked: Method, subject: Subject | None, username: str) -> Method:
        """Who knows the secret of this person: we do, unless somebody vouches for them who may.

        Asks for more only about people who have such a way.
        """
        for method in self._delegated:
            if subject is None:
                if method.knows(username):
                    return method
            elif method.is_enrolled(subject) and self._may_begin(look, subject.user.id, method):
                return method
        return asked

    def stood_in_for(
        self, asked: Method, checking: Method, subject: Subject | None, answer: Answer
    ) -> Method | None:
        """The way that `asked` takes the place of, which nobody outside answers for now. Where it was
        allowed, and the person said so: else a password of the network would be counted as a wrong one here.
        """
        is_meant = OWN_SECRET in answer and asked is not checking
        if not is_meant or subject is None or not isinstance(checking, Yielding):
            return None
        return checking if checking.stands_aside(subject) else None

    def why_not(self, person: Person, method: Method, decision: Decision) -> Reason:
        """Why somebody who proved who they are by `method` may not use it."""
        if not person.tenants:
            return Reason.NO_EMPLOYMENT
        whys = {each.method: each.why for each in decision.excluded}
        is_replaced = method.facts.with_username and any(
            whys.get(other.facts.id) is Why.NOT_ENROLLED and other.serves(person.tenants)
            for other in self._delegated
            if isinstance(other, Yielding)
        )
        is_forbidden = whys.get(method.facts.id) is Why.NOT_ALLOWED_BY_MUNICIPALITY
        return Reason.DIRECTORY_NOT_LINKED if is_forbidden and is_replaced else Reason.METHOD_NOT_OFFERED

    def _may_begin(self, look: Look, user_id: str, method: Method) -> bool:
        """Whether it would be accepted from them as the first thing that they prove here, or would be were it
        not blocked: what was switched off outside must not come back by an older secret of ours.
        """
        person = self._standings.find_person(user_id)
        if person is None:
            return False
        wanted, chosen = look.transaction.requirements, look.transaction.employment_id
        acting = match_posts(person, wanted, chosen=chosen).acting
        decision = self._standings.decide(person, Requirements(), proofs=(), acting=acting)
        if method.facts.id in decision.offered:
            return True
        tenants = person.tenants if acting is None else frozenset({acting.municipality})
        is_foreign = method.facts.id in person.only_among(person.vouched_for_elsewhere(tenants))
        return not is_foreign and Exclusion(method.facts.id, Why.BLOCKED) in decision.excluded


def may_stand_in(attempt: Try, decision: Decision) -> bool:
    """Allowed by the rules, and set aside only because somebody is asked who does not answer."""
    return attempt.instead_of is not None and any(
        each.method == attempt.method.facts.id and each.why is Why.ASKED_ELSEWHERE
        for each in decision.excluded
    )
