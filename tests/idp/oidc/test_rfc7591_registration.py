"""Dynamic Client Registration (RFC 7591, OpenID Connect Registration 1.0), by applications that register themselves."""

import json
import re
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from sqlalchemy import text

from idp.crypto import token_hash
from idp.gateways.outbound import Outbound
from idp.models.clients import Client, InitialAccessToken
from idp.oidc.authorize import AskConsent, Browser
from idp.oidc.errors import ProtocolError
from idp.oidc.options import Options, RegistrationMode
from idp.oidc.redirect_uris import UnfitRedirectUriError, require_registrable
from idp.oidc.registration_documents import FETCHES_AT_ONCE, OPEN_MEMBERS
from idp.storage import migrate
from tests.idp.oidc.house import ISSUER, House
from tests.support.at_once import at_once
from tests.support.authorization_requests import JWKS
from tests.support.builders import START, World
from tests.support.client_certificates import ClientAuthority
from tests.support.registrant import CALLBACK, DOCUMENT, Registered, bearer, register
from tests.support.relying_party import ProviderError
from tests.support.remote import Received, Remote, Reply

DAY = 86400.0


def options(mode: RegistrationMode, **more: Any) -> Options:
    return Options(issuer=ISSUER, refresh_seconds=30 * DAY, registration=mode, **more)


@pytest.fixture
def open_to_all(house: House, outbound: Outbound) -> House:
    return House(house.world, options=options(RegistrationMode.OPEN), outbound=outbound)


@pytest.fixture
def by_token(house: House) -> House:
    return House(house.world, options=options(RegistrationMode.TOKEN))


def make_token(world: World, *, uses: int = 1, seconds: float = DAY) -> str:
    now, token = world.effects.now(), world.effects.new_token()
    row = InitialAccessToken(
        token_hash=token_hash(token), note="", created_at=now, expires_at=now + seconds, uses_left=uses
    )
    with world.database.begin() as work:
        work.initial_tokens.add(row)
    return token


def stored(house: House, registered: Registered) -> Client:
    return house.openid.clients.get(registered.client_id)


def clients(house: House) -> int:
    return house.rows_in_all_tables()["clients"]


def refused(house: House, **metadata: Any) -> ProviderError:
    before = clients(house)
    with pytest.raises(ProviderError) as error:
        register(house.http, **metadata)
    assert clients(house) == before
    return error.value


# Who may --------------------------------------------------------------------------------------------------------


def test_where_it_is_off_there_is_nothing(house: House) -> None:
    assert "registration_endpoint" not in house.http.get("/.well-known/openid-configuration").json()
    for path in ("/register", "/register/", "/register/somebody"):
        for method in ("GET", "POST", "PUT", "DELETE"):
            reply = house.http.request(method, path, json=DOCUMENT, headers=bearer("x"))
            assert (reply.status_code, reply.json()["error"]) == (404, "not_found")


def test_who_registered_before_it_was_off_cannot_come_back(open_to_all: House, house: House) -> None:
    registered = register(open_to_all.http)
    registered.http = house.http
    assert registered.send("GET").status_code == 404


def test_discovery_names_the_address(open_to_all: House, by_token: House) -> None:
    for house in (open_to_all, by_token):
        said = house.http.get("/.well-known/openid-configuration").json()
        assert said["registration_endpoint"] == f"{ISSUER}/register"


def test_an_initial_access_token_lets_one_register(by_token: House) -> None:
    token = make_token(by_token.world)
    assert register(by_token.http, initial_token=token).client_id
    with pytest.raises(ProviderError, match="invalid_token"):
        register(by_token.http, initial_token=token)


def test_it_lets_as_many_register_as_it_says(by_token: House) -> None:
    token = make_token(by_token.world, uses=2)
    for _ in range(2):
        register(by_token.http, initial_token=token)
    assert refused(by_token, initial_token=token).status == 401


def test_it_ends(by_token: House) -> None:
    """attack 30"""
    token = make_token(by_token.world, seconds=10)
    by_token.world.clock.move(10)
    assert refused(by_token, initial_token=token).error == "invalid_token"


