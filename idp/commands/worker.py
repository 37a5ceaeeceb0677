"""`visvaris worker`: background jobs, until it is told to stop."""

import click

from idp.commands.context import Context, note, open_context
from idp.gateways.outbound import Outbound
from idp.oidc.backchannel import BackchannelLogout
from idp.oidc.client_keys import ClientKeys
from idp.oidc.encryption import Encryption
from idp.oidc.keys import KeyRing
from idp.oidc.subjects import Subjects


@click.command("worker", help="Run background jobs; stops cleanly on SIGTERM and on Ctrl+C.")
def command() -> None:
    context = open_context()
    note("The worker runs. Ctrl+C stops it.")
    work(context)


def work(context: Context) -> None:
    """Until SIGTERM or SIGINT."""
    from idp import worker

    chosen = context.settings
    keys = KeyRing(context.database, context.vault, context.effects)
    outbound = Outbound(ca_file=chosen.outbound_ca_file, allowed=chosen.outbound_allow)
    logout = BackchannelLogout(
        issuer=chosen.issuer,
        database=context.database,
        keys=keys,
        subjects=Subjects(context.database, context.vault),
        encryption=Encryption(ClientKeys(outbound, context.effects)),
        outbound=outbound,
        effects=context.effects,
    )
    redis_url = chosen.redis_url.get_secret_value() if chosen.redis_url is not None else None
    worker.run(
        worker.Jobs(context.storage, keys, context.effects),
        worker.queue(chosen.database_url, redis_url),
        logout,
    )
