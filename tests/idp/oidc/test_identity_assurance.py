"""What applications are told of a confirmed identity (OpenID Connect for Identity Assurance 1.0), over the wire."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwe, jwt
from joserfc.jwk import RSAKey

from idp.models.confirmations import ConfirmedBy
from idp.models.in_person import DocumentKind
from idp.models.people import User
from idp.models.person_code import PersonCode
from idp.oidc.authorize import AskConsent, Browser, ConsentPage
from idp.oidc.consent import texts_of
from idp.oidc.options import Options, RegistrationMode
from idp.storage.people import PeopleStore
from idp.storage.unit import Unit
from tests.idp.oidc.house import EVERYTHING, ISSUER, House
from tests.support import implicit
from tests.support.checkout import ROOT
from tests.support.confirmed import confirm
from tests.support.relying_party import ProviderError, RelyingParty

SCOPES = f"{EVERYTHING} person_code verified_identity"
BASIS = {"person_code_basis": "Law on something, section 7"}
NAMES = {"given_name": None, "family_name": None}
EVIDENCE = [
    {
        "type": {"value": "electronic_record"},
        "check_details": [{"check_method": None, "time": None}],
        "record": {"type": None},
    },
    {
        "type": {"value": "document"},
        "check_details": [{"check_method": None, "time": None}],
        "document_details": {"type": None},
    },
]
Ask = Mapping[str, Any]


def asking(verification: Ask | None = None, claims: Ask | None = None) -> dict[str, Any]:
    return {"verification": {"trust_framework": None, **(verification or {})}, "claims": claims or NAMES}


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@pytest.fixture
def app(house: House) -> RelyingParty:
    return house.add_client(scope=SCOPES)


@pytest.fixture
def confirmed(house: House, anna: User) -> User:
    confirm(house.world, anna)
    return anna


def told_to(house: House, party: RelyingParty, browser: Browser, asked: object, scope: str = "openid") -> Any:
    """At userinfo, for what is asked there by the parameter."""
    wish = json.dumps({"userinfo": {"verified_claims": asked}})
    access_token = house.tokens_for(party, browser, scope=scope, claims=wish).access_token
    return party.userinfo(access_token).get("verified_claims")


# What is told --------------------------------------------------------------------------------------------


def test_the_scope_tells_names_level_and_time(
    house: House, browser: Browser, app: RelyingParty, confirmed: User
) -> None:
    at = moment(house.world.clock.at)
    house.world.clock.move(100)
    tokens = house.tokens_for(app, browser, scope="openid verified_identity")
    assert app.userinfo(tokens.access_token) == {
        "sub": confirmed.id,
        "verified_claims": {
            "verification": {"trust_framework": "eidas", "assurance_level": "high", "time": at},
            "claims": {"given_name": "ANNA", "family_name": "BĒRZIŅA"},
        },
    }
    assert "verified_claims" not in tokens.claims


def test_names_are_those_of_the_confirmation_beside_those_of_the_account(
    house: House, browser: Browser, app: RelyingParty, confirmed: User
) -> None:
    tokens = house.tokens_for(app, browser, scope="openid profile verified_identity")
    claims = app.userinfo(tokens.access_token)
    assert (claims["family_name"], claims["verified_claims"]["claims"]["family_name"]) == (
        "Bērziņa",
        "BĒRZIŅA",
    )


def test_nothing_is_told_of_an_account_that_nobody_confirmed(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    tokens = house.tokens_for(app, browser, scope="openid verified_identity")
    assert set(app.userinfo(tokens.access_token)) == {"sub"}
    assert told_to(house, app, browser, asking()) is None


def test_a_confirmation_that_no_longer_holds_is_not_told(
    house: House, browser: Browser, app: RelyingParty, confirmed: User
) -> None:
    """Of a code that was changed since, with a token from before."""
    access_token = house.tokens_for(app, browser, scope="openid verified_identity").access_token
    with house.world.database.begin() as work:
        work.people.set_person_code(confirmed.id, PersonCode.parse("320000-00023"), at=house.world.clock.at)
    assert "verified_claims" not in app.userinfo(access_token)


@pytest.mark.parametrize(
    ("by", "level", "kind", "checks", "more"),
    [
        (
            ConfirmedBy.SMART_ID,
            "high",
            "electronic_record",
            ["auth", "vcrypt"],
            {"record": {"type": "urn:visvaris:record:smart-id"}},
        ),
        (
            ConfirmedBy.EPARAKSTS,
            "high",
            "electronic_record",
            ["auth"],
            {"record": {"type": "urn:visvaris:record:eparaksts"}},
        ),
        (
            ConfirmedBy.IN_PERSON,
            "substantial",
            "document",
            ["vpip"],
            {"document_details": {"type": "passport"}},
        ),
    ],
)
def test_evidence_says_by_what_it_was_confirmed(
    house: House,
    browser: Browser,
    app: RelyingParty,
    anna: User,
    by: ConfirmedBy,
    level: str,
    kind: str,
    checks: list[str],
    more: Ask,
) -> None:
    confirm(house.world, anna, by=by)
    at = moment(house.world.clock.at)
    told = told_to(house, app, browser, asking({"assurance_level": None, "evidence": EVIDENCE}))
    expected: dict[str, Any] = {
        "type": kind,
        "check_details": [{"check_method": method, "time": at} for method in checks],
        **more,
    }
    assert told["verification"] == {
        "trust_framework": "eidas",
        "assurance_level": level,
        "evidence": [expected],
    }


@pytest.mark.parametrize("document", DocumentKind)
def test_the_kind_of_document_that_was_looked_at_is_told_and_may_be_required(
    house: House, browser: Browser, app: RelyingParty, anna: User, document: DocumentKind
) -> None:
    confirm(house.world, anna, by=ConfirmedBy.IN_PERSON, flow=document)
    told = told_to(house, app, browser, asking({"evidence": EVIDENCE}))
    (evidence,) = told["verification"]["evidence"]
    kind = evidence["document_details"]["type"]
    assert kind in app.metadata()["documents_supported"]
    for wanted in app.metadata()["documents_supported"]:
        wish = {"type": {"value": "document"}, "document_details": {"type": {"value": wanted}}}
        assert (told_to(house, app, browser, asking({"evidence": [wish]})) is None) is (wanted != kind)


def test_no_means_is_without_its_evidence(
    house: House, browser: Browser, app: RelyingParty, anna: User
) -> None:
    """One that is added to `ConfirmedBy` must say what it tells."""
    for by in ConfirmedBy:
        confirm(house.world, anna, by=by)
        told = told_to(house, app, browser, asking({"evidence": EVIDENCE}))
        assert len(told["verification"]["evidence"]) == 1


def test_no_reference_to_what_happened_is_told(
    house: House, browser: Browser, app: RelyingParty, confirmed: User
) -> None:
    """It would be the same at every application."""
    wanted = {
        "verification_process": None,
        "evidence": [
            {
                "type": {"value": "electronic_record"},
                "check_details": [{"check_method": None, "check_id": None, "organization": None}],
                "record": {"type": None, "source": {"name": None}},
            }
        ],
    }
    told = json.dumps(told_to(house, app, browser, asking(wanted)))
    assert not any(text in told for text in ("ab" * 32, "cd" * 32, "check_id", "verification_process"))


# Where ---------------------------------------------------------------------------------------------------


def test_it_goes_where_it_was_asked_for(
    house: House, browser: Browser, app: RelyingParty, confirmed: User
) -> None:
    wish = json.dumps({"id_token": {"verified_claims": asking(claims={"given_name": {"essential": True}})}})
    tokens = house.tokens_for(app, browser, claims=wish)
    assert tokens.claims["verified_claims"] == {
        "verification": {"trust_framework": "eidas"},
        "claims": {"given_name": "ANNA"},
    }
    assert set(app.userinfo(tokens.access_token)) == {"sub"}


def test_what_is_asked_in_one_place_leaves_the_scope_to_the_other(
    house: House, browser: Browser, app: RelyingParty, confirmed: User
) -> None:
    wish = json.dumps({"id_token": {"verified_claims": asking(claims={"given_name": None})}})
    tokens = house.tokens_for(app, browser, scope="openid verified_identity", claims=wish)
    assert set(tokens.claims["verified_claims"]["claims"]) == {"given_name"}
    assert set(app.userinfo(tokens.access_token)["verified_claims"]["claims"]) == {
        "given_name",
        "family_name",
    }


def test_the_parameter_says_more_exactly_what_the_scope_says(
    house: House, browser: Browser, app: RelyingParty, confirmed: User
) -> None:
    both = "openid verified_identity"
    assert told_to(house, app, browser, asking(claims={"family_name": None}), scope=both) == {
        "verification": {"trust_framework": "eidas"},
        "claims": {"family_name": "BĒRZIŅA"},
    }
    assert told_to(house, app, browser, asking({"trust_framework": {"value": "de_aml"}}), scope=both) is None


def test_without_an_access_token_the_id_token_has_what_the_scope_opens(
    house: House, browser: Browser, confirmed: User
) -> None:
    """Core 5.4"""
    open_house = House(
        house.world, options=Options(issuer=ISSUER, refresh_seconds=86400, registration=RegistrationMode.OPEN)
    )
    party = open_house.add_client(scope="openid verified_identity", **implicit.METADATA)
    question = implicit.ask(party, response_type="id_token", scope="openid verified_identity")
    outcome = open_house.visit(question, browser)
    location = outcome.location()  # type: ignore[union-attr]
    came = implicit.read_tokens(party, question, implicit.read_fragment(party, question, location))
    assert came.claims["verified_claims"]["claims"] == {"given_name": "ANNA", "family_name": "BĒRZIŅA"}


def test_renewed_tokens_go_on_telling_what_was_asked(
    house: House, browser: Browser, app: RelyingParty, confirmed: User
) -> None:
    wish = json.dumps({"userinfo": {"verified_claims": asking(claims={"given_name": None})}})
    tokens = house.tokens_for(app, browser, scope="openid offline_access", claims=wish)
    assert tokens.refresh_token is not None
    renewed = app.refresh(tokens.refresh_token)
    assert app.userinfo(renewed.access_token)["verified_claims"]["claims"] == {"given_name": "ANNA"}


def test_pairwise_clients_are_told_as_others_are(house: House, browser: Browser, confirmed: User) -> None:
    party = house.add_client(scope=SCOPES, subject_type="pairwise")
    claims = party.userinfo(house.tokens_for(party, browser, scope="openid verified_identity").access_token)
    assert claims["sub"] != confirmed.id
    assert claims["verified_claims"]["claims"]["given_name"] == "ANNA"
    assert confirmed.id not in json.dumps(claims)


def test_it_is_signed_and_encrypted_with_the_rest(house: House, browser: Browser, confirmed: User) -> None:
    key = RSAKey.generate_key(2048, {"use": "enc", "kid": "k"})
    party = house.add_client(
        scope=SCOPES,
        jwks={"keys": [key.as_dict(private=False)]},
        userinfo_signed_response_alg="ES256",
        userinfo_encrypted_response_alg="RSA-OAEP-256",
    )
    access_token = house.tokens_for(party, browser, scope="openid verified_identity").access_token
    body = house.http.get("/userinfo", headers={"Authorization": f"Bearer {access_token}"}).text
    opened = jwe.decrypt_compact(body, key, algorithms=["RSA-OAEP-256", "A128CBC-HS256"]).plaintext
    assert opened is not None
    claims = jwt.decode(opened.decode(), party.keys(), algorithms=["ES256"]).claims
    assert claims["verified_claims"]["claims"]["family_name"] == "BĒRZIŅA"


def test_access_tokens_and_introspection_do_not_tell_it(
    house: House, browser: Browser, app: RelyingParty, confirmed: User
) -> None:
    wish = json.dumps({"userinfo": {"verified_claims": asking()}})
    access_token = house.tokens_for(app, browser, scope="openid verified_identity", claims=wish).access_token
    about = app.introspect(access_token)
    assert about["active"] is True
    assert "verified_claims" not in about
    assert "ANNA" not in json.dumps(about)


def test_who_does_not_ask_pays_nothing(
    house: House, browser: Browser, app: RelyingParty, confirmed: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables: list[str] = []
    real = Unit._execute

    def watching(unit: Unit, statement: Any, values: Any) -> Any:
        tables.append(str(statement.for_dialect(unit._dialect).sql))
        return real(unit, statement, values)

    monkeypatch.setattr(Unit, "_execute", watching)

    def looks(act: Callable[[], object]) -> int:
        tables.clear()
        act()
        assert tables
        return sum("confirmations" in text for text in tables)

    plain = house.tokens_for(app, browser, scope="openid profile email")
    assert looks(lambda: app.userinfo(plain.access_token)) == 0
    assert looks(lambda: house.tokens_for(app, browser, scope="openid verified_identity")) == 0
    asked = house.tokens_for(app, browser, scope="openid verified_identity")
    assert looks(lambda: app.userinfo(asked.access_token)) == 1
    several = json.dumps({"id_token": {"verified_claims": [asking()] * 5}})
    assert looks(lambda: house.tokens_for(app, browser, claims=several)) == 1


# Who may ask ---------------------------------------------------------------------------------------------


def test_a_client_without_the_scope_is_not_told(house: House, browser: Browser, confirmed: User) -> None:
    party = house.add_client(scope="openid profile")
    assert told_to(house, party, browser, asking()) is None
    wish = json.dumps({"id_token": {"verified_claims": asking()}})
    assert "verified_claims" not in house.tokens_for(party, browser, claims=wish).claims
    with pytest.raises(ProviderError, match="invalid_scope"):
        house.code_for(party, browser, scope="openid verified_identity", prompt="none")


def test_a_client_that_lost_the_scope_is_told_no_more(
    house: House, browser: Browser, app: RelyingParty, confirmed: User
) -> None:
    access_token = house.tokens_for(app, browser, scope="openid verified_identity").access_token
    with house.world.database.read() as work:
        registered = work.clients.get(app.client_id).registered
    change(house, app, registered={**registered, "scope": "openid"})
    assert "verified_claims" not in app.userinfo(access_token)


def test_asking_by_the_parameter_needs_consent(house: House, browser: Browser, confirmed: User) -> None:
    party = house.add_client(scope=SCOPES, own={"first_party": False})
    wish = json.dumps({"userinfo": {"verified_claims": asking()}})
    question = party.ask(scope="openid", claims=wish)
    outcome = house.visit(question, browser)
    assert isinstance(outcome, AskConsent)
    page = house.openid.authorization.look_at_consent(outcome.request_id, browser)
    assert isinstance(page, ConsentPage)
    (text,) = texts_of(set(page.request.consent_scopes) - {"openid"})
    assert text.title == "Your confirmed identity"
    tokens = party.redeem(question, house.code_in(party, question, house.agree(outcome, browser)))
    assert party.userinfo(tokens.access_token)["verified_claims"]["claims"]["given_name"] == "ANNA"
    assert house.code_for(party, browser, scope="openid", claims=wish, prompt="none")


def test_the_code_inside_needs_consent_to_the_code(house: House, browser: Browser, confirmed: User) -> None:
    party = house.add_client(scope=SCOPES, own={"first_party": False, **BASIS})
    house.agree(house.visit(party.ask(scope="openid verified_identity"), browser), browser)
    wish = json.dumps({"userinfo": {"verified_claims": asking(claims={"person_code": None})}})
    assert isinstance(house.visit(party.ask(scope="openid", claims=wish), browser), AskConsent)


def test_a_refusal_tells_nothing(house: House, browser: Browser, confirmed: User) -> None:
    party = house.add_client(scope=SCOPES, own={"first_party": False})
    question = party.ask(scope="openid", claims=json.dumps({"id_token": {"verified_claims": asking()}}))
    outcome = house.agree(house.visit(question, browser), browser, allow=False)
    with pytest.raises(ProviderError, match="access_denied"):
        house.code_in(party, question, outcome)


# The personal code ---------------------------------------------------------------------------------------


def change(house: House, party: RelyingParty, **values: Any) -> None:
    """As an operator does it."""
    with house.world.database.begin() as work:
        assert work.clients._change(party.client_id, values)


def test_the_code_is_told_where_there_is_a_basis_and_it_was_asked_for(
    house: House, browser: Browser, app: RelyingParty, confirmed: User
) -> None:
    allowed = house.add_client(scope=SCOPES, own=BASIS)
    wanted = asking(claims={"given_name": None, "person_code": None})
    told = told_to(house, allowed, browser, wanted)
    assert told["claims"] == {"given_name": "ANNA", "person_code": "PNOLV-32000000015"}
    assert told_to(house, app, browser, wanted)["claims"] == {"given_name": "ANNA"}
    assert "person_code" not in told_to(house, allowed, browser, asking())["claims"]
    assert told_to(house, app, browser, asking(claims={"person_code": None})) is None


def test_the_code_is_not_opened_for_who_did_not_ask(
    house: House, browser: Browser, confirmed: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    party = house.add_client(scope=SCOPES, own=BASIS)

    def opened(_store: PeopleStore, _user: User) -> PersonCode:
        pytest.fail("nobody asked for the code")

    monkeypatch.setattr(PeopleStore, "person_code_of", opened)
    assert told_to(house, party, browser, asking())["claims"]["given_name"] == "ANNA"


def test_the_code_is_told_no_more_when_the_basis_is_gone(
    house: House, browser: Browser, confirmed: User
) -> None:
    """Neither inside nor as a single claim."""
    party = house.add_client(scope=SCOPES, own=BASIS)
    wanted = asking(claims={"given_name": None, "person_code": None})
    wish = json.dumps({"userinfo": {"person_code": None, "verified_claims": wanted}})
    access_token = house.tokens_for(party, browser, claims=wish).access_token
    before = party.userinfo(access_token)
    assert before["person_code"] == before["verified_claims"]["claims"]["person_code"]
    change(house, party, person_code_basis=None)
    after = party.userinfo(access_token)
    assert "person_code" not in after
    assert after["verified_claims"]["claims"] == {"given_name": "ANNA"}


# Wherever it is kept -------------------------------------------------------------------------------------


def test_every_storage_keeps_what_was_asked(everywhere: House, berta: User) -> None:
    confirm(everywhere.world, berta)
    party = everywhere.add_client(scope=SCOPES)
    wanted = asking(
        {"time": {"max_age": 1.5}, "x": {"essential": 10**40}}, {"given_name": {"values": ["Ņ😀", "ANNA"]}}
    )
    told = told_to(everywhere, party, everywhere.sign_in(berta), [wanted, wanted])
    assert [each["claims"] for each in told] == [{"given_name": "ANNA"}] * 2


# Requirements --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "verification",
    [
        {"trust_framework": {"value": "de_aml"}},
        {"trust_framework": {"values": ["de_aml", "nist_800_63A"], "essential": True}},
        {"assurance_level": {"value": "low"}},
        {"assurance_level": {"of": {"value": "low"}}},
        {"time": {"max_age": 99}},
        {"time": {"value": "2020-01-01T00:00:00Z"}},
        {"verification_process": {"value": "C-17"}},
        {"assurance_process": {"policy": {"value": "gpg45"}}},
        {"evidence": [{"type": {"value": "document"}}]},
        {"evidence": [{"type": {"value": "vouch"}}, {"type": {"value": "electronic_signature"}}]},
        {
            "evidence": [
                {
                    "type": {"value": "electronic_record"},
                    "check_details": [{"check_method": {"value": "vpip"}}],
                }
            ]
        },
        {
            "evidence": [
                {"type": {"value": "electronic_record"}, "record": {"type": {"values": ["bank_account"]}}}
            ]
        },
        {
            "evidence": [
                {"type": {"value": "electronic_record"}, "record": {"source": {"name": {"value": "SK"}}}}
            ]
        },
        {"evidence": [{"type": {"value": "electronic_record"}, "record": {"value": "x"}}]},
    ],
    ids=str,
)
def test_what_does_not_meet_the_requirements_is_left_out_and_no_error(
    house: House, browser: Browser, app: RelyingParty, confirmed: User, verification: Ask
) -> None:
    """Section 5.7.3"""
    house.world.clock.move(100)
    assert told_to(house, app, browser, asking(verification)) is None


@pytest.mark.parametrize(
    "verification",
    [
        {"trust_framework": {"value": "eidas"}, "assurance_level": {"values": ["substantial", "high"]}},
        {"time": {"max_age": 100}},
        {"evidence": [{"type": {"value": "document"}}, {"type": {"value": "electronic_record"}}]},
        {
            "evidence": [
                {
                    "type": {"value": "electronic_record"},
                    "check_details": [
                        {"check_method": {"value": "vpip"}},
                        {"check_method": {"value": "auth"}},
                    ],
                    "record": {"type": {"value": "urn:visvaris:record:smart-id"}},
                }
            ]
        },
    ],
    ids=str,
)
def test_what_meets_them_is_told(
    house: House, browser: Browser, app: RelyingParty, confirmed: User, verification: Ask
) -> None:
    house.world.clock.move(100)
    told = told_to(house, app, browser, asking(verification))
    assert set(told["verification"]) == {"trust_framework", *verification}


def test_a_claim_with_another_value_is_left_out_alone(
    house: House, browser: Browser, app: RelyingParty, confirmed: User
) -> None:
    wanted = {
        "given_name": {"value": "BERTA"},
        "family_name": {"value": "BĒRZIŅA"},
        "birthdate": None,
        "x": {"value": 1},
    }
    assert told_to(house, app, browser, asking(claims=wanted))["claims"] == {"family_name": "BĒRZIŅA"}
    assert told_to(house, app, browser, asking(claims={"given_name": {"values": ["BERTA"]}})) is None
    assert told_to(house, app, browser, asking(claims={"birthdate": {"essential": True}})) is None


def test_evidence_shows_the_checks_asked_for_and_no_other(
    house: House, browser: Browser, app: RelyingParty, confirmed: User
) -> None:
    def checks(details: object) -> object:
        wanted = [{"type": {"value": "electronic_record"}, "check_details": details}]
        told = told_to(house, app, browser, asking({"evidence": wanted}))
        return told["verification"]["evidence"][0].get("check_details")

    assert checks([{"check_method": {"value": "auth"}}]) == [{"check_method": "auth"}]
    assert checks([{"check_method": None}]) == [{"check_method": "auth"}, {"check_method": "vcrypt"}]
    assert checks([{"time": None}]) is None, "without the method the schema knows no check"
    assert checks(None) is None, "what has members is told by its members"


def test_several_requests_are_each_on_their_own(
    house: House, browser: Browser, app: RelyingParty, confirmed: User
) -> None:
    """Section 5.6"""
    high = asking({"assurance_level": {"value": "high"}}, {"given_name": None})
    german = asking({"trust_framework": {"value": "de_aml"}})
    told = told_to(house, app, browser, [high, german, asking(claims={"family_name": None})])
    assert [list(each["claims"]) for each in told] == [["given_name"], ["family_name"]]
    assert len(told_to(house, app, browser, [high])) == 1
    assert told_to(house, app, browser, [german]) is None


# Malformed -----------------------------------------------------------------------------------------------

RECORD = {"value": "electronic_record"}


def deep(levels: int) -> Any:
    return {"a": deep(levels - 1)} if levels else None


@pytest.mark.parametrize(
    "asked",
    [
        None,
        True,
        "all",
        {},
        [],
        [None],
        [asking()] * 6,
        {"verification": {"trust_framework": None}},
        {"verification": {"trust_framework": None}, "claims": {}},
        {"verification": {"trust_framework": None}, "claims": ["given_name"]},
        {"verification": {}, "claims": NAMES},
        {"verification": None, "claims": NAMES},
        {"claims": NAMES},
        [asking(), {"claims": NAMES}],
        asking({"trust_framework": "eidas"}),
        asking({"trust_framework": ["eidas"]}),
        asking({"trust_framework": {"values": "eidas"}}),
        asking({"trust_framework": {"values": []}}),
        asking({"trust_framework": {"value": {"a": "b"}}}),
        asking({"time": {"max_age": "1"}}),
        asking({"time": {"max_age": -1}}),
        asking({"time": {"max_age": True}}),
        asking({"time": {"max_age": float("inf")}}),
        asking({"time": {"max_age": float("nan")}}),
        asking({"assurance_level": {"value": float("nan")}}),
        asking({"assurance_level": {"value": "hi\x00gh"}}),
        asking({"assurance_level": {"value": "\ud800"}}),
        asking({"a\x00": None}),
        asking({"evidence": {}}),
        asking({"evidence": []}),
        asking({"evidence": [None]}),
        asking({"evidence": [{}]}),
        asking({"evidence": [{"type": None}]}),
        asking({"evidence": [{"type": {"values": ["document"]}}]}),
        asking({"evidence": [{"type": {"value": "document", "values": ["document"]}}]}),
        asking({"evidence": [{"type": {"value": 1}}]}),
        asking({"evidence": [{"type": RECORD, "check_details": {"check_method": None}}]}),
        asking({"evidence": [{"type": RECORD, "check_details": []}]}),
        asking(claims={"given_name": "ANNA"}),
        asking(claims={"given_name": []}),
        asking({"x": deep(13)}),
        asking({"x": deep(700)}),
        asking(claims={"x": deep(700)}),
    ],
    ids=lambda asked: str(asked)[:60],
)
def test_what_cannot_be_read_is_an_invalid_request(
    house: House, browser: Browser, app: RelyingParty, confirmed: User, asked: object
) -> None:
    """Section 5.7.6; attack 43"""
    for part in ("id_token", "userinfo"):
        with pytest.raises(ProviderError, match="invalid_request"):
            house.code_for(app, browser, claims=json.dumps({part: {"verified_claims": asked}}))


# Discovery -----------------------------------------------------------------------------------------------


def test_discovery_says_what_there_is(app: RelyingParty) -> None:
    """Section 8; `verified_claims_supported` was of drafts and is none of the members there are."""
    said = app.metadata()
    assert said["trust_frameworks_supported"] == ["eidas"]
    assert said["evidence_supported"] == ["electronic_record", "document"]
    assert said["electronic_records_supported"] == [
        "urn:visvaris:record:smart-id",
        "urn:visvaris:record:eparaksts",
    ]
    assert said["documents_supported"] == ["passport", "idcard", "urn:visvaris:document:residence-permit"]
    assert said["documents_check_methods_supported"] == ["vpip"]
    assert said["claims_in_verified_claims_supported"] == ["given_name", "family_name", "person_code"]
    assert said["claims_parameter_supported"] is True
    assert "verified_claims" in said["claims_supported"]
    assert "verified_identity" in said["scopes_supported"]
    assert "verified_claims_supported" not in said


def test_all_that_is_told_is_said_there(house: House, browser: Browser, anna: User) -> None:
    party = house.add_client(scope=SCOPES, own=BASIS)
    said = party.metadata()
    for by in ConfirmedBy:
        confirm(house.world, anna, by=by)
        told = told_to(house, party, browser, asking({"evidence": EVIDENCE}, {**NAMES, "person_code": None}))
        (evidence,) = told["verification"]["evidence"]
        assert told["verification"]["trust_framework"] in said["trust_frameworks_supported"]
        assert evidence["type"] in said["evidence_supported"]
        assert set(told["claims"]) == set(said["claims_in_verified_claims_supported"])
        if evidence["type"] == "document":
            methods = {check["check_method"] for check in evidence["check_details"]}
            assert methods == set(said["documents_check_methods_supported"])
        else:
            assert evidence["record"]["type"] in said["electronic_records_supported"]


# For those who build applications ------------------------------------------------------------------------


def test_the_example_of_the_documentation_is_so(
    house: House, browser: Browser, app: RelyingParty, confirmed: User
) -> None:
    text = (ROOT / "docs/application-developers.md").read_text()
    section = text.split("### Whose identity was confirmed\n")[1].split("\n## ")[0]
    asked, told = map(json.loads, re.findall(r"```json\n(.*?)```", section, re.DOTALL))
    house.world.clock.move(63072000 - 1000)
    browser = house.sign_in(confirmed)
    access_token = house.tokens_for(app, browser, claims=json.dumps(asked)).access_token
    assert app.userinfo(access_token) == {"sub": confirmed.id, **told}
    for method, by in {
        "Smart-ID": "smart_id",
        "eParaksts": "eparaksts",
        "a document, in person": "in_person",
    }.items():
        confirm(house.world, confirmed, by=ConfirmedBy(by))
        verification = app.userinfo(access_token)["verified_claims"]["verification"]
        (evidence,) = verification["evidence"]
        details = evidence.get("record") or evidence["document_details"]
        names = [evidence["type"], details["type"]]
        cells = [
            f"`{verification['assurance_level']}`",
            ", ".join(f"`{name}`" for name in names),
            " ".join(f"`{check['check_method']}`" for check in evidence["check_details"]),
        ]
        assert f"| {method} | {' | '.join(cells)} |" in section
