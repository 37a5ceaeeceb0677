"""The end of an attempt by which somebody arrived whom nobody here knew: whose it is, settled in one act.

Not here: whose account that is (`people/first_arrivals.py`), making the attempt (`flow.py`).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from idp.errors import AlreadyExistsError
from idp.login.sessions import Visitor
from idp.login.tries import Try, settled
from idp.methods.base import Arrived, Rejected, Verified
from idp.storage.database import Database
from idp.storage.work import Work

Whose: TypeAlias = Callable[[Work, Arrived, Visitor], Verified | Rejected]
"""The account of who arrives, or why it is nobody's yet. Raises AlreadyExistsError where it must be asked
again, in another unit of work.
"""


class Welcome:
    def __init__(self, database: Database, whose: Whose) -> None:
        self._database = database
        self._whose = whose

    def settle(self, attempt: Try, arrived: Arrived, visitor: Visitor) -> Verified | Rejected:
        arrived = replace(arrived, by_itself=attempt.by_itself)
        try:
            outcome = self._settle(attempt, arrived, visitor)
        except AlreadyExistsError:  # another request was first with the same
            outcome = self._settle(attempt, arrived, visitor)
        return replace(outcome, reply=arrived.reply) if isinstance(outcome, Verified) else outcome

    def _settle(self, attempt: Try, arrived: Arrived, visitor: Visitor) -> Verified | Rejected:
        with self._database.begin() as work:
            return settled(work, attempt, self._whose(work, arrived, visitor), visitor)
