"""Who has eParaksts here: the person of the service's own documentation, those of the Smart-ID emulator, and whom we may not take."""

from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True)
class Person:
    serial_number: str
    given_name: str
    family_name: str

    @property
    def sub(self) -> str:
        """Says nothing, and is the same each time."""
        return sha256(self.serial_number.encode()).hexdigest()[:32]


ANDRIS = Person("PNOLV-010180-15097", "ANDRIS", "PARAUDZIŠ")
ANNA = Person("PNOLV-040404-10003", "ANNA", "TESTBĒRZIŅA")
WITHOUT_BIRTH = Person("PNOLV-329999-99901", "OK", "TESTNUMBER")
LITHUANIAN = Person("PNOLT-30303039914", "OK", "TESTNUMBER")
BY_PASSPORT = Person("PASLV-LV1234567", "OK", "TESTNUMBER")
PRELOADED = (ANDRIS, ANNA, WITHOUT_BIRTH, LITHUANIAN, BY_PASSPORT)
