"""The one door to municipalities' directories: LDAP (RFC 4511) as Active Directory speaks it, always in TLS.

`door` asks, `outcomes` names what may come of it, `diagnosis` explains a connection step by step. Referrals
are not followed, and nothing is ever written but a person's own new password. Not here: who may sign in by
it (`methods/directory.py`).
"""
