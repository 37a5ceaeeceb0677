"""Goes the way to a directory step by step, and says at each what works and what to do if it does not.

For administrators of that directory, in words they can act on. Stops where the next step cannot work. Not
here: signing anybody in; nobody's password is tried but that of our own account.
"""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from idp.gateways.ldap.door import Door
from idp.gateways.ldap.outcomes import DirectoryError, Fault
from idp.gateways.ldap.probe import UntrustedError, addresses_of, reach, shake_hands
from idp.gateways.ldap.route import Route
from idp.gateways.ldap.values import Controller, Entry

_SECONDS: Final = 5.0
_PEOPLE_AT_MOST: Final = 100


class StepName(Enum):
    NAME = "name"
    PORT = "port"
    TLS = "tls"
    ACCOUNT = "account"
    SEARCH = "search"
    LOCK_OUT = "lock-out"
    PERSON = "person"
    GROUPS = "groups"


@dataclass(frozen=True, slots=True)
class Step:
    """`about`: the controller, base, person or group in question."""

    name: StepName
    about: str
    works: bool
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`person`: a GUID, a UPN, or an account name. `attempts`: wrong passwords that we let through."""

    person: str = ""
    groups: tuple[str, ...] = ()
    attempts: int
    attempt_minutes: int


def diagnose(route: Route, asked: Asked) -> Iterator[Step]:
    """Every controller is looked at, the questions go to the first that lets our account in."""
    serving: Door | None = None
    for controller in route.controllers:
        door = Door(replace(route, controllers=(controller,)))
        steps = list(_about_controller(route, controller, door))
        yield from steps
        if serving is None and all(step.works for step in steps):
            serving = door
        else:
            door.close()
    if serving is None:
        return
    try:
        yield from _about_bases(route, serving)
        yield _about_lock_out(serving, asked)
        if asked.person:
            yield from _about_person(serving, asked)
    finally:
        serving.close()


def _about_controller(route: Route, controller: Controller, door: Door) -> Iterator[Step]:
    about = str(controller)
    for step in (_about_name(controller), _about_port(controller), _about_tls(route, controller)):
        yield step
        if not step.works:
            return
    try:
        door.greet()
    except DirectoryError as error:
        told = (
            f"The directory does not let our account in ({error.told}). Check its name (a UPN or a DN), its "
            "password or keytab, and that it is neither disabled nor expired."
            if error.fault is Fault.ACCOUNT_REFUSED
            else f"No answer over LDAP: {error.told}."
        )
        yield Step(StepName.ACCOUNT, about, works=False, told=told)
        return
    yield Step(StepName.ACCOUNT, about, works=True, told=f"{route.account} is let in.")


def _about_name(controller: Controller) -> Step:
    about = str(controller)
    try:
        addresses = addresses_of(controller)
    except OSError:
        told = (
            f"The name {controller.host} is not known here. Check how it is written, and this server's DNS."
        )
        return Step(StepName.NAME, about, works=False, told=told)
    return Step(StepName.NAME, about, works=True, told=f"It is {', '.join(addresses)}.")


def _about_port(controller: Controller) -> Step:
    about = str(controller)
    try:
        reach(controller, _SECONDS).close()
    except ConnectionRefusedError:
        told = f"Nothing listens on port {controller.port}. Is the controller running, with LDAP over TLS?"
        return Step(StepName.PORT, about, works=False, told=told)
    except OSError as error:
        why = "no answer" if isinstance(error, TimeoutError) else (error.strerror or "no connection")
        told = f"Port {controller.port} cannot be reached ({why}). Does a firewall let this server through?"
        return Step(StepName.PORT, about, works=False, told=told)
    return Step(StepName.PORT, about, works=True, told=f"Port {controller.port} is open.")


def _about_tls(route: Route, controller: Controller) -> Step:
    about = str(controller)
    try:
        shaken = shake_hands(route, controller, _SECONDS)
    except UntrustedError as error:
        told = f"{error}. {_what_to_do(str(error), controller)}"
        return Step(StepName.TLS, about, works=False, told=told)
    except (OSError, ssl.SSLError):
        told = "The connection ended before it was encrypted. Has the controller a certificate for LDAP?"
        return Step(StepName.TLS, about, works=False, told=told)
    told = f"{shaken.version}, the certificate is for {controller.host} and holds until {shaken.expires}."
    return Step(StepName.TLS, about, works=True, told=told)


def _what_to_do(why: str, controller: Controller) -> str:
    said = why.lower()
    if "expired" in said:
        return "Give the controller a new certificate."
    if "not valid for" in said or "mismatch" in said:
        return f"Its certificate must name {controller.host} among its alternative names."
    if "starttls" in said:
        return "Switch it on, or use LDAPS."
    return "Is the CA certificate given here the one that signed the controller's?"


def _about_bases(route: Route, door: Door) -> Iterator[Step]:
    for base in route.base_dns:
        try:
            found = door.count_people(base, at_most=_PEOPLE_AT_MOST)
        except DirectoryError as error:
            told = f"It cannot be searched ({error.told}). Check the DN, the filter and our account's rights."
            yield Step(StepName.SEARCH, base, works=False, told=told)
            continue
        many = f"at least {found}" if found >= _PEOPLE_AT_MOST else str(found)
        told = f"The filter finds {many} people." if found else "The filter finds nobody here. Check both."
        yield Step(StepName.SEARCH, base, works=found > 0, told=told)


def _about_lock_out(door: Door, asked: Asked) -> Step:
    about = f"{asked.attempts} in {asked.attempt_minutes} min"
    try:
        theirs = door.lock_out()
    except DirectoryError as error:
        told = f"The domain's lock-out rule cannot be read ({error.told}). Compare it yourself."
        return Step(StepName.LOCK_OUT, about, works=False, told=told)
    if theirs.threshold == 0:
        return Step(StepName.LOCK_OUT, about, works=True, told="The domain locks nobody out.")
    rule = (
        f"The domain locks an account after {theirs.threshold} wrong passwords in {theirs.minutes:g} minutes"
    )
    if asked.attempts < theirs.threshold and asked.attempt_minutes >= theirs.minutes:
        return Step(StepName.LOCK_OUT, about, works=True, told=f"{rule}; we let fewer through.")
    told = (
        f"{rule}: strangers could lock people out by way of us. Let at most {theirs.threshold - 1} attempts "
        f"through, counted over at least {theirs.minutes:g} minutes."
    )
    return Step(StepName.LOCK_OUT, about, works=False, told=told)


def _about_person(door: Door, asked: Asked) -> Iterator[Step]:
    try:
        found = door.find(asked.person)
    except DirectoryError as error:
        yield Step(StepName.PERSON, asked.person, works=False, told=f"No answer: {error.told}.")
        return
    if found is None:
        told = "Nobody, or more than one, has this name under the bases and passes the filter."
        yield Step(StepName.PERSON, asked.person, works=False, told=told)
        return
    told = f"{found.dn}, objectGUID {found.guid}, signs in as {found.binds_as}."
    if found.is_disabled:
        told += " The account is disabled."
    yield Step(StepName.PERSON, asked.person, works=not found.is_disabled, told=told)
    for group in asked.groups:
        yield _about_group(door, found, group)


def _about_group(door: Door, entry: Entry, group: str) -> Step:
    try:
        told = "A member." if door.in_group(entry, group) else "Not a member."
    except (DirectoryError, ValueError) as error:
        return Step(StepName.GROUPS, group, works=False, told=f"Membership cannot be read: {error}.")
    return Step(StepName.GROUPS, group, works=True, told=told)
