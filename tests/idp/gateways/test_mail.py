"""What leaves for a relay leaves encrypted, for the relay that was meant, in bounded time, and as one message."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from idp.gateways.mail import Envelope, MailError, RelayLogin, SmtpRelay
from tests.support.certificates import Authority
from tests.support.mail_relay import MailRelay, mail_relay

CONTENT = b"Subject: x\r\n\r\nhello\r\n.\r\n..\r\n.dot\r\n"
ENVELOPE = Envelope("visvaris@visvaris.lv", "anna@example.lv", CONTENT)


@pytest.fixture
def relay(authority: Authority) -> Iterator[MailRelay]:
    with mail_relay(authority.server()) as running:
        yield running


def door(relay: MailRelay, authority: Authority, **options: Any) -> SmtpRelay:
    usual = {
        "host": "localhost",
        "port": relay.port,
        "security": "starttls",
        "greets_as": "login.example.lv",
        "ca_file": authority.ca_file,
        "seconds_at_most": 5.0,
    }
    return SmtpRelay(**{**usual, **options})


def refusal(relay: MailRelay, authority: Authority, **options: Any) -> str:
    with pytest.raises(MailError) as caught:
        door(relay, authority, **options).send(ENVELOPE)
    return caught.value.why


def test_a_message_arrives_as_it_was_over_starttls(relay: MailRelay, authority: Authority) -> None:
    door(relay, authority).send(ENVELOPE)
    (taken,) = relay.taken
    assert (taken.sender, taken.recipients) == ("visvaris@visvaris.lv", ["anna@example.lv"])
    assert taken.content == CONTENT
    assert taken.tls in {"TLSv1.2", "TLSv1.3"}


def test_nothing_but_the_greeting_is_said_before_it_is_encrypted(
    relay: MailRelay, authority: Authority
) -> None:
    door(relay, authority).send(ENVELOPE)
    assert [said for said in relay.said if said.startswith("clear")] == [
        "clear EHLO login.example.lv",
        "clear STARTTLS",
    ]


def test_a_message_arrives_where_everything_is_encrypted(authority: Authority) -> None:
    with mail_relay(authority.server(), security="tls") as relay:
        door(relay, authority, security="tls").send(ENVELOPE)
        assert [taken.content for taken in relay.taken] == [CONTENT]
        assert not [said for said in relay.said if said.startswith("clear")]


def test_a_relay_that_takes_starttls_away_gets_nothing(authority: Authority) -> None:
    """Somebody in the middle who strips the offer (as attack 38 does to a directory)"""
    with mail_relay(authority.server(), starttls=False) as relay:
        assert refusal(relay, authority) == "the relay offers no STARTTLS"
        assert relay.taken == []
        assert relay.said == ["clear EHLO login.example.lv"]


def test_a_relay_that_refuses_starttls_gets_nothing(relay: MailRelay, authority: Authority) -> None:
    relay.trouble["STARTTLS"] = [b"454 not now\r\n"]
    assert refusal(relay, authority) == "the relay answered 454 to STARTTLS"
    assert relay.taken == []


def test_what_somebody_put_in_before_encryption_is_not_believed(
    relay: MailRelay, authority: Authority
) -> None:
    """An answer injected in the clear, to be read after the handshake"""
    relay.trouble["STARTTLS"] = [b"220 go ahead\r\n250 injected\r\n"]
    assert "in the clear" in refusal(relay, authority)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_an_unknown_authority_is_refused(
    authority: Authority, tmp_path: Path, security: str
) -> None:
    stranger = Authority(tmp_path / "stranger")
    with mail_relay(stranger.server(), security=security) as relay:
        assert "certificate" in refusal(relay, authority, security=security)
        assert relay.taken == []
        assert not [said for said in relay.said if "MAIL" in said]


def test_a_certificate_for_another_name_is_refused(authority: Authority) -> None:
    with mail_relay(authority.server("relay.example.lv", name="other")) as relay:
        assert "certificate" in refusal(relay, authority)
        assert relay.taken == []


@pytest.mark.parametrize("way", ["AUTH PLAIN LOGIN", "AUTH LOGIN"])
def test_it_logs_in_where_it_has_a_login(relay: MailRelay, authority: Authority, way: str) -> None:
    relay.offers.append(way)
    relay.logins["visvaris"] = "noslēpums"
    login = RelayLogin(username="visvaris", password="noslēpums")
    door(relay, authority, login=login).send(ENVELOPE)
    assert relay.taken[0].login == ("visvaris", "noslēpums")
    assert not [said for said in relay.said if said.startswith("clear AUTH")]


def test_a_relay_without_a_way_to_log_in_gets_nothing(relay: MailRelay, authority: Authority) -> None:
    relay.offers.append("AUTH XOAUTH2")
    login = RelayLogin(username="visvaris", password="x")
    assert "log in" in refusal(relay, authority, login=login)
    assert relay.taken == []


def test_the_password_is_in_no_error_no_repr_and_no_log(
    relay: MailRelay, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """attack 44: even where the relay repeats it"""
    caplog.set_level(logging.DEBUG)
    relay.offers.append("AUTH PLAIN")
    login = RelayLogin(username="visvaris", password="neparole-42")
    with pytest.raises(MailError) as caught:
        door(relay, authority, login=login).send(ENVELOPE)
    assert caught.value.why == "the relay answered 535 to our login"
    assert "neparole" not in f"{caught.value!r} {login!r} {caplog.text}"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("word", ["connecting", "EHLO", "MAIL", "RCPT", "DATA", "content"])
def test_a_refusal_at_any_point_is_one_clause(relay: MailRelay, authority: Authority, word: str) -> None:
    relay.trouble[word] = [b"451 <script> try later\r\n"]
    why = refusal(relay, authority)
    assert why.startswith("the relay answered 451 to ")
    assert "script" not in why
    assert relay.taken == []


@pytest.mark.parametrize("word", ["connecting", "EHLO", "MAIL", "DATA", "content"])
def test_a_relay_that_hangs_up_is_told_as_such(relay: MailRelay, authority: Authority, word: str) -> None:
    relay.hang_up_after.add(word)
    assert refusal(relay, authority) in {"the relay hung up", "the relay cannot be reached"}


@pytest.mark.parametrize("answer", [b"hello\r\n", b"9" * 5000, b"250-x\r\n" * 200, b"\r\n", b"25\r\n"])
def test_an_answer_that_is_none_is_not_waited_for(
    relay: MailRelay, authority: Authority, answer: bytes
) -> None:
    relay.trouble["EHLO"] = [answer]
    assert refusal(relay, authority) == "the relay does not speak SMTP"


def test_a_relay_that_says_nothing_is_not_waited_for(relay: MailRelay, authority: Authority) -> None:
    relay.silent_after.add("MAIL")
    began = time.monotonic()
    assert refusal(relay, authority, seconds_at_most=0.6) == "the relay took too long"
    assert time.monotonic() - began < 3


def test_a_relay_that_says_one_letter_at_a_time_is_not_waited_for(authority: Authority) -> None:
    """attack 43: a limit for each read is none for the whole"""
    over = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        line, _ = server.accept()
        with line:
            while not over.wait(0.1):
                try:
                    line.sendall(b"2")
                except OSError:
                    return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    relay = MailRelay(port=server.getsockname()[1])
    began = time.monotonic()
    assert refusal(relay, authority, seconds_at_most=0.7) == "the relay took too long"
    assert time.monotonic() - began < 3
    over.set()
    thread.join()
    server.close()


def test_a_relay_that_is_not_there_is_told_as_such(authority: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert refusal(MailRelay(port=port), authority) == "the relay cannot be reached"


def test_how_it_says_good_bye_changes_nothing(relay: MailRelay, authority: Authority) -> None:
    relay.hang_up_after.add("QUIT")
    door(relay, authority).send(ENVELOPE)
    assert len(relay.taken) == 1


@pytest.mark.parametrize(
    "address",
    [
        "anna@example.lv\r\nRCPT TO:<all@example.lv>",
        "anna@example.lv> NOTIFY=NEVER",
        "anna@example.lv,berta@example.lv",
        "Anna <anna@example.lv>",
        "anna@localhost",
        "āna@example.lv",
        "anna",
        "",
    ],
)
def test_no_address_can_become_another_command(address: str) -> None:
    """attack 42"""
    for envelope in ((address, "anna@example.lv"), ("anna@example.lv", address)):
        with pytest.raises(ValueError):
            Envelope(*envelope, CONTENT)


@pytest.mark.parametrize(
    "content",
    [b"x\n.\nMAIL FROM:<a@example.lv>\r\n", b"x\r.\r\r\n", b"x\r\n.\rMAIL\r\n", b"x", b"x\n"],
)
def test_no_content_can_become_another_message(content: bytes) -> None:
    """Line ends that some relays take for an end and others do not (SMTP smuggling)"""
    with pytest.raises(ValueError):
        Envelope("a@example.lv", "b@example.lv", content)
