"""`visvaris policy attestation`: which passkeys and security keys are accepted, of whom.

Not here: what follows for one person (`visvaris policy explain`).
"""

from typing import Any, Final
from uuid import UUID

import click

from idp.commands.context import AS_JSON, open_context, refuse, say, say_rows
from idp.events import Event, EventType
from idp.models.authenticators import NO_MODEL, Attestation, AttestationRule, Binding
from idp.policy import NATIONAL, OPERATOR
from idp.storage.work import Work

_ACTOR: Final = "command-line"
_COLUMNS: Final = ("scope", "role", "attestation", "aaguids", "binding")
_AAGUIDS_AT_MOST: Final = 200


class Model(click.ParamType[str]):
    """An AAGUID; the one of authenticators that do not say what they are names no model."""

    name = "aaguid"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            aaguid = str(UUID(value))
        except ValueError:
            self.fail(f"{value} is not an AAGUID", param, ctx)
        if aaguid == NO_MODEL:
            self.fail(f"{value} names no model", param, ctx)
        return aaguid


@click.group("attestation", help="Which passkeys and security keys are accepted.")
def group() -> None:
    pass


@group.command("show", help="What SCOPE demands of keys; every scope that demands anything without it.")
@click.argument("scope", required=False)
@AS_JSON
def show(scope: str | None, *, as_json: bool) -> None:
    with open_context().database.read() as work:
        if scope is not None:
            _require_scope(work, scope)
        found = [rule for rule in work.rules.attestation_rules() if scope in {None, rule.scope}]
    say_rows([_told(rule) for rule in found], _COLUMNS, as_json=as_json)


@group.command(
    "set",
    help=(
        "Demand of keys in SCOPE (`national`, `operator` or an ATVK code): nothing (`none`), models that "
        "FIDO lists and trusts (`mds`), or those among them that are named (`list`). Keys that do not comply "
        "stop working."
    ),
)
@click.argument("scope")
@click.argument("attestation", type=click.Choice([kind.value for kind in Attestation]))
@click.option("--role", default="", help="Only of people with this role there.")
@click.option(
    "--aaguid", "aaguids", type=Model(), multiple=True, help="For `list`: a model; may be repeated."
)
@click.option(
    "--binding",
    type=click.Choice([binding.value for binding in Binding]),
    help="Whether a key may be synced between devices. What it was stays without this option.",
)
def set_rule(
    scope: str, attestation: str, *, role: str, aaguids: tuple[str, ...], binding: str | None
) -> None:
    if (attestation == Attestation.LIST) != bool(aaguids) or len(aaguids) > _AAGUIDS_AT_MOST:
        raise click.UsageError(
            f"`list` takes one to {_AAGUIDS_AT_MOST} models with --aaguid, and no other does."
        )
    context = open_context()
    with context.database.begin() as work:
        _require_scope(work, scope)
        kept = next((r for r in work.rules.attestation_rules() if (r.scope, r.role) == (scope, role)), None)
        rule = AttestationRule(
            scope=scope,
            role=role,
            attestation=attestation,
            aaguids=sorted(set(aaguids)),
            binding=binding or (kept.binding if kept else Binding.ANY.value),
        )
        _require_sense(work, rule)
        _store(work, rule)
        work.audit.append(_event(rule))
    say(f"{scope}{f', role {role}' if role else ''}: attestation {attestation}, binding {rule.binding}.")


def _require_scope(work: Work, scope: str) -> None:
    if scope not in {NATIONAL, OPERATOR} and work.people.find_municipality(scope) is None:
        refuse(f"There is no scope {scope}.")


def _require_sense(work: Work, rule: AttestationRule) -> None:
    """Refuses what would open the operator's accounts to any key, or shut everybody out."""
    if (rule.scope, rule.role, rule.binding) == (OPERATOR, "", Binding.ANY):
        refuse("Administrators of the operator must have keys that stay on one device or are attested.")
    if rule.attestation == Attestation.NONE:
        return
    if work.authenticators.find_blob() is None:
        refuse("No key could be accepted: load FIDO's list with `visvaris mds load` first.")
    unknown = [aaguid for aaguid in rule.aaguids if work.authenticators.statuses_of(aaguid) is None]
    if unknown:
        refuse(f"FIDO's list has no model {', '.join(unknown)}.")


def _store(work: Work, rule: AttestationRule) -> None:
    """What demands nothing is no rule."""
    if (rule.attestation, rule.binding) == (Attestation.NONE, Binding.ANY):
        work.rules.remove_attestation_rule(rule.scope, rule.role)
    else:
        work.rules.put_attestation_rule(rule)


def _event(rule: AttestationRule) -> Event:
    return Event(
        type=EventType.ATTESTATION_RULE_CHANGED,
        actor_id=_ACTOR,
        municipality=None if rule.scope in {NATIONAL, OPERATOR} else rule.scope,
        detail={
            "scope": rule.scope,
            "role": rule.role,
            "attestation": rule.attestation,
            "aaguids": ",".join(rule.aaguids),
            "binding": rule.binding,
        },
    )


def _told(rule: AttestationRule) -> dict[str, Any]:
    return {
        "scope": rule.scope,
        "role": rule.role,
        "attestation": rule.attestation,
        "aaguids": list(rule.aaguids),
        "binding": rule.binding,
    }
