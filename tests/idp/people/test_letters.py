"""What letters say, in both languages, and what nobody can make them say."""

import re
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from idp.events import TOLD_BY_MAIL, EventType
from idp.login.sessions import SignedIn, Visitor
from idp.models.mails import MailKind
from idp.models.people import User
from idp.people.contacts import Sent
from idp.people.letters import Letter, NotWantedError
from tests.idp.people.conftest import SENDER, PostOffice
from tests.support.actors import ISSUER, Employee, Hall
from tests.support.builders import add_client, add_session, add_user
from tests.support.checkout import ROOT

LINK = re.compile(r"https?://[^\s\"'<>]+")
HTML_LINK = re.compile(r'(?:href|src|action)="([^"]*)"')
LEADS_TO_A_QUESTION = re.compile(
    rf"{re.escape(ISSUER)}/account(?:/not-me\?event=\d+|/contacts/confirm\?link=[\w-]{{43}})?"
)
EVIL_NAMES = [
    "{{ 7 * 7 }}",
    "{% include 'base.html' %}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("https://evil.example")',
    "Anna\r\nBcc: everybody@example.lv",
    "Anna https://evil.example/login",
    "Anna evil.example",
    "Zvaniet +371 90000000",
    "%(name)s %s {0}",
    "Anna\u202egpj.exe",
]


def user(hall: Hall, **columns: object) -> User:
    values = {"email": "anna@pasvaldiba.example.lv", "given_name": "Anna", **columns}
    with hall.world.database.begin() as work:
        return add_user(work, "anna.b", **values)


def parts(letter: Letter) -> tuple[str, str]:
    return letter.text, letter.html


def confirmation(office: PostOffice, who: User) -> Letter:
    hall = office.hall
    with hall.world.database.begin() as work:
        session = add_session(work, who.id, "s" * 64)
    signed_in = SignedIn(
        session_id=session.id,
        user_id=who.id,
        username=who.username,
        display_name=who.display_name,
        proofs=(),
        employment_id=None,
        created_at=0,
        last_seen_at=0,
    )
    visitor = Visitor(browser="b" * 43, address="192.0.2.7")
    sent = hall.provider.contacts.add(signed_in, "jauna@example.com", visitor)
    assert isinstance(sent, Sent)
    (mail,) = (mail for mail in office.mails() if mail.kind == MailKind.CONFIRM_CONTACT)
    return office.letters.write(mail, hall.clock())


def test_a_notice_says_what_happened_when_from_where_and_with_what(
    office: PostOffice, anna: Employee
) -> None:
    office.happens(anna.user, method="totp", address="192.0.2.10", detail={"browser": "Firefox, Linux"})
    letter = office.letter()
    seq = office.the_one().event_seq
    for part in parts(letter):
        for said in (
            "Labdien, Anna Bērziņa!",
            "Iestatīts pieslēgšanās veids",
            "09.10.2025. plkst. 11.53",
            "192.0.2.10",
            "Firefox, Linux",
            "Autentifikatora lietotne",
            f"{ISSUER}/account/not-me?event={seq}",
        ):
            assert said in part
    assert letter.subject == "visvaris.lv: Iestatīts pieslēgšanās veids"
    assert "IP adrese: 192.0.2.10" in letter.text.splitlines()


def test_a_person_who_speaks_english_gets_it_in_english(office: PostOffice, hall: Hall) -> None:
    office.happens(user(hall, profile={"locale": "en-GB"}))
    letter = office.letter()
    assert letter.subject == "visvaris.lv: A way to log in was set up"
    assert "Good day, Anna!" in letter.text
    assert "09.10.2025 at 11:53" in letter.text
    assert 'lang="en"' in letter.html


@pytest.mark.parametrize("locale", ["lv-LV", "de", "", "../en", "e"])
def test_everybody_else_gets_it_in_latvian(office: PostOffice, hall: Hall, locale: str) -> None:
    office.happens(user(hall, profile={"locale": locale}))
    assert 'lang="lv"' in office.letter().html


def test_what_is_not_known_is_left_out(office: PostOffice, hall: Hall) -> None:
    office.happens(user(hall, given_name=""), EventType.USER_BLOCKED, actor_id="command-line")
    text = office.letter().text
    assert "Labdien!" in text
    assert "adrese:" not in text
    assert "Pārlūkprogramma" not in text
    assert "None" not in text


