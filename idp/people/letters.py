"""Writes the letters: what a row of the outbox says, in words, as a message (RFC 5322) in text and HTML.

Templates are files of ours, and what comes from people or applications is only ever a value in them: escaped,
without control characters, and left out where it could pass for a link. Links begin with the issuer. No
letter holds a code, or a link that signs anyone in: each leads to a page that asks who is there. Not here:
sending (`people/mailing.py`).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from idp.crypto import token_hash
from idp.effects import Instant
from idp.events import TOLD_BY_MAIL, EventType
from idp.gateways.mail import Envelope
from idp.languages import LANGUAGES, catalogue, written_time
from idp.methods.base import Method
from idp.models.audit import AuditEvent
from idp.models.email_address import canonical_email
from idp.models.mails import Mail, MailKind
from idp.models.people import User
from idp.people.contacts import LINK_HOURS, LINK_PURPOSE, link_of
from idp.people.vouching import STOP_PURPOSE
from idp.storage.database import Database
from idp.storage.work import Work
from idp.words import N_

_TEMPLATES: Final = Path(__file__).resolve().parents[2] / "templates"
_NAME: Final = re.compile(r"(?:[^\W\d_]|[ '’-]|\.(?= |$)){1,80}")
"""A person's name and nothing else: what could be a link, a number or an instruction is not told."""
_CONFIRM: Final = N_("Confirm this address")
_STOPPABLE: Final = frozenset(
    {EventType.VOUCHING_ASKED.value, EventType.VOUCHED.value, EventType.RECOVERY_BEGUN.value}
)
_WORDS: Final = {kind.value: words for kind, words in TOLD_BY_MAIL.items()}


