"""Token exchange for delegation between our services (RFC 8693): nothing widens, and the chain is told."""

import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import pytest

from idp.models.people import User, UserStatus
from idp.oidc.authorize import Browser
from idp.oidc.errors import ProtocolError
from idp.oidc.grant_types import TOKEN_EXCHANGE
from idp.oidc.grants.base import TokenRequest
from idp.oidc.grants.token_exchange import ACTORS_AT_MOST, TokenExchange
from idp.oidc.requests import Parameters
from tests.idp.oidc.house import EVERYTHING, ISSUER, House
from tests.idp.oidc.signing import signed_by_us
from tests.support.builders import KEKAVA, RIGA
from tests.support.exchange import ACCESS_TOKEN, BARIS, claims_of, exchange, exchange_raw
from tests.support.relying_party import ProviderError, RelyingParty

FINES, CSDD = "https://fines.example.lv", "https://csdd.example.lv"
READ = "fines.read vehicles.read"
KEY = {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}


def add_delegate(house: House, audience: str = FINES, **own: Any) -> RelyingParty:
    """A service that is called with tokens for `audience` and calls on."""
    return house.add_service(
        own={"audience": audience, "resources": [BARIS, CSDD], **own},
        grant_types=["client_credentials", TOKEN_EXCHANGE],
        scope=f"openid profile employment {READ}",
    )


@dataclass
class Called:
    """Anna called the fines service from an application, which holds her refresh token."""

    token: str
    refresh_token: str
    browser: Browser
    app: RelyingParty


@pytest.fixture
def fines(house: House) -> RelyingParty:
    return add_delegate(house)


@pytest.fixture
def baris(house: House) -> RelyingParty:
    return add_delegate(house, BARIS)


@pytest.fixture
def app(house: House) -> RelyingParty:
    return house.add_client(own={"resources": [FINES]}, scope=f"{EVERYTHING} {READ}")


@pytest.fixture
def called(house: House, browser: Browser, app: RelyingParty) -> Called:
    tokens = house.tokens_for(
        app, browser, scope="openid employment offline_access fines.read", resource=FINES
    )
    return Called(tokens.access_token, tokens.refresh_token or "", browser, app)


# What comes of it --------------------------------------------------------------------------------------


def test_discovery_says_so(app: RelyingParty) -> None:
    assert TOKEN_EXCHANGE in app.metadata()["grant_types_supported"]


def test_the_answer_says_what_it_is(fines: RelyingParty, called: Called) -> None:
    """Section 2.2.1; no refresh token, no ID token."""
    answer = exchange_raw(fines, called.token)
    assert set(answer) == {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}
    assert answer["issued_token_type"] == ACCESS_TOKEN
    assert answer["token_type"] == "Bearer"


def test_the_person_and_their_sign_in_stay_who_they_were(fines: RelyingParty, called: Called) -> None:
    before, after = claims_of(called.token), claims_of(exchange(fines, called.token))
    for name in ("sub", "sid", "acr", "amr", "auth_time", "municipality", "roles", "iss"):
        assert after[name] == before[name], name
    assert before["municipality"] == RIGA
    assert after["client_id"] == fines.client_id
    assert after["aud"] == BARIS
    assert after["act"] == {"sub": fines.client_id}
    assert "cnf" not in after


def test_whom_it_is_for_learns_who_acts(house: House, fines: RelyingParty, called: Called) -> None:
    baris = add_delegate(house, BARIS)
    told = baris.introspect(exchange(fines, called.token))
    assert told["active"] is True
    assert told["act"] == {"sub": fines.client_id}
    assert fines.introspect(exchange(fines, called.token))["active"], "and whom it was given to"
    assert called.app.introspect(exchange(fines, called.token)) == {"active": False}


