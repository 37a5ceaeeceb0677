"""Clients that prove themselves by a TLS certificate (RFC 8705 sections 2 and 5): by an authority, or by the key alone."""

import base64
import json
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from idp.gateways.outbound import Outbound
from idp.oidc.options import Options
from tests.idp.oidc.house import ISSUER, House
from tests.support.builders import START
from tests.support.client_certificates import (
    DAY,
    ClientAuthority,
    ClientCertificate,
    ec_key,
    self_signed,
    subject,
)
from tests.support.proxy import STRANGER, through_proxy
from tests.support.relying_party import RelyingParty
from tests.support.remote import Remote, Reply

REFUSED = (401, "invalid_client")
ACCEPTED = (200, "")
OWN = {"grant_type": "client_credentials"}
NAME = "CN=client,O=Example,C=LV"
OURS = ClientAuthority(START)
THEIRS = ClientAuthority(START, "CN=Cits sertificetajs,C=LV")


def options(**changed: Any) -> Options:
    values = {"client_certificates": True, "client_authorities": (OURS.certificate,), **changed}
    return Options(issuer=ISSUER, refresh_seconds=86400, **values)


@pytest.fixture
def hall(house: House, outbound: Outbound) -> House:
    """A house that is told of certificates, and knows one authority."""
    return House(house.world, options=options(), outbound=outbound)


def shows(party: RelyingParty, hall: House, shown: ClientCertificate | None, **sent: Any) -> tuple[int, str]:
    party.http = through_proxy(hall.openid, shown=shown, **sent)
    reply = party.post("/token", OWN)
    return reply.status_code, reply.json().get("error", "")


def issued_to(hall: House, **names: str) -> RelyingParty:
    return hall.add_service(token_endpoint_auth_method="tls_client_auth", **names)


def holding(hall: House, *shown: ClientCertificate, **jwk: Any) -> RelyingParty:
    keys = [{**each.jwk(f"key-{number}"), **jwk} for number, each in enumerate(shown)]
    return hall.add_service(token_endpoint_auth_method="self_signed_tls_client_auth", jwks={"keys": keys})


# By an authority -----------------------------------------------------------------------------------------

ALTERNATIVES = {
    "tls_client_auth_san_dns": ("client.example.lv", x509.DNSName("client.example.lv")),
    "tls_client_auth_san_uri": ("urn:example:client", x509.UniformResourceIdentifier("urn:example:client")),
    "tls_client_auth_san_ip": ("192.0.2.1", x509.IPAddress(ip_address("192.0.2.1"))),
    "tls_client_auth_san_email": ("client@example.lv", x509.RFC822Name("client@example.lv")),
}


def test_named_by_its_subject(hall: House) -> None:
    party = issued_to(hall, tls_client_auth_subject_dn=NAME)
    assert shows(party, hall, OURS.issue(NAME)) == ACCEPTED


@pytest.mark.parametrize("member", ALTERNATIVES)
def test_named_by_an_alternative(hall: House, member: str) -> None:
    value, name = ALTERNATIVES[member]
    party = issued_to(hall, **{member: value})
    assert shows(party, hall, OURS.issue(NAME, x509.DNSName("other.example.lv"), name)) == ACCEPTED
    assert shows(party, hall, OURS.issue(NAME, x509.DNSName("other.example.lv"))) == REFUSED
    assert shows(party, hall, OURS.issue(NAME)) == REFUSED


def test_a_name_of_one_kind_is_none_of_another(hall: House) -> None:
    """A host is not looked for among addresses, nor in the subject."""
    party = issued_to(hall, tls_client_auth_san_dns="client.example.lv")
    as_uri = x509.UniformResourceIdentifier("client.example.lv")
    assert shows(party, hall, OURS.issue("CN=client.example.lv", as_uri)) == REFUSED
    by_uri = issued_to(hall, tls_client_auth_san_uri="urn:example:client")
    assert shows(by_uri, hall, OURS.issue(NAME, x509.DNSName("urn:example:client"))) == REFUSED


