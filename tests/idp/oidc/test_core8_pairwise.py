"""Pairwise subjects (OpenID Connect Core 8): one name for a person in each sector, and no way from one to another."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from idp.gateways.outbound import Outbound
from idp.models.clients import Client
from idp.models.people import User
from idp.oidc.authorize import Browser
from idp.oidc.errors import ProtocolError
from idp.oidc.logout import AskFirst, EndNow
from idp.oidc.requests import Parameters
from idp.oidc.subjects import Subjects
from tests.idp.oidc.house import CALLBACK, House
from tests.support.at_once import at_once
from tests.support.builders import World
from tests.support.relying_party import ProviderError, RelyingParty
from tests.support.remote import Remote, Reply

ELSEWHERE = "https://other.example/callback"


@pytest.fixture
def house(house: House, outbound: Outbound) -> House:
    return House(house.world, outbound=outbound)


@pytest.fixture
def berta(house: House) -> User:
    user = house.add_person("berta")
    house.employ(user)
    return user


@pytest.fixture
def pairwise(house: House) -> RelyingParty:
    return house.add_client(subject_type="pairwise", post_logout_redirect_uris=["https://app.example.lv/bye"])


def sub_of(house: House, party: RelyingParty, browser: Browser) -> str:
    return str(house.tokens_for(party, browser).claims["sub"])


def payload(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return claims


def refuse(house: House, **metadata: Any) -> str:
    with pytest.raises(ProtocolError) as refused:
        house.add_client(subject_type="pairwise", **metadata)
    assert refused.value.error == "invalid_client_metadata"
    return refused.value.description


# Which name -----------------------------------------------------------------------------------------------------


def test_a_sector_has_its_own_name_for_a_person(
    house: House, browser: Browser, anna: User, app: RelyingParty, pairwise: RelyingParty
) -> None:
    same_host = house.add_client(subject_type="pairwise", redirect_uris=["https://app.example.lv/two"])
    other = house.add_client(subject_type="pairwise", redirect_uris=[ELSEWHERE])
    public, ours, theirs = (sub_of(house, party, browser) for party in (app, pairwise, other))
    assert public == anna.id
    assert len({public, ours, theirs}) == 3
    assert ours == sub_of(house, same_host, browser) == sub_of(house, pairwise, browser)
    assert all(sub.isascii() and len(sub) <= 255 for sub in (ours, theirs))
    assert anna.id not in str(base64.urlsafe_b64decode(ours + "=="))


def test_two_people_have_two_names(
    house: House, browser: Browser, berta: User, pairwise: RelyingParty
) -> None:
    hers = house.sign_in(berta)
    assert sub_of(house, pairwise, browser) != sub_of(house, pairwise, hers)


def test_the_name_outlives_the_process(
    house: House, browser: Browser, anna: User, pairwise: RelyingParty
) -> None:
    before = sub_of(house, pairwise, browser)
    with World(house.world.url, clock=house.world.clock) as other:
        client = house.openid.clients.get(pairwise.client_id)
        assert Subjects(other.database, other.vault).user_of(client, before) == anna.id


def test_the_first_to_need_the_key_make_one_key(house: House, pairwise: RelyingParty) -> None:
    client = house.openid.clients.get(pairwise.client_id)
    worlds = [World(house.world.url, clock=house.world.clock) for _ in range(8)]
    made = at_once(8, lambda n: Subjects(worlds[n].database, worlds[n].vault).subject_for(client, "anna"))
    assert len(set(made)) == 1
    for world in worlds:
        world.database.dispose()


# Everywhere the same --------------------------------------------------------------------------------------------


def test_it_is_the_same_name_everywhere(
    house: House, browser: Browser, anna: User, pairwise: RelyingParty
) -> None:
    tokens = house.tokens_for(pairwise, browser, scope="openid offline_access")
    sub = tokens.claims["sub"]
    assert pairwise.userinfo(tokens.access_token)["sub"] == sub
    assert payload(tokens.access_token)["sub"] == sub
    assert pairwise.introspect(tokens.access_token)["sub"] == sub
    assert pairwise.introspect(tokens.refresh_token or "")["sub"] == sub
    again = pairwise.refresh(tokens.refresh_token or "")
    assert payload(again.access_token)["sub"] == sub
    assert pairwise.userinfo(again.access_token)["sub"] == sub
    for token in (tokens.access_token, tokens.id_token or "", again.access_token):
        assert anna.id not in json.dumps(payload(token)), "the user's own id is nowhere in it"


def test_no_name_of_a_session_links_what_subjects_keep_apart(
    house: House, browser: Browser, app: RelyingParty, pairwise: RelyingParty
) -> None:
    """Two sectors that compare what they were given find nothing that is the same."""
    assert browser.signed_in is not None
    other = house.add_client(subject_type="pairwise", redirect_uris=[ELSEWHERE])
    sids = []
    for party in (pairwise, other):
        tokens = house.tokens_for(party, browser)
        sid = tokens.claims["sid"]
        assert payload(tokens.access_token)["sid"] == sid == house.tokens_for(party, browser).claims["sid"]
        sids.append(sid)
    assert len({*sids, browser.signed_in.session_id}) == 3
    assert house.tokens_for(app, browser).claims["sid"] == browser.signed_in.session_id


def test_a_session_and_a_person_of_one_id_have_two_names(house: House, pairwise: RelyingParty) -> None:
    subjects, client = (
        Subjects(house.world.database, house.world.vault),
        house.openid.clients.get(pairwise.client_id),
    )
    assert subjects.session_of(client, subjects.subject_for(client, "same")) is None
    assert subjects.user_of(client, subjects.session_for(client, "same")) is None


def test_the_trail_names_the_person_when_a_token_is_given_back(
    house: House, browser: Browser, anna: User, pairwise: RelyingParty
) -> None:
    pairwise.revoke(house.tokens_for(pairwise, browser).access_token)
    assert "tokens.revoked" in house.events(anna)


def test_an_id_token_finds_the_person_again(
    house: House, browser: Browser, berta: User, pairwise: RelyingParty
) -> None:
    """Core 3.1.2.1, `id_token_hint`"""
    hint = house.tokens_for(pairwise, browser).id_token
    assert house.code_for(pairwise, browser, prompt="none", id_token_hint=hint)
    hers = house.sign_in(berta)
    with pytest.raises(ProviderError, match="login_required"):
        house.code_for(pairwise, hers, prompt="none", id_token_hint=hint)


def test_claims_ask_for_a_person_by_that_name_alone(
    house: House, browser: Browser, anna: User, pairwise: RelyingParty
) -> None:
    """Core 5.5.1. The user's own id means nobody here, or else a sector could find out whose name it is."""
    sub = sub_of(house, pairwise, browser)

    def ask(value: str) -> object:
        claims = json.dumps({"id_token": {"sub": {"value": value}}})
        return house.code_for(pairwise, browser, prompt="none", claims=claims)

    assert ask(sub)
    for other in (anna.id, sub[:-1], f"{sub}=", sub.swapcase(), "-", "x" * 500):
        with pytest.raises(ProviderError, match="login_required"):
            ask(other)


