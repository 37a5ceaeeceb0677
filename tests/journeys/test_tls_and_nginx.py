"""The example of docs/examples/nginx, run: what it lets in by TLS, and whose certificate it tells the provider of."""

import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from idp.effects import Effects
from idp.oidc.client_metadata import register
from tests.support.certificates import Authority
from tests.support.client_certificates import ClientAuthority, ClientCertificate, self_signed
from tests.support.nginx import PROXY_ADDRESS, Ports, nginx
from tests.support.relying_party import FORM
from tests.support.running_server import RunningServer, running_server
from tests.support.services import free_port

NAME = "CN=client,O=Example,C=LV"
OWN = {"grant_type": "client_credentials"}
GOOD_SUITES = ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"]
WEAK_SUITES = [
    *("ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-CCM"),
    *("ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-ARIA128-GCM-SHA256"),
]


@dataclass(frozen=True)
class Front:
    """The provider with nginx before it."""

    server: RunningServer
    ports: Ports
    ca_file: Path
    authority: ClientAuthority
    folder: Path

    @property
    def mtls(self) -> str:
        return f"https://localhost:{self.ports.certificates}"

    def add_service(self, **metadata: Any) -> str:
        document = {"grant_types": ["client_credentials"], "scope": "fines.read", **metadata}
        client = register(document, Effects()).client
        with self.server.database.begin() as work:
            work.clients.add(client)
        return client.client_id

    def add_holder(self, shown: ClientCertificate) -> str:
        """A client that registered the key of this certificate."""
        return self.add_service(
            token_endpoint_auth_method="self_signed_tls_client_auth", jwks={"keys": [shown.jwk()]}
        )

    def tls(self, shown: ClientCertificate | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca_file)
        if shown is not None:
            context.load_cert_chain(*shown.written_to(self.folder, "shown"))
        return context

    def ask(
        self,
        client_id: str,
        shown: ClientCertificate | None,
        *,
        at: str = "",
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        with httpx.Client(verify=self.tls(shown), timeout=20) as http:
            form = {**OWN, "client_id": client_id}
            return http.post(f"{at or self.mtls}/token", data=form, headers={**FORM, **(headers or {})})

    def shake_hands(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        connection = socket.create_connection(("127.0.0.1", self.ports.people), 10)
        return context.wrap_socket(connection, server_hostname="localhost")


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    ports = Ports(people=free_port(), certificates=free_port(), provider=free_port())
    ours = ClientAuthority(time.time())
    ca_file = folder / "clients-ca.pem"
    ca_file.write_bytes(ours.certificate.public_bytes(Encoding.PEM))
    settings = {
        "IDP_TRUSTED_PROXIES": PROXY_ADDRESS,
        "IDP_MTLS_ORIGIN": f"https://localhost:{ports.certificates}",
        "IDP_MTLS_CA_FILE": str(ca_file),
    }
    issuer = f"https://localhost:{ports.people}"
    with (
        running_server(issuer=issuer, port=ports.provider, **settings) as server,
        nginx(folder, ports, authority.server(name="nginx")),
    ):
        yield Front(server, ports, authority.ca_file, ours, folder)


# TLS -----------------------------------------------------------------------------------------------------


def offering(front: Front, version: ssl.TLSVersion, *, suites: str | None = None) -> ssl.SSLContext:
    context = front.tls()
    if suites is not None:
        context.set_ciphers(f"{suites}:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(front: Front, version: ssl.TLSVersion) -> None:
    """The server says so itself: the client would have been content."""
    with pytest.raises(ssl.SSLError) as refused:
        front.shake_hands(offering(front, version, suites="ALL"))
    assert refused.value.reason == "TLSV1_ALERT_PROTOCOL_VERSION"


@pytest.mark.parametrize("suite", WEAK_SUITES)
def test_suites_that_are_not_in_the_list_of_rfc_9325_are_refused(front: Front, suite: str) -> None:
    with pytest.raises(ssl.SSLError) as refused:
        front.shake_hands(offering(front, ssl.TLSVersion.TLSv1_2, suites=suite))
    assert refused.value.reason == "SSLV3_ALERT_HANDSHAKE_FAILURE"


@pytest.mark.parametrize("suite", GOOD_SUITES)
def test_suites_of_rfc_9325_are_accepted(front: Front, suite: str) -> None:
    with front.shake_hands(offering(front, ssl.TLSVersion.TLSv1_2, suites=suite)) as connection:
        assert connection.version() == "TLSv1.2"
        assert connection.cipher() == (suite, "TLSv1.2", 128 if "128" in suite else 256)


def test_tls_1_3_is_accepted(front: Front) -> None:
    with front.shake_hands(offering(front, ssl.TLSVersion.TLSv1_3)) as connection:
        assert connection.version() == "TLSv1.3"


def test_another_name_gets_no_handshake(front: Front) -> None:
    context = front.tls()
    context.check_hostname = False
    connection = socket.create_connection(("127.0.0.1", front.ports.people), 10)
    with pytest.raises(ssl.SSLError) as refused:
        context.wrap_socket(connection, server_hostname="evil.example")
    assert refused.value.reason == "TLSV1_UNRECOGNIZED_NAME"


def test_http_2_is_spoken(front: Front) -> None:
    """RFC 9113 section 3.4: both sides begin with their SETTINGS."""
    context = front.tls()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with front.shake_hands(context) as connection:
        assert connection.selected_alpn_protocol() == "h2"
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0")
        assert connection.recv(9)[3] == 4


# Certificates --------------------------------------------------------------------------------------------


def test_discovery_tells_where_certificates_are_asked_for(front: Front) -> None:
    """RFC 8705 section 5"""
    with httpx.Client(verify=front.tls()) as http:
        said = http.get(f"{front.server.issuer}/.well-known/openid-configuration").json()
    assert said["mtls_endpoint_aliases"]["token_endpoint"] == f"{front.mtls}/token"
    assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(
        said["token_endpoint_auth_methods_supported"]
    )


def test_a_key_of_its_own(front: Front) -> None:
    """RFC 8705 section 2.2"""
    shown = self_signed(time.time())
    reply = front.ask(front.add_holder(shown), shown)
    assert reply.status_code == 200, reply.text
    assert reply.json()["access_token"]


def test_a_certificate_of_our_authority(front: Front) -> None:
    """RFC 8705 section 2.1"""
    client_id = front.add_service(
        token_endpoint_auth_method="tls_client_auth", tls_client_auth_subject_dn=NAME
    )
    assert front.ask(client_id, front.authority.issue(NAME)).status_code == 200
    assert_refused(front.ask(client_id, front.authority.issue("CN=other,O=Example,C=LV")))
    assert_refused(front.ask(client_id, ClientAuthority(time.time()).issue(NAME)))
    assert_refused(front.ask(client_id, self_signed(time.time(), NAME)))
    assert_refused(front.ask(client_id, None))


def test_the_largest_certificates_come_through_whole(front: Front) -> None:
    """As docs/operators.md says: RSA of 4096 bits with a dozen names."""
    names = [x509.DNSName(f"client-number-{number:02}.example.lv") for number in range(12)]
    shown = front.authority.issue(NAME, *names, key=rsa.generate_private_key(65537, 4096))
    assert len(shown.der) > 1200
    assert front.ask(front.add_holder(shown), shown).status_code == 200


def test_one_that_is_too_large_for_the_map_is_none(front: Front) -> None:
    names = [x509.DNSName(f"client-number-{number:03}.example.lv") for number in range(120)]
    shown = front.authority.issue(NAME, *names)
    assert_refused(front.ask(front.add_holder(shown), shown))


def test_another_certificate_is_refused(front: Front) -> None:
    client_id = front.add_holder(self_signed(time.time()))
    assert_refused(front.ask(client_id, self_signed(time.time())))
    assert_refused(front.ask(client_id, None))


def test_an_expired_certificate_is_refused(front: Front) -> None:
    """attack 30: by nginx or, were it to pass it on, by the provider"""
    now = time.time()
    shown = self_signed(now, begins=now - 100, ends=now - 50)
    assert front.ask(front.add_holder(shown), shown).status_code in {400, 401}


@pytest.mark.parametrize("name", ["Client-Cert", "client-cert", "Client_Cert", "CLIENT_CERT"])
def test_what_the_client_itself_writes_into_the_header_does_not_count(front: Front, name: str) -> None:
    """attack 17: a certificate is no secret, so to show one is not to hold its key"""
    stolen = self_signed(time.time())
    client_id = front.add_holder(stolen)
    for at in (front.mtls, front.server.issuer):
        assert_refused(front.ask(client_id, None, at=at, headers={name: stolen.header}))
    own = self_signed(time.time())
    assert_refused(front.ask(client_id, own, headers={name: stolen.header}))


def test_what_comes_past_the_proxy_does_not_count(front: Front) -> None:
    """attack 17"""
    stolen = self_signed(time.time())
    client_id = front.add_holder(stolen)
    assert_refused(
        front.ask(client_id, None, at=front.server.listens_at, headers={"Client-Cert": stolen.header})
    )


def test_where_people_come_nobody_is_asked_for_a_certificate(front: Front) -> None:
    shown = self_signed(time.time())
    assert_refused(front.ask(front.add_holder(shown), shown, at=front.server.issuer))


def test_where_certificates_are_asked_for_there_are_no_pages(front: Front) -> None:
    with httpx.Client(verify=front.tls()) as http:
        found = {path: http.get(front.mtls + path).status_code for path in ("/", "/authorize", "/account")}
        assert set(found.values()) == {404}
        assert http.get(f"{front.server.issuer}/").status_code == 303
        assert http.get(f"{front.server.issuer}/metrics").status_code == 404


def assert_refused(reply: httpx.Response) -> None:
    assert (reply.status_code, reply.json()["error"]) == (401, "invalid_client")
