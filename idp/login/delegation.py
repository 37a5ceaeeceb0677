"""Whose password is it that somebody typed: ours, or that of somebody outside who vouches for them.

Not here: checking it (`flow.py`), what a method that vouches asks (`methods/`).
"""

from collections.abc import Mapping

from idp.login.look import Look
from idp.login.standing import Standings, match_posts
from idp.login.transaction import Requirements
from idp.methods.base import Delegated, Method, Subject
from idp.policy import Exclusion, Why


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
