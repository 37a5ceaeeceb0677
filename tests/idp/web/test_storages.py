"""The same sign-in on what a deployment uses: PostgreSQL, and Redis for what expires."""

import pytest

from idp.policy import Level
from idp.storage import municipalities
from tests.support.actors import Hall
from tests.support.at_once import at_once
from tests.support.builders import RIGA, make_database


@pytest.fixture
def deployed(postgres_url: str, redis_url: str) -> Hall:
    database = make_database(postgres_url)
    with database.begin() as work:
        municipalities.load(work)
    database.dispose()
    return Hall(postgres_url, redis_url=redis_url)


def test_an_employee_signs_in_and_out_on_postgresql_and_redis(deployed: Hall) -> None:
    deployed.rule(RIGA, Level.MULTI_FACTOR)
    anna = deployed.employee("anna", totp=True)
    browser = deployed.browser()
    assert browser.signs_in(anna).path == "/"
    assert browser.opens("/account").has("account-method-totp")
    browser.signs_out()
    assert not browser.is_signed_in
    deployed.close()


def test_a_code_sent_at_once_from_many_browsers_is_good_once_on_postgresql(deployed: Hall) -> None:
    """Attack 31."""
    deployed.rule(RIGA, Level.MULTI_FACTOR)
    anna = deployed.employee("anna", totp=True)
    browsers = [deployed.browser(f"192.0.2.{number}") for number in range(4)]
    for browser in browsers:
        browser.opens("/")
        browser.identifies(anna)
    code = anna.code()
    paths = at_once(4, lambda number: browsers[number].presses(code=code).path)
    assert paths.count("/") == 1
    deployed.close()
