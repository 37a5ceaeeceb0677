"""`visvaris worker`: background jobs, until it is told to stop."""

import click

from idp.commands.context import note, open_context
from idp.oidc.keys import KeyRing


@click.command("worker", help="Run background jobs; stops cleanly on SIGTERM and on Ctrl+C.")
def command() -> None:
    from idp import worker

    context = open_context()
    redis_url = context.settings.redis_url
    jobs = worker.Jobs(
        context.storage, KeyRing(context.database, context.vault, context.effects), context.effects
    )
    note("The worker runs. Ctrl+C stops it.")
    worker.run(
        jobs,
        worker.queue(
            context.settings.database_url, redis_url.get_secret_value() if redis_url is not None else None
        ),
    )
