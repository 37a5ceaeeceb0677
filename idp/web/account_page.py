"""What the account page tells, gathered in one read and put into the person's language. Changes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from idp.events import EventType
from idp.languages import LANGUAGES
from idp.login.browsers import UNKNOWN, browser_name
from idp.login.sessions import SignedIn
from idp.login.standing import Person
from idp.methods.base import AskedElsewhere, Describing, Method
from idp.models.people import Credential
from idp.models.sessions import BrowserSession
from idp.oidc.consent import texts_of
from idp.storage.work import Work
from idp.web.computers import computers_shown
from idp.web.contacts import contacts_shown
from idp.web.http import approver_token
from idp.web.i18n import language, ngettext, translate
from idp.web.identity import identity_shown
from idp.web.shared import is_shared
from idp.web.site import site
from idp.words import N_

TOLD: Final = {
    EventType.SIGNED_IN.value: N_("Logged in"),
    EventType.METHOD_FAILED.value: N_("Failed attempt to log in"),
    EventType.SIGN_IN_REFUSED.value: N_("Log-in refused"),
    EventType.METHOD_ENROLLED.value: N_("A way to log in was set up"),
    EventType.METHOD_REMOVED.value: N_("A way to log in was removed"),
    EventType.METHOD_RENAMED.value: N_("A way to log in was renamed"),
    EventType.KEY_BLOCKED.value: N_("A key was blocked: there seem to be two of it"),
    EventType.RECOVERY_CODES_MADE.value: N_("New recovery codes were created"),
    EventType.EMPLOYMENT_SWITCHED.value: N_("Another municipality was chosen"),
    EventType.SIGNED_OUT.value: N_("Logged out"),
    EventType.SESSION_ENDED.value: N_("A session was ended"),
    EventType.CONSENT_GIVEN.value: N_("Permission was given to an application"),
    EventType.CONSENT_REFUSED.value: N_("Permission was refused to an application"),
    EventType.CONSENT_WITHDRAWN.value: N_("Permission was withdrawn from an application"),
    EventType.DEVICE_APPROVED.value: N_("A device was let in"),
    EventType.DEVICE_REFUSED.value: N_("A device was refused"),
    EventType.APPROVAL_GIVEN.value: N_("A log-in at a computer was approved on the phone"),
    EventType.APPROVAL_REFUSED.value: N_("A log-in at a computer was refused on the phone"),
    EventType.CODE_REPLAYED.value: N_("An application's access was stopped: it was used twice"),
    EventType.REFRESH_REPLAYED.value: N_("An application's access was stopped: it was used twice"),
    EventType.USER_ADDED.value: N_("The account was created"),
    EventType.USER_BLOCKED.value: N_("The account was blocked"),
    EventType.USER_UNBLOCKED.value: N_("The account was unblocked"),
    EventType.TICKET_MADE.value: N_("An administrator made a letter to set up a way to log in"),
    EventType.TICKET_REVOKED.value: N_("A letter to set up a way to log in was revoked"),
    EventType.TICKET_REFUSED.value: N_("Failed attempt to use a letter to set up a way to log in"),
    EventType.TICKET_USED.value: N_("A letter to set up a way to log in was used"),
    EventType.METHODS_RESET.value: N_("The administrator reset the ways to log in"),
    EventType.SIGNED_IN_ELSEWHERE.value: N_("Logged in with a browser not seen before"),
    EventType.CONTACT_REQUESTED.value: N_("A contact address was entered"),
    EventType.CONTACT_ADDED.value: N_("A contact address was added"),
    EventType.CONTACT_REMOVED.value: N_("A contact address was removed"),
    EventType.CASE_OPENED.value: N_("It was reported: “It was not me”"),
    EventType.CASE_EXTENDED.value: N_("One more event was reported: “It was not me”"),
    EventType.CASE_FINISHED.value: N_("The account was checked after a report"),
    EventType.CASE_CLOSED.value: N_("The administrator has dealt with the report"),
    EventType.COMPUTER_REMEMBERED.value: N_("A computer is remembered: it asks for the password only"),
    EventType.COMPUTER_FORGOTTEN.value: N_("A remembered computer was forgotten"),
    EventType.COMPUTER_REPLAYED.value: N_(
        "A remembered computer was forgotten: what it keeps was used twice"
    ),
    EventType.IDENTITY_STARTED.value: N_("Confirming who owns the account was begun"),
    EventType.IDENTITY_CONFIRMED.value: N_("It was confirmed who owns the account"),
    EventType.IDENTITY_REFUSED.value: N_("Confirming who owns the account failed"),
    EventType.IDENTITY_REMOVED.value: N_("The confirmation of who owns the account was removed"),
    EventType.IDENTITY_CHECK_MADE.value: N_(
        "An administrator wrote down that they checked your identity document"
    ),
    EventType.IDENTITY_CHECK_APPROVED.value: N_(
        "A second person approved the check of your identity document and was given a code for you"
    ),
    EventType.IDENTITY_CHECK_REVOKED.value: N_("The check of your identity document was revoked"),
    EventType.IDENTITY_CHECK_USED.value: N_("The code for the check of your identity document was used"),
    EventType.VOUCHING_ASKED.value: N_("Somebody asks colleagues to vouch for you, to get into your account"),
    EventType.VOUCHED.value: N_("A colleague vouched that it is you who wants to get into your account"),
    EventType.VOUCH_GIVEN.value: N_("You vouched for a colleague"),
    EventType.RECOVERY_BEGUN.value: N_("Somebody confirmed that they are you, to set up a way to log in"),
    EventType.RECOVERED.value: N_("Access to the account was regained: a way to log in was set up"),
    EventType.RECOVERY_STOPPED.value: N_("Regaining access to the account was stopped"),
    EventType.INVITATION_MADE.value: N_(
        "An administrator made an invitation to log in by your account at work"
    ),
    EventType.INVITATION_USED.value: N_("An invitation to log in by your account at work was used"),
    EventType.INVITATION_REVOKED.value: N_("An invitation to log in by your account at work was revoked"),
    EventType.DIRECTORY_UNAVAILABLE.value: N_("The municipality's network did not answer"),
    EventType.DIRECTORY_FALLBACK.value: N_(
        "Logged in with the password kept here, since the municipality's network did not answer"
    ),
    EventType.DIRECTORY_PASSWORD_CHANGED.value: N_(
        "The password of the municipality's network was changed here"
    ),
    EventType.DIRECTORY_PERSON_BLOCKED.value: N_(
        "Logging in with the municipality's network was switched off: the network no longer lets you in"
    ),
    EventType.DIRECTORY_PERSON_RETURNED.value: N_(
        "Logging in with the municipality's network was switched on again"
    ),
    EventType.DIRECTORY_ROLES_CHANGED.value: N_("Your roles were changed as in the municipality's network"),
    EventType.DIRECTORY_DATA_CHANGED.value: N_("Your data were taken over from the municipality's network"),
}
"""Events that mean something to the person they are about; the trail has more."""
LANGUAGE_NAMES: Final = {"lv": "Latviešu", "en": "English"}


@dataclass(frozen=True, slots=True)
class Action:
    """Leads to a page of its own; `kind` says how it looks: `quiet` or `danger`."""

    label: str
    url: str
    kind: str


def account_page(person: Person, signed_in: SignedIn) -> dict[str, object]:
    with site().storage.database.read() as work:
        sessions = [
            session_shown(work, session, signed_in)
            for session in site().sessions.of_user(work, person.user.id)
        ]
        connected = list(_connected(work, person))
        posts = [_post(work, person, index) for index in range(len(person.employments))]
    return {
        "profile": {
            "display_name": person.user.display_name,
            "username": person.user.username,
            "email": person.user.email,
            "employments": posts,
        },
        "contacts": contacts_shown(person.user.id),
        "identity": identity_shown(person),
        "methods": list(_methods(person)),
        "recovery_codes_left": _codes_left(person),
        "sessions": sessions,
        "computers": computers_shown(person),
        "forget_computer_action": "/account/computers/forget",
        "forget_computers_action": "/account/computers/forget-all",
        "end_others_action": "/account/sessions/end-others",
        "end_session_action": "/account/sessions/end",
        "connected": connected,
        "languages": [
            {"code": code, "name": LANGUAGE_NAMES[code], "chosen": code == language()} for code in LANGUAGES
        ],
        "language_action": "/account/language",
    }


def _post(work: Work, person: Person, index: int) -> Mapping[str, str]:
    post = person.employments[index]
    name = work.people.get_municipality(post.municipality).name
    return {"municipality_name": name, "position": post.position, "unit": post.unit}


def _methods(person: Person) -> Iterator[Mapping[str, object]]:
    for method in site().methods.values():
        actions = list(_actions(person, method))
        is_enrolled = method.facts.id in person.enrolled
        if (is_enrolled or actions) and not method.facts.credential_of:
            yield {
                "id": method.facts.id,
                "label": translate(method.label),
                "enrolled": is_enrolled,
                "detail": _detail(person, method) if is_enrolled else translate(method.description),
                "last_used": _last_used(person, method),
                "several": list(_several(person, method)),
                "actions": actions,
            }


def _several(person: Person, method: Method) -> Iterator[Mapping[str, object]]:
    if not isinstance(method, Describing):
        return
    for credential in person.subject.of(method.facts.id):
        told = method.describe(credential)
        kind = translate(told.kind)
        notes = [translate(note) for note in told.notes]
        if _is_here(person, method, credential):
            notes.append(translate(N_("This browser.")))
        yield {
            "id": credential.id,
            "name": credential.label or kind,
            "facts": [f"{kind}.", *notes] if credential.label and told.kind != method.label else notes,
            "blocked": told.is_blocked,
            "refused": credential.id in person.refused_keys,
            "last_used": credential.last_used_at,
            "actions": list(_actions_on(person, method, credential)),
        }


def _is_here(person: Person, method: Method, credential: Credential) -> bool:
    """Whether it is kept by the browser that looks."""
    if not isinstance(method, AskedElsewhere):
        return False
    kept = method.credential_of(person.subject, approver_token())
    return kept is not None and kept.id == credential.id


def _actions_on(person: Person, method: Method, credential: Credential) -> Iterator[Action]:
    url = f"/account/methods/{method.facts.id}/{credential.id}"
    yield Action(translate(N_("Rename")), url, "quiet")
    if site().enrolments.may_remove(person, method.facts.id, credential.id):
        yield Action(translate(N_("Remove")), f"{url}/remove", "danger")


def find_credential(
    person: Person, method_id: str, credential_id: str
) -> tuple[Describing, Credential] | None:
    """One of several that this person has."""
    method = site().methods.get(method_id)
    if not isinstance(method, Describing):
        return None
    own = (each for each in person.subject.of(method_id) if each.id == credential_id)
    credential = next(own, None)
    return (method, credential) if credential else None


def label_of(person: Person, method_id: str, credential_id: str | None) -> str:
    """What a way to sign in is called, or the one of several that its owner named."""
    label = translate(site().methods[method_id].label)
    found = find_credential(person, method_id, credential_id) if credential_id else None
    if found is None:
        return label
    method, credential = found
    return f"{label}: {credential.label or translate(method.describe(credential).kind)}"


def _actions(person: Person, method: Method) -> Iterator[Action]:
    method_id, url = method.facts.id, f"/account/methods/{method.facts.id}"
    if isinstance(method, AskedElsewhere) and method_id in person.enrolled:
        yield Action(translate(N_("Requests to confirm")), method.inbox, "quiet")
    if site().enrolments.may_set_up(person, method_id, shared=is_shared()):
        if method_id not in person.enrolled:
            label = N_("Set up")
        elif method.facts.several:
            label = N_("Add another")
        elif method.facts.backup:
            label = N_("Create new ones")
        else:
            label = N_("Change")
        yield Action(translate(label), url, "quiet")
    if site().enrolments.may_remove(person, method_id):
        yield Action(translate(N_("Remove")), f"{url}/remove", "danger")


def _detail(person: Person, method: Method) -> str:
    if not method.facts.backup:
        return ""
    return ngettext("%(num)s code left", "%(num)s codes left", len(person.subject.of(method.facts.id)))


def _last_used(person: Person, method: Method) -> float | None:
    used = [
        c.last_used_at for c in person.subject.credentials if c.method == method.facts.id and c.last_used_at
    ]
    return max(used, default=None)


def _codes_left(person: Person) -> int | None:
    """None when the person has never had any."""
    backups = {method.facts.id for method in site().methods.values() if method.facts.backup}
    if not any(credential.method in backups for credential in person.subject.credentials):
        return None
    return sum(len(person.subject.of(method)) for method in backups)


def session_shown(work: Work, session: BrowserSession, signed_in: SignedIn) -> dict[str, object]:
    return {
        "id": session.id,
        "current": session.id == signed_in.session_id,
        "browser": browser_name(session.user_agent) or translate(UNKNOWN),
        "place": place_of(session.address),
        "application_names": [client.name for client in work.sessions.clients_of(session.id)],
        "created_at": session.created_at,
        "last_seen_at": session.last_seen_at,
    }


def place_of(address: str | None) -> str:
    """Where somebody was, as people call the place."""
    name = site().places.name_of(address) if address else None
    return f"{name} ({address})" if name else address or ""


def _connected(work: Work, person: Person) -> Iterator[Mapping[str, object]]:
    last_used = work.grants.last_used_of(person.user.id)
    for consent in work.grants.consents_of(person.user.id):
        client = work.clients.find(consent.client_id)
        yield {
            "id": consent.client_id,
            "client_name": client.name if client else consent.client_id,
            "may": [translate(text.title) for text in texts_of(consent.scopes)],
            "granted_at": consent.granted_at,
            "last_used": last_used.get(consent.client_id),
            "revoke_action": f"/account/permissions/{consent.client_id}/withdraw",
        }