@pytest.mark.parametrize(
    ("offered", "metadata"),
    [
        (
            {},
            {
                "token_endpoint_auth_method": "self_signed_tls_client_auth",
                "jwks_uri": "https://a.example/keys",
            },
        ),
        ({}, {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a.example"}),
        (
            {"client_certificates": True},
            {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a.example"},
        ),
    ],
)
def test_a_way_to_prove_oneself_that_cannot_succeed_is_not_registered(
    open_to_all: House, offered: dict[str, Any], metadata: dict[str, Any]
) -> None:
    house = House(open_to_all.world, replace(open_to_all.options, **offered), open_to_all.outbound)
    assert "token_endpoint_auth_method" in str(refused(house, **metadata))


def test_what_is_refused_uses_nothing_up(by_token: House) -> None:
    token = make_token(by_token.world)
    assert refused(by_token, initial_token=token, redirect_uris=[]).error == "invalid_redirect_uri"
    assert register(by_token.http, initial_token=token).client_id


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic eDp5", "Bearer wrong"])
def test_without_one_nothing_is_looked_at(by_token: House, header: str | None) -> None:
    """attack 9: nor is anything fetched for strangers"""
    headers = {"Authorization": header} if header is not None else {}
    replies = [by_token.http.post("/register", json=body, headers=headers) for body in (DOCUMENT, "nonsense")]
    assert {reply.status_code for reply in replies} == {401}
    assert all(
        reply.headers["WWW-Authenticate"].startswith('Bearer realm="visvaris registration"')
        for reply in replies
    )


def test_the_token_is_kept_only_as_a_hash(by_token: House) -> None:
    """attack 44"""
    token = make_token(by_token.world)
    with by_token.world.database.read() as work:
        row = work.initial_tokens.find_usable(token_hash(token), by_token.world.clock())
    assert row is not None
    assert token not in str(vars(row))


def test_open_means_anybody_but_not_without_end(open_to_all: House) -> None:
    """attack 43"""
    replies = [open_to_all.http.post("/register", json={}) for _ in range(70)]
    slowed = [reply for reply in replies if reply.status_code == 429]
    assert len(slowed) == 10
    assert int(slowed[0].headers["Retry-After"]) >= 1
    assert slowed[0].json()["error"] == "too_many_requests"
    open_to_all.world.clock.move(600)
    assert register(open_to_all.http).client_id


@pytest.mark.parametrize("database", ["sqlite_url", "postgres_url"])
def test_of_all_who_race_for_the_last_use_one_registers(
    request: pytest.FixtureRequest, database: str
) -> None:
    url = request.getfixturevalue(database)
    migrate.upgrade(url)
    with World(url) as world:
        house = House(world, options=options(RegistrationMode.TOKEN))
        token = make_token(world, uses=3)
        statuses = at_once(
            20, lambda _: house.http.post("/register", json=DOCUMENT, headers=bearer(token)).status_code
        )
        assert sorted(statuses) == [201] * 3 + [401] * 17
        assert clients(house) == 3


# What comes back ------------------------------------------------------------------------------------------------


def test_the_answer_is_the_whole_registration(open_to_all: House) -> None:
    """RFC 7591 section 3.2.1"""
    asked = {
        "redirect_uris": [CALLBACK, "https://app.example.lv/other?tenant=riga"],
        "contacts": ["it@example.lv"],
        "logo_uri": "https://app.example.lv/logo.png",
        "default_max_age": 600,
        "require_auth_time": True,
        "default_acr_values": ["urn:visvaris:acr:mfa"],
        "initiate_login_uri": "https://app.example.lv/start",
        "favourite_colour": "blue",
        "client_secret": "one of my own",
        "client_id": "a name of my own",
    }
    reply = open_to_all.http.post("/register", json={**DOCUMENT, **asked})
    assert reply.status_code == 201
    assert reply.headers["Cache-Control"] == "no-store"
    told = reply.json()
    assert {name: told[name] for name in list(asked)[:7]} == dict(list(asked.items())[:7])
    assert "favourite_colour" not in told
    assert told["client_id"] != "a name of my own"
    assert len(told["client_secret"]) == len(told["registration_access_token"]) == 43
    assert told["client_secret_expires_at"] == 0
    assert told["client_id_issued_at"] == int(open_to_all.world.clock())
    assert told["registration_client_uri"] == f"{ISSUER}/register/{told['client_id']}"
    assert told["scope"] == "openid profile email phone address"


def test_a_registered_application_signs_people_in(open_to_all: House, browser: Browser) -> None:
    """It is of another organisation, so the person is asked; without PKCE, as a plain OpenID Connect client."""
    party = register(open_to_all.http).party(now=open_to_all.world.clock)
    question = party.ask(code_challenge=None, code_challenge_method=None, scope="openid email")
    outcome = open_to_all.agree(open_to_all.visit(question, browser), browser)
    tokens = party.redeem(question, open_to_all.code_in(party, question, outcome))
    assert party.userinfo(tokens.access_token)["email"] == "anna@example.lv"


def test_who_keeps_no_secret_is_held_to_s256(open_to_all: House, browser: Browser) -> None:
    """attack 13"""
    public = register(open_to_all.http, token_endpoint_auth_method="none")
    native = register(open_to_all.http, application_type="native", redirect_uris=["lv.example.app:/cb"])
    assert "client_secret" not in public.told
    for registered in (public, native):
        party = registered.party()
        question = party.ask(code_challenge=None, code_challenge_method=None)
        with pytest.raises(ProviderError, match="invalid_request"):
            open_to_all.code_in(party, question, open_to_all.visit(question, browser))
        assert isinstance(open_to_all.visit(party.ask(), browser), AskConsent)


def test_neither_secret_nor_token_is_kept_readable(open_to_all: House) -> None:
    """attack 44"""
    registered = register(open_to_all.http)
    kept = stored(open_to_all, registered)
    for secret in (registered.token, registered.told["client_secret"]):
        assert secret not in str(vars(kept))
        assert secret not in repr(kept)


def test_it_is_written_into_the_trail(open_to_all: House) -> None:
    registered = register(open_to_all.http)
    with open_to_all.world.database.read() as work:
        rows = work.connection().execute(text("SELECT type, client_id FROM audit_events")).all()
    assert ("client.registered", registered.client_id) in [tuple(row) for row in rows]


# What only an operator gives ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "metadata",
    [
        {"visvaris": {"first_party": True}},
        {"visvaris": {}},
        {"visvaris": {"person_code_basis": "I say so"}},
        {"visvaris": {"resources": ["https://fines.example.lv"]}},
        {"scope": "openid person_code"},
        {"scope": "openid employment"},
        {"scope": "openid verified_identity"},
        {"scope": "openid fines.read"},
        {"grant_types": ["client_credentials"], "scope": "fines.read"},
        {"grant_types": ["authorization_code", "client_credentials"]},
        {"grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"]},
    ],
)
def test_what_only_an_operator_gives_is_refused_by_name(open_to_all: House, metadata: dict[str, Any]) -> None:
    """attack 40, attack 41, attack 42: mass assignment"""
    error = refused(open_to_all, **metadata)
    assert (error.status, error.error) == (400, "invalid_client_metadata")


@pytest.mark.parametrize(
    ("metadata", "through", "authorities"),
    [
        (
            {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "app.example"},
            False,
            True,
        ),
        (
            {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "app.example"},
            True,
            False,
        ),
        ({"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": JWKS}, False, False),
        ({"tls_client_certificate_bound_access_tokens": True}, False, False),
    ],
)
def test_what_is_not_offered_cannot_be_registered(
    house: House, metadata: dict[str, Any], through: bool, authorities: bool
) -> None:
    """Discovery does not name it, and a client that had it could never get a token"""
    authority = ClientAuthority(START).certificate
    some = options(
        RegistrationMode.OPEN,
        client_certificates=through,
        client_authorities=(authority,) if authorities else (),
    )
    error = refused(House(house.world, options=some), **metadata)
    assert (error.status, error.error) == (400, "invalid_client_metadata")
    assert "not offered here" in str(error)
    every = options(RegistrationMode.OPEN, client_certificates=True, client_authorities=(authority,))
    assert register(House(house.world, options=every).http, **metadata)


def test_a_change_cannot_bring_in_what_is_not_offered(open_to_all: House) -> None:
    mine = register(open_to_all.http)
    with pytest.raises(ProviderError, match="not offered here"):
        mine.replace(**DOCUMENT, token_endpoint_auth_method="self_signed_tls_client_auth", jwks=JWKS)


def test_slow_documents_of_sectors_do_not_keep_everybody_waiting(open_to_all: House, remote: Remote) -> None:
    """attack 9, attack 43: some wait for theirs, the others are told to come again"""
    release = threading.Event()

    def slowly(_: Received) -> Reply:
        release.wait(3)
        return Reply(json.dumps([CALLBACK]).encode())

    remote.answers["/sector"] = slowly

    def ask(number: int) -> int:
        if number >= FETCHES_AT_ONCE:
            while len(remote.asked("/sector")) < FETCHES_AT_ONCE:
                time.sleep(0.01)
        document = {**DOCUMENT, "sector_identifier_uri": remote.url("/sector")}
        reply = open_to_all.http.post("/register", json=document)
        if reply.status_code == 429:
            assert reply.headers["Retry-After"] == "5"
            release.set()
        return reply.status_code

    assert sorted(at_once(FETCHES_AT_ONCE + 1, ask)) == [201] * FETCHES_AT_ONCE + [429]
    assert register(open_to_all.http)


def test_columns_of_ours_cannot_be_set(open_to_all: House) -> None:
    """attack 42: names of columns are unknown members, and unknown members are ignored"""
    own = {
        "first_party": True,
        "person_code_basis": "Law",
        "minimum_level": 0,
        "disabled": True,
        "resources": ["https://fines.example.lv"],
        "audience": ISSUER,
        "profile": "fapi2",
        "sector": "evil.example",
        "municipalities": ["0001000"],
        "roles": ["operator"],
        "tile_group": "Portāls",
        "demonstration": True,
        "kind": "service",
        "secrets": [],
        "registration_token_hash": "x",
        "needs_employment": True,
    }
    kept = stored(open_to_all, register(open_to_all.http, **own))
    assert not kept.first_party
    assert not kept.disabled
    assert (kept.person_code_basis, kept.audience, kept.sector, kept.tile_group) == (None,) * 4
    assert (kept.resources, kept.municipalities, kept.roles) == ([], [], [])
    assert (kept.minimum_level, kept.profile, kept.kind) == (1, "oidc", "web")
    assert not set(own) & set(kept.registered)


def test_what_is_understood_and_not_open_to_all_is_an_operators(
    open_to_all: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """attack 41: a member somebody adds later is closed until somebody opens it"""
    monkeypatch.setattr("idp.oidc.registration_documents.OPEN_MEMBERS", OPEN_MEMBERS - {"software_id"})
    assert "software_id is granted by the operator alone" in str(refused(open_to_all, software_id="x"))


# What is no metadata --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"null", b"7", b"{", b"\xff\xfe{}", b'"text"', b"[" * 30_000),
        *(b'{"redirect_uris": NaN}', b'{"client_name": "a", "client_name": "b"}', b'{"a": "\\ud800"}'),
        *(b'{"jwks": {"keys": [], "x": "\\u0000"}}', b'{"default_max_age": ' + b"9" * 5000 + b"}"),
    ],
)
def test_a_body_that_is_no_document_is_refused(open_to_all: House, body: bytes) -> None:
    """attack 43"""
    headers = {"Content-Type": "application/json"}
    reply = open_to_all.http.post("/register", content=body, headers=headers)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_client_metadata")
    assert clients(open_to_all) == 0


