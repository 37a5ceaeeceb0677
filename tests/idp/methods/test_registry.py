import base64

import pyotp
import pytest

from idp.errors import Reason
from idp.methods.base import (
    AskedElsewhere,
    Delegated,
    Describing,
    Discovering,
    LeavesBrowser,
    Method,
    Negotiating,
    Verified,
)
from idp.methods.registry import (
    Argon2Parameters,
    Methods,
    WebAuthnParty,
    given_password,
    given_totp,
    methods,
)
from idp.models.methods import Factor
from idp.models.people import Credential
from idp.storage.approval_requests import ApprovalRequests
from idp.storage.open import Storage
from idp.storage.shelves import SqlShelf
from idp.storage.throttle import SqlThrottle
from tests.idp.methods.conftest import World

RFC_8176 = {
    *("face", "fpt", "geo", "hwk", "iris", "kba", "mca", "mfa", "otp", "pin", "pop", "pwd", "rba", "retina"),
    *("sc", "sms", "swk", "tel", "user", "vbm", "wia"),
}


@pytest.fixture
def every(world: World) -> tuple[Method, ...]:
    return methods(
        effects=world.effects,
        vault=world.vault,
        parameters=Argon2Parameters(time_cost=1, memory_kib=64, parallelism=1),
        hashes_at_once=1,
        issuer_name="visvaris.lv",
        webauthn=WebAuthnParty(id="localhost", name="visvaris.lv", origins=("http://localhost:8000",)),
        approvals=ApprovalRequests(SqlShelf(world.database, world.effects), world.effects),
        issuer="http://localhost:8000",
        directories=Storage(
            world.database,
            SqlShelf(world.database, world.effects),
            SqlThrottle(world.database, world.effects),
        ),
    )


def test_they_are_found_by_id_and_listed_in_order_of_preference(every: tuple[Method, ...]) -> None:
    by_id = Methods(every)
    preferred = [
        *("passkey", "password", "directory", "kerberos", "upstream_oidc", "security_key", "totp"),
        *("phone_approval", "recovery_code"),
    ]
    assert list(by_id) == preferred == [method.facts.id for method in every]
    assert all(by_id[method.facts.id] is method for method in every)
    assert by_id.get("carrier_pigeon") is None


def test_what_each_says_of_itself_is_sound(every: tuple[Method, ...]) -> None:
    for method in every:
        assert set(method.facts.amr) <= RFC_8176
        assert method.facts.amr or isinstance(method, LeavesBrowser)
        assert method.label
        assert method.description.endswith(".")
    assert [method.facts.id for method in every if method.facts.with_username] == ["password", "directory"]
    assert [method.facts.id for method in every if method.facts.elsewhere] == [
        "directory",
        "kerberos",
        "upstream_oidc",
    ]
    assert [method.facts.id for method in every if isinstance(method, Negotiating)] == ["kerberos"]
    assert [method.facts.id for method in every if method.facts.unattended] == ["kerberos"]
    assert [method.facts.credential_of for method in every if method.facts.credential_of] == ["directory"]
    assert [method.facts.id for method in every if isinstance(method, Delegated)] == ["directory"]
    assert [method.facts.id for method in every if method.facts.backup] == ["recovery_code"]
    assert [method.facts.id for method in every if isinstance(method, Discovering)] == ["passkey"]
    assert [method.facts.id for method in every if isinstance(method, Describing)] == [
        *("passkey", "security_key", "phone_approval")
    ]
    assert {method.facts.id for method in every if method.facts.phishing_resistant} == {
        *("passkey", "security_key")
    }
    assert [method.facts.id for method in every if isinstance(method, AskedElsewhere)] == ["phone_approval"]
    assert [method.facts.id for method in every if method.facts.companion] == ["phone_approval"]
    assert [method.facts.id for method in every if method.facts.touch_is_enough] == ["security_key"]
    assert {method.facts.factor for method in every} == set(Factor)
    vouched = [method.facts.id for method in every if method.facts.factor is Factor.UPSTREAM]
    assert vouched == [method.facts.id for method in every if isinstance(method, LeavesBrowser)]
    assert vouched == ["upstream_oidc"]


def test_an_operator_can_give_somebody_a_password_and_a_secret(
    world: World, every: tuple[Method, ...]
) -> None:
    user = world.subject().user
    assert given_password(every, user, "Parole123456") is Reason.PASSWORD_COMMON
    password = given_password(every, user, "zirnis uz jumta")
    assert isinstance(password, Credential)
    world.keeps(password)
    world.keeps(given_totp(every, user, bytes(20)))
    code = pyotp.TOTP(base64.b32encode(bytes(20)).decode()).at(int(world.now[0]))
    by_id = Methods(every)
    assert isinstance(world.verify(by_id["password"], {"password": "zirnis uz jumta"}), Verified)
    assert isinstance(world.verify(by_id["totp"], {"code": code}), Verified)
