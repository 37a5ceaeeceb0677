"""A program at somebody's computer that signs in by their ticket: initiator.py SERVICE HOW-MANY.

A process of its own, since the Kerberos library is told once in a process where its configuration and tickets are.
Prints what would stand after `Negotiate`, a line each.
"""

import base64
import sys

import gssapi

SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")


def main(service: str, how_many: str) -> None:
    host_based = service.startswith("HTTP@")
    name = gssapi.Name(
        service, gssapi.NameType.hostbased_service if host_based else gssapi.NameType.kerberos_principal
    )
    for _ in range(int(how_many)):
        context = gssapi.SecurityContext(name=name, mech=SPNEGO, usage="initiate")
        print(base64.b64encode(context.step()).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