def test_a_sum_says_how_often(office: PostOffice, anna: Employee) -> None:
    for _ in range(5 + 21):
        office.happens(anna.user)
    (mail,) = (mail for mail in office.mails() if mail.summed)
    for part in parts(office.letters.write(mail, office.hall.clock())):
        assert "Šajā stundā tas notika vēl 21 reizi." in part


def test_an_application_of_ours_is_named_and_one_of_others_is_not(office: PostOffice, anna: Employee) -> None:
    """attack 42: who registers an application chooses its name"""
    with office.hall.world.database.begin() as work:
        add_client(work, "ours", name="Rindas", first_party=True)
        add_client(work, "theirs", name="Zvaniet evil.example", first_party=False)
    office.happens(anna.user, EventType.CODE_REPLAYED, client_id="ours")
    office.happens(anna.user, EventType.REFRESH_REPLAYED, client_id="theirs")
    texts = {mail.about: office.letters.write(mail, 0).text for mail in office.mails()}
    assert "Lietojumprogramma: Rindas" in texts["code.replayed"]
    assert "evil" not in texts["refresh.replayed"]


def test_headers_are_those_of_a_machine_that_writes_once(office: PostOffice, anna: Employee) -> None:
    """RFC 5322, RFC 3834"""
    office.happens(anna.user)
    mail = office.the_one()
    letter = office.letter()
    message = message_from_bytes(letter.envelope.content, policy=SMTP)
    assert message["From"] == f'"visvaris.lv" <{SENDER}>'
    assert message["To"] == "anna@pasvaldiba.example.lv"
    assert message["Subject"] == letter.subject
    assert message["Message-ID"] == f"<{mail.id}@login.example.lv>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "lv"
    assert message["Date"] == "Thu, 09 Oct 2025 08:53:20 +0000"
    assert message["MIME-Version"] == "1.0"
    assert [part.get_content_type() for part in message.walk()] == [
        *("multipart/alternative", "text/plain", "text/html")
    ]
    assert not message.defects
    assert letter.envelope.content.isascii()
    assert max(map(len, letter.envelope.content.split(b"\r\n"))) <= 78


def test_written_again_it_is_the_same_letter(office: PostOffice, anna: Employee) -> None:
    office.happens(anna.user)
    assert office.letter().envelope.content == office.letter().envelope.content


# What nobody can make them say ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(TOLD_BY_MAIL, key=lambda kind: kind.value))
def test_no_notice_holds_a_code_or_a_link_that_signs_anyone_in(
    office: PostOffice, anna: Employee, hall: Hall, kind: EventType
) -> None:
    """Every link asks a stranger's browser who is there (attack 23, 44)"""
    office.happens(anna.user, kind, method="totp", address="192.0.2.1", session_id="s")
    letter = office.letter()
    check_links(hall, letter)
    for secret in (anna.password, anna.code(), anna.authenticator.secret if anna.authenticator else ""):
        assert secret
        for part in parts(letter):
            assert secret not in part
    without_links = LINK.sub("", letter.text.replace("192.0.2.1", ""))
    assert not re.search(r"(?<![\d.])\d{6,}(?![\d.])", without_links)


def test_no_confirmation_holds_a_link_that_signs_anyone_in(
    office: PostOffice, anna: Employee, hall: Hall
) -> None:
    check_links(hall, confirmation(office, anna.user))


def check_links(hall: Hall, letter: Letter) -> None:
    found = {*LINK.findall(letter.text), *HTML_LINK.findall(letter.html), *LINK.findall(letter.html)}
    assert found
    for link in found:
        assert LEADS_TO_A_QUESTION.fullmatch(link), link
        stranger = hall.browser()
        parsed = urlsplit(link)
        page = stranger.opens(f"{parsed.path}?{parsed.query}")
        assert page.path.startswith("/login/") or page.status == 404
        assert not stranger.is_signed_in