def test_a_form_is_no_document(open_to_all: House) -> None:
    """attack 24: no form on another site can register anything"""
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data"):
        reply = open_to_all.http.post(
            "/register", content=json.dumps(DOCUMENT), headers={"Content-Type": kind}
        )
        assert (reply.status_code, reply.json()["error"]) == (400, "invalid_client_metadata")


def test_a_body_that_is_too_large_is_not_read(open_to_all: House) -> None:
    """attack 43"""
    reply = open_to_all.http.post("/register", json={**DOCUMENT, "contacts": ["x" * 70_000]})
    assert reply.status_code == 413


@given(
    st.dictionaries(
        st.sampled_from(sorted(OPEN_MEMBERS)),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
            ),
            max_leaves=5,
        ),
        max_size=4,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_whatever_is_sent_is_registered_as_said_or_refused_as_the_rfc_has_it(
    house: House, document: dict[str, Any]
) -> None:
    """attack 43"""
    open_house = House(house.world, options=options(RegistrationMode.TOKEN))
    token = make_token(house.world)
    body = json.dumps({**DOCUMENT, **document})
    reply = open_house.http.post(
        "/register", content=body, headers={**bearer(token), "Content-Type": "application/json"}
    )
    assert reply.status_code in {201, 400}
    if reply.status_code == 400:
        assert reply.json()["error"] in {"invalid_redirect_uri", "invalid_client_metadata"}


