"""The pages where a person plays the phone, talked to over plain http as a browser would, without one."""

import base64
import hashlib
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.at_once import at_once
from tests.support.builders import Clock
from tests.support.certificates import Authority
from tests.support.smart_id.accounts import CODE_CHOICE, preloaded
from tests.support.smart_id.authority import SmartIdAuthority
from tests.support.smart_id.faults import ENDINGS, STATUSES
from tests.support.smart_id.phone import code_choices, verification_code
from tests.support.smart_id.running import Emulator, running_emulator
from tests.support.smart_id.service import NAME
from tests.support.smart_id.sessions import Session
from tests.support.smart_id.studio import CALLBACK, OFFERED, encoded
from tests.support.test_smart_id_emulator import ANNA, request

REFUSES = "PNOLV-030403-10016-MOCK-Q"
SILENT = "PNOLV-030403-10083-MOCK-Q"


class Sofa:
    """Where somebody sits with the phone's pages open, and with a site that asks."""

    def __init__(self, emulator: Emulator, clock: Clock, authority: Authority) -> None:
        self.emulator, self.clock = emulator, clock
        self.service = emulator.service
        self.service.pushes_answer_themselves = False
        self.service.patience = 0
        origin = self.service.origin.replace("https:", "http:")
        self.browser = httpx.Client(base_url=origin, timeout=30)
        self.site = httpx.Client(verify=ssl.create_default_context(cafile=authority.ca_file), timeout=30)

    def close(self) -> None:
        self.browser.close()
        self.site.close()

    def create(self, path: str = "device-link/anonymous", **changes: Any) -> httpx.Response:
        url = f"{self.emulator.base_url}/authentication/{path}"
        return self.site.post(url, json=request(**changes))

    def begin(self, path: str = "device-link/anonymous", **changes: Any) -> Session:
        created = self.create(path, **changes).json()
        session = self.service.sessions.find(created["sessionID"])
        assert session
        return session

    def notify(self, who: str = ANNA, **changes: Any) -> Session:
        return self.begin(f"notification/document/{who}", vcType="numeric4", **changes)

    def press(self, path: str, **form: str) -> httpx.Response:
        return self.browser.post(path, data=form)

    def scan(self, session: Session) -> httpx.Response:
        return self.press("/phone/scan", token=session.token)

    def answer(self, session: Session, decision: str = "confirm", **form: str) -> httpx.Response:
        filled = {"account": ANNA, "pin": "1234", "decision": decision, **form}
        return self.press(f"/phone/session/{session.token}", **filled)

    def ended(self, session: Session) -> str:
        told = self.site.get(f"{self.emulator.base_url}/session/{session.id}", params={"timeoutMs": "1000"})
        answer = told.json()
        return str(answer["result"]["endResult"]) if answer["state"] == "COMPLETE" else "RUNNING"


@pytest.fixture(scope="module")
def people() -> SmartIdAuthority:
    return SmartIdAuthority()


@pytest.fixture
def sofa(people: SmartIdAuthority, authority: Authority, tmp_path: Path) -> Iterator[Sofa]:
    clock = Clock()
    with running_emulator(authority.server(), people, clock, folder=tmp_path) as emulator:
        sitting = Sofa(emulator, clock, authority)
        yield sitting
        sitting.close()


# ------------------------------------------------------------------------------------------------------ codes and links


def test_a_waiting_code_is_scanned_by_a_button_and_confirmed_with_any_pin(sofa: Sofa):
    session = sofa.begin()
    overview = sofa.browser.get("/phone").text
    assert NAME in overview
    assert "Pārbaude" in overview
    sofa.clock.move(30)
    taken = sofa.scan(session)
    assert (taken.status_code, taken.headers["location"]) == (303, f"/phone/session/{session.token}")
    page = sofa.browser.get(taken.headers["location"]).text
    assert "DEMO asks who you are" in page
    assert "Pārbaude" in page
    assert sofa.ended(session) == "RUNNING"
    assert sofa.answer(session).headers["location"] == f"/phone/session/{session.token}"
    assert sofa.ended(session) == "OK"
    assert "Confirmed" in sofa.browser.get(f"/phone/session/{session.token}").text
    assert "Scan the QR code" not in sofa.browser.get("/phone").text


