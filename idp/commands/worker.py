"""`visvaris worker`: background jobs, until it is told to stop."""

import click

from idp.commands.context import PRODUCT, Context, note, open_context
from idp.gateways.mail import KeptHere, Relay, RelayLogin, SmtpRelay
from idp.gateways.outbound import Outbound
from idp.methods.registry import Methods
from idp.oidc.backchannel import BackchannelLogout
from idp.oidc.client_keys import ClientKeys
from idp.oidc.encryption import Encryption
from idp.oidc.keys import KeyRing
from idp.oidc.subjects import Subjects
from idp.people.directory_sync import DirectorySyncs
from idp.people.letters import Letters
from idp.people.mailing import Mailing
from idp.settings import Settings


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
        worker.Jobs(
            context.storage,
            keys,
            context.effects,
            session_idle_seconds=chosen.session_idle_minutes * 60.0,
        ),
        worker.queue(chosen.database_url, redis_url),
        logout,
        _mailing(context),
        DirectorySyncs(context.database, context.effects),
    )


def _mailing(context: Context) -> Mailing | None:
    """None without a relay, unless this is a computer to try things out on."""
    chosen = context.settings
    relay: Relay
    if chosen.mail_host is not None:
        relay = open_relay(chosen, chosen.mail_host)
    elif chosen.keeps_mail:
        relay = KeptHere()
    else:
        return None
    letters = Letters(
        issuer=chosen.issuer,
        product=PRODUCT,
        sender=chosen.mail_sender,
        support_contact=chosen.support_contact,
        database=context.database,
        methods=Methods(context.methods()),
    )
    return Mailing(database=context.database, letters=letters, relay=relay, effects=context.effects)


def open_relay(chosen: Settings, host: str) -> SmtpRelay:
    """Connects to nothing yet."""
    login = None
    if chosen.mail_username is not None and chosen.mail_password is not None:
        login = RelayLogin(username=chosen.mail_username, password=chosen.mail_password.get_secret_value())
    return SmtpRelay(
        host=host,
        port=chosen.mail_port or (587 if chosen.mail_security == "starttls" else 465),
        security=chosen.mail_security,
        greets_as=chosen.host,
        login=login,
        ca_file=chosen.outbound_ca_file,
    )