# Addresses ------------------------------------------------------------------------------------------------------

RUNS = ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd"]


@pytest.mark.parametrize("uri", RUNS)
@pytest.mark.parametrize("native", [True, False])
def test_what_could_run_is_no_redirect_uri(open_to_all: House, uri: str, *, native: bool) -> None:
    """attack 5"""
    kind = "native" if native else "web"
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        error = refused(open_to_all, application_type=kind, **{name: [uri]})
        assert (error.status, error.error) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize("uri", [*RUNS, "https://user@app.example.lv/", "http://app.example.lv/", "//x", ""])
@pytest.mark.parametrize(
    "name",
    [
        *("client_uri", "logo_uri", "policy_uri", "tos_uri", "initiate_login_uri", "jwks_uri"),
        *("sector_identifier_uri",),
    ],
)
def test_nor_is_it_any_other_address(open_to_all: House, name: str, uri: str) -> None:
    """attack 5"""
    error = refused(open_to_all, **{name: uri})
    assert error.error == "invalid_client_metadata"
    assert name in str(error)


def test_a_web_application_is_reached_over_https(open_to_all: House) -> None:
    """OpenID Connect Registration 2"""
    for uri in ("http://localhost:9000/callback", "http://127.0.0.1/callback"):
        assert refused(open_to_all, redirect_uris=[uri]).error == "invalid_redirect_uri"
        assert register(open_to_all.http, redirect_uris=[uri], application_type="native").client_id


