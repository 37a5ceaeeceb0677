"""Headless Chromium from the operating system, driven by Playwright.

Not a download: Playwright's own browsers are never fetched.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.support.services import missing

FLAGS = [
    "--no-sandbox",  # the tests may run as root, and open only their own pages
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
DESK = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=360, height=740)

OpenPage: TypeAlias = Callable[..., Page]


expect.set_options(timeout=20_000)
"""Milliseconds: how long what is expected may take on a machine that does much else at the time."""


@contextmanager
def chromium() -> Iterator[Browser]:
    binary = _binary()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def another_browser(beside: Browser, *flags: str) -> Iterator[Browser]:
    """One that is set up otherwise, while `beside` runs."""
    browser = beside.browser_type.launch(executable_path=_binary(), args=[*FLAGS, *flags])
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def browser_of_a_computer(
    beside: Browser, profile: Path, environment: Mapping[str, str], *, asked_by: str
) -> Iterator[Page]:
    """A page in a browser that answers `asked_by` with the tickets of whoever is logged in there."""
    profile.mkdir()
    # Otherwise the first site that asks is not answered until the machine's policies were read.
    (profile / "Local State").write_text(json.dumps({"net": {"received_http_auth_negotiate_headers": True}}))
    context = beside.browser_type.launch_persistent_context(
        profile,
        executable_path=_binary(),
        args=[*FLAGS, f"--auth-server-allowlist={asked_by}"],
        env=dict(environment),
        locale="lv-LV",
        timezone_id="Europe/Riga",
        viewport=DESK,
        reduced_motion="reduce",
        ignore_https_errors=True,
    )
    context.set_default_timeout(20_000)
    try:
        yield context.pages[0]
    finally:
        context.close()


def _binary() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise RuntimeError(missing("Chromium"))
    return found


@contextmanager
def open_pages(browser: Browser) -> Iterator[OpenPage]:
    """A function that opens a page in a browser profile of its own; all of them close at the end.

    `viewport` is DESK or PHONE, `color_scheme` "light" or "dark"; whatever else Playwright's `new_context` takes, it takes too.
    A page that does not answer within twenty seconds fails the test.
    """
    contexts = []

    def open_page(
        *, viewport: ViewportSize = DESK, color_scheme: str = "light", locale: str = "lv-LV", **options: Any
    ) -> Page:
        context = browser.new_context(
            viewport=viewport,
            color_scheme="dark" if color_scheme == "dark" else "light",
            locale=locale,
            timezone_id="Europe/Riga",
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        return context.new_page()

    try:
        yield open_page
    finally:
        for context in contexts:
            context.close()
