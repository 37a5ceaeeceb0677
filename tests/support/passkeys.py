"""People with passkeys and security keys: what their browser's script would do, done by hand."""

import json
from typing import Any

from tests.support.actors import Browser
from tests.support.authenticator import Authenticator, Key, Lie
from tests.support.pages import Form, Page

TRUTH = Lie()


def passkey_form(browser: Browser) -> Form:
    """The one beside the username."""
    return browser.page.form(button="method-passkey")


def uses_passkey(
    browser: Browser, device: Authenticator, lie: Lie = TRUTH, *, key: Key | None = None
) -> Page:
    """On the page that asks who it is."""
    return sends(browser, passkey_form(browser), device.gets(passkey_form(browser).options, lie, key=key))


def uses_key(browser: Browser, device: Authenticator, lie: Lie = TRUTH, *, key: Key | None = None) -> Page:
    """On a page of its own."""
    form = browser.page.form("credential")
    return sends(browser, form, device.gets(form.options, lie, key=key))


def sets_up(
    browser: Browser, device: Authenticator, method: str = "passkey", lie: Lie = TRUTH, label: str = ""
) -> Page:
    """From the account page, which must be open to the person."""
    browser.opens(f"/account/methods/{method}")
    return creates(browser, device, lie, label)


def creates(browser: Browser, device: Authenticator, lie: Lie = TRUTH, label: str = "") -> Page:
    form = browser.page.form("credential")
    return sends(browser, form, device.creates(form.options, lie), label=label)


def sends(browser: Browser, form: Form, credential: str, **fields: str) -> Page:
    data = {**form.fields, **fields, "credential": credential}
    return browser.posts(form.action or browser.page.path, data)


def asked_for(form: Form) -> dict[str, Any]:
    asked: dict[str, Any] = json.loads(form.options)
    return asked