def test_nothing_private_is_fetched_whatever_an_application_names(
    house: House, remote: Remote, browser: Browser
) -> None:
    """attack 9: a provider without IDP_OUTBOUND_ALLOW reaches nothing inside"""
    closed = House(house.world, options=options(RegistrationMode.OPEN), outbound=Outbound())
    shown = ("client_uri", "logo_uri", "policy_uri", "tos_uri", "initiate_login_uri")
    party = register(closed.http, **{name: remote.url(f"/{name}") for name in shown}).party()
    assert isinstance(closed.visit(party.ask(), browser), AskConsent)
    error = refused(closed, sector_identifier_uri=remote.url("/sector"))
    assert error.error == "invalid_client_metadata"
    assert "may not be reached" in str(error)
    keyed = register(closed.http, token_endpoint_auth_method="private_key_jwt", jwks_uri=remote.url("/keys"))
    party = keyed.party(key=ECKey.generate_key("P-256", {"kid": "k"}))
    with pytest.raises(ProviderError, match="may not be reached") as unproved:
        party.introspect("x")
    assert unproved.value.error == "invalid_client"
    assert remote.received == []


def test_no_redirect_is_followed(open_to_all: House, remote: Remote) -> None:
    """attack 9"""
    remote.answers["/sector"] = Reply(b"", 302, {"Location": remote.url("/inside")})
    assert "answered with status 302" in str(
        refused(open_to_all, sector_identifier_uri=remote.url("/sector"))
    )
    assert [request.path for request in remote.received] == ["/sector"]


def like(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)


PLAUSIBLE = st.builds(
    "https://{}{}{}".format,
    like(r"[a-z][a-z0-9]{0,5}(\.[a-z]{2,4}){1,2}(:[1-9][0-9]{1,3})?"),
    like(r"(/[A-Za-z0-9._~;=%-]{0,6}){0,3}"),
    like(r"(\?[a-z0-9=&%/:]{0,12})?"),
)
WILD = st.text(alphabet="htps:/.?#@%[]\\a1-=& ", max_size=30) | like(r"https://[a-z.:@/?%\\#]{1,25}")


