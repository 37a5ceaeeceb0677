"""What a response tells the browser, and what it never takes from a request."""

import re

import pytest

from tests.support.actors import Browser, Employee, Hall

PAGES = ["/", "/account", "/logout", "/logged-out", "/nowhere", "/login/none"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_forbids_nearly_everything(browser: Browser, anna: Employee, path: str) -> None:
    """Click-jacking, referrer leak, caches (attack 26)."""
    browser.signs_in(anna)
    headers = browser.opens(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["strict-transport-security"].startswith("max-age=63072000")


def test_cookies_belong_to_this_host_alone(browser: Browser, anna: Employee) -> None:
    """Cookie flags and prefixes (attack 26)."""
    browser.signs_in(anna)
    browser.http.get("/language/en")
    names = {cookie.name for cookie in browser.http.cookies.jar}
    assert names == {"__Host-visvaris-session", "__Host-visvaris-browser", "__Host-visvaris-lang"}
    for cookie in browser.http.cookies.jar:
        assert cookie.secure
        assert cookie.path == "/"
        assert not cookie.domain_specified
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert cookie.get_nonstandard_attr("SameSite") == "Lax"


def test_on_localhost_cookies_do_without_what_needs_https(fresh_database: str) -> None:
    hall = Hall(fresh_database, issuer="http://localhost:8000")
    browser = hall.browser()
    browser.signs_in(hall.employee("viens"))
    cookies = {cookie.name: cookie for cookie in browser.http.cookies.jar}
    assert set(cookies) == {"visvaris-session", "visvaris-browser"}
    assert not cookies["visvaris-session"].secure
    assert "strict-transport-security" not in browser.page.headers
    hall.close()


def test_pages_load_nothing_from_elsewhere_and_run_nothing_of_their_own(
    browser: Browser, anna: Employee
) -> None:
    for page in (browser.opens("/"), browser.signs_in(anna), browser.opens("/account")):
        assert all(source.startswith("/static/") for source in page.content.sources)
        assert not re.search(r"\son\w+=|style=|javascript:", page.content.markup)


def test_static_files_are_kept_for_good_under_the_hash_of_their_content(browser: Browser) -> None:
    page = browser.opens("/")
    sheet = next(source for source in page.content.sources if source.endswith("base.css"))
    response = browser.http.get(sheet)
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-type"] == "text/css; charset=utf-8"
    older = re.sub(r"/static/[0-9a-f]+/", "/static/0123456789ab/", sheet)
    assert browser.http.get(older).headers["cache-control"] == "public, max-age=60"


@pytest.mark.parametrize("path", ["../../pyproject.toml", "..%2f..%2fpyproject.toml", "css/none.css", "css"])
def test_nothing_but_static_files_is_served_there(browser: Browser, path: str) -> None:
    assert browser.http.get(f"/static/0123456789ab/{path}").status_code == 404


def test_host_and_forwarding_headers_never_get_into_a_page_or_an_address(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """Host header and X-Forwarded-Host, -Proto in links (attack 27)."""
    evil = {
        "Host": "evil.test",
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Proto": "http",
        "Forwarded": "host=evil.test;proto=http",
    }
    for path in ("/", "/account", "/logged-out", "/.well-known/security.txt", "/authorize", "/nowhere"):
        response = browser.http.get(path, headers=evil, follow_redirects=False)
        assert "evil.test" not in response.text
        assert "evil.test" not in response.headers.get("location", "")


def test_the_address_to_change_a_password_and_to_report_a_hole(hall: Hall, browser: Browser) -> None:
    assert browser.opens("/.well-known/change-password").path.startswith("/login/")
    text = browser.http.get("/.well-known/security.txt").text
    assert "Contact: mailto:" in text
    assert f"Canonical: {hall.issuer}/.well-known/security.txt" in text
    assert "Expires: " in text
