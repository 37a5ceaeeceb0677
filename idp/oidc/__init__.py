"""OAuth 2.0 and OpenID Connect as plain values in, plain values out. Knows neither Flask nor WSGI.

The edge (`web/protocol.py`, `web/oidc.py`) turns HTTP into `requests.Request` and back; `server.py` puts it
together.
"""
