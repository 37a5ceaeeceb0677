"""`visvaris policy`: what is allowed where, and why a person may or may not sign in with what."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from idp.commands import attestation
from idp.commands.context import AS_JSON, Context, open_context, refuse, say, say_json, say_rows
from idp.commands.user import USERNAME
from idp.login.standing import Person, Standings, match_posts
from idp.login.transaction import Requirements
from idp.methods.registry import Methods
from idp.models.methods import Proof
from idp.models.people import PolicyRule
from idp.policy import NATIONAL, OPERATOR, Decision, Level

_RIGA = ZoneInfo("Europe/Riga")


class Moment(click.ParamType[float]):
    """ISO 8601 (Latvian time unless it says otherwise) or Unix seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            return float(value)
        except ValueError:
            pass
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value} is neither ISO 8601 nor Unix seconds", param, ctx)
        return (moment if moment.tzinfo else moment.replace(tzinfo=_RIGA)).timestamp()


@click.group("policy", help="Which methods may be used, by whom, where.")
def group() -> None:
    pass


group.add_command(attestation.group)


@group.command(
    "show", help="The rules of SCOPE: `national`, `operator` or an ATVK code; all of them without it."
)
@click.argument("scope", required=False)
@AS_JSON
def show(scope: str | None, *, as_json: bool) -> None:
    with open_context().database.read() as work:
        known = [NATIONAL, OPERATOR, *(municipality.atvk for municipality in work.people.municipalities())]
        if scope is not None and scope not in known:
            refuse(f"There is no scope {scope}.")
        rules = work.rules.rules_for([scope] if scope else known)
    rows = sorted((_told_rule(rule) for rule in rules), key=lambda row: known.index(row["scope"]))
    say_rows(rows, ("scope", "methods", "minimum_level", "first_enrolment"), as_json=as_json)


@group.command("explain", help="What USERNAME may sign in with, and why not with the rest.")
@click.argument("username", type=USERNAME)
@click.option("--client", "client_id", help="As that application demands it.")
@click.option("--at", type=Moment(), help="At that time: ISO 8601 or Unix seconds; now without it.")
@click.option(
    "--proof", "proved", multiple=True, help="As if this method had just been passed; may be repeated."
)
@AS_JSON
def explain(
    username: str, *, client_id: str | None, at: float | None, proved: tuple[str, ...], as_json: bool
) -> None:
    context = open_context()
    if at is not None:
        context = replace(context, effects=replace(context.effects, now=lambda: at))
    ordered = Methods(context.methods())
    for method in proved:
        if method not in ordered:
            raise click.UsageError(f"{method} is not a method; there are: {', '.join(ordered)}.")
    standings = Standings(context.database, ordered, context.effects)
    person = _person(context, standings, username)
    requirements = _requirements(context, client_id)
    posts = match_posts(person, requirements, chosen=None)
    proofs = [Proof(method, context.effects.now()) for method in proved]
    decision = standings.decide(person, requirements, proofs=proofs, acting=posts.acting)
    answer = {
        "user": username,
        "client": client_id,
        "at": datetime.fromtimestamp(context.effects.now(), UTC).isoformat(timespec="seconds"),
        "acts_for": _acts_for(person, posts.acting.municipality if posts.acting else None),
        "allowed": posts.refused is None,
        "refused": posts.refused.code if posts.refused else None,
        **_told_decision(decision),
        "refused_keys": {
            key.label or key.id: person.refused_keys[key.id].code
            for key in person.subject.credentials
            if key.id in person.refused_keys
        },
    }
    if as_json:
        say_json(answer)
    else:
        _say_in_words(answer)


def _person(context: Context, standings: Standings, username: str) -> Person:
    with context.database.read() as work:
        user = work.people.find_user_by_username(username)
    if user is None:
        refuse(f"There is no user {username}.")
    person = standings.find_person(user.id)
    if person is None:
        refuse(f"{username} is blocked: nothing may be used.")
    return person


def _requirements(context: Context, client_id: str | None) -> Requirements:
    if client_id is None:
        return Requirements()
    with context.database.read() as work:
        client = work.clients.find(client_id)
    if client is None:
        refuse(f"There is no client {client_id}.")
    if client.disabled:
        refuse(f"The client {client_id} is disabled.")
    return Requirements(
        level=Level(client.minimum_level),
        needs_employment=client.needs_employment,
        municipalities=tuple(client.municipalities),
        roles=tuple(client.roles),
    )


def _acts_for(person: Person, chosen: str | None) -> list[str]:
    if chosen is not None:
        return [chosen]
    return [post.municipality for post in person.employments] or [
        r for r in person.user.roles if r == OPERATOR
    ]


def _told_decision(decision: Decision) -> dict[str, Any]:
    return {
        "required": decision.required.name.lower(),
        "reached": decision.reached.name.lower(),
        "enough": decision.enough,
        "offered": list(decision.offered),
        "excluded": {exclusion.method: exclusion.why.value for exclusion in decision.excluded},
        "enrollable": list(decision.enrollable),
    }


def _told_rule(rule: PolicyRule) -> dict[str, Any]:
    return {
        "scope": rule.scope,
        "methods": list(rule.methods),
        "minimum_level": Level(rule.minimum_level).name.lower(),
        "first_enrolment": rule.first_enrolment,
    }


def _say_in_words(answer: dict[str, Any]) -> None:
    say(f"{answer['user']} at {answer['at']}, acting for {_joined(answer['acts_for'])}:")
    if not answer["allowed"]:
        say(f"  may not open {answer['client']}: {answer['refused']}")
    enough = "enough" if answer["enough"] else "not enough"
    say(f"  required: {answer['required']}, reached: {answer['reached']}, which is {enough}")

    say(f"  offered: {_joined(answer['offered'])}")
    for method, why in answer["excluded"].items():
        say(f"  not offered: {method}, because {why.replace('_', ' ')}")
    for key, why in answer["refused_keys"].items():
        say(f"  a key that may not be used: {key}, because {why.replace('_', ' ')}")
    say(f"  may be set up on the way: {_joined(answer['enrollable'])}")


def _joined(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"