def test_signing_out_with_its_id_token_is_obeyed_at_once(
    house: House, browser: Browser, berta: User, pairwise: RelyingParty
) -> None:
    tokens = house.tokens_for(pairwise, browser)
    asked = Parameters([("id_token_hint", tokens.id_token or "")])
    assert isinstance(house.openid.logout.begin(asked, browser.signed_in, browser=browser.id), EndNow)
    hers = house.sign_in(berta)
    assert isinstance(house.openid.logout.begin(asked, hers.signed_in, browser=hers.id), AskFirst)


def test_an_id_token_of_before_it_was_pairwise_is_no_hint(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    hint = house.tokens_for(app, browser).id_token
    with house.world.database.begin() as work:
        work.connection().execute(text("UPDATE clients SET sector = 'app.example.lv'"))
    house.world.clock.move(2)
    with pytest.raises(ProviderError, match="invalid_request"):
        house.code_for(app, browser, prompt="none", id_token_hint=hint)


# Back again -----------------------------------------------------------------------------------------------------


@pytest.fixture
def subjects(house: House) -> Subjects:
    return Subjects(house.world.database, house.world.vault)


def client_of(sector: str | None) -> Client:
    return Client(client_id="x", name="x", created_at=0.0, registered={}, sector=sector)


def test_what_is_no_name_of_a_sector_means_nobody(subjects: Subjects) -> None:
    here, there = client_of("here.example"), client_of("there.example")
    name = subjects.subject_for(here, "anna")
    assert subjects.user_of(here, name) == "anna"
    assert subjects.user_of(there, name) is None
    for wrong in ("", "anna", name[:-2], name + "A", f"{name}==", f" {name}", f"{name}\n", "é", "A" * 43):
        assert subjects.user_of(here, wrong) is None, wrong


@given(user=st.text(min_size=1, max_size=40), sector=st.text(min_size=1, max_size=40))
def test_there_and_back(user: str, sector: str) -> None:
    client = client_of(sector)
    subject = _SUBJECTS.subject_for(client, user)
    assert _SUBJECTS.user_of(client, subject) == user
    assert subject == _SUBJECTS.subject_for(client, user)
    assert _SUBJECTS.user_of(client_of(f"{sector}x"), subject) is None


def test_public_subjects_touch_no_key(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    subjects = Subjects(None, None)  # type: ignore[arg-type]  # neither is asked
    assert subjects.subject_for(client_of(None), "anna") == "anna"
    assert subjects.user_of(client_of(None), "anna") == "anna"


# Which sector ---------------------------------------------------------------------------------------------------


def sector_of(house: House, party: RelyingParty) -> str | None:
    return house.openid.clients.get(party.client_id).sector


def test_the_sector_is_the_one_host_of_the_redirect_uris(house: House, pairwise: RelyingParty) -> None:
    assert sector_of(house, pairwise) == "app.example.lv"
    ports = ["https://app.example.lv:8443/a", "https://app.example.lv/b"]
    assert (
        sector_of(house, house.add_client(subject_type="pairwise", redirect_uris=ports)) == "app.example.lv"
    )


@pytest.mark.parametrize(
    "metadata",
    [
        {"redirect_uris": [CALLBACK, ELSEWHERE]},
        {"redirect_uris": ["http://127.0.0.1/cb"], "application_type": "native"},
        {"redirect_uris": ["http://localhost/cb"]},
        {"redirect_uris": ["lv.example.app:/cb"], "application_type": "native"},
        {"redirect_uris": ["lv.example.app://host/cb"], "application_type": "native"},
        {"redirect_uris": [], "grant_types": ["client_credentials"], "scope": "fines.read"},
    ],
)
def test_without_one_host_a_document_must_say(house: House, metadata: dict[str, Any]) -> None:
    assert "sector_identifier_uri" in refuse(house, **metadata)


def test_a_document_that_lists_all_redirect_uris_names_the_sector(house: House, remote: Remote) -> None:
    remote.answers["/sector.json"] = Reply(
        json.dumps([CALLBACK, ELSEWHERE, "https://third.example/"]).encode()
    )
    metadata = {"subject_type": "pairwise", "sector_identifier_uri": remote.url("/sector.json")}
    several = house.add_client(redirect_uris=[CALLBACK, ELSEWHERE], **metadata)
    one = house.add_client(redirect_uris=[ELSEWHERE], **metadata)
    assert sector_of(house, several) == sector_of(house, one) == "localhost"
    public = house.add_client(sector_identifier_uri=remote.url("/sector.json"))
    assert sector_of(house, public) is None


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(json.dumps([ELSEWHERE]).encode()), "does not list every one of redirect_uris"),
        (Reply(json.dumps([f"{CALLBACK}/"]).encode()), "does not list every one of redirect_uris"),
        (Reply(json.dumps(CALLBACK).encode()), "does not hold an array of URIs"),
        (Reply(json.dumps({CALLBACK: 1}).encode()), "does not hold an array of URIs"),
        (Reply(b"[]"), "does not list every one of redirect_uris"),
        (Reply(b"<html>"), "does not hold JSON"),
        (Reply(b"\xff"), "does not hold JSON"),
        (Reply(b"[" * 100_000), "does not hold JSON"),
        (Reply(b"[]" + b" " * 300_000), "answered with more than 262144 bytes"),
        (Reply(b"", 302, {"Location": "https://app.example.lv/sector.json"}), "answered with status 302"),
        (Reply(b"", 404), "answered with status 404"),
    ],
)
@pytest.mark.parametrize("subject_type", ["pairwise", "public"])
def test_another_document_is_refused_naming_it_and_why(
    house: House, remote: Remote, reply: Reply, why: str, subject_type: str
) -> None:
    """attack 9"""
    remote.answers["/sector.json"] = reply
    with pytest.raises(ProtocolError) as refused:
        house.add_client(subject_type=subject_type, sector_identifier_uri=remote.url("/sector.json?secret=1"))
    assert refused.value.error == "invalid_client_metadata"
    assert refused.value.description == f"sector_identifier_uri {remote.url('/sector.json')} {why}"


def test_a_host_inside_is_not_asked(house: House, remote: Remote) -> None:
    """attack 9"""
    closed = House(replace(house.world), outbound=Outbound())
    assert "may not be reached" in refuse(closed, sector_identifier_uri=remote.url("/sector.json"))
    assert remote.received == []


class _OneKey:
    def find_key(self, work: object, purpose: str) -> Any:
        from idp.crypto import LookupKey

        return LookupKey(b"k" * 32)


class _NoDatabase:
    def read(self) -> Any:
        from contextlib import nullcontext

        return nullcontext()


_SUBJECTS = Subjects(_NoDatabase(), _OneKey())  # type: ignore[arg-type]
