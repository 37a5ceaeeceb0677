"""What somebody looks after: municipalities and their directories. Reads nothing for who looks after none."""

from dataclasses import dataclass

from idp.login.standing import Person
from idp.models.directories import Directory
from idp.policy import ADMINISTRATOR, OPERATOR
from idp.storage.work import Work


@dataclass(frozen=True, slots=True)
class LookedAfter:
    """`everything`: by an operator, whatever the municipality."""

    municipalities: frozenset[str]
    everything: bool

    def __bool__(self) -> bool:
        return self.everything or bool(self.municipalities)

    def directories(self, work: Work) -> list[Directory]:
        if not self:
            return []
        found = work.directories.list_all()
        return [each for each in found if self.everything or each.municipality in self.municipalities]


def looked_after_by(person: Person) -> LookedAfter:
    return LookedAfter(
        frozenset(post.municipality for post in person.employments if ADMINISTRATOR in post.roles),
        OPERATOR in person.user.roles,
    )