def test_the_chain_nests_and_has_an_end(house: House, fines: RelyingParty, called: Called) -> None:
    """Section 4.1: the outermost acts now."""
    services = [fines] + [
        add_delegate(house, f"https://s{number}.example.lv", resources=[f"https://s{number + 1}.example.lv"])
        for number in range(ACTORS_AT_MOST)
    ]
    with house.world.database.begin() as work:
        work.clients.replace_registration(
            fines.client_id,
            registered=house.openid.clients.get(fines.client_id).registered,
            audience=FINES,
            resources=["https://s0.example.lv"],
        )
    token, chain = called.token, None
    for number, service in enumerate(services[:-1]):
        token = exchange(service, token, resource=f"https://s{number}.example.lv")
        chain = {"sub": service.client_id, **({"act": chain} if chain else {})}
        assert claims_of(token)["act"] == chain
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(services[-1], token, resource=f"https://s{len(services) - 1}.example.lv")


def test_it_lives_no_longer_than_what_it_came_of(house: House, fines: RelyingParty, called: Called) -> None:
    house.world.clock.move(200)
    answer = exchange_raw(fines, called.token)
    assert answer["expires_in"] == 100
    assert claims_of(answer["access_token"])["exp"] == claims_of(called.token)["exp"]


def test_exchanging_again_and_again_gains_no_time(house: House, called: Called) -> None:
    """A service that calls itself keeps nothing alive."""
    loop = add_delegate(house, FINES, resources=[FINES])
    token = called.token
    for _ in range(ACTORS_AT_MOST):
        house.world.clock.move(50)
        token = exchange(loop, token, resource=FINES)
    assert claims_of(token)["exp"] == claims_of(called.token)["exp"]
    house.world.clock.move(100)
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(loop, token, resource=FINES)


def test_it_is_written_down(house: House, fines: RelyingParty, called: Called, anna: User) -> None:
    exchange(fines, called.token)
    with house.world.database.read() as work:
        event = work.audit.activity_of(anna.id)[0]
    assert (event.type, event.client_id, event.municipality) == ("token.exchanged", fines.client_id, RIGA)
    assert json.loads(event.detail) == {
        "shown_by": called.app.client_id,
        "audience": BARIS,
        "scope": "openid employment fines.read",
    }


# What ends it ------------------------------------------------------------------------------------------


def test_it_dies_with_its_family(house: House, fines: RelyingParty, called: Called) -> None:
    token = exchange(fines, called.token)
    called.app.revoke(called.refresh_token)
    assert fines.introspect(token) == {"active": False}
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(fines, called.token)


def test_it_dies_with_the_session(
    house: House, fines: RelyingParty, app: RelyingParty, browser: Browser
) -> None:
    online = house.tokens_for(app, browser, scope="openid fines.read", resource=FINES).access_token
    token = exchange(fines, online)
    house.end_session(browser)
    assert fines.introspect(token) == {"active": False}


def test_it_dies_with_every_service_it_came_through(
    house: House, fines: RelyingParty, baris: RelyingParty, called: Called
) -> None:
    """attack 14: the one in the middle was disabled; what the next got through it ends, too"""
    csdd = house.add_service(own={"audience": CSDD})
    token = exchange(baris, exchange(fines, called.token), resource=CSDD)
    caller = house.add_service(own={"resources": [FINES]})
    of_service = exchange(fines, caller.own_token(scope="fines.read").access_token, resource=CSDD)
    assert csdd.introspect(token)["active"]
    assert csdd.introspect(of_service)["active"]
    with house.world.database.begin() as work:
        work.clients.set_disabled(caller.client_id, True)
    assert csdd.introspect(token)["active"]
    assert csdd.introspect(of_service) == {"active": False}
    with house.world.database.begin() as work:
        work.clients.set_disabled(fines.client_id, True)
    assert csdd.introspect(token) == {"active": False}
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(baris, token, resource=CSDD)


def test_it_dies_when_the_code_it_came_of_is_used_again(
    house: House, browser: Browser, app: RelyingParty, fines: RelyingParty
) -> None:
    """attack 11: "all tokens previously issued" are also those that came of them"""
    question, code = house.code_for(app, browser, scope="openid fines.read", resource=FINES)
    first = app.redeem(question, code).access_token
    token = exchange(fines, first)
    assert fines.introspect(token)["active"]
    with pytest.raises(ProviderError, match="invalid_grant"):
        app.redeem(question, code)
    assert fines.introspect(token) == {"active": False}
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(fines, first)