def test_every_kind_of_letter_is_one_of_those() -> None:
    """A new kind must come into the tests above"""
    names = {path.stem for path in (ROOT / "templates/email").iterdir()} - {"base"}
    assert names == {kind.value for kind in MailKind} == {"notice", "confirm_contact"}


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_a_name_that_is_none_is_not_repeated(office: PostOffice, hall: Hall, name: str) -> None:
    """attack 42: templates, markup, formulas, headers, links, telephone numbers"""
    office.happens(user(hall, given_name=name, family_name=""))
    letter = office.letter()
    message = message_from_bytes(letter.envelope.content, policy=SMTP)
    assert message["Bcc"] is None
    assert "Labdien!" in letter.text
    for part in parts(letter):
        for trace in ("evil", "49", "alert", "90000000", "Bcc", "HYPERLINK", "\u202e", "{0}"):
            assert trace not in part.replace("2049", "")


@pytest.mark.parametrize("name", ["Anna Bērziņa", "J. Ozols", "Anna-Marija O'Nīla", "Ērika Ņikitina"])
def test_a_name_that_is_one_is(office: PostOffice, hall: Hall, name: str) -> None:
    office.happens(user(hall, given_name=name, family_name=""))
    assert f"Labdien, {name}!" in office.letter().text


def test_what_an_event_says_is_a_value_and_nothing_more(office: PostOffice, anna: Employee) -> None:
    """attack 42: even from our own trail"""
    evil = "{{ 7*7 }}<b>x</b>\r\nKad: vakar"
    office.happens(anna.user, address="<b>", detail={"browser": evil, "contact": evil})
    text, html = parts(office.letter())
    assert "{{ 7*7 }}<b>x</b> Kad: vakar" in text
    assert "Kad: vakar" not in text.splitlines()
    assert "<b>" not in html
    assert "{{ 7*7 }}&lt;b&gt;" in html
    assert "IP adrese" not in text


def test_a_letter_to_a_stranger_says_nothing_that_who_asked_for_it_wrote(
    office: PostOffice, hall: Hall
) -> None:
    who = user(hall, given_name="Nāc Pie Mums", family_name="Lētāk")
    for part in parts(confirmation(office, who)):
        for own in ("Nāc", "Lētāk", who.username, who.id, "192.0.2.7"):
            assert own not in part


@pytest.mark.parametrize(
    ("given", "spoof"),
    [("Host", "evil.example"), ("X-Forwarded-Host", "evil.example"), ("Forwarded", "host=evil.example")],
)
def test_links_begin_with_the_issuer_whatever_the_request_says(
    office: PostOffice, hall: Hall, anna: Employee, given: str, spoof: str
) -> None:
    """attack 27"""
    browser = hall.browser()
    browser.signs_in(anna)
    form = browser.opens("/account/contacts/add").form("contact")
    data = {**form.fields, "contact": "jauna@example.com"}
    browser.posts("/account/contacts/add", data, **{given: spoof, "X-Forwarded-Proto": "http"})
    for mail in office.mails():
        for part in parts(office.letters.write(mail, 0)):
            assert "evil" not in part
            assert all(link.startswith(f"{ISSUER}/") for link in LINK.findall(part))
    assert {mail.kind for mail in office.mails()} == {"confirm_contact", "notice"}


# What is not said any more ----------------------------------------------------------------------------


def test_a_confirmed_removed_or_renewed_address_gets_no_link(
    office: PostOffice, hall: Hall, anna: Employee
) -> None:
    confirmation(office, anna.user)
    (mail,) = (mail for mail in office.mails() if mail.kind == MailKind.CONFIRM_CONTACT)
    with hall.world.database.begin() as work:
        assert work.contacts.renew_link(anna.user.id, mail.about, link_hash="x", until=1.0)
    with pytest.raises(NotWantedError):
        office.letters.write(mail, 0)
    with hall.world.database.begin() as work:
        work.contacts.remove(anna.user.id, mail.about)
    with pytest.raises(NotWantedError):
        office.letters.write(mail, 0)


def test_no_table_holds_the_link(office: PostOffice, hall: Hall, anna: Employee) -> None:
    """attack 44: a copy of the database confirms nothing"""
    letter = confirmation(office, anna.user)
    (link,) = re.findall(r"link=([\w-]{43})", letter.text)
    path = Path(hall.url.removeprefix("sqlite:///"))
    held = [file.read_bytes() for file in path.parent.glob(f"{path.name}*")]
    assert any(b"contact_addresses" in content for content in held)
    assert not [content for content in held if link.encode() in content]
