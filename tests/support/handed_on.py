"""A server to which somebody's ticket comes: handed_on.py THEIR-TICKETS OWN-KEYTAB OWN-NAME allowed|given.

Puts what it may do in their name from then on in place of its own tickets. `allowed`: by the domain's leave
(S4U2Proxy, [MS-SFU]); `given`: with a ticket of theirs that they handed over. A process of its own, as `initiator.py`.
"""

import os
import sys

import gssapi


def main(theirs: str, keytab: str, own: str, how: str) -> None:
    flags = [gssapi.RequirementFlag.mutual_authentication]
    if how == "given":
        flags.append(gssapi.RequirementFlag.delegate_to_peer)
    there = gssapi.Credentials(usage="initiate", store={"ccache": theirs})
    name = gssapi.Name(own, gssapi.NameType.kerberos_principal)
    person = gssapi.SecurityContext(name=name, creds=there, flags=flags, usage="initiate")
    ours = {"ccache": os.environ["KRB5CCNAME"]}
    held = gssapi.Credentials(usage="both", store={"keytab": keytab, **ours})
    server = gssapi.SecurityContext(creds=held, usage="accept")
    server.step(person.step())
    server.delegated_creds.store(store=ours, usage="initiate", overwrite=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
