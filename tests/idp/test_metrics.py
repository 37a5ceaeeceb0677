import pytest

from idp import metrics


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/", "portal"),
        ("", "portal"),
        ("/token", "token"),
        ("/login/abc", "login"),
        ("/.well-known/openid-configuration", ".well-known"),
        ("/connectors/agreements/", "connectors"),
        ("/wp-login.php", "other"),
        ("/" + "x" * 5000, "other"),
    ],
)
def test_places_are_a_closed_list(path: str, place: str) -> None:
    """attack 44: no user, client or address becomes a label, and strangers cannot make labels up."""
    assert metrics.place_of(path) == place


def test_what_was_counted_is_told() -> None:
    metrics.REQUEST_SECONDS.labels("token", "2xx").observe(0.002)
    told = metrics.exposition().decode()
    assert 'visvaris_request_seconds_count{place="token",status="2xx"}' in told
    assert "visvaris_password_hash_wait_seconds" in told