def test_every_account_can_be_picked_and_is_told_with_what_it_does(sofa: Sofa):
    session = sofa.begin()
    sofa.scan(session)
    page = sofa.browser.get(f"/phone/session/{session.token}").text
    assert set(re.findall(r'<option value="([^"]+)"', page)) == set(preloaded())
    groups = re.findall(r'<optgroup label="([^"]+)"', page)
    assert {
        "Confirms",
        "Refuses before anything is shown",
        "Picks a wrong code",
        "Never answers",
        "Confirms, with a certificate that is not qualified",
    } <= set(groups)
    assert len(groups) == 9


def test_the_account_behaves_as_published_when_the_person_confirms(sofa: Sofa):
    for who, ending in ((REFUSES, "USER_REFUSED"), (SILENT, "RUNNING")):
        session = sofa.begin()
        sofa.scan(session)
        sofa.answer(session, account=who)
        assert sofa.ended(session) == ending


def test_cancelling_ends_the_session_on_the_screen_that_was_shown(sofa: Sofa):
    session = sofa.begin()
    sofa.scan(session)
    sofa.answer(session, "cancel", pin="")
    assert session.answer
    assert session.answer["result"] == {
        "endResult": "USER_REFUSED_INTERACTION",
        "details": {"interaction": "displayTextAndPIN"},
    }


@pytest.mark.parametrize("pin", ["", "123", "12a4", "1" * 13, "١٢٣٤"])
def test_a_pin_that_is_none_is_asked_for_again(sofa: Sofa, pin: str):
    session = sofa.begin()
    sofa.scan(session)
    answer = sofa.answer(session, pin=pin, account=REFUSES)
    assert answer.status_code == 422
    assert "at least four digits" in answer.text
    assert f'value="{REFUSES}" selected' in answer.text
    assert sofa.ended(session) == "RUNNING"


def test_a_link_that_is_opened_or_pasted_is_judged_as_by_the_app(sofa: Sofa):
    session = sofa.begin()
    link = sofa.service.phone.fresh_link(session)
    opened = sofa.browser.get(link.replace("https:", "http:"))
    assert opened.headers["location"] == f"/phone/session/{session.token}"
    assert sofa.press("/phone/paste", link=f" {link} ").status_code == 303
    sofa.clock.move(4)
    late = sofa.press("/phone/paste", link=link)
    assert late.status_code == 422
    assert "too old" in late.text
    assert "not a link" in sofa.press("/phone/paste", link="https://example.lv/").text
    altered = sofa.press("/phone/paste", link=link[:-1] + ("A" if link[-1] != "A" else "B"))
    assert "altered" in altered.text
    assert sofa.ended(session) == "PROTOCOL_FAILURE"
    assert "Nobody waits" in sofa.press("/phone/paste", link=link).text


def test_what_was_not_scanned_is_neither_shown_nor_answered(sofa: Sofa):
    session = sofa.begin()
    assert sofa.browser.get(f"/phone/session/{session.token}").status_code == 404
    assert sofa.answer(session).status_code == 404
    assert sofa.ended(session) == "RUNNING"


def same_device_link(sofa: Sofa, session: Session) -> str:
    base = f"{sofa.service.origin}/device-link?deviceLinkType=Web2App&sessionToken={session.token}&sessionType=auth&version=1.0&lang=lav"
    return f"{base}&authCode={sofa.service.phone._auth_code(session, base, 'Web2App')}"


def test_on_the_same_device_the_browser_goes_back_to_the_site(sofa: Sofa):
    for decision, has_proof in (("confirm", True), ("cancel", False)):
        session = sofa.begin(initialCallbackUrl=CALLBACK)
        page = sofa.site.get(same_device_link(sofa, session))
        assert "goes back to the site" in sofa.site.get(sofa.service.origin + page.headers["location"]).text
        back = sofa.answer(session, decision).headers["location"]
        assert back.startswith(f"{CALLBACK}&sessionSecretDigest=")
        assert ("&userChallengeVerifier=" in back) is has_proof
    assert session.answer
    assert session.answer["result"]["endResult"] == "USER_REFUSED_INTERACTION"


