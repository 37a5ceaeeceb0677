"""`visvaris upstream rule` and `invite`: by what first arrivals are known, and codes for single people."""

from typing import Any, Final

import click

from idp.commands.context import DASHED_IDS, open_context, refuse, say
from idp.commands.directory_links import say_invitation
from idp.commands.user import ACTOR, USERNAME
from idp.events import Event, EventType
from idp.login.tickets import Maker
from idp.models.arrivals import Match
from idp.models.upstreams import Upstream
from idp.people.directory_links import NotLinked
from idp.people.invitations import NotMade
from idp.people.upstream_rule import rule_fault
from idp.storage.work import Work


@click.command(
    "rule",
    help="By what first arrivals are known from now on; who is linked stays so.",
    context_settings=DASHED_IDS,
)
@click.argument("upstream_id", metavar="ID")
@click.option("--match", "match_by", type=click.Choice([each.value for each in Match]), required=True)
@click.option("--match-claim", default="", help="The claim that has it.")
@click.option(
    "--create-accounts",
    is_flag=True,
    help="Make one, without roles, for whom it would find and nobody is found.",
)
def rule(*, upstream_id: str, match_by: str, match_claim: str, create_accounts: bool) -> None:
    match = Match(match_by)
    if fault := rule_fault(match, match_claim, creates_accounts=create_accounts):
        refuse(fault)
    with open_context().database.begin() as work:
        upstream = _get(work, upstream_id)
        work.upstreams.set_rule(upstream.id, match, match_claim, creates_accounts=create_accounts)
        work.audit.append(
            Event(
                type=EventType.UPSTREAM_CHANGED,
                actor_id=ACTOR,
                municipality=upstream.municipality,
                detail={"upstream": upstream.id, "match": match.value, "creates_accounts": create_accounts},
            )
        )
    say(f"{upstream.id} knows first arrivals by {match.value} from now on.")


@click.command(
    "invite",
    help="Make a code with which USERNAME links their account there, within a week, once.",
    context_settings=DASHED_IDS,
)
@click.argument("upstream_id", metavar="ID")
@click.argument("username", type=USERNAME)
def invite(upstream_id: str, username: str) -> None:
    from idp.assembly import assemble
    from idp.web.invited_there import ADDRESS

    context = open_context()
    with context.database.read() as work:
        upstream = _get(work, upstream_id)
        user = work.people.find_user_by_username(username)
    if user is None:
        refuse(f"There is nobody with the username {username}.")
    invitations = assemble(context.settings, context.effects).arrivals.invitations
    made = invitations.make(upstream, user.id, Maker(actor_id=ACTOR))
    if isinstance(made, NotMade):
        refuse("The upstream's rule for arrivals is not invitation.")
    if isinstance(made, NotLinked):
        refuse(made.text)
    say_invitation(made, context.settings.issuer + ADDRESS, username=username, where=upstream.name)


def _get(work: Work, upstream_id: str) -> Upstream:
    return work.upstreams.find(upstream_id) or refuse(f"There is no upstream {upstream_id}.")


COMMANDS: Final[tuple[Any, ...]] = (rule, invite)
