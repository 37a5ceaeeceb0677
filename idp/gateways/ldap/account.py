"""How our own account is let in by a directory: with a password, or with a keytab by Kerberos.

Kerberos is SASL GSSAPI (RFC 4752) inside the TLS connection and without a layer of its own, spoken here by
`gssapi` and carried by python-ldap's plain SASL bind: nothing of the machine's Kerberos counts but its clock.
Keytab and configuration are in memory, tickets in a cache of their own for each account. Channel bindings are
not told. Not here: accepting other people's tickets.
"""

import hashlib
import os
import threading
from base64 import b64decode
from concurrent.futures import Future
from typing import Any, Final

from idp.gateways.ldap.connection import close, library, text_of, told
from idp.gateways.ldap.outcomes import DirectoryError, Fault, bind_refused
from idp.gateways.ldap.probe import addresses_of
from idp.gateways.ldap.route import Route
from idp.gateways.ldap.values import Controller
from idp.models.directories import Binding

_NO_LAYER: Final = b"\x01\x00\x00\x00"
"""The layer that is chosen, and how much we would take in it: none, and nothing (RFC 4752 section 3.1)."""
_KDC_UNREACHABLE: Final = 2529639068
_REALM_UNRESOLVED: Final = 2529639066
"""Minor codes of MIT's library."""
_lock = threading.Lock()
_realms: dict[str, tuple[str, ...]] = {}
_configuration: list[int] = []


def enter(route: Route, controller: Controller, connection: Any, seconds: float) -> None:
    """Raises DirectoryError, and then has closed the connection, or will when it is done with it."""
    if route.bind is Binding.SIMPLE:
        _by_password(route, controller, connection)
        return
    done: Future[None] = Future()
    arguments = (route, controller, connection, done)
    threading.Thread(target=_in_its_own_time, args=arguments, daemon=True, name="ldap-ticket").start()
    try:
        done.result(seconds)
    except TimeoutError:
        done.add_done_callback(lambda _: close(connection))
        raise DirectoryError(Fault.UNREACHABLE, f"{controller}: no ticket in time") from None
    except DirectoryError:
        close(connection)
        raise


def keytab_fault(encoded: str) -> str | None:
    """What is wrong with a keytab as it was described."""
    try:
        raw = b64decode(encoded, validate=True)
    except ValueError:
        return "it must be a keytab file in base64"
    return None if raw[:2] == b"\x05\x02" and len(raw) > 2 else "it is no keytab"


def _by_password(route: Route, controller: Controller, connection: Any) -> None:
    ldap = library()
    try:
        connection.simple_bind_s(route.account, route.password)
    except ldap.INVALID_CREDENTIALS as error:
        close(connection)
        why = bind_refused(text_of(error)).value
        raise DirectoryError(Fault.ACCOUNT_REFUSED, f"{route.account}: {why}") from None
    except ldap.LDAPError as error:
        close(connection)
        raise DirectoryError(Fault.UNREACHABLE, f"{controller}: {told(error)}") from None


def _in_its_own_time(route: Route, controller: Controller, connection: Any, done: "Future[None]") -> None:
    """Neither the library that gets tickets nor a SASL bind can be told when to stop."""
    try:
        _by_keytab(route, controller, connection)
    except BaseException as error:  # noqa: BLE001  it belongs to who waits
        done.set_exception(error)
    else:
        done.set_result(None)


def _by_keytab(route: Route, controller: Controller, connection: Any) -> None:
    ldap, gssapi = library(), _gssapi()
    _tell_realm(route)
    keytab = os.memfd_create("keytab")
    try:
        os.write(keytab, b64decode(route.password))
        _converse(gssapi, route, controller, connection, f"FILE:/proc/self/fd/{keytab}")
    except gssapi.exceptions.GSSError as error:
        is_away = error.min_code in {_KDC_UNREACHABLE, _REALM_UNRESOLVED}
        fault = Fault.UNREACHABLE if is_away else Fault.ACCOUNT_REFUSED
        raise DirectoryError(fault, f"{route.account}: {_reason(error)}") from None
    except (ldap.INVALID_CREDENTIALS, ldap.STRONG_AUTH_REQUIRED, ldap.INAPPROPRIATE_AUTH) as error:
        raise DirectoryError(Fault.ACCOUNT_REFUSED, f"{route.account}: {told(error)}") from None
    except ldap.LDAPError as error:
        raise DirectoryError(Fault.UNREACHABLE, f"{controller}: {told(error)}") from None
    finally:
        os.close(keytab)


