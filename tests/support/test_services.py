"""The services that other tests lean on are real, empty and apart."""

from playwright.sync_api import Page
from redis import Redis
from sqlalchemy import create_engine, text


def test_a_database_is_empty_and_works(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE door (name TEXT PRIMARY KEY)"))
        connection.execute(text("INSERT INTO door VALUES ('Lielvārde')"))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT name FROM door")) == "Lielvārde"
    engine.dispose()


def test_redis_is_empty_and_works(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("door", "open")
        assert client.get("door") == b"open"


def test_the_browser_draws_for_a_phone_and_for_a_desk(desk: Page, phone: Page) -> None:
    for page, width in [(desk, 1280), (phone, 360)]:
        page.set_content(
            "<!doctype html><meta name=viewport content='width=device-width'><h1 id=page-title>Sveiki</h1>"
        )
        assert page.inner_text("#page-title") == "Sveiki"
        assert page.evaluate("innerWidth") == width
