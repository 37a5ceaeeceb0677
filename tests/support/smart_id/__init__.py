"""An emulator of Smart-ID's RP API v3 (authentication), written from the specification and without a line of the gateway.

`service.py` is the WSGI application, `phone.py` plays the app, `authority.py` issues certificates, `ocsp.py` tells of
revocation, `running.py` puts it all on a loopback port over TLS; `python -m tests.support.smart_id` serves it.
"""
