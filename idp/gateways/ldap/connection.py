"""One connection to one controller, encrypted and checked before anything is said on it.

Nothing of the machine's own LDAP configuration counts. Not here: which controller (`door.py`).
"""

import os
from typing import Any

from idp.gateways.ldap.outcomes import DirectoryError, Fault
from idp.gateways.ldap.probe import UntrustedError, secure
from idp.gateways.ldap.route import Route
from idp.gateways.ldap.tunnel import carried
from idp.gateways.ldap.values import Controller


def library() -> Any:
    """python-ldap, which is an extra. Raises DirectoryError where it is not installed."""
    os.environ["LDAPNOINIT"] = "1"  # no ldap.conf, and nothing of the environment
    try:
        import ldap
    except ImportError:
        raise DirectoryError(Fault.BROKEN, "python-ldap is not installed: visvaris[ad]") from None
    return ldap


def connect(route: Route, controller: Controller, seconds: float) -> Any:
    """Within `seconds`; each answer on it may take as long again. Raises DirectoryError."""
    ldap = library()
    try:
        descriptor = carried(lambda: secure(route, controller, seconds), seconds)
    except UntrustedError as error:
        raise DirectoryError(Fault.UNTRUSTED, f"{controller}: {error}") from None
    except (OSError, UnicodeError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "no answer"
        raise DirectoryError(Fault.UNREACHABLE, f"{controller}: {why}") from None
    connection = ldap.initialize("ldap://", fileno=descriptor)
    connection.set_option(ldap.OPT_PROTOCOL_VERSION, 3)
    connection.set_option(ldap.OPT_REFERRALS, 0)
    connection.set_option(ldap.OPT_TIMEOUT, seconds)
    connection.timeout = seconds
    return connection


def close(connection: Any) -> None:
    ldap = library()
    try:
        connection.unbind_s()
    except (ldap.LDAPError, AttributeError):
        return  # it is gone already


def told(error: Exception) -> str:
    """What a directory says about an error, without what was asked."""
    said = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    return str(said.get("desc", type(error).__name__))


def text_of(error: Exception) -> str:
    """The directory's own text, in which Active Directory hides the cause."""
    said = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    return str(said.get("info", ""))