@pytest.mark.parametrize(
    "shown",
    [
        *("client.example.lv.evil.example", "evil-client.example.lv", "a.client.example.lv", "example.lv"),
        *("*.example.lv", "*", "client.example.lv.", "client.example.lv\0.evil.example"),
    ],
)
def test_hosts_are_whole_and_without_wildcards(hall: House, shown: str) -> None:
    """attack 1, of certificates"""
    party = issued_to(hall, tls_client_auth_san_dns="client.example.lv")
    assert shows(party, hall, OURS.issue(NAME, x509.DNSName(shown))) == REFUSED


def test_hosts_are_the_same_in_capitals(hall: House) -> None:
    party = issued_to(hall, tls_client_auth_san_dns="Client.Example.LV")
    assert shows(party, hall, OURS.issue(NAME, x509.DNSName("CLIENT.example.lv"))) == ACCEPTED


@pytest.mark.parametrize(
    "other",
    [
        *(
            "CN=client,O=Example",
            "CN=client,O=Example,C=EE",
            "O=Example,CN=client,C=LV",
            "C=LV,O=Example,CN=client",
        ),
        *("CN=client,O=Example,OU=x,C=LV", "CN=client+O=Example,C=LV", "CN=Client,O=Example,C=LV"),
        *(
            "CN=client\\,O\\=Example,C=LV",
            "CN=client\\ ,O=Example,C=LV",
            "CN=client,CN=client,O=Example,C=LV",
        ),
    ],
)
def test_another_subject_is_another_client(hall: House, other: str) -> None:
    """RFC 4514: what differs in order, in depth or in one letter is another name"""
    party = issued_to(hall, tls_client_auth_subject_dn=NAME)
    assert subject(other) != subject(NAME)
    assert shows(party, hall, OURS.issue(other)) == REFUSED


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("CN=A\\, B\\+C,C=LV", "CN=A\\2C B\\2BC,C=LV"),
        ("2.5.4.97=NTRLV-1,C=LV", "2.5.4.97=NTRLV-1,C=LV"),
        ("organizationIdentifier=NTRLV-1,serialNumber=7,C=LV", "2.5.4.97=NTRLV-1,2.5.4.5=7,C=LV"),
        ("emailAddress=a@example.lv,CN=a", "1.2.840.113549.1.9.1=a@example.lv,CN=a"),
        ("CN=Rēzekne", "CN=R\\C4\\93zekne"),
        ("O=Example+CN=client", "CN=client+O=Example"),
    ],
)
def test_the_same_subject_may_be_written_in_several_ways(hall: House, written: str, shown: str) -> None:
    """RFC 4514 section 2.4"""
    party = issued_to(hall, tls_client_auth_subject_dn=written)
    assert shows(party, hall, OURS.issue(shown)) == ACCEPTED


def test_how_the_text_is_encoded_is_no_matter(hall: House) -> None:
    kinds = (x509.name._ASN1Type.PrintableString, x509.name._ASN1Type.UTF8String)
    for kind in kinds:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client", kind)])
        assert name == subject("CN=client")


@pytest.mark.parametrize(
    "shown",
    [
        THEIRS.issue(NAME),
        self_signed(START, NAME),
        OURS.issue(NAME, begins=START - 2 * DAY, ends=START - 1),
        OURS.issue(NAME, begins=START + 60),
        OURS.issue(NAME, use=ExtendedKeyUsageOID.SERVER_AUTH),
        OURS.issue(NAME, as_authority=True),
        OURS.issue(NAME, key=rsa.generate_private_key(65537, 1024)),  # noqa: S505  too short on purpose
        OURS.issue(NAME, key=ec.generate_private_key(ec.SECP192R1())),
        None,
    ],
    ids=[
        "theirs",
        "self-signed",
        "over",
        "not yet",
        "a server's",
        "an authority's",
        "short",
        "small",
        "none",
    ],
)
def test_what_proves_nothing(hall: House, shown: ClientCertificate | None) -> None:
    """attack 30: times are looked at whenever it is used"""
    assert shows(issued_to(hall, tls_client_auth_subject_dn=NAME), hall, shown) == REFUSED