def _converse(gssapi: Any, route: Route, controller: Controller, connection: Any, keytab: str) -> None:
    """Ticket, proof, and no layer: three binds in one."""
    principal = gssapi.NameType.kerberos_principal
    cache = hashlib.sha256(f"{_principal(route)}\x1f{route.password}".encode()).hexdigest()
    credentials = gssapi.Credentials(
        usage="initiate",
        name=gssapi.Name(_principal(route), principal),
        store={"client_keytab": keytab, "ccache": f"MEMORY:visvaris-{cache}"},
    )
    context = gssapi.SecurityContext(
        name=gssapi.Name(f"ldap/{controller.host}@{route.realm.upper()}", principal),
        creds=credentials,
        usage="initiate",
        mech=gssapi.MechType.kerberos,
        flags=[gssapi.RequirementFlag.mutual_authentication, gssapi.RequirementFlag.integrity],
    )
    token = context.step()
    while not context.complete:
        token = context.step(connection.sasl_bind_s("", "GSSAPI", token))
    offered = context.unwrap(connection.sasl_bind_s("", "GSSAPI", token or b"")).message
    if not offered or not offered[0] & _NO_LAYER[0]:
        raise DirectoryError(Fault.ACCOUNT_REFUSED, f"{controller}: it insists on a layer of its own in TLS")
    connection.sasl_bind_s("", "GSSAPI", context.wrap(_NO_LAYER, encrypt=False).message)


def _principal(route: Route) -> str:
    """Names of realms are written in capitals, whatever stands in a UPN."""
    return f"{route.account.partition('@')[0]}@{route.realm.upper()}"


def _tell_realm(route: Route) -> None:
    """Which controllers give tickets in this realm, for this process alone; what is configured here comes
    first, what the machine says of other realms after it.
    """
    realm = route.realm.upper()
    hosts = tuple(address for each in route.controllers for address in _addresses(each))
    with _lock:
        if not _configuration:
            _configuration.append(os.memfd_create("krb5.conf"))
        # Not /proc/self, where a program that we start would find something else.
        ours = f"/proc/{os.getpid()}/fd/{_configuration[0]}"
        others = os.environ.get("KRB5_CONFIG", "/etc/krb5.conf")
        if ours not in others.split(":"):
            os.environ["KRB5_CONFIG"] = f"{ours}:{others}"
        if _realms.get(realm) == hosts:
            return
        _realms[realm] = hosts
        text = _krb5_conf(_realms).encode()
        os.pwrite(_configuration[0], text, 0)
        os.truncate(_configuration[0], len(text))


def _krb5_conf(realms: dict[str, tuple[str, ...]]) -> str:
    lines = [
        "[libdefaults]",
        *("dns_lookup_kdc = false", "dns_lookup_realm = false", "rdns = false"),
        *("dns_canonicalize_hostname = false", "udp_preference_limit = 1"),
        "[realms]",
    ]
    for realm, hosts in sorted(realms.items()):
        lines += [f"{realm} = {{", *(f"kdc = {_bracketed(host)}:88" for host in hosts), "}"]
    return "\n".join(lines) + "\n"


def _addresses(controller: Controller) -> list[str]:
    """Looked up by us, so that they are those that we connect to."""
    try:
        return addresses_of(controller)
    except OSError:
        return []


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _reason(error: Any) -> str:
    """The last clause is the one that says something."""
    return str(error.gen_message()).rpartition("): ")[2][:200]


def _gssapi() -> Any:
    try:
        import gssapi
    except ImportError:
        raise DirectoryError(Fault.BROKEN, "gssapi is not installed: visvaris[ad]") from None
    # Else an error is raised where nobody looks for it.
    setattr(gssapi.SecurityContext, "__DEFER_STEP_ERRORS__", False)  # noqa: B010  not among its types
    return gssapi
