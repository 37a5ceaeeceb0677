"""A real Active Directory domain controller (Samba), on a loopback address of its own, with nothing kept.

Its LDAP ports cannot be moved, so what differs between the processes of a test run is the address. Needs
root, as ports under 1024 do. Not here: who is in the directory (`samba_accounts.py` puts them there).
"""

import json
import random
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.support.certificates import Authority
from tests.support.services import _run, _running, _scratch_directory, missing

LDAPS = 636
KDC = 88
ADMINISTRATOR_PASSWORD = "Tikai-Testiem-1234"
_ACCOUNTS = Path(__file__).with_name("samba_accounts.py")
_NOT_COPIED = shutil.ignore_patterns("ncalrpc", "*.pid", "ldapi", "ldap_priv", "msg.sock", "msg.lock")
_DEBIAN_PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Controller:
    """`authority` signed its certificate, which names `address`."""

    address: str
    realm: str
    netbios: str
    authority: Authority
    smb_conf: Path = field(repr=False)
    _hand: "_Hand" = field(repr=False, compare=False)

    @property
    def suffix(self) -> str:
        return self.realm.lower()

    @property
    def base_dn(self) -> str:
        return ",".join(f"DC={part}" for part in self.suffix.split("."))

    @property
    def ca_pem(self) -> str:
        return self.authority.ca_file.read_text()

    def upn(self, name: str) -> str:
        return f"{name}@{self.suffix}"

    def change(self, *changes: dict[str, Any]) -> dict[str, dict[str, str]]:
        """Straight in its database. The GUID and DN of everybody afterwards, by sAMAccountName."""
        return self._hand.change(changes)


class _Hand:
    """Changes a domain's database by Samba's own library, in one process for as long as the domain is there:
    opening it takes longer than most changes.
    """

    def __init__(self, smb_conf: Path) -> None:
        self._command = [_DEBIAN_PYTHON, "-I", str(_ACCOUNTS), str(smb_conf)]
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def change(self, changes: Sequence[dict[str, Any]]) -> dict[str, dict[str, str]]:
        with self._lock:
            writes, reads = self._pipes()
            writes.write(json.dumps(changes) + "\n")
            writes.flush()
            line = reads.readline()
            answer = json.loads(line) if line else {"error": "It ended without an answer."}
            if "error" in answer:
                self._end()
                raise RuntimeError(answer["error"])
        found: dict[str, dict[str, str]] = answer
        return found

    def close(self) -> None:
        with self._lock:
            self._end()

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        if self._process is None:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def _end(self) -> None:
        """It ends when nothing more can be asked of it."""
        if self._process is not None:
            writes, reads = self._pipes()
            with suppress(BrokenPipeError):
                writes.close()
            reads.close()
            self._process.wait(timeout=30)
            self._process = None


@contextmanager
def domain_controller(
    realm: str, netbios: str, *, entries: Sequence[dict[str, Any]] = ()
) -> Iterator[Controller]:
    if not Path("/usr/sbin/samba").exists():
        raise RuntimeError(missing("samba-ad-dc"))
    with _scratch_directory("dc") as scratch:
        address = _free_address()
        authority = Authority(scratch / "authority", name=f"{netbios} iekšējais sertificētājs")
        certificate = authority.server(address)
        certificate.key.chmod(0o600)
        domain = scratch / "d"
        _provision(domain, realm, netbios, address)
        smb_conf = domain / "etc" / "smb.conf"
        smb_conf.write_text(
            _SMB_CONF.format(
                realm=realm,
                netbios=netbios,
                address=address,
                d=domain,
                key=certificate.key,
                certificate=certificate.certificate,
                ca=authority.ca_file,
                kdc=KDC,
            )
        )
        with closing(_Hand(smb_conf)) as hand:
            made = Controller(address, realm, netbios, authority, smb_conf, hand)
            made.change(*entries)
            with _serving(made, scratch):
                yield made


