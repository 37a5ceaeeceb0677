"""A municipality's directory as its administrator describes it: read, checked, written down; people linked.

What cannot work is refused here, member by member, before anything is asked of the directory itself. Not
here: whether it does work (`gateways/ldap/diagnosis.py`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from idp.effects import Effects
from idp.events import Event, EventType
from idp.gateways.ldap.account import keytab_fault
from idp.gateways.ldap.probe import ca_fault
from idp.gateways.ldap.route import controllers_of
from idp.gateways.ldap.values import filter_fault, is_attribute, is_host
from idp.methods.base import label_from
from idp.methods.registry import vouched_for
from idp.models.arrivals import Match
from idp.models.directories import Binding, Directory, DirectoryLink, Encryption, Fallback
from idp.models.directory_sync import SHARE_USUAL, WhenGone
from idp.models.people import User
from idp.people.directory_rule import rule_fault
from idp.policy import OPERATOR
from idp.storage.work import Work

USUAL_FILTER: Final = "(&(objectCategory=person)(objectClass=user))"
USUAL_ATTRIBUTES: Final = {"given_name": "givenName", "family_name": "sn", "email": "mail"}
KNOWN_ATTRIBUTES: Final = frozenset({*USUAL_ATTRIBUTES, "phone_number", "employee_number", "person_code"})
_AT_MOST: Final = 50
_SECRETS: Final = {Binding.SIMPLE: "password", Binding.GSSAPI: "keytab"}
_NETBIOS: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{0,14}")
_DN: Final = re.compile(r"[A-Za-z][A-Za-z0-9.-]*=[^\x00]+")


class DescriptionError(Exception):
    """`member` of the description, and what is wrong with it in one clause."""

    def __init__(self, member: str, why: str) -> None:
        super().__init__(f"{member}: {why}")
        self.member = member


class LinkError(Exception):
    """Why this person may not be linked, as a sentence."""


@dataclass(frozen=True, slots=True)
class Description:
    """Columns as they were described, all checked. `password`: None keeps the one there is."""

    columns: Mapping[str, Any]
    password: str | None = field(repr=False)


def read(document: Mapping[str, Any]) -> Description:
    """Raises DescriptionError."""
    unknown = sorted(set(document) - set(_READERS) - set(_SECRETS.values()))
    if unknown:
        raise DescriptionError(unknown[0], "there is no such member")
    columns: dict[str, Any] = {}
    for member, reader in _READERS.items():
        try:
            columns[member] = reader(document.get(member))
        except ValueError as error:
            raise DescriptionError(member, str(error)) from None
    try:
        controllers_of(columns["controllers"], Encryption(columns["encryption"]))
    except ValueError as error:
        raise DescriptionError("controllers", str(error)) from None
    if fault := rule_fault(columns):
        raise DescriptionError(*fault)
    return Description(columns, _secret(document, Binding(columns["bind"])))


def made(work: Work, described: Description, effects: Effects, *, replaces: Directory | None) -> Directory:
    """As it would be stored. Raises DescriptionError for what does not go with the other directories.

    A suffix or NetBIOS name belongs to one directory alone: whoever could claim another's would be sent the
    passwords of its people.
    """
    columns = described.columns
    if work.people.find_municipality(columns["municipality"]) is None:
        raise DescriptionError("municipality", "there is none with this code")
    others = [each for each in work.directories.list_all() if replaces is None or each.id != replaces.id]
    _refuse_claimed(
        "upn_suffixes", columns["upn_suffixes"], (s for each in others for s in each.upn_suffixes)
    )
    _refuse_claimed(
        "netbios_name",
        [columns["netbios_name"]] * bool(columns["netbios_name"]),
        (e.netbios_name for e in others),
    )
    _refuse_realm_of_others(columns, others)
    now = effects.now()
    directory_id = replaces.id if replaces else effects.new_id()
    if described.password is not None:
        sealed = work.directories.seal_password(directory_id, described.password)
    elif replaces is not None and _asks_the_same(replaces, columns):
        sealed = replaces.password_sealed
    else:
        # A kept password is not sent to controllers, or trusted to authorities, that somebody put in later.
        member = _SECRETS[Binding(columns["bind"])]
        raise DescriptionError(member, "it is required, and again when controllers or their CA change")
    created_at = replaces.created_at if replaces else now
    return Directory(
        id=directory_id, password_sealed=sealed, created_at=created_at, updated_at=now, **columns
    )


def link(
    work: Work, directory: Directory, user: User, object_guid: str, effects: Effects, *, by: str
) -> None:
    """The entry with this immutable id is this person. Raises LinkError, and AlreadyExistsError when the
    entry is somebody's or the person has another of that directory.
    """
    work.people.hold_user(user.id)
    posts = work.people.employments_of(user.id, now=effects.now())
    if all(post.municipality != directory.municipality for post in posts):
        raise LinkError(f"{user.username} has no post in {directory.municipality}, whose directory it is.")
    credential = vouched_for(user, directory.municipality, effects)
    made = DirectoryLink(
        credential_id=credential.id,
        user_id=user.id,
        directory_id=directory.id,
        object_guid=object_guid,
        linked_by=by,
    )
    work.people.add_credential(credential)
    work.directories.add_link(made)
    work.arrivals.forget(directory.id, object_guid)
    work.audit.append(
        Event(
            type=EventType.METHOD_ENROLLED,
            user_id=user.id,
            actor_id=by,
            municipality=directory.municipality,
            method=credential.method,
            detail={"directory": directory.name, "entry": object_guid},
        )
    )


def shown(directory: Directory) -> dict[str, Any]:
    """All but the password."""
    return {"id": directory.id} | {member: getattr(directory, member) for member in _READERS}


def _asks_the_same(directory: Directory, columns: Mapping[str, Any]) -> bool:
    return all(
        getattr(directory, member) == columns[member]
        for member in ("controllers", "encryption", "ca_certificates", "account", "bind")
    )


def _refuse_realm_of_others(columns: Mapping[str, Any], others: Iterable[Directory]) -> None:
    """Who gives tickets in a realm is known once for a process: nobody says so for another municipality."""
    for other in others:
        by_tickets = Binding.GSSAPI.value in {columns["bind"], other.bind}
        is_theirs = other.municipality != columns["municipality"] and other.realm == columns["realm"]
        if by_tickets and is_theirs:
            raise DescriptionError("realm", f"{other.realm} is that of another municipality")


def _refuse_claimed(member: str, wanted: Iterable[str], taken: Iterable[str]) -> None:
    claimed = set(wanted) & set(taken)
    if claimed:
        raise DescriptionError(member, f"{min(claimed)} belongs to another directory")


def _secret(document: Mapping[str, Any], bind: Binding) -> str | None:
    """The one that goes with the way our account is let in. Raises DescriptionError."""
    for other, member in _SECRETS.items():
        if other is not bind and document.get(member) is not None:
            raise DescriptionError(member, f"it does not go with bind {bind.value}")
    secret = document.get(_SECRETS[bind])
    if secret is not None and not (isinstance(secret, str) and secret):
        raise DescriptionError(_SECRETS[bind], "it must be text, and not empty")
    if secret is not None and bind is Binding.GSSAPI and (fault := keytab_fault(secret)):
        raise DescriptionError(_SECRETS[bind], fault)
    return secret


# One reader for each member: the value as it is stored, or ValueError with one clause. -------------------


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "\x00" in value:
        raise ValueError("it is required, as text")
    return value.strip()


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= _AT_MOST:
        raise ValueError("it must be a list of texts")
    return [_text(each) for each in value]


def _name(value: Any) -> str:
    if not (label := label_from(_text(value))):
        raise ValueError("it is required")
    return label


def _encryption(value: Any) -> str:
    try:
        return Encryption(value or Encryption.LDAPS.value).value
    except ValueError:
        raise ValueError("it is ldaps or starttls; without encryption there is no connection") from None


def _certificates(value: Any) -> str:
    pem = _text(value)
    if fault := ca_fault(pem):
        raise ValueError(fault)
    return pem


def _dns(value: Any) -> list[str]:
    dns = _texts(value)
    for dn in dns:
        if not _DN.fullmatch(dn):
            raise ValueError(f"{dn} is no DN, such as OU=Darbinieki,DC=ad,DC=riga,DC=lv")
    return dns


def _filter(value: Any) -> str:
    text = USUAL_FILTER if value is None else _text(value)
    if fault := filter_fault(text):
        raise ValueError(fault)
    return text


def _attributes(value: Any) -> dict[str, str]:
    if value is None:
        return dict(USUAL_ATTRIBUTES)
    if not isinstance(value, dict) or not set(value) <= KNOWN_ATTRIBUTES:
        raise ValueError(f"its members are among {', '.join(sorted(KNOWN_ATTRIBUTES))}")
    if not all(isinstance(name, str) and is_attribute(name) for name in value.values()):
        raise ValueError("its values are names of attributes")
    return value


def _suffixes(value: Any) -> list[str]:
    suffixes = [] if value is None else [each.casefold().removeprefix("@") for each in _texts(value)]
    if not all(is_host(each) for each in suffixes):
        raise ValueError("each is what follows the @ in a UPN")
    return sorted(set(suffixes))


def _netbios(value: Any) -> str:
    name = "" if value is None else _text(value).upper()
    if name and not _NETBIOS.fullmatch(name):
        raise ValueError("it has up to 15 letters, digits and dashes")
    return name


def _realm(value: Any) -> str:
    realm = _text(value).upper()
    if not is_host(realm):
        raise ValueError("it looks like AD.RIGA.LV")
    return realm


def _roles(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > _AT_MOST:
        raise ValueError(f"it has up to {_AT_MOST} DNs of groups, and a role for each")
    roles = dict(zip(_dns(list(value)), _texts(list(value.values())), strict=True)) if value else {}
    if OPERATOR in roles.values():
        raise ValueError("no directory makes anybody an operator")
    return roles


def _attempts(value: Any) -> int:
    return _number(value, usual=3, at_most=50)


def _attempt_minutes(value: Any) -> int:
    return _number(value, usual=30, at_most=24 * 60)


def _number(value: Any, *, usual: int, at_most: int) -> int:
    if value is None:
        return usual
    if type(value) is not int or not 1 <= value <= at_most:
        raise ValueError(f"it is a number from 1 to {at_most}")
    return value


def _address(value: Any) -> str | None:
    if value is None:
        return None
    address = urlsplit(_text(value))
    if address.scheme != "https" or not is_host(address.hostname or "") or address.username is not None:
        raise ValueError("it is the https address of a page")
    return address.geturl()


def _fallback(value: Any) -> str:
    try:
        return Fallback(Fallback.NONE.value if value is None else value).value
    except ValueError:
        raise ValueError("it is none or local") from None


def _bind(value: Any) -> str:
    try:
        return Binding(Binding.SIMPLE.value if value is None else value).value
    except ValueError:
        raise ValueError("it is simple or gssapi") from None


def _flag(value: Any) -> bool:
    if value is not None and type(value) is not bool:
        raise ValueError("it is true or false")
    return value is not False


def _arrival(value: Any) -> str:
    try:
        return Match(Match.NOTHING if value is None else value).value
    except ValueError:
        raise ValueError(f"it is one of {', '.join(Match)}") from None


def _switch(value: Any) -> bool:
    return value is not None and _flag(value)


def _sync_minutes(value: Any) -> int | None:
    return None if value is None else _number(value, usual=0, at_most=24 * 60)


def _sync_share(value: Any) -> int:
    return _number(value, usual=SHARE_USUAL, at_most=100)


def _when_gone(value: Any) -> str:
    try:
        return WhenGone(value or WhenGone.THIS_METHOD.value).value
    except ValueError:
        raise ValueError(f"it is {' or '.join(each.value for each in WhenGone)}") from None


_READERS: Final = {
    "municipality": _text,
    "name": _name,
    "controllers": _texts,
    "encryption": _encryption,
    "ca_certificates": _certificates,
    "account": _text,
    "base_dns": _dns,
    "user_filter": _filter,
    "attributes": _attributes,
    "upn_suffixes": _suffixes,
    "netbios_name": _netbios,
    "realm": _realm,
    "roles": _roles,
    "attempts": _attempts,
    "attempt_minutes": _attempt_minutes,
    "change_url": _address,
    "enabled": _flag,
    "fallback": _fallback,
    "arrival": _arrival,
    "creates_accounts": _switch,
    "bind": _bind,
    "sync_minutes": _sync_minutes,
    "sync_share": _sync_share,
    "when_gone": _when_gone,
}
MEMBERS: Final = frozenset(_READERS)