def test_the_person_keeps_the_name_their_application_has_for_them(
    house: House, browser: Browser, anna: User, fines: RelyingParty, baris: RelyingParty
) -> None:
    """Core 8: no service on the way learns another name of theirs"""
    app = house.add_client(own={"resources": [FINES]}, scope=f"openid {READ}", subject_type="pairwise")
    tokens = house.tokens_for(app, browser, scope="openid fines.read", resource=FINES)
    token = exchange(baris, exchange(fines, tokens.access_token), resource=CSDD)
    csdd = house.add_service(own={"audience": CSDD})
    for told in (claims_of(token)["sub"], csdd.introspect(token)["sub"]):
        assert told == tokens.claims["sub"] != anna.id


@pytest.mark.parametrize("who", ["person", "application", "service"])
def test_it_dies_with_whoever_it_hangs_on(
    house: House, fines: RelyingParty, baris: RelyingParty, called: Called, anna: User, who: str
) -> None:
    """attack 25"""
    token = exchange(fines, called.token)
    assert baris.introspect(token)["active"]
    with house.world.database.begin() as work:
        match who:
            case "person":
                work.people.set_status(anna.id, UserStatus.BLOCKED, at=house.world.clock())
            case "application":
                work.clients.set_disabled(called.app.client_id, True)
            case _:
                work.clients.set_disabled(fines.client_id, True)
    assert baris.introspect(token) == {"active": False}


def test_a_service_gives_back_its_own_token_and_no_more(
    fines: RelyingParty, baris: RelyingParty, called: Called
) -> None:
    token, other = exchange(fines, called.token), exchange(fines, called.token)
    fines.revoke(token)
    assert baris.introspect(token) == {"active": False}
    assert baris.introspect(other)["active"]
    assert fines.introspect(called.token)["active"]
    assert called.app.refresh(called.refresh_token).access_token


# What is refused ---------------------------------------------------------------------------------------


def test_only_confidential_clients_that_are_registered_for_it(
    house: House, called: Called, app: RelyingParty
) -> None:
    """attack 17"""
    plain = house.add_service(own={"audience": FINES, "resources": [BARIS]})
    with pytest.raises(ProviderError, match="unauthorized_client"):
        exchange(plain, called.token)
    with pytest.raises(ProtocolError, match="for clients that authenticate"):
        house.add_service(grant_types=[TOKEN_EXCHANGE], token_endpoint_auth_method="none")


def test_a_public_client_cannot_however_it_was_registered(
    house: House, fines: RelyingParty, called: Called
) -> None:
    """attack 17"""
    client = house.openid.clients.get(fines.client_id)
    with house.world.database.begin() as work:
        work.clients.replace_registration(
            fines.client_id,
            registered={**client.registered, "token_endpoint_auth_method": "none"},
            audience=client.audience,
            resources=client.resources,
        )
    fines.auth_method = "none"
    with pytest.raises(ProviderError, match="unauthorized_client"):
        exchange(fines, called.token)


