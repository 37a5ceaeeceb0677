"""An emulator of eParaksts' OAuth 2.0 service (identification), written from its documentation and without a line of the gateway.

`service.py` is the WSGI application, `people.py` who can be picked at it, `running.py` puts it on a loopback port and has a
visitor without a browser; `python -m tests.support.eparaksts` serves it.
"""