def test_a_button_that_is_pressed_twice_leads_to_the_same_place(sofa: Sofa):
    session = sofa.begin(initialCallbackUrl=CALLBACK)
    sofa.site.get(same_device_link(sofa, session))
    led_to = at_once(4, lambda _: sofa.answer(session).headers["location"])
    assert len(set(led_to)) == 1
    verifier = led_to[0].rpartition("userChallengeVerifier=")[2]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    assert session.answer
    assert session.answer["signature"]["userChallenge"] == challenge


def test_codes_of_more_than_two_minutes_ago_are_gone(sofa: Sofa):
    session = sofa.begin()
    assert session.token in sofa.browser.get("/phone").text
    sofa.clock.move(121)
    assert session.token not in sofa.browser.get("/phone").text
    assert "Nobody waits" in sofa.scan(session).text


def test_another_person_than_the_one_asked_for_ends_the_session(sofa: Sofa):
    session = sofa.begin(f"device-link/document/{ANNA}")
    sofa.scan(session)
    assert f"Only for {ANNA}" in sofa.browser.get(f"/phone/session/{session.token}").text
    sofa.answer(session, account="PNOLV-050405-10009-DEM0-Q")
    assert sofa.ended(session) == "PROTOCOL_FAILURE"


# -------------------------------------------------------------------------------------------------------- notifications


def test_a_notification_waits_in_its_own_inbox_with_the_four_digits(sofa: Sofa):
    session = sofa.notify()
    code = verification_code(session.challenge)
    assert f"/phone/inbox?account={ANNA}" in sofa.browser.get("/phone").text
    assert code in sofa.browser.get("/phone/inbox", params={"account": ANNA}).text
    assert "Nothing came" in sofa.browser.get("/phone/inbox", params={"account": REFUSES}).text
    assert "four digits" in sofa.press(f"/phone/push/{session.id}", decision="confirm", pin="12").text
    assert sofa.ended(session) == "RUNNING"
    assert sofa.press(f"/phone/push/{session.id}", decision="confirm", pin="1234").status_code == 303
    assert sofa.ended(session) == "OK"
    assert "Confirmed." in sofa.browser.get("/phone/inbox", params={"account": ANNA}).text


def test_a_notification_is_refused(sofa: Sofa):
    session = sofa.notify()
    sofa.press(f"/phone/push/{session.id}", decision="refuse")
    assert sofa.ended(session) == "USER_REFUSED_INTERACTION"


def test_one_of_three_codes_is_right(sofa: Sofa):
    choice = encoded([{"type": CODE_CHOICE, "displayText200": "Pārbaude"}, *OFFERED[1:]])
    for right in (True, False):
        session = sofa.notify(interactions=choice)
        codes = code_choices(session)
        page = sofa.browser.get("/phone/inbox", params={"account": ANNA}).text
        assert all(f'value="{code}"' in page for code in codes)
        assert "has to show this code" not in page
        unknown = sofa.press(f"/phone/push/{session.id}", decision="confirm", pin="1234", code="x")
        assert "one of the three" in unknown.text
        picked = next(code for code in codes if (code == verification_code(session.challenge)) is right)
        sofa.press(f"/phone/push/{session.id}", decision="confirm", pin="1234", code=picked)
        assert sofa.ended(session) == ("OK" if right else "WRONG_VC")


def test_three_codes_are_three_and_stay_the_same():
    for number in range(300):
        challenge = base64.b64encode(number.to_bytes(64, "big")).decode()
        session = Session({"signatureProtocolParameters": {"rpChallenge": challenge}}, 0, notification=True)
        codes = code_choices(session)
        assert len(set(codes)) == 3
        assert verification_code(challenge) in codes
        assert codes == code_choices(session)


# --------------------------------------------------------------------------------------------------- making it fail


@pytest.mark.parametrize("name", [name for name in ENDINGS if name not in {"OK", "TIMEOUT"}])
def test_the_next_session_ends_as_told_and_the_one_after_does_not(sofa: Sofa, name: str):
    assert sofa.press("/admin", what=name, scope="next").status_code == 303
    assert name in sofa.browser.get("/admin").text
    for ending in (name.split(maxsplit=1)[0], "OK"):
        session = sofa.begin()
        sofa.scan(session)
        sofa.answer(session)
        assert sofa.ended(session) == ending
    assert "Nothing is forced" in sofa.browser.get("/admin").text