def test_a_certificate_that_was_good_ends(hall: House) -> None:
    party, shown = issued_to(hall, tls_client_auth_subject_dn=NAME), OURS.issue(NAME, ends=START + 100)
    assert shows(party, hall, shown) == ACCEPTED
    hall.world.clock.move(101)
    assert shows(party, hall, shown) == REFUSED


def test_whom_a_client_issues_certificates_to_is_nobody(hall: House) -> None:
    """A certificate for a client is none for an authority, whatever it signs."""
    intermediate = ClientAuthority(START, NAME)
    object.__setattr__(intermediate, "key", OURS.issue(NAME).key)
    assert (
        shows(issued_to(hall, tls_client_auth_subject_dn="CN=x"), hall, intermediate.issue("CN=x")) == REFUSED
    )


def test_an_authority_of_the_same_name_is_another(hall: House) -> None:
    namesake = ClientAuthority(START)
    party = issued_to(hall, tls_client_auth_subject_dn=NAME)
    assert shows(party, hall, namesake.issue(NAME)) == REFUSED


def test_without_authorities_nobody_is_known_by_one(hall: House) -> None:
    """Default deny"""
    alone = House(hall.world, options=options(client_authorities=()))
    party = issued_to(alone, tls_client_auth_subject_dn=NAME)
    assert shows(party, alone, OURS.issue(NAME)) == REFUSED
    assert shows(party, alone, self_signed(START, NAME)) == REFUSED


def test_either_of_two_authorities(hall: House) -> None:
    both = House(hall.world, options=options(client_authorities=(OURS.certificate, THEIRS.certificate)))
    party = issued_to(both, tls_client_auth_subject_dn=NAME)
    assert shows(party, both, OURS.issue(NAME)) == ACCEPTED
    assert shows(party, both, THEIRS.issue(NAME)) == ACCEPTED


