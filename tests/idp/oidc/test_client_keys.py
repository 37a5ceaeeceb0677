"""Keys that applications publish: fetched when needed, again for an unknown name, and never more often than that."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from idp.effects import Effects
from idp.gateways.outbound import Outbound
from idp.models.clients import Client
from idp.oidc import client_keys
from idp.oidc.client_keys import ClientKeys, KeysUnavailableError, import_keys
from tests.support.at_once import at_once
from tests.support.builders import Clock
from tests.support.remote import Received, Remote, Reply


def ec(kid: str | None = None, **members: Any) -> ECKey:
    return ECKey.generate_key("P-256", {**({"kid": kid} if kid else {}), **members})


OLD, NEW = ec("old"), ec("new")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(outbound: Outbound, clock: Clock) -> ClientKeys:
    return ClientKeys(outbound, Effects(now=clock))


@pytest.fixture
def client(remote: Remote) -> Client:
    publish(remote, OLD)
    return application(jwks_uri=remote.url("/keys"))


def application(**registered: Any) -> Client:
    return Client(client_id="app", name="app", created_at=0.0, registered=registered)


def public(*published: Key) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in published]}


def publish(remote: Remote, *published: Key) -> None:
    remote.answers["/keys"] = Reply(json.dumps(public(*published)).encode())


def kid_of(key: Key | None) -> str | None:
    return key.kid if key is not None else None


# When it is fetched ---------------------------------------------------------------------------------------------


def test_nothing_is_fetched_before_it_is_needed_and_then_once(
    keys: ClientKeys, client: Client, remote: Remote, clock: Clock
) -> None:
    assert remote.received == []
    for _ in range(5):
        assert kid_of(keys.find_verifier(client, "old", "ES256")) == "old"
        clock.move(100)
    (asked,) = remote.received
    assert asked.headers["Accept"] == "application/jwk-set+json"


def test_after_ten_minutes_it_is_fetched_again(
    keys: ClientKeys, client: Client, remote: Remote, clock: Clock
) -> None:
    assert keys.find_verifier(client, "old", "ES256")
    publish(remote, NEW)
    clock.move(client_keys.KEPT_SECONDS)
    assert keys.find_verifier(client, "old", "ES256") is None, "a key that is taken away is gone"
    assert len(remote.received) == 2


def test_an_unknown_name_is_fetched_at_once(
    keys: ClientKeys, client: Client, remote: Remote, clock: Clock
) -> None:
    """The application may use its new key a moment after it used the old one"""
    assert keys.find_verifier(client, "old", "ES256")
    publish(remote, OLD, NEW)
    clock.move(0.1)
    assert kid_of(keys.find_verifier(client, "new", "ES256")) == "new"
    assert len(remote.received) == 2


def test_names_that_nobody_knows_are_one_fetch_in_ten_seconds(
    keys: ClientKeys, client: Client, remote: Remote, clock: Clock
) -> None:
    """attack 9, attack 43: assertions with made-up names make nobody busy"""
    for number in range(100):
        assert keys.find_verifier(client, f"made up {number}", "ES256") is None
        clock.move(0.1)
    assert len(remote.received) == 2, "the first, and one more"
    clock.move(client_keys.ASK_AGAIN_SECONDS)
    for number in range(50):
        assert keys.find_verifier(client, f"made up {number}", "ES256") is None
    assert len(remote.received) == 3


def test_the_first_fetch_is_new_enough_for_any_name(keys: ClientKeys, client: Client, remote: Remote) -> None:
    assert keys.find_verifier(client, "made up", "ES256") is None
    assert len(remote.received) == 1


def test_fifty_at_once_are_one_fetch(keys: ClientKeys, client: Client, remote: Remote, clock: Clock) -> None:
    found = at_once(50, lambda _: keys.find_verifier(client, "old", "ES256"))
    assert {kid_of(key) for key in found} == {"old"}
    assert len(remote.received) == 1
    publish(remote, OLD, NEW)
    clock.move(5)
    found = at_once(50, lambda _: keys.find_verifier(client, "new", "ES256"))
    assert {kid_of(key) for key in found} == {"new"}
    assert len(remote.received) == 2


def test_one_that_is_slow_makes_no_other_wait(
    keys: ClientKeys, client: Client, remote: Remote, clock: Clock
) -> None:
    """Each address has a lock of its own"""
    quick = application(jwks_uri=remote.url("/quick"))
    remote.answers["/quick"] = Reply(json.dumps(public(NEW)).encode())

    def slow(_asked: Received) -> Reply:
        assert kid_of(keys.find_verifier(quick, "new", "ES256")) == "new"
        return Reply(json.dumps(public(OLD)).encode())

    remote.answers["/keys"] = slow
    assert kid_of(keys.find_verifier(client, "old", "ES256")) == "old"


# When it does not work ------------------------------------------------------------------------------------------

BROKEN: list[Reply] = [
    Reply(b"", 500),
    Reply(b"", 302, {"Location": "https://elsewhere.example/keys"}),
    Reply(b"not json"),
    Reply(b"[]"),
    Reply(b'{"keys": {}}'),
    Reply(b'{"keys": ' + b"[" * 50_000),
    Reply(json.dumps({"keys": [OLD.as_dict(private=False)] * 51}).encode()),
    Reply(b" " * 300_000),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_failure_keeps_what_was_fetched_before(
    keys: ClientKeys, client: Client, remote: Remote, clock: Clock, broken: Reply
) -> None:
    assert keys.find_verifier(client, "old", "ES256")
    remote.answers["/keys"] = broken
    clock.move(client_keys.KEPT_SECONDS + 1)
    assert kid_of(keys.find_verifier(client, "old", "ES256")) == "old"
    assert keys.find_verifier(client, "new", "ES256") is None
    publish(remote, NEW)
    clock.move(client_keys.ASK_AGAIN_SECONDS)
    assert kid_of(keys.find_verifier(client, "new", "ES256")) == "new"


@pytest.mark.parametrize("broken", BROKEN)
def test_a_failure_at_first_is_told_and_tried_again_after_ten_seconds(
    keys: ClientKeys, client: Client, remote: Remote, clock: Clock, broken: Reply
) -> None:
    remote.answers["/keys"] = broken
    for _ in range(20):
        with pytest.raises(KeysUnavailableError, match=rf"jwks_uri {remote.url('/keys')} "):
            keys.find_verifier(client, "old", "ES256")
    assert len(remote.received) == 1
    publish(remote, OLD)
    clock.move(client_keys.ASK_AGAIN_SECONDS)
    assert keys.find_verifier(client, "old", "ES256")


def test_one_that_is_slow_keeps_one_thread_waiting_and_not_all(
    keys: ClientKeys, client: Client, remote: Remote, clock: Clock
) -> None:
    """attack 9, attack 43: anybody can send assertions that name an application and a made-up key"""
    assert keys.find_verifier(client, "old", "ES256")
    remote.answers["/keys"] = Reply(b"", 500)
    clock.move(client_keys.ASK_AGAIN_SECONDS)
    assert keys.find_verifier(client, "made up", "ES256") is None
    release, others = threading.Event(), []

    def slowly(_: Received) -> Reply:
        release.wait(4)
        return Reply(json.dumps(public(NEW)).encode())

    remote.answers["/keys"] = slowly
    clock.move(client_keys.ASK_AGAIN_SECONDS)

    def look(_: int) -> str | None:
        found = kid_of(keys.find_verifier(client, "new", "ES256"))
        others.append(found)
        if len(others) == 15:
            release.set()
        return found

    started = time.monotonic()
    found = at_once(16, look)
    assert time.monotonic() - started < 3.5, "nobody waited for the time to run out"
    assert found.count("new") == 1
    assert found.count(None) == 15
    assert keys.find_verifier(client, "new", "ES256"), "and who answers again is waited for again"


def test_slow_ones_are_few_at_once(outbound: Outbound, remote: Remote, clock: Clock) -> None:
    """attack 9, attack 43: also when a stranger registers many"""
    keys, many = ClientKeys(outbound, Effects(now=clock)), client_keys.SLOW_AT_ONCE + 4
    clients = [application(jwks_uri=remote.url(f"/keys{number}")) for number in range(many)]
    for each in clients:
        with pytest.raises(KeysUnavailableError):
            keys.find_verifier(each, "old", "ES256")
    clock.move(client_keys.ASK_AGAIN_SECONDS)
    all_done, waiting = threading.Event(), []

    def slowly(_: Received) -> Reply:
        waiting.append(1)
        all_done.wait(3)
        return Reply(json.dumps(public(OLD)).encode())

    remote.answers.update({f"/keys{number}": slowly for number in range(many)})
    refused: list[int] = []

    def look(number: int) -> bool:
        try:
            return keys.find_verifier(clients[number], "old", "ES256") is not None
        except KeysUnavailableError:
            refused.append(number)
            if len(refused) == many - client_keys.SLOW_AT_ONCE:
                all_done.set()
            return False

    found = at_once(many, look)
    assert len(waiting) == found.count(True) == client_keys.SLOW_AT_ONCE
    assert all(keys.find_verifier(each, "old", "ES256") for each in clients), "the others a moment later"


def test_an_address_inside_is_not_asked(clock: Clock, client: Client, remote: Remote) -> None:
    """attack 9"""
    closed = ClientKeys(Outbound(), Effects(now=clock))
    with pytest.raises(KeysUnavailableError, match="may not be reached"):
        closed.find_verifier(client, "old", "ES256")
    assert remote.received == []


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize(
    "given_away", [lambda: NEW.as_dict(private=True), lambda: OctKey.generate_key(256).as_dict(private=True)]
)
def test_a_set_that_gives_away_a_private_key_is_refused_whole(
    keys: ClientKeys, client: Client, remote: Remote, given_away: Callable[[], dict[str, Any]]
) -> None:
    """attack 16: and with it the key that everybody knows now"""
    remote.answers["/keys"] = Reply(json.dumps({"keys": [OLD.as_dict(private=False), given_away()]}).encode())
    with pytest.raises(KeysUnavailableError, match="does not hold a JWK set"):
        keys.find_verifier(client, "old", "ES256")


# Which key ------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_keys_of_other_kinds_are_passed_over(keys: ClientKeys, client: Client, remote: Remote) -> None:
    """RFC 7517 section 5: what is not understood is ignored, in a set that is not ours to judge"""
    others = [
        ECKey.generate_key("P-521", {"kid": "p521"}).as_dict(private=False),
        RSAKey.generate_key(1024, {"kid": "short"}).as_dict(private=False),
        {"kty": "AKP", "kid": "later"},
        {"kty": "EC", "kid": "broken"},
        "text",
    ]
    remote.answers["/keys"] = Reply(json.dumps({"keys": [*others, OLD.as_dict(private=False)]}).encode())
    assert kid_of(keys.find_verifier(client, "old", "ES256")) == "old"
    for kid, alg in (("p521", "ES256"), ("short", "RS256"), ("broken", "ES256")):
        assert keys.find_verifier(client, kid, alg) is None


@pytest.mark.parametrize(
    ("published", "kid", "alg", "found"),
    [
        ([ec("a")], "a", "ES256", "a"),
        ([ec("a")], None, "ES256", "a"),
        ([ec("a"), ec("b")], None, "ES256", None),
        ([ec("a"), RSAKey.generate_key(2048, {"kid": "r"})], None, "ES256", "a"),
        ([ec("a"), RSAKey.generate_key(2048, {"kid": "r"})], None, "PS256", "r"),
        ([ec("a")], "a", "RS256", None),
        ([ec("a")], "b", "ES256", None),
        ([ec("a", use="enc")], "a", "ES256", None),
        ([ec("a", alg="ES384")], "a", "ES256", None),
        ([ec("a"), ec("a")], "a", "ES256", None),
        ([OKPKey.generate_key("Ed25519", {"kid": "o"})], "o", "EdDSA", "o"),
        ([OKPKey.generate_key("X25519", {"kid": "x", "use": "enc"})], "x", "EdDSA", None),
        ([], "a", "ES256", None),
    ],
)
def test_the_key_is_for_the_algorithm_and_there_is_no_doubt_which(
    keys: ClientKeys,
    client: Client,
    remote: Remote,
    published: list[Key],
    kid: str | None,
    alg: str,
    found: str,
) -> None:
    """attack 16"""
    publish(remote, *published)
    assert kid_of(keys.find_verifier(client, kid, alg)) == found


def test_registered_keys_need_no_network(clock: Clock, remote: Remote) -> None:
    keys, client = ClientKeys(Outbound(), Effects(now=clock)), application(jwks=public(OLD))
    assert kid_of(keys.find_verifier(client, "old", "ES256")) == "old"
    assert keys.find_verifier(client, "new", "ES256") is None
    client.registered = {"jwks": public(NEW)}
    assert kid_of(keys.find_verifier(client, "new", "ES256")) == "new", (
        "what is registered anew counts at once"
    )
    assert keys.find_verifier(application(), "old", "ES256") is None


@pytest.mark.parametrize("jwks", [None, [], {}, {"keys": 1}, {"keys": [1]}, {"keys": [{"kty": "EC"}]}])
def test_what_is_registered_must_be_right(jwks: Any) -> None:
    with pytest.raises(ValueError, match="jwks"):
        import_keys(jwks)
