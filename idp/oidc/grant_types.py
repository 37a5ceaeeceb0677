"""Names of grant types that are too long to be said twice."""

from typing import Final

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
"""RFC 8628 section 3.4."""
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  the name of a grant
"""RFC 8693 section 2.1."""
