"""Servers of a domain that get tickets in other people's names, by every way that there is."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.directories import PASSWORD
from tests.support.samba import Controller
from tests.support.tickets import HOST, Computer

_PROGRAM = Path(__file__).with_name("handed_on.py")
_TRUSTED_TO_ASSERT = str(0x1000200)
"""TRUSTED_TO_AUTH_FOR_DELEGATION, beside that of a usual account."""


@dataclass
class Server:
    """Logged in as itself, and allowed to go on to the provider in anybody's name."""

    computer: Computer
    account: str
    keytab: Path

    def handed_on(self, person: Computer, how: str) -> str:
        """`how`: as `handed_on.py` has it."""
        tickets = self.computer.directory / f"handed-on-{how}"
        shutil.copy(self.computer.directory / "tickets", tickets)
        theirs = person.environment["KRB5CCNAME"]
        own = f"{self.account}@{self.computer.controller.realm}"
        command = [sys.executable, str(_PROGRAM), theirs, str(self.keytab), own, how]
        self.computer.run(command, KRB5CCNAME=f"FILE:{tickets}")
        return self.computer.answer(tickets=tickets)

    def asserted(self, name: str) -> str:
        """For somebody who never came there (protocol transition, and on to the provider)."""
        tickets = self.computer.directory / "asserted"
        self.computer.run(["kvno", "-U", name, "-P", "--out-cache", str(tickets), f"HTTP/{HOST}"])
        return self.computer.answer(tickets=tickets)


def serve_portal(controller: Controller, directory: Path, account: str) -> Server:
    computer = Computer(controller, directory)
    keytab = directory / "keytab"
    change = {"do": "set", "name": account}
    controller.change(
        {"do": "user", "name": account, "password": PASSWORD},
        change | {"attribute": "servicePrincipalName", "value": f"HTTP/{account}.example.lv"},
        change | {"attribute": "msDS-AllowedToDelegateTo", "value": f"HTTP/{HOST}"},
        change | {"attribute": "userAccountControl", "value": _TRUSTED_TO_ASSERT},
        {"do": "keytab", "name": account, "file": str(keytab)},
    )
    return Server(computer.log_in(account), account, keytab)


def asserted_to_itself(controller: Controller, directory: Path, account: str, name: str) -> str:
    """What whoever has the account of a service is told when they say that somebody is there (S4U2Self)."""
    computer = Computer(controller, directory).log_in(account, PASSWORD)
    tickets = directory / "asserted"
    computer.run(["kvno", "-U", name, "--out-cache", str(tickets), account])
    return computer.answer(service=f"{account}@{controller.realm}", tickets=tickets)