def test_a_forced_ending_holds_for_notifications_and_against_what_an_account_does(sofa: Sofa):
    sofa.press("/admin", what="OK", scope="all")
    session = sofa.begin()
    sofa.scan(session)
    sofa.answer(session, account=REFUSES)
    assert sofa.ended(session) == "OK"
    session = sofa.begin()
    sofa.scan(session)
    sofa.answer(session, "cancel")
    assert sofa.ended(session) == "USER_REFUSED_INTERACTION"
    sofa.press("/admin", what="TIMEOUT", scope="all")
    pushed = sofa.notify()
    sofa.press(f"/phone/push/{pushed.id}", decision="confirm", pin="1234")
    assert sofa.ended(pushed) == "RUNNING"
    sofa.press("/admin/clear")
    pushed = sofa.notify()
    sofa.press(f"/phone/push/{pushed.id}", decision="confirm", pin="1234")
    assert sofa.ended(pushed) == "OK"


@pytest.mark.parametrize("status", STATUSES)
def test_the_service_fails_once_or_until_it_is_cleared_and_the_pages_do_not(sofa: Sofa, status: str):
    sofa.press("/admin", what=status, scope="next")
    assert [sofa.create().status_code for _ in range(2)] == [int(status), 200]
    session = sofa.begin()
    sofa.press("/admin", what=status, scope="all")
    assert [sofa.create().status_code for _ in range(2)] == [int(status)] * 2
    polled = sofa.site.get(f"{sofa.emulator.base_url}/session/{session.id}", params={"timeoutMs": "1000"})
    assert polled.status_code == int(status)
    assert sofa.browser.get("/admin").status_code == 200
    sofa.press("/admin/clear")
    assert sofa.create().status_code == 200


def test_it_hangs_up_when_told(sofa: Sofa):
    sofa.press("/admin", what="dropped", scope="next")
    with pytest.raises(httpx.TransportError):
        sofa.create()
    assert sofa.create().status_code == 200


def test_it_keeps_waiting_when_told_and_answers_once_it_is_cleared(sofa: Sofa):
    sofa.press("/admin", what="slow", scope="all")
    with pytest.raises(httpx.ReadTimeout):
        sofa.site.post(
            f"{sofa.emulator.base_url}/authentication/device-link/anonymous", json=request(), timeout=0.3
        )
    sofa.press("/admin/clear")
    assert sofa.create().status_code == 200


def test_what_is_not_offered_is_not_forced(sofa: Sofa):
    assert sofa.press("/admin", what="418", scope="next").status_code == 422
    assert sofa.press("/admin", what="OK", scope="some").status_code == 422


# --------------------------------------------------------------------------------------------------------- who may come


def test_the_api_is_answered_over_tls_alone(sofa: Sofa):
    answer = sofa.browser.post("/smart-id-rp/v3/authentication/device-link/anonymous", json=request())
    assert answer.status_code == 403
    assert sofa.service.sessions.all() == []


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Host": "elsewhere.example"}]
)
def test_nobody_elses_page_presses_a_button_here(sofa: Sofa, headers: dict[str, str]):
    session = sofa.begin()
    answer = sofa.browser.post("/phone/scan", data={"token": session.token}, headers=headers)
    assert answer.status_code == 403
    assert session.taken_as is None


def test_pages_hold_no_secret_and_show_what_they_are_told_as_text(sofa: Sofa):
    shown = [{"type": "displayTextAndPIN", "displayText60": "<script>alert(1)</script>"}]
    session = sofa.begin(interactions=encoded(shown))
    sofa.scan(session)
    for path in ("/phone", f"/phone/session/{session.token}"):
        page = sofa.browser.get(path)
        assert "&lt;script&gt;" in page.text
        assert "<script" not in page.text
        assert session.secret not in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert sofa.browser.get("/phone/nowhere").status_code == 404
    assert sofa.browser.get("/phone/inbox", params={"account": "x"}).status_code == 404
