"""What people agree to before their identity is read, and what the Smart-ID app shows them.

The text on the page is in `templates/identity/consent.html`; its version is here, so that what somebody
agreed to can be found again. A test holds the two together.
"""

import re
from typing import Final

CONSENT_VERSION: Final = "2026-11"
_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9._-]{3,20}", re.ASCII)
_LONG: Final = {
    "lv": {
        False: "Vienreizēja identitātes pārbaude lietotāja kontam “{account}” vietnē {site}. Ar to neko "
        "neparakstāt. Ja pārbaudi nesākāt pats, spiediet “Atcelt”.",
        True: "Piekļuves atgūšana lietotāja kontam “{account}” vietnē {site}. Ar to neko neparakstāt. Ja to "
        "nesākāt pats, spiediet “Atcelt”.",
    },
    "en": {
        False: "One-time identity check for user account “{account}” at {site}. You sign no document. If you "
        "did not start this yourself, press Cancel.",
        True: "Regaining access to user account “{account}” at {site}. You sign no document. If you did not "
        "start this yourself, press Cancel.",
    },
}
_SHORT: Final = {"lv": "Identitātes pārbaude: {account}, {site}", "en": "Identity check: {account}, {site}"}


def account_in_app(username: str, reference: str) -> str:
    """A username is a text that its owner chose, on a screen that people trust: only plain ones are shown.

    `reference`: digits that stand on the page, too, for all others.
    """
    return username if _SAFE_NAME.fullmatch(username) else f"nr. {reference}"


def long_text(account: str, site: str, *, language: str, recovers: bool) -> str:
    """At most 200 characters."""
    return _LONG[language][recovers].format(account=account, site=site)


def short_text(account: str, site: str, *, language: str) -> str:
    """At most 60 characters."""
    return _SHORT[language].format(account=account, site=site)