class NotWantedError(Exception):
    """There is nothing to say any more; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class Letter:
    """`envelope.content` is the whole message; the parts are for showing it."""

    envelope: Envelope = field(repr=False)
    subject: str
    language: str
    text: str = field(repr=False)
    html: str = field(repr=False)


class Letters:
    def __init__(
        self,
        *,
        issuer: str,
        product: str,
        sender: str,
        support_contact: str,
        database: Database,
        methods: Mapping[str, Method],
    ) -> None:
        """`sender`: the address all of them come from."""
        self._issuer = issuer
        self._product = product
        self._sender = sender
        self._support_contact = support_contact
        self._database = database
        self._methods = methods

    def write(self, mail: Mail, at: Instant) -> Letter:
        """The same each time, but for `at`, its date: sent twice it is recognised. Raises NotWantedError."""
        _require_address(mail.address)
        with self._database.read() as work:
            user = work.people.find_user(mail.user_id)
            if user is None:
                raise NotWantedError("the person is gone")
            code = language_of(user)
            said = self._said(work, mail, user, code)
        return self._letter(mail, at, code=code, said=said)

    def _said(self, work: Work, mail: Mail, user: User, code: str) -> dict[str, Any]:
        match MailKind(mail.kind):
            case MailKind.NOTICE:
                return {"name": _name(user), **self._notice(work, mail, code)}
            case MailKind.CONFIRM_CONTACT:
                return self._confirmation(work, mail, code)

    def _notice(self, work: Work, mail: Mail, code: str) -> dict[str, Any]:
        event = work.audit.find(mail.event_seq) if mail.event_seq is not None else None
        words = _WORDS.get(event.type) if event is not None else None
        if event is None or words is None:
            raise NotWantedError("there is no such event to tell of")
        return {
            "heading": catalogue(code).gettext(words),
            "facts": self._facts(work, event, code),
            "times": mail.summed,
            "not_me_url": f"{self._issuer}/account/not-me?event={event.seq}",
            "stop_url": self._stop_url(work, event),
        }

    def _stop_url(self, work: Work, event: AuditEvent) -> str:
        """Stops what colleagues vouch for, and does nothing else; empty where there is nothing to stop."""
        if event.type not in _STOPPABLE:
            return ""
        request = work.vouchings.find(str(json.loads(event.detail).get("request", "")))
        if request is None or request.stopped_at is not None:
            return ""
        link = link_of(self._database.lookup_key(STOP_PURPOSE), request.id)
        return f"{self._issuer}/recover/stop?link={link}"

    def _facts(self, work: Work, event: AuditEvent, code: str) -> list[tuple[str, str]]:
        translate = catalogue(code).gettext
        detail = json.loads(event.detail)
        method = self._methods.get(event.method) if event.method else None
        client = work.clients.find(event.client_id) if event.client_id else None
        told = (
            (N_("When"), written_time(event.at, code)),
            (N_("Way to log in"), translate(method.label) if method else ""),
            # What others call their application could be anything, a web address too.
            (N_("Application"), client.name if client and client.first_party else ""),
            (N_("Contact address"), str(detail.get("contact", ""))),
            *self._vouching_facts(work, event, detail, code),
            (N_("IP address"), _network_address(event.address)),
            (N_("Browser"), str(detail.get("browser", ""))),
        )
        return [(translate(label), _plain(value)) for label, value in told if value]

    def _vouching_facts(
        self, work: Work, event: AuditEvent, detail: Mapping[str, Any], code: str
    ) -> list[tuple[str, str]]:
        other_id = {
            EventType.VOUCHED.value: event.actor_id,
            EventType.VOUCH_GIVEN.value: detail.get("person"),
        }.get(event.type)
        other = work.people.find_user(other_id) if other_id else None
        from_when = detail.get("ready_at")
        return [
            (N_("Colleague"), _name(other) if other else ""),
            (N_("Can be used from"), written_time(from_when, code) if from_when else ""),
        ]

    def _confirmation(self, work: Work, mail: Mail, code: str) -> dict[str, Any]:
        """To somebody who may be a stranger: nothing in it was written by the person who asked for it."""
        link = link_of(self._database.lookup_key(LINK_PURPOSE), mail.id)
        contact = work.contacts.find(mail.user_id, mail.about)
        if contact is None or contact.link_hash != token_hash(link):
            raise NotWantedError("the address was confirmed or removed, or a later link was sent")
        return {
            "heading": catalogue(code).gettext(_CONFIRM),
            "confirm_url": f"{self._issuer}/account/contacts/confirm?link={link}",
            "hours": LINK_HOURS,
        }

    def _letter(self, mail: Mail, at: Instant, *, code: str, said: Mapping[str, Any]) -> Letter:
        values = {
            **said,
            "lang": code,
            "product_name": self._product,
            "account_url": f"{self._issuer}/account",
            "issuer": self._issuer,
            "support_contact": self._support_contact,
        }
        text, html = (
            _environment(code).get_template(f"email/{mail.kind}.{kind}").render(values)
            for kind in ("txt", "html")
        )
        subject = f"{self._product}: {said['heading']}"
        message = _headers(mail, at, product=self._product, sender=self._sender)
        message["Subject"] = subject
        message.set_content(text, cte="quoted-printable")
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        message.set_boundary(f"=_{mail.id}")
        message["Content-Language"] = code
        envelope = Envelope(self._sender, mail.address, message.as_bytes())
        return Letter(envelope, subject, code, text, html)


def language_of(user: User) -> str:
    """What the person chose on the account page, or else as their `locale` says (OpenID Connect Core 5.1)."""
    asked = user.language or str(user.profile.get("locale", ""))[:2].lower()
    return asked if asked in LANGUAGES else LANGUAGES[0]


def _headers(mail: Mail, at: Instant, *, product: str, sender: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(product, addr_spec=sender)
    message["To"] = Address(addr_spec=mail.address)
    message["Date"] = format_datetime(datetime.fromtimestamp(int(at), UTC))
    message["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note comes back
    message["X-Auto-Response-Suppress"] = "All"  # what Exchange knows instead
    return message


def _require_address(address: str) -> None:
    try:
        canonical_email(address)
    except ValueError:
        raise NotWantedError("no mail can be sent to such an address") from None


def _name(user: User) -> str:
    name = " ".join(f"{user.given_name} {user.family_name}".split())
    return name if _NAME.fullmatch(name) else ""


def _network_address(text: str | None) -> str:
    try:
        return str(ip_address(text or ""))
    except ValueError:
        return ""


def _plain(value: str) -> str:
    """On one line, without characters that cannot be seen."""
    return " ".join("".join(mark if mark.isprintable() else " " for mark in value).split())


@cache
def _environment(code: str) -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    words = catalogue(code)
    made.install_gettext_callables(  # type: ignore[attr-defined]  # comes with the extension
        words.gettext, words.ngettext, newstyle=True
    )
    return made