def test_a_key_of_a_kind_that_nobody_knows_proves_nothing(hall: House) -> None:
    """attack 43: nor does it bring anything down. P-256's identifier becomes that of a curve nobody implements."""
    shown = OURS.issue(NAME)
    strange = shown.der.replace(bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030103"))
    header = f":{base64.b64encode(strange).decode()}:"
    for party in (issued_to(hall, tls_client_auth_subject_dn=NAME), holding(hall, shown)):
        form = {**OWN, "client_id": party.client_id}
        reply = through_proxy(hall.openid).post("/token", data=form, headers={"Client-Cert": header})
        assert (reply.status_code, reply.json()["error"]) == REFUSED


# By the key alone ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [ec_key(), rsa.generate_private_key(65537, 2048)], ids=["ec", "rsa"])
def test_a_key_that_was_registered(hall: House, key: Any) -> None:
    shown = self_signed(START, key=key)
    assert shows(holding(hall, shown), hall, shown) == ACCEPTED


def test_the_key_counts_and_not_the_certificate_around_it(hall: House) -> None:
    """RFC 8705 section 2.2.2: whoever issued it, whatever name it has"""
    key = ec_key()
    party = holding(hall, self_signed(START, key=key))
    assert shows(party, hall, self_signed(START, "CN=renewed", key=key)) == ACCEPTED
    assert shows(party, hall, OURS.issue(NAME, key=key)) == ACCEPTED


def test_any_of_the_keys_that_were_registered(hall: House) -> None:
    old, new = self_signed(START), self_signed(START)
    party = holding(hall, old, new)
    assert shows(party, hall, old) == ACCEPTED
    assert shows(party, hall, new) == ACCEPTED


def test_another_key_is_another_client(hall: House) -> None:
    party = holding(hall, self_signed(START, "CN=client"))
    assert shows(party, hall, self_signed(START, "CN=client")) == REFUSED
    assert shows(party, hall, None) == REFUSED


def test_a_certificate_that_was_registered_is_the_only_one(hall: House) -> None:
    """`x5c`, RFC 7517 section 4.7: the same key in another certificate is not enough then"""
    key = ec_key()
    shown = self_signed(START, key=key)
    party = hall.add_service(
        token_endpoint_auth_method="self_signed_tls_client_auth",
        jwks={"keys": [shown.jwk(with_certificate=True)]},
    )
    assert shows(party, hall, shown) == ACCEPTED
    assert shows(party, hall, self_signed(START, key=key)) == REFUSED


@pytest.mark.parametrize("chain", [[], ["x"], ["AAAA"]])
def test_a_certificate_that_was_registered_and_is_none_lets_nobody_in(hall: House, chain: Any) -> None:
    shown = self_signed(START)
    assert shows(holding(hall, shown, x5c=chain), hall, shown) == REFUSED


def test_a_key_for_encryption_proves_nothing(hall: House) -> None:
    shown = self_signed(START)
    assert shows(holding(hall, shown, use="enc"), hall, shown) == REFUSED


@pytest.mark.parametrize(
    "times", [{"begins": START - 100, "ends": START - 50}, {"begins": START + 60}], ids=["over", "not yet"]
)
def test_out_of_its_time_a_certificate_proves_nothing(hall: House, times: dict[str, float]) -> None:
    """attack 30"""
    shown = self_signed(START, **times)
    assert shows(holding(hall, shown), hall, shown) == REFUSED


def test_keys_that_the_client_publishes(hall: House, remote: Remote) -> None:
    """A new certificate works as soon as it is published, and the one before no more."""
    old, new = self_signed(START), self_signed(START)
    remote.answers["/keys"] = Reply(json.dumps({"keys": [old.jwk()]}).encode())
    party = hall.add_service(
        token_endpoint_auth_method="self_signed_tls_client_auth", jwks_uri=remote.url("/keys")
    )
    assert shows(party, hall, old) == ACCEPTED
    remote.answers["/keys"] = Reply(json.dumps({"keys": [new.jwk()]}).encode())
    hall.world.clock.move(11)
    assert shows(party, hall, new) == ACCEPTED
    assert shows(party, hall, old) == REFUSED


def test_who_publishes_no_keys_learns_why_they_are_refused(hall: House, remote: Remote) -> None:
    party = hall.add_service(
        token_endpoint_auth_method="self_signed_tls_client_auth", jwks_uri=remote.url("/none")
    )
    party.http = through_proxy(hall.openid, shown=self_signed(START))
    reply = party.post("/token", OWN)
    assert (reply.status_code, reply.json()["error"]) == REFUSED
    assert "404" in reply.json()["error_description"]


# Whose method it is --------------------------------------------------------------------------------------


def test_a_certificate_counts_only_from_the_proxy(hall: House) -> None:
    """attack 17: a certificate is public, so to send one is to prove nothing"""
    shown = self_signed(START)
    party = holding(hall, shown)
    assert shows(party, hall, shown, came_from=STRANGER) == REFUSED
    assert shows(party, hall, shown) == ACCEPTED


def test_a_certificate_is_no_way_in_for_others(hall: House) -> None:
    """attack 17: exactly the registered method"""
    shown = OURS.issue(NAME)
    keys = {"keys": [shown.jwk()]}
    by_key = hall.add_service(token_endpoint_auth_method="private_key_jwt", jwks=keys)
    by_secret = hall.add_service(tls_client_auth_subject_dn=NAME)
    for party in (by_key, by_secret):
        party.auth_method = "tls"
        assert shows(party, hall, shown) == REFUSED


def test_neither_method_stands_for_the_other(hall: House) -> None:
    """attack 17"""
    shown = OURS.issue(NAME)
    known = hall.add_service(
        token_endpoint_auth_method="tls_client_auth",
        tls_client_auth_subject_dn="CN=somebody else",
        jwks={"keys": [shown.jwk()]},
    )
    assert shows(known, hall, shown) == REFUSED
    holds = hall.add_service(
        token_endpoint_auth_method="self_signed_tls_client_auth",
        tls_client_auth_subject_dn=NAME,
        jwks={"keys": [self_signed(START).jwk()]},
    )
    assert shows(holds, hall, shown) == REFUSED


def test_a_certificate_does_not_replace_a_secret_and_does_no_harm_beside_one(hall: House) -> None:
    """It may be there for tokens to be bound to."""
    party = hall.add_service()
    assert shows(party, hall, self_signed(START)) == ACCEPTED
    party.secret = "wrong"
    assert shows(party, hall, self_signed(START)) == REFUSED


def test_a_certificate_beside_a_secret_is_two_ways(hall: House) -> None:
    """attack 17: who is registered for a certificate does not come with a secret"""
    shown = self_signed(START)
    party = holding(hall, shown)
    party.auth_method, party.secret = "client_secret_post", "x"
    assert shows(party, hall, shown) == REFUSED


def test_a_disabled_client_is_refused(hall: House) -> None:
    """attack 17"""
    shown = self_signed(START)
    party = holding(hall, shown)
    with hall.world.database.begin() as work:
        work.clients.set_disabled(party.client_id, True)
    assert shows(party, hall, shown) == REFUSED


@pytest.mark.parametrize("path", ["/introspect", "/revoke"])
def test_it_holds_at_every_endpoint_where_clients_prove_themselves(hall: House, path: str) -> None:
    shown = self_signed(START)
    party = holding(hall, shown)
    for certificate, status in ((shown, 200), (self_signed(START), 401), (None, 401)):
        party.http = through_proxy(hall.openid, shown=certificate)
        assert party.post(path, {"token": "x"}).status_code == status


def test_every_refusal_reads_the_same(hall: House) -> None:
    """attack 28"""
    known = issued_to(hall, tls_client_auth_subject_dn=NAME)
    http = through_proxy(hall.openid, shown=self_signed(START))
    forms = [{**OWN, "client_id": client_id} for client_id in (known.client_id, "nobody")]
    told = [http.post("/token", data=form).json() for form in forms]
    assert [{**each, "reference": ""} for each in told] == [{**told[0], "reference": ""}] * 2


# Discovery -----------------------------------------------------------------------------------------------

TLS_METHODS = {"tls_client_auth", "self_signed_tls_client_auth"}


@pytest.mark.parametrize(
    ("changed", "offered"),
    [
        ({}, TLS_METHODS),
        ({"client_authorities": ()}, {"self_signed_tls_client_auth"}),
        ({"client_certificates": False}, set()),
    ],
)
def test_only_what_can_succeed_is_offered(house: House, changed: dict[str, Any], offered: set[str]) -> None:
    said = House(house.world, options=options(**changed)).add_client().metadata()
    for endpoint in ("token", "introspection", "revocation"):
        assert TLS_METHODS & set(said[f"{endpoint}_endpoint_auth_methods_supported"]) == offered
    assert ("mtls_endpoint_aliases" in said) == bool(changed.get("client_certificates", True))


@pytest.mark.parametrize("origin", [None, "https://mtls.example.lv"])
def test_where_a_client_with_a_certificate_finds_the_endpoints(house: House, origin: str | None) -> None:
    """RFC 8705 section 5"""
    said = House(house.world, options=options(mtls_origin=origin)).add_client().metadata()
    aliases = said["mtls_endpoint_aliases"]
    wanted = {"token_endpoint", "introspection_endpoint", "revocation_endpoint", "userinfo_endpoint"}
    assert wanted <= set(aliases)
    for name, alias in aliases.items():
        assert alias == said[name].replace(ISSUER, origin or ISSUER, 1)


def test_an_assertion_may_be_for_the_token_endpoint_at_the_other_origin(house: House) -> None:
    elsewhere = "https://mtls.example.lv"
    hall = House(house.world, options=options(mtls_origin=elsewhere))
    shown = self_signed(START)
    party = hall.add_service(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [shown.jwk()]})
    party.key = shown.signing_key()
    form = {**OWN, **party.assertion_form(party.assertion(aud=f"{elsewhere}/token"))}
    assert hall.post("/token", form).status_code == 200
