"""Names of grant types that are said in more than one place."""

from typing import Final

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
"""RFC 8628 section 3.4."""
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  the name of a grant
"""RFC 8693 section 2.1."""
IMPLICIT: Final = "implicit"
"""RFC 7591 section 2.1: said at registration only; no token request has it."""
