"""What a connector takes from a server that means it ill."""

import gzip
from collections.abc import Iterator
from threading import Thread

import httpx
import pytest
from flask import Flask, Response, redirect
from werkzeug.serving import make_server
from werkzeug.wrappers import Response as BaseResponse

from connectors.kit.outbound import ANSWER_BYTES, TooMuchError, open_outbound
from tests.support.demo_provider import QuietHandler


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with open_outbound(None) as client:
        yield client


@pytest.fixture
def server() -> Iterator[str]:
    app = Flask(__name__)

    @app.get("/endless")
    def endless() -> Response:
        return Response(b"x" * 65536 for _ in range(1000))

    @app.get("/bomb")
    def bomb() -> Response:
        return Response(gzip.compress(b"0" * 10_000_000), headers={"Content-Encoding": "gzip"})

    @app.get("/elsewhere")
    def elsewhere() -> BaseResponse:
        return redirect("/endless")

    @app.get("/fits")
    def fits() -> Response:
        return Response(b"x" * ANSWER_BYTES)

    listening = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()
    thread.join()
    listening.server_close()


def test_what_fits_is_taken_whole(http: httpx.Client, server: str) -> None:
    assert len(http.get(f"{server}/fits").content) == ANSWER_BYTES


def test_an_answer_without_end_is_cut_off(http: httpx.Client, server: str) -> None:
    """attack 43"""
    with pytest.raises(TooMuchError):
        http.get(f"{server}/endless")


def test_an_answer_that_would_unpack_is_not_unpacked(http: httpx.Client, server: str) -> None:
    """attack 43"""
    with pytest.raises(TooMuchError):
        http.get(f"{server}/bomb")


def test_a_redirect_is_shown_and_not_followed(http: httpx.Client, server: str) -> None:
    """attack 9"""
    assert http.get(f"{server}/elsewhere").status_code == 302


def test_proxies_of_the_environment_are_not_used(
    http: httpx.Client, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with open_outbound(None) as client:
        assert client.get(f"{server}/fits").status_code == 200
