import pytest
from flask import Flask
from flask.testing import FlaskClient

from idp.web.metrics import blueprint

TOKEN = "token-that-opens-the-metrics"


def client(token: str | None) -> FlaskClient:
    app = Flask(__name__)
    app.register_blueprint(blueprint(token))
    return app.test_client()


def test_prometheus_reads_them_with_the_token() -> None:
    response = client(TOKEN).get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain")
    assert b"visvaris_request_seconds" in response.data


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer ā"],
)
def test_nobody_else_does(header: str) -> None:
    """attack 44: the comparison takes the same time for every guess (`hmac.compare_digest`)."""
    response = client(TOKEN).get(
        "/metrics", headers={"Authorization": header.encode("utf-8").decode("latin-1")}
    )
    assert response.status_code == 401
    assert b"visvaris_" not in response.data


def test_without_a_token_set_the_address_does_not_exist() -> None:
    """attack 44"""
    for header in ("", "Bearer ", "Bearer None"):
        assert client(None).get("/metrics", headers={"Authorization": header}).status_code == 404