@given(uri=PLAUSIBLE | WILD)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
def test_whatever_registers_is_matched_exactly_and_nothing_else(house: House, anna: Any, uri: str) -> None:
    """attack 1: round trip from registration to the answer"""
    open_house = House(house.world, options=options(RegistrationMode.TOKEN))
    token = make_token(house.world)
    try:
        registered = register(open_house.http, initial_token=token, redirect_uris=[uri])
    except ProviderError as error:
        assert error.error == "invalid_redirect_uri"  # noqa: PT017  either way is right, and each is checked
        return
    require_registrable(uri, installed=False)
    browser, party = open_house.sign_in(anna), registered.party()
    assert isinstance(open_house.visit(party.ask(), browser), AskConsent)
    for other in (
        f"{uri}/",
        f"{uri}?",
        f"{uri}x",
        uri[:-1],
        uri.replace("https://", "https://x."),
        f"{uri}&a=b",
    ):
        with pytest.raises(ProtocolError):
            open_house.visit(party.ask(redirect_uri=other), browser)


def test_a_uri_that_may_not_be_registered_is_not() -> None:
    with pytest.raises(UnfitRedirectUriError):
        require_registrable("https://app.example.lv/#", installed=False)


# Software statements (section 2.3) ------------------------------------------------------------------------------

VENDOR = "https://vendor.example"


@pytest.fixture(params=["ES256", "RS256", "PS256", "EdDSA"])
def signing(request: pytest.FixtureRequest) -> tuple[str, Any]:
    makers: dict[str, Any] = {
        "ES256": lambda: ECKey.generate_key("P-256", {"kid": "v"}),
        "RS256": lambda: RSAKey.generate_key(2048, {"kid": "v"}),
        "PS256": lambda: RSAKey.generate_key(2048, {"kid": "v"}),
        "EdDSA": lambda: OKPKey.generate_key("Ed25519", {"kid": "v"}),
    }
    return request.param, makers[request.param]()


def trusting(house: House, key: Any) -> House:
    jwks = {"keys": [{**key.as_dict(private=False), "kid": key.kid}]}
    trusted = options(RegistrationMode.OPEN, software_statement_jwks={VENDOR: jwks})
    return House(house.world, options=trusted)


def statement(key: Any, alg: str = "ES256", **claims: Any) -> str:
    return jwt.encode({"alg": alg, "kid": key.kid}, {"iss": VENDOR, **claims}, key, algorithms=[alg])


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_what_a_trusted_statement_says_takes_precedence(house: House, signing: tuple[str, Any]) -> None:
    alg, key = signing
    said = statement(
        key,
        alg,
        client_name="Pārbaudīta programma",
        software_id="p-1",
        redirect_uris=["https://v.example/cb"],
    )
    reply = trusting(house, key).http.post("/register", json={**DOCUMENT, "software_statement": said})
    told = reply.json()
    assert reply.status_code == 201
    assert told["software_statement"] == said
    assert (told["client_name"], told["software_id"]) == ("Pārbaudīta programma", "p-1")
    assert told["redirect_uris"] == ["https://v.example/cb"]
    assert "iss" not in told


def test_a_statement_of_somebody_else_is_not_approved(open_to_all: House) -> None:
    key = ECKey.generate_key("P-256", {"kid": "v"})
    error = refused(open_to_all, software_statement=statement(key))
    assert (error.status, error.error) == (400, "unapproved_software_statement")


def test_a_statement_that_is_not_right_is_invalid(house: House) -> None:
    """attack 16"""
    key, forger = (ECKey.generate_key("P-256", {"kid": "v"}) for _ in range(2))
    trusted, now = trusting(house, key), house.world.clock()
    header, claims, signature = statement(key).split(".")
    wrong = [
        *(7, "", "x", "x.y.z", ["x"], f"{header}.{claims}.", f"{header}.{claims}x.{signature}"),
        *(
            statement(forger),
            statement(key, exp=now),
            statement(key, nbf=now + 60),
            statement(key, iat="now"),
        ),
        f"{jwt.encode({'alg': 'HS256', 'kid': 'v'}, {'iss': VENDOR}, _octets(key), algorithms=['HS256'])}",
    ]
    for said in wrong:
        assert refused(trusted, software_statement=said).error == "invalid_software_statement", said


def test_not_even_a_trusted_statement_gives_what_operators_give(house: House) -> None:
    """attack 41"""
    key = ECKey.generate_key("P-256", {"kid": "v"})
    trusted = trusting(house, key)
    for claims in ({"visvaris": {"first_party": True}}, {"scope": "openid person_code"}):
        assert (
            refused(trusted, software_statement=statement(key, **claims)).error == "invalid_client_metadata"
        )


def _octets(key: ECKey) -> Any:
    return OctKey.import_key(key.as_pem(private=False).hex())
