"""What bad input gets: a page or JSON with a code and a reference, never what went wrong inside."""

import pytest

from idp.errors import StorageUnavailableError
from tests.support.actors import Browser, Employee, Hall


def test_an_unknown_address_gets_a_page_with_a_code_a_reference_and_a_way_on(browser: Browser) -> None:
    page = browser.opens("/nowhere")
    assert page.status == 404
    assert page.title == "Lapa nav atrasta"
    assert page.error_code == "not_found"
    assert page.content.ids["error-reference"]
    assert page.content.links["way-on"] == "/"


def test_machines_get_json(browser: Browser) -> None:
    response = browser.http.get("/api/v1/nowhere")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "not_found"
    assert response.json()["reference"]
    assert browser.http.post("/api/v1/sessions").status_code == 405
    assert browser.http.get("/healthz/nowhere").json()["error"] == "not_found"


def test_a_huge_form_is_refused_before_it_is_read(browser: Browser) -> None:
    """Huge password, many fields (attack 43)."""
    page = browser.opens("/")
    form = page.form()
    assert browser.posts(form.action, {**form.fields, "password": "x" * 70_000}).status == 413
    assert browser.page.error_code == "too_large"
    many = {f"field{number}": "x" for number in range(5000)}
    assert browser.posts(form.action, {**form.fields, **many}).status in {403, 413, 422}


def test_a_password_too_long_to_be_one_is_refused_like_a_wrong_one(browser: Browser, anna: Employee) -> None:
    """Refused before hashing, in the same words (attacks 28, 43)."""
    browser.opens("/")
    long = browser.presses(username=anna.username, password="x" * 5000)
    assert long.status == 422
    browser.opens("/")
    assert browser.presses(username=anna.username, password="x" * 20).words == long.words


def test_a_failure_inside_is_told_by_a_reference_only(
    hall: Hall, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No trace and no detail on the page (attack 44)."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a detail that is nobody's business")

    browser.opens("/")
    monkeypatch.setattr("idp.web.login.show_step", fail)
    page = browser.opens(browser.page.path)
    assert page.status == 500
    assert page.error_code == "server_error"
    assert "nobody's business" not in page.content.markup
    assert "Traceback" not in page.content.markup


def test_a_database_that_does_not_answer_is_a_page_that_says_come_back(
    hall: Hall, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StorageUnavailableError("OperationalError")

    monkeypatch.setattr("idp.storage.database.Database.read", fail)
    monkeypatch.setattr("idp.storage.database.Database.begin", fail)
    page = browser.opens("/login/abc")
    assert page.status == 503
    assert page.error_code == "unavailable"
    assert page.headers["retry-after"] == "5"


def test_health_tells_lives_and_ready(browser: Browser) -> None:
    assert browser.http.get("/healthz/live").json() == {"status": "ok"}
    assert browser.http.get("/healthz/ready").json() == {"status": "ok"}


def test_health_tells_when_the_database_is_gone(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StorageUnavailableError("OperationalError")

    monkeypatch.setattr("idp.storage.database.Database.check_migrated", fail)
    assert browser.http.get("/healthz/ready").status_code == 503
    assert browser.http.get("/healthz/live").status_code == 200


@pytest.mark.parametrize(
    "path", ["/login/%00", "/login/" + "x" * 3000, "/account/methods/%2e%2e", "/language/xx", "/static/x/y"]
)
def test_odd_addresses_get_ordinary_answers(browser: Browser, anna: Employee, path: str) -> None:
    browser.signs_in(anna)
    assert browser.opens(path).status in {404, 410}
