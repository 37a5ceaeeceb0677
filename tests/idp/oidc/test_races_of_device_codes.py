"""A hundred at once, on every storage there is: one redemption of a device code, one decision on a user code."""

import pytest

from idp.models.people import User
from idp.oidc.device_approval import Done
from idp.oidc.device_confirmations import Verdict
from tests.idp.oidc.confirming import approved, pick, read_page, wrong_number
from tests.idp.oidc.house import House
from tests.idp.oidc.test_races import assert_dead
from tests.support.at_once import at_once
from tests.support.device import METADATA, Device, Shown
from tests.support.relying_party import ProviderError, Tokens

AT_ONCE = 100


@pytest.fixture
def device(everywhere: House) -> Device:
    return Device(everywhere.add_client(**METADATA))


def redeem(device: Device, shown: Shown) -> Tokens | str:
    try:
        return device.polls(shown)
    except ProviderError as error:
        return error.error


def test_a_device_code_gives_tokens_once_and_then_takes_them_back(
    everywhere: House,
    berta: User,
    device: Device,
) -> None:
    """attack 11"""
    shown = approved(everywhere, everywhere.sign_in(berta), device, "openid offline_access")
    got = at_once(AT_ONCE, lambda _: redeem(device, shown))
    winners = [each for each in got if isinstance(each, Tokens)]
    assert len(winners) == 1
    assert [each for each in got if isinstance(each, str)] == ["invalid_grant"] * (AT_ONCE - 1)
    assert_dead(device.party, winners[0])


def test_of_all_decisions_on_one_code_one_counts(
    everywhere: House,
    berta: User,
    device: Device,
) -> None:
    """Approvals, refusals and wrong numbers, each from a browser of its own."""
    shown = device.asks()
    browsers = [everywhere.sign_in(berta) for _ in range(AT_ONCE)]
    pages = [read_page(everywhere, browser, shown) for browser in browsers]
    choices = (shown.number, "deny", wrong_number(pages[0], shown))
    outcomes = at_once(AT_ONCE, lambda turn: pick(everywhere, browsers[turn], pages[turn], choices[turn % 3]))
    done = [outcome for outcome in outcomes if isinstance(outcome, Done)]
    assert len(done) == 1
    decided = [event for event in everywhere.events(berta) if event.startswith("device.")]
    approved_it = done[0].verdict is Verdict.APPROVED
    assert decided == ["device.approved" if approved_it else "device.refused"]
    assert device.is_told(shown) == ("tokens" if approved_it else "access_denied")


def test_a_button_pressed_many_times_decides_once(
    everywhere: House,
    berta: User,
    device: Device,
) -> None:
    browser, shown = everywhere.sign_in(berta), device.asks()
    page = read_page(everywhere, browser, shown)
    choices = (shown.number, "deny")
    at_once(AT_ONCE, lambda turn: pick(everywhere, browser, page, choices[turn % 2]))
    decided = [event for event in everywhere.events(berta) if event.startswith("device.")]
    assert decided in (["device.approved"], ["device.refused"])
    assert device.is_told(shown) == ("tokens" if decided == ["device.approved"] else "access_denied")


def test_of_all_who_ask_at_once_one_came_in_time(everywhere: House, device: Device) -> None:
    shown = device.asks()
    told = at_once(AT_ONCE, lambda _: device.is_told(shown))
    assert sorted(told) == ["authorization_pending"] + ["slow_down"] * (AT_ONCE - 1)
