"""The one door to eParaksts (eParaksts mobile and the eID card): sends a browser there by the OAuth 2.0
authorization code flow (RFC 6749, PKCE of RFC 7636), and asks who came back.

`door.py` is what the rest of the provider uses. All else is pure: text in, a value or a refusal out.

The service answers without an ID token and signs nothing: an identity is believed because it came over TLS
from the service's own host, for a code that only our secret could exchange.

Deliberately not here: signing, people and accounts, which browser may come back (the web's cookie says
that), where what was begun is kept meanwhile.
"""