@pytest.mark.parametrize("missing", ["subject_token", "subject_token_type"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_subject_token_that_is_dropped_is_an_error(
    house: House, fines: RelyingParty, called: Called, missing: str, value: str | None
) -> None:
    """attack 18: not a token of the service's own, however right its secret is."""
    with pytest.raises(ProviderError, match=f"invalid_request.*{missing}"):
        exchange_raw(fines, called.token, **{missing: value})
    assert house.rows_in_all_tables()["token_families"] == 1


def test_a_subject_token_that_comes_twice_is_an_error(
    house: House, fines: RelyingParty, called: Called
) -> None:
    """attack 18"""
    headers, _ = fines.credentials()
    body = f"grant_type={TOKEN_EXCHANGE}&subject_token={called.token}&subject_token=x&resource={BARIS}"
    reply = house.post_raw("/token", f"{body}&subject_token_type={ACCESS_TOKEN}", headers)
    assert reply.json()["error"] == "invalid_request"
    in_url = house.post_raw(f"/token?subject_token={called.token}", "grant_type=x", headers)
    assert in_url.json()["error"] == "invalid_request"


@pytest.mark.parametrize("kind", ["garbage", "refresh", "id_token", "altered", "unsigned", "expired"])
def test_a_subject_token_that_is_none_of_ours(
    house: House, fines: RelyingParty, app: RelyingParty, browser: Browser, kind: str
) -> None:
    """attacks 16 and 18; section 2.2.2 says `invalid_request` for any of them."""
    tokens = house.tokens_for(app, browser, scope="openid offline_access fines.read", resource=FINES)
    head, body, signature = tokens.access_token.split(".")
    shown = {
        "garbage": "garbage",
        "refresh": tokens.refresh_token,
        "id_token": tokens.id_token,
        "altered": f"{head}.{body}.{signature[::-1]}",
        "unsigned": f"eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{body}.",
        "expired": tokens.access_token,
    }[kind]
    if kind == "expired":
        house.world.clock.move(300)
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(fines, shown or "")


@pytest.mark.parametrize(
    "changed",
    [
        {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"actor_token_type": ACCESS_TOKEN},
    ],
)
def test_other_types_are_not_exchanged(fines: RelyingParty, called: Called, changed: dict[str, str]) -> None:
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(fines, called.token, **changed)


def test_the_type_asked_for_may_be_said(fines: RelyingParty, called: Called) -> None:
    assert exchange(fines, called.token, requested_token_type=ACCESS_TOKEN)


def test_a_token_meant_for_another_service_is_not_exchanged(
    house: House, called: Called, baris: RelyingParty
) -> None:
    """attack 18: who found a token is not whom it was shown to."""
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(baris, called.token, resource=CSDD)


def test_a_token_of_its_own_may_be_exchanged(house: House, browser: Browser) -> None:
    own = house.add_client(
        own={"resources": [FINES, BARIS]},
        grant_types=["authorization_code", TOKEN_EXCHANGE],
        scope=f"openid {READ}",
    )
    question = own.ask(scope="openid fines.read", resource=FINES)
    both = replace(question, url=f"{question.url}&{urlencode({'resource': BARIS})}")
    token = own.redeem(both, house.code_in(own, both, house.visit(both, browser))).access_token
    assert claims_of(exchange(own, token))["act"] == {"sub": own.client_id}


def test_a_token_of_its_own_leads_only_where_that_was_granted(house: House, browser: Browser) -> None:
    """attack 14: its refresh token would not either"""
    own = house.add_client(
        own={"resources": [FINES, BARIS]},
        grant_types=["authorization_code", "refresh_token", TOKEN_EXCHANGE],
        scope=f"openid offline_access {READ}",
    )
    tokens = house.tokens_for(own, browser, scope="openid offline_access fines.read", resource=FINES)
    with pytest.raises(ProviderError, match="invalid_target"):
        own.refresh(tokens.refresh_token or "", resource=BARIS)
    with pytest.raises(ProviderError, match="invalid_target"):
        exchange(own, tokens.access_token, resource=BARIS)
    assert claims_of(exchange(own, tokens.access_token, resource=FINES))["aud"] == FINES


@pytest.mark.parametrize(
    "target",
    [
        {"resource": None},
        {"resource": "https://unregistered.example.lv"},
        {"resource": ISSUER},
        {"resource": FINES},
        {"resource": BARIS, "audience": CSDD},
    ],
)
def test_one_resource_is_named_of_those_registered(
    fines: RelyingParty, called: Called, target: dict[str, str | None]
) -> None:
    with pytest.raises(ProviderError, match="invalid_target"):
        exchange(fines, called.token, **target)


def test_the_resource_may_be_named_as_audience(fines: RelyingParty, called: Called) -> None:
    assert claims_of(exchange(fines, called.token, resource=None, audience=CSDD))["aud"] == CSDD


def test_the_provider_itself_is_no_target_even_when_registered(house: House, called: Called) -> None:
    """What the person let the application read at userinfo is not its services' to read."""
    service = add_delegate(house, FINES, resources=[ISSUER])
    with pytest.raises(ProviderError, match="invalid_target"):
        exchange(service, called.token, resource=ISSUER)


@pytest.mark.parametrize(
    "scope",
    [
        "vehicles.read",
        "fines.read vehicles.read",
        "email",
        "offline_access",
        "fines.write",
        "unheard-of",
        " ",
    ],
)
def test_a_scope_the_token_or_the_service_lacks_is_refused(
    house: House, fines: RelyingParty, app: RelyingParty, browser: Browser, scope: str
) -> None:
    """attack 15: email is the token's alone, vehicles.read the service's alone."""
    asked = "openid email offline_access fines.read"
    token = house.tokens_for(app, browser, scope=asked, resource=FINES).access_token
    with pytest.raises(ProviderError, match="invalid_scope"):
        exchange(fines, token, scope=scope)
    assert claims_of(exchange(fines, token))["scope"] == "openid fines.read"


def test_with_no_scope_in_common_there_is_nothing_to_exchange(
    house: House, fines: RelyingParty, app: RelyingParty, browser: Browser
) -> None:
    token = house.tokens_for(app, browser, scope="email", resource=FINES).access_token
    with pytest.raises(ProviderError, match="invalid_scope"):
        exchange(fines, token)


def test_the_personal_code_goes_only_where_there_is_a_basis(house: House, browser: Browser) -> None:
    app = house.add_client(own={"resources": [FINES], "person_code_basis": "law"}, scope="openid person_code")
    token = house.tokens_for(app, browser, scope="openid person_code", resource=FINES).access_token
    registered = {"grant_types": ["client_credentials", TOKEN_EXCHANGE], "scope": "openid person_code"}
    without = house.add_service(own={"audience": FINES, "resources": [BARIS]}, **registered)
    with_basis = house.add_service(
        own={"audience": FINES, "resources": [BARIS], "person_code_basis": "law"}, **registered
    )
    assert claims_of(exchange(without, token))["scope"] == "openid"
    assert claims_of(exchange(with_basis, token))["scope"] == "openid person_code"


@pytest.mark.parametrize("own", [{"service_municipality": KEKAVA}, {"municipalities": [KEKAVA]}])
def test_a_service_of_one_municipality_acts_for_no_other(
    house: House, called: Called, own: dict[str, Any]
) -> None:
    """attack 40"""
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(add_delegate(house, **own), called.token)
    same = add_delegate(
        house, **{name: RIGA if isinstance(value, str) else [RIGA] for name, value in own.items()}
    )
    assert claims_of(exchange(same, called.token))["municipality"] == RIGA


# Services' own tokens ----------------------------------------------------------------------------------


def test_a_services_own_token_is_exchanged_by_whom_it_is_for(house: House, fines: RelyingParty) -> None:
    caller = house.add_service(own={"resources": [FINES], "service_municipality": RIGA})
    token = caller.own_token(scope="fines.read").access_token
    after = claims_of(exchange(fines, token))
    assert (after["sub"], after["client_id"]) == (caller.client_id, fines.client_id)
    assert (after["municipality"], after["act"]) == (RIGA, {"sub": fines.client_id})
    assert "." not in after["jti"], "of no family"
    assert fines.introspect(exchange(fines, token))["active"]
    baris = add_delegate(house, BARIS)
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(baris, token, resource=CSDD)
    caller.revoke(token)
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(fines, token)


# Actor tokens ------------------------------------------------------------------------------------------


def with_actor(token: str) -> dict[str, str | None]:
    return {"actor_token": token, "actor_token_type": ACCESS_TOKEN}


def test_the_services_own_token_may_say_who_acts(fines: RelyingParty, called: Called) -> None:
    own = fines.own_token(scope="fines.read", resource=BARIS).access_token
    assert claims_of(exchange(fines, called.token, **with_actor(own)))["act"] == {"sub": fines.client_id}


def test_nobody_elses_token_says_who_acts(
    house: House, fines: RelyingParty, baris: RelyingParty, called: Called
) -> None:
    """attack 18"""
    others = baris.own_token(scope="fines.read", resource=CSDD).access_token
    delegated = exchange(fines, called.token)
    for token in (others, called.token, delegated, "garbage"):
        with pytest.raises(ProviderError, match="invalid_request"):
            exchange(fines, called.token, **with_actor(token))
    own = fines.own_token(scope="fines.read", resource=BARIS).access_token
    fines.revoke(own)
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(fines, called.token, **with_actor(own))


def test_an_actor_token_needs_its_type(fines: RelyingParty, called: Called) -> None:
    own = fines.own_token(scope="fines.read", resource=BARIS).access_token
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(fines, called.token, actor_token=own)
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(
            fines, called.token, actor_token=own, actor_token_type="urn:ietf:params:oauth:token-type:jwt"
        )


# Claims that only we could have put there --------------------------------------------------------------


def test_may_act_names_who_may(house: House, fines: RelyingParty, called: Called) -> None:
    """Section 4.4"""
    fit = signed_by_us(house, called.token, may_act={"sub": fines.client_id})
    assert claims_of(exchange(fines, fit))["may_act"] == {"sub": fines.client_id}
    for other in ({"sub": "another"}, {}, {"sub": fines.client_id, "iss": "https://else"}, [fines.client_id]):
        with pytest.raises(ProviderError, match="invalid_request"):
            exchange(fines, signed_by_us(house, called.token, may_act=other))


def test_authorization_details_are_carried_over(house: House, fines: RelyingParty, called: Called) -> None:
    """RFC 9396 section 7: and told; they say for what the token may be used, so none is lost on the way."""
    details = [{"type": "lv.visvaris.vehicle_lookup", "case_number": "12/2026"}]
    answer = exchange_raw(fines, signed_by_us(house, called.token, authorization_details=details))
    assert claims_of(answer["access_token"])["authorization_details"] == details
    assert answer["authorization_details"] == details


def test_authorization_details_may_be_fewer_and_never_others(
    house: House, fines: RelyingParty, called: Called
) -> None:
    """RFC 9396 section 6; attack 18: what is asked for is not passed over in silence"""
    one, two, third = ({"type": "lv.visvaris.vehicle_lookup", "case_number": number} for number in "123")
    token = signed_by_us(house, called.token, authorization_details=[one, two])
    answer = exchange_raw(fines, token, authorization_details=json.dumps([two]))
    assert claims_of(answer["access_token"])["authorization_details"] == [two]
    again = exchange_raw(fines, answer["access_token"])
    assert claims_of(again["access_token"])["authorization_details"] == [two]
    for wider, held in (([one], answer["access_token"]), ([third], token), ([one], called.token)):
        with pytest.raises(ProviderError, match="invalid_authorization_details"):
            exchange(fines, held, authorization_details=json.dumps(wider))


def grant_of(house: House) -> TokenExchange:
    grant = house.openid._grants[TOKEN_EXCHANGE]
    assert isinstance(grant, TokenExchange)
    return grant


def proving(
    house: House, party: RelyingParty, token: str, key: dict[str, str], **more: str
) -> dict[str, Any]:
    """As the token endpoint hands it on once the service has proved that key."""
    form = {"subject_token": token, "subject_token_type": ACCESS_TOKEN, "resource": BARIS, **more}
    client = house.openid.clients.get(party.client_id)
    answer = grant_of(house).exchange(TokenRequest(client, Parameters(form.items()), "192.0.2.1", key))
    return claims_of(answer["access_token"])


def test_it_is_bound_to_the_key_the_service_proves(house: House, fines: RelyingParty, called: Called) -> None:
    """The person's application bound its token to its own key, which the service cannot show."""
    bound = signed_by_us(house, called.token, cnf={"jkt": "of-the-application"})
    assert proving(house, fines, bound, KEY)["cnf"] == KEY
    assert "cnf" not in claims_of(exchange(fines, bound))


def test_a_bound_token_of_its_own_does_not_become_a_bearer_token(
    house: House, fines: RelyingParty, called: Called
) -> None:
    own = signed_by_us(house, called.token, cnf=KEY, client_id=fines.client_id, act={"sub": fines.client_id})
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(fines, own)
    assert proving(house, fines, own, KEY)["cnf"] == KEY


def test_a_bound_actor_token_is_shown_with_its_key(house: House, fines: RelyingParty, called: Called) -> None:
    own = fines.own_token(scope="fines.read", resource=BARIS).access_token
    actor = with_actor(signed_by_us(house, own, cnf=KEY))
    with pytest.raises(ProviderError, match="invalid_request"):
        exchange(fines, called.token, **actor)
    assert proving(house, fines, called.token, KEY, **{k: v or "" for k, v in actor.items()})["cnf"] == KEY
