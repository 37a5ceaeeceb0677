"""Redirect URIs: exact, with the loopback port of RFC 8252 as the only exception (RFC 9700 section 2.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.oidc.authorize import Browser
from idp.oidc.errors import ProtocolError
from idp.oidc.redirect_uris import (
    UnfitRedirectUriError,
    form_action_source,
    matches,
    require_registrable,
)
from tests.idp.oidc.house import House

WEB = "https://portal.example.com/callback?tenant=riga"
LOOPBACK = ("http://127.0.0.1/callback", "http://[::1]/callback", "com.example.app:/callback")

EVIL = [
    "https://fooaexample.com/callback",
    "https://portal.example.com.evil.tld/callback?tenant=riga",
    "https://evil.tld/?https://portal.example.com/callback?tenant=riga",
    "https://portalaexample.com/callback?tenant=riga",
    "https://portal.example.com@evil.tld/callback?tenant=riga",
    "https://a@b@portal.example.com/callback?tenant=riga",
    "https://portal.example.com:443/callback?tenant=riga",
    "https://portal.example.com/callback/..;/evil?tenant=riga",
    "https://portal.example.com/%63allback?tenant=riga",
    "https://portal.example.com/callback%2e%2e/evil?tenant=riga",
    "https://portal.example.com\\@evil.tld/callback?tenant=riga",
    "https://portal.example.com/callback?tenant=riga#fragment",
    "https://portal.example.com/callback?tenant=riga&extra=1",
    "https://portal.example.com/callback?tenant=liepaja",
    "https://portal.example.com/callback",
    "https://PORTAL.example.com/callback?tenant=riga",
    "http://portal.example.com/callback?tenant=riga",
    " https://portal.example.com/callback?tenant=riga",
    "https://portal.example.com/callback?tenant=riga\r\nSet-Cookie: a=b",
    "javascript:alert(1)//https://portal.example.com/callback",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "//portal.example.com/callback?tenant=riga",
    "",
]


@pytest.mark.parametrize("uri", EVIL)
def test_what_only_resembles_a_registered_uri_gets_a_page_and_no_redirect(
    house: House, browser: Browser, uri: str
) -> None:
    """attack 1, attack 2, attack 3, attack 5"""
    party = house.add_client(redirect_uris=[WEB])
    with pytest.raises(ProtocolError):
        house.visit(party.ask(redirect_uri=uri), browser)


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize("uri", EVIL)
def test_the_loopback_exception_lets_none_of_them_through(uri: str, *, installed: bool) -> None:
    """attack 1, attack 2, attack 4"""
    assert not matches(uri, (WEB, *LOOPBACK), any_loopback_port=installed)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:49152/callback",
        "http://127.0.0.1:1/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:65535/callback",
        "com.example.app:/callback",
    ],
)
def test_an_installed_application_listens_on_any_port(house: House, browser: Browser, uri: str) -> None:
    """RFC 8252 section 7.3"""
    party = house.add_client(
        redirect_uris=list(LOOPBACK), application_type="native", token_endpoint_auth_method="none"
    )
    tokens = house.tokens_for(party, browser, redirect_uri=uri)
    assert tokens.claims["sub"]


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost:49152/callback",
        "http://localhost.evil.tld/callback",
        "http://localhost:80@attacker.test/callback",
        "http://127.0.0.1:80@attacker.test/callback",
        "http://127.0.0.1.evil.tld/callback",
        "http://127.0.0.2:80/callback",
        "http://127.1/callback",
        "http://2130706433/callback",
        "http://0x7f000001/callback",
        "http://[::ffff:127.0.0.1]/callback",
        "http://[0:0:0:0:0:0:0:1]/callback",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:8x/callback",
        "http://127.0.0.1:٨٠/callback",
        "https://127.0.0.1:80/callback",
        "HTTP://127.0.0.1:80/callback",
        "http://127.0.0.1:80/callback/",
        "http://127.0.0.1:80/callback?x=1",
        "http://127.0.0.1:80/callback#x",
        "http://127.0.0.1:80/../callback",
        "http://127.0.0.1:80\\@evil/callback",
        "http://127.0.0.1:80/callback\n",
        "com.example.app:/other",
        "com.example.app2:/callback",
    ],
)
def test_but_at_no_other_address_or_path(uri: str) -> None:
    """attack 4"""
    assert not matches(uri, LOOPBACK, any_loopback_port=True)


def test_a_web_application_has_no_free_port() -> None:
    assert not matches("http://127.0.0.1:81/callback", LOOPBACK, any_loopback_port=False)


def test_localhost_is_a_name_and_compared_exactly() -> None:
    """attack 4"""
    registered = ("http://localhost:9000/callback",)
    assert matches("http://localhost:9000/callback", registered, any_loopback_port=True)
    assert not matches("http://localhost:9001/callback", registered, any_loopback_port=True)


@given(st.text(), st.lists(st.text(), max_size=3))
def test_whatever_matches_is_registered_or_on_a_loopback_port(uri: str, registered: list[str]) -> None:
    """attack 1"""
    if matches(uri, [*registered, *LOOPBACK], any_loopback_port=True) and uri not in {*registered, *LOOPBACK}:
        assert uri.startswith(("http://127.0.0.1:", "http://[::1]:"))
        assert uri.endswith("/callback")


@given(st.sampled_from(LOOPBACK[:2]), st.text(alphabet="0123456789:@/.?#\\[]a", max_size=12))
def test_nothing_but_a_port_fits_between_host_and_path(uri: str, between: str) -> None:
    """attack 4"""
    host, path = uri.rsplit("/", 1)
    asked = f"{host}{between}/{path}"
    if matches(asked, LOOPBACK, any_loopback_port=True):
        assert between == "" or 1 <= int(between.removeprefix(":")) <= 65535


@pytest.mark.parametrize(
    ("uri", "installed"),
    [
        ("https://app.example.lv/callback", False),
        ("https://app.example.lv:8443/callback?tenant=riga&x=%20", False),
        ("https://app.example.lv", False),
        ("http://localhost:9000/callback", False),
        ("http://127.0.0.1/callback", True),
        ("http://[::1]:9000/callback", True),
        ("lv.example.app:/callback", True),
        ("lv.example.app://host/callback", True),
    ],
)
def test_these_may_be_registered(uri: str, *, installed: bool) -> None:
    require_registrable(uri, installed=installed)


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize(
    "uri",
    [
        *("", "/callback", "callback", "https:", "https://", "https:///callback", "://x"),
        *(
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
        ),
        *("about:blank", "blob:https://x", "view-source:https://x", "myapp:/callback", "myapp://callback"),
        *("https://app.example.lv/#", "https://app.example.lv/#x", "https://user@app.example.lv/"),
        *("https://user:pass@app.example.lv/", "https://@app.example.lv/", "https://app.example.lv\\@evil/"),
        *("http://app.example.lv/callback", "http://localhost.evil.tld/", "http://127.0.0.1.evil.tld/"),
        *("https://*.example.lv/", "https://app.example.lv/*/../x", "https://app.example.lv/a/../b"),
        *("https://app.example.lv/%2e%2e/b", "https://app.example.lv/..;/b", "https://app.example.lv/..%2fb"),
        *("https://app.example.lv/a b", "https://app.example.lv/\n", "https://app.example.lv/ā"),
        *("https://App.example.lv/", "HTTPS://app.example.lv/", "https://app.example.lv:0/"),
        *("https://app.example.lv:99999/", "https://app.example.lv:x/", "https://[::2]/", "https://-a.lv/"),
        *("https://a..lv/", "com.example.app:callback", "com.example.app:", "https://a.lv/" + "x" * 2000),
    ],
)
def test_these_may_not_be_registered(uri: str, *, installed: bool) -> None:
    """attack 1, attack 2, attack 3, attack 5"""
    with pytest.raises(UnfitRedirectUriError):
        require_registrable(uri, installed=installed)


def test_a_private_scheme_is_for_installed_applications() -> None:
    with pytest.raises(UnfitRedirectUriError):
        require_registrable("lv.example.app:/callback", installed=False)


@given(st.text(max_size=60))
def test_what_may_be_registered_is_safe_in_a_header_and_a_policy(uri: str) -> None:
    """attack 5"""
    try:
        require_registrable(uri, installed=True)
    except UnfitRedirectUriError:
        return
    assert uri.isascii()
    assert not set(uri) & set(' \r\n\t"<>\\^`{|}#')
    assert not set(form_action_source(uri)) & set(" ;,'\"*")


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("https://app.example.lv/callback?x=1", "https://app.example.lv"),
        ("http://127.0.0.1:49152/callback", "http://127.0.0.1:49152"),
        ("http://[::1]:49152/callback", "http:"),
        ("lv.example.app:/callback", "lv.example.app:"),
    ],
)
def test_the_page_that_leads_there_may_lead_there(uri: str, source: str) -> None:
    assert form_action_source(uri) == source
