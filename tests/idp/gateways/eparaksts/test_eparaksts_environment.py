"""Live and demo cannot be half mixed, an emulator serves a demo alone, and settings say so in a sentence."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from idp import settings
from idp.assembly import assemble
from idp.doors import eparaksts_of
from idp.effects import Effects
from idp.gateways.eparaksts.door import EParaksts, callback_address
from idp.gateways.eparaksts.environment import Environment, EnvironmentRefusedError, Server, Stage
from idp.settings import SettingsError

Loader = Callable[..., EParaksts | None]


def environment(stage: Stage, **changes: Any) -> Environment:
    made: dict[str, Any] = {
        "stage": stage,
        "origin": stage.origin,
        "client_id": "visvaris",
        "client_secret": "drošība",
        "server": Server.IDENTIFICATION,
    }
    return Environment(**{**made, **changes})


@pytest.mark.parametrize(
    ("stage", "host"), [(Stage.LIVE, "eidas.eparaksts.lv"), (Stage.DEMO, "eidas-demo.eparaksts.lv")]
)
def test_every_address_is_of_the_one_host(stage: Stage, host: str):
    made = environment(stage)
    assert made.authorize_url == f"https://{host}/trustedx-authserver/oauth/lvrtc-eips-as"
    assert made.token_url == f"https://{host}/trustedx-authserver/oauth/lvrtc-eips-as/token"
    assert made.user_url == f"https://{host}/trustedx-resources/openid/v1/users/me"
    signing = environment(stage, server=Server.IDENTIFICATION_AND_SIGNING)
    assert signing.token_url == f"https://{host}/trustedx-authserver/oauth/lvrtc-eipsign-as/token"


@pytest.mark.parametrize(
    ("stage", "origin"),
    [
        (Stage.LIVE, "https://eidas-demo.eparaksts.lv"),
        (Stage.LIVE, "https://localhost:8444"),
        (Stage.LIVE, "http://localhost:8444"),
        (Stage.LIVE, "https://eidas.eparaksts.lv.example"),
        (Stage.LIVE, "https://eidas.eparaksts.lv:8443"),
        (Stage.DEMO, "https://eidas.eparaksts.lv"),
        (Stage.DEMO, "https://eidas.eparaksts.lv:443"),
        (Stage.DEMO, "https://EIDAS.eparaksts.lv"),
        (Stage.DEMO, "https://eidas.eparaksts.lv."),
        (Stage.DEMO, "http://eidas-demo.eparaksts.lv"),
        (Stage.DEMO, "http://localhost.example"),
        (Stage.DEMO, "https://a@eidas-demo.eparaksts.lv"),
        (Stage.DEMO, "https://eidas-demo.eparaksts.lv/"),
        (Stage.DEMO, "https://eidas-demo.eparaksts.lv?x"),
        (Stage.DEMO, "https://eidas-demo.eparaksts.lv\n"),
        (Stage.DEMO, ""),
    ],
)
def test_an_address_of_the_other_environment_or_of_none_is_refused(stage: Stage, origin: str):
    with pytest.raises(EnvironmentRefusedError) as caught:
        environment(stage, origin=origin)
    assert caught.value.what == "base_url"


@pytest.mark.parametrize(
    "origin", ["https://localhost:8444", "http://localhost:8444", "http://127.0.0.1", "http://[::1]:1"]
)
def test_an_emulator_serves_a_demo(origin: str):
    assert environment(Stage.DEMO, origin=origin).user_url.startswith(f"{origin}/trustedx-resources/")


@pytest.mark.parametrize("what", ["client_id", "client_secret"])
@pytest.mark.parametrize("value", ["", " ", "x ", "x\n", "x\x00", "x" * 257])
def test_credentials_are_whole(what: str, value: str):
    with pytest.raises(EnvironmentRefusedError) as caught:
        environment(Stage.DEMO, **{what: value})
    assert caught.value.what == what


def test_credentials_are_encoded_before_they_are_joined_and_not_shown():
    made = environment(Stage.DEMO, client_id="portāls", client_secret="dro:š ība")
    encoded = made.authorization().removeprefix("Basic ")
    assert base64.b64decode(encoded).decode() == "port%C4%81ls:dro%3A%C5%A1+%C4%ABba"
    assert "dro:" not in repr(made)


def test_the_callback_is_built_from_the_issuer():
    assert callback_address("https://visvaris.lv") == "https://visvaris.lv/identity/eparaksts/callback"


# ------------------------------------------------------------------------------------------------------------ settings


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Loader:
    usual = {"ENVIRONMENT": "demo", "CLIENT_ID": "visvaris", "CLIENT_SECRET": "hunter2hunter2"}

    def loaded(**changes: str | None) -> EParaksts | None:
        monkeypatch.setenv("IDP_MASTER_KEYS", base64.urlsafe_b64encode(b"k" * 32).decode())
        for name, value in {**usual, **changes}.items():
            if value is None:
                monkeypatch.delenv(f"IDP_EPARAKSTS_{name}", raising=False)
            else:
                monkeypatch.setenv(f"IDP_EPARAKSTS_{name}", value)
        return eparaksts_of(settings.load(), Effects())

    return loaded


def test_it_is_off_until_it_is_switched_on_and_can_be_switched_off_again(load: Loader):
    assert load(ENVIRONMENT=None, CLIENT_ID=None, CLIENT_SECRET=None) is None
    assert load(ENVIRONMENT="off") is None


@pytest.mark.parametrize("stage", Stage)
def test_settings_make_one_environment(load: Loader, stage: Stage):
    made = load(ENVIRONMENT=stage.value, SERVER="lvrtc-eipsign-as")
    assert made
    assert (made.environment.stage, made.environment.origin) == (stage, stage.origin)
    assert made.environment.server is Server.IDENTIFICATION_AND_SIGNING
    assert "hunter2" not in repr(made.environment) + repr(settings.load())


def test_an_emulator_is_named_by_a_setting(load: Loader):
    made = load(BASE_URL="http://localhost:8444")
    assert made
    assert made.environment.origin == "http://localhost:8444"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ENVIRONMENT": "test"}, "ENVIRONMENT"),
        ({"CLIENT_ID": None}, "CLIENT_ID"),
        ({"CLIENT_SECRET": None}, "CLIENT_SECRET"),
        ({"CLIENT_SECRET": "hunter2 "}, "CLIENT_SECRET"),
        ({"SERVER": "other-as"}, "SERVER"),
        ({"BASE_URL": "https://eidas.eparaksts.lv"}, "BASE_URL"),
        ({"BASE_URL": ""}, "BASE_URL"),
        ({"ENVIRONMENT": "live", "BASE_URL": "http://localhost:8444"}, "BASE_URL"),
        ({"ENVIRONMENT": "live", "BASE_URL": "https://eidas-demo.eparaksts.lv"}, "BASE_URL"),
    ],
)
def test_settings_that_cannot_be_right_are_named_in_a_sentence(
    load: Loader, changes: dict[str, str | None], named: str
):
    with pytest.raises(SettingsError) as caught:
        load(**changes)
    assert str(caught.value).startswith(f"IDP_EPARAKSTS_{named} ")
    assert str(caught.value).endswith(".")
    assert "hunter2" not in str(caught.value)


def test_the_provider_has_it_when_it_is_on(load: Loader):
    load()
    assembled = assemble(settings.load(), Effects()).eparaksts
    assert assembled
    assert assembled.environment.stage is Stage.DEMO
    load(ENVIRONMENT="off")
    assert assemble(settings.load(), Effects()).eparaksts is None
