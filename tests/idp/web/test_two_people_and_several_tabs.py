"""Two people on one browser, when the first left something open in it: tabs, codes, and sign-ins half-way (attack 22).

What they did one after the other is in `test_two_people_on_one_browser.py`. Not here: real tabs and the back
button of Chromium (`tests/journeys`).
"""

import pytest

from tests.idp.web.test_two_people_on_one_browser import (
    WAYS,
    Coming,
    Counter,
    berta,
    counter,
)
from tests.support.actors import Employee, Hall
from tests.support.relying_party import ProviderError, Tokens

__all__ = ["berta", "counter"]


@pytest.fixture
def clara(hall: Hall) -> Employee:
    """Is asked for a code after the password."""
    return hall.employee("clara", given_name="Clara", family_name="Celma", totp=True)


def _belongs_to(counter: Counter, tokens: Tokens, who: Employee) -> None:
    assert tokens.claims["sub"] == who.user.id
    assert counter.ours.userinfo(tokens.access_token)["preferred_username"] == who.username


@pytest.mark.parametrize("comes", WAYS)
def test_a_code_the_first_did_not_redeem_never_tells_of_the_second(
    counter: Counter, anna: Employee, berta: Employee, comes: Coming
) -> None:
    """attack 12, attack 22: it is worth nothing once its session has ended"""
    question = counter.asks(counter.ours)
    counter.browser.enters(anna)
    code = counter.ours.read_answer(question, counter.browser.left_for or "")["code"]
    second = comes(counter, berta)
    with pytest.raises(ProviderError):
        counter.ours.redeem(question, code)
    _belongs_to(counter, second, berta)


@pytest.mark.parametrize("order", ["first tab first", "second tab first"])
def test_a_form_of_another_tab_signs_in_who_fills_it_in(
    counter: Counter, anna: Employee, berta: Employee, order: str
) -> None:
    """attack 21, attack 22: both tabs were open before anybody signed in"""
    tabs = []
    for _ in range(2):
        question = counter.asks(counter.ours)
        tabs.append((question, counter.browser.page.form("username", "password")))
    if order == "second tab first":
        tabs.reverse()
    taken = []
    for (question, form), who in zip(tabs, (anna, berta), strict=True):
        counter.hall.clock.move(31 * (len(taken) + 1))
        sent = {**form.fields, "username": who.username, "password": who.password}
        if counter.browser.posts(form.action, sent).has("code"):
            counter.browser.presses(code=who.code())
        taken.append(counter.finishes(counter.ours, question))
        _belongs_to(counter, taken[-1], who)
    assert taken[0].claims["sid"] != taken[1].claims["sid"]
    with pytest.raises(ProviderError):
        counter.ours.userinfo(taken[0].access_token)


def test_in_one_sign_in_the_seconds_password_is_not_beside_the_firsts(
    counter: Counter, clara: Employee, berta: Employee
) -> None:
    """attack 21, attack 22: the same transaction; who said "not me" begins it from nothing"""
    question = counter.asks(counter.ours)
    counter.browser.identifies(clara)
    assert counter.browser.page.has("code")
    counter.browser.opens(f"{counter.browser.page.path.partition('?')[0]}/anew")
    assert "clara" not in counter.browser.page.content.text.casefold()
    counter.browser.enters(berta)
    _belongs_to(counter, counter.finishes(counter.ours, question), berta)


def test_a_code_of_the_firsts_finishes_nothing_for_the_second(
    counter: Counter, clara: Employee, berta: Employee
) -> None:
    """attack 21: the form that waited for it was open in another tab"""
    counter.asks(counter.ours)
    counter.browser.identifies(clara)
    waiting = counter.browser.page.form("code")
    counter.browser.opens(f"{counter.browser.page.path.partition('?')[0]}/anew")
    counter.browser.posts(waiting.action, {**waiting.fields, "code": clara.code()})
    assert counter.browser.left_for is None
    assert not counter.browser.is_signed_in
    counter.asks(counter.ours)
    counter.browser.enters(berta)
    assert counter.browser.is_signed_in


def test_a_sign_in_the_first_left_half_way_shows_the_second_no_name(
    counter: Counter, clara: Employee, berta: Employee
) -> None:
    """attack 22: the back button, after the second signed in beside it"""
    counter.asks(counter.ours)
    counter.browser.identifies(clara)
    waiting, form = counter.browser.page, counter.browser.page.form("code")
    counter.hall.clock.move(31)
    second = counter.arrives(counter.ours, berta)
    page = counter.browser.opens(waiting.path)
    assert page.status == 410
    assert "clara" not in page.content.text.casefold()
    assert counter.browser.posts(form.action, {**form.fields, "code": clara.code()}).status == 410
    _belongs_to(counter, second, berta)


def test_who_signs_in_beside_an_open_session_is_not_taken_for_one_who_left(
    counter: Counter, clara: Employee, berta: Employee
) -> None:
    """The application asks anew while somebody is signed in, and it is another who answers, in two steps."""
    counter.arrives(counter.ours, berta)
    counter.hall.clock.move(31)
    question = counter.asks(counter.ours, prompt="login")
    counter.browser.identifies(clara)
    assert counter.browser.page.has("code")
    counter.browser.presses(code=clara.code())
    _belongs_to(counter, counter.finishes(counter.ours, question), clara)


@pytest.mark.parametrize("away", ["cookie lost", "too long"])
def test_the_first_comes_back_after_the_second_and_finds_nothing_of_theirs(
    counter: Counter, anna: Employee, berta: Employee, away: str
) -> None:
    """attack 22: first, second, first again, and nobody signs out"""
    taken = []
    for who in (anna, berta, anna):
        if away == "cookie lost":
            counter.browser.http.cookies.delete("__Host-visvaris-session")
        counter.hall.clock.move((31 if away == "cookie lost" else 61 * 60) * (len(taken) + 1))
        counter.browser.opens("/account")
        text = counter.browser.page.content.text
        assert "Anna" not in text
        assert "Berta" not in text
        taken.append(counter.arrives(counter.ours, who))
        _belongs_to(counter, taken[-1], who)
    assert len({tokens.claims["sid"] for tokens in taken}) == len(taken)
