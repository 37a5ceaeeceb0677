"""What a person is asked after saying that it was not them, one thing at a time. Reads, changes nothing.

Where else they are signed in, each way of signing in that was set up, the password, the recovery codes. What
was answered is in the case, what is set up is with the person: whoever closed the browser goes on from there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from idp.login.enrolment import Enrolments
from idp.login.standing import Person
from idp.methods.base import Method
from idp.models.cases import Case
from idp.people.cases import Step, steps_of

SESSIONS: Final = "sessions"


class Ask(StrEnum):
    SESSIONS = "sessions"
    WAY = "way"
    """Whether a way of signing in is theirs."""
    RENEW = "renew"
    """Whether what may have been seen by somebody, a password or codes, shall be made anew."""


@dataclass(frozen=True, slots=True)
class Question:
    """`about` names it in the case. `credential_id`: which of several, where a method has several."""

    kind: Ask
    about: str
    method_id: str = ""
    credential_id: str | None = None
    may_remove: bool = False


class Walk:
    def __init__(self, methods: Mapping[str, Method], enrolments: Enrolments) -> None:
        self._methods = methods
        self._enrolments = enrolments

    def next_question(self, case: Case, person: Person, *, elsewhere: int) -> Question | None:
        """`elsewhere`: how many other sessions there are. None when everything was answered."""
        taken = steps_of(case)
        answered = {each.about for each in taken if each.step is not Step.PROVEN}
        kept = {each.about for each in taken if each.step is not Step.LEFT}
        for question in self._questions(person, elsewhere=elsewhere):
            if question.about not in answered or (question.may_remove and question.about not in kept):
                return question
        return None

    def _questions(self, person: Person, *, elsewhere: int) -> Iterator[Question]:
        if elsewhere:
            yield Question(Ask.SESSIONS, SESSIONS)
        for method in self._methods.values():
            if method.facts.enrollable or method.facts.companion:
                yield from self._ways(person, method)
        for method in sorted(self._methods.values(), key=lambda each: each.facts.backup):
            method_id = method.facts.id
            is_asked_about = method.facts.enrollable or method.facts.companion
            is_renewed = not is_asked_about and method_id in person.enrolled
            if is_renewed and self._enrolments.may_set_up(person, method_id):
                yield Question(Ask.RENEW, method_id, method_id)

    def _ways(self, person: Person, method: Method) -> Iterator[Question]:
        method_id = method.facts.id
        for credential in person.subject.of(method_id):
            which = credential.id if method.facts.several else None
            yield Question(
                Ask.WAY,
                credential.id,
                method_id,
                which,
                may_remove=self._enrolments.may_remove(person, method_id, which),
            )
