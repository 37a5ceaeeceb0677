"""What people agree to, and what the app shows them."""

import hashlib
import re
from pathlib import Path

import pytest

from idp.languages import LANGUAGES, catalogue
from idp.people.identity.texts import CONSENT_VERSION, account_in_app, long_text, short_text
from tests.support.checkout import ROOT

CONSENTS = {"2026-11": "b9d1ea4bd343ee5d7fe141a1545b4a527d055f4ceae9a3eab160df24406e73de"}
"""SHA-256 of the text in every language, by version. Whoever changes the text gives it another version."""


def consent() -> str:
    source = Path(ROOT / "templates/identity/consent.html").read_text()
    messages = re.findall(r'_\("([^"]+)"\)', source)
    assert len(messages) == 6
    return "\n".join(catalogue(language).gettext(message) for language in LANGUAGES for message in messages)


def test_a_text_that_was_changed_has_another_version() -> None:
    assert hashlib.sha256(consent().encode()).hexdigest() == CONSENTS[CONSENT_VERSION]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("recovers", [True, False])
def test_the_longest_name_fits_the_app(language: str, recovers: bool) -> None:
    account = account_in_app("a" * 20, "0000")
    assert account == "a" * 20
    assert len(long_text(account, "visvaris.lv", language=language, recovers=recovers)) <= 200
    assert len(short_text(account, "visvaris.lv", language=language)) <= 60


@pytest.mark.parametrize(
    "name", ["ab", "a" * 21, "anna bērziņa", "<b>anna</b>", "anna\n", "anna\u202e", "АННА", ""]
)
def test_any_other_name_is_a_number(name: str) -> None:
    """attack 37"""
    assert account_in_app(name, "4711") == "nr. 4711"