@contextmanager
def _serving(controller: Controller, scratch: Path) -> Iterator[None]:
    command = ["/usr/sbin/samba", "-F", "--no-process-group", "-M", "single", "-s", str(controller.smb_conf)]
    trusting = ssl.create_default_context(cafile=str(controller.authority.ca_file))

    def greet() -> None:
        with (
            socket.create_connection((controller.address, LDAPS), timeout=5) as plain,
            trusting.wrap_socket(plain, server_hostname=controller.address),
        ):
            pass

    with _running(command, cwd=scratch, ready=greet, retry_on=OSError):
        yield


@contextmanager
def another_controller(
    of: Controller, *, changes: Sequence[dict[str, Any]] = (), host: str | None = None
) -> Iterator[Controller]:
    """A second one of the same domain, on an address of its own: the same people, with the same GUIDs, as they
    are now. `changes` are made in its copy alone, since nothing is replicated: joining takes RPC, which a
    controller of the tests does not serve. With a `host`, which its certificate names besides, it gives
    tickets, on the usual port.
    """
    with _scratch_directory("dc") as scratch:
        address = _free_address()
        certificate = of.authority.server(address, *([host] if host else []), name="another")
        certificate.key.chmod(0o600)
        domain = scratch / "d"
        there = of.smb_conf.parents[1]
        shutil.copytree(there, domain, ignore=_NOT_COPIED)
        smb_conf = domain / "etc" / "smb.conf"
        smb_conf.write_text(
            _SMB_CONF.format(
                realm=of.realm,
                netbios=of.netbios,
                address=address,
                d=domain,
                key=certificate.key,
                certificate=certificate.certificate,
                ca=of.authority.ca_file,
                kdc=0 if host is None else KDC,
            )
        )
        if host is not None:
            smb_conf.write_text(smb_conf.read_text().replace(f"krb5 port = {KDC}", _GIVES_TICKETS))
        with closing(_Hand(smb_conf)) as hand:
            made = Controller(address, of.realm, of.netbios, of.authority, smb_conf, hand)
            made.change(*changes)
            with _serving(made, scratch):
                yield made


def _provision(domain: Path, realm: str, netbios: str, address: str) -> None:
    domain.mkdir()
    empty = domain / "empty.conf"
    empty.write_text("")
    options = {
        "realm": realm,
        "domain": netbios,
        "host-name": f"dc-{netbios.lower()}",
        "host-ip": address,
        "server-role": "dc",
        "dns-backend": "NONE",
        "adminpass": ADMINISTRATOR_PASSWORD,
        "targetdir": str(domain),
    }
    _run(
        [
            "/usr/bin/samba-tool", "domain", "provision", "-s", str(empty),
            *(f"--{name}={value}" for name, value in options.items()),
            f"--option=interfaces={address}/8",
            "--option=bind interfaces only=yes",
        ],
        cwd=domain,
    )  # fmt: skip


def _free_address() -> str:
    """On which nothing listens yet; drawn by chance, since the processes of a run begin at once."""
    dice = random.SystemRandom()
    while True:
        address = f"127.{dice.randrange(1, 255)}.{dice.randrange(1, 255)}.{dice.randrange(1, 255)}"
        with socket.socket() as probe:
            try:
                probe.bind((address, LDAPS))
            except PermissionError:
                raise RuntimeError("The tests start a domain controller, which only root may.") from None
            except OSError:
                continue
        return address


_GIVES_TICKETS = "krb5 port = 88\nldap server require strong auth = allow_sasl_over_tls"
"""As Active Directory does: what is in TLS needs no layer of its own."""
_SMB_CONF = """[global]
realm = {realm}
workgroup = {netbios}
netbios name = DC-{netbios}
server role = active directory domain controller
server services = ldap, kdc
dcerpc endpoint servers =
interfaces = {address}/8
bind interfaces only = yes
krb5 port = {kdc}
kpasswd port = 0
private dir = {d}/private
state directory = {d}/state
cache directory = {d}/cache
lock directory = {d}
pid directory = {d}
ncalrpc dir = {d}/ncalrpc
binddns dir = {d}/bind-dns
log file = {d}/log.samba
tls keyfile = {key}
tls certfile = {certificate}
tls cafile = {ca}
"""
