"""Kerberos tickets that browsers bring (RFC 4559): read, and accepted by the key of one municipality.

`tokens` takes apart what came and lets through nothing but one Kerberos ticket; `acceptor` has the library
check it; `pac` finds the immutable id in it; `keytab` reads and writes files of keys. No controller is asked
here, no password is known, and nothing of the machine's own Kerberos counts. Not here: whose ticket it is
(`methods/directory/kerberos.py`).
"""
