"""What is measured, how often, and what it may cost."""

from collections.abc import Callable
from dataclasses import dataclass

from idp.app import create_app
from idp.oidc.issued_tokens import AMONG_WORKERS
from tests.benchmarks import journeys
from tests.benchmarks.journeys import Application, Person
from tests.benchmarks.messages import InProcess, Message
from tests.benchmarks.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Either bound is enough; without any the number is only told."""

    microseconds: float | None = None
    raw_signatures: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`prepare` makes that many requests; each is sent once. `count`: how many in one round."""

    name: str
    prepare: Callable[[int], list[Message]]
    status: int = 200
    count: int = 500
    target: Target = Target()


def cases(world: World, send: InProcess) -> list[Case]:
    """Codes and tokens are made in this process, beside what is measured, and are good at any server."""
    person = Person(world, send)
    person.sign_in()
    app = Application(world, send, person)
    elsewhere = _application_elsewhere(world)
    repeated = app.new_tokens(1)[0]
    quick = Target(microseconds=150)
    return [
        Case(
            name="client credentials (ES256)",
            prepare=lambda count: [journeys.client_credentials(world)] * count,
            target=Target(microseconds=130, raw_signatures=6),
        ),
        Case(
            name="introspection, token known here",
            prepare=lambda count: [app.introspection(repeated)] * count,
            target=quick,
        ),
        Case(
            name="introspection, token of another worker",
            prepare=lambda count: [app.introspection(tokens) for tokens in elsewhere.newer_tokens(count)],
            count=200,
            target=quick,
        ),
        Case(
            name="introspection, token of another server",
            prepare=lambda count: _never_seen(
                [app.introspection(each) for each in elsewhere.newer_tokens(count)]
            ),
            count=200,
        ),
        Case(
            name="userinfo, token known here",
            prepare=lambda count: [journeys.userinfo(repeated)] * count,
            target=quick,
        ),
        Case(
            name="userinfo, token of another worker",
            prepare=lambda count: [journeys.userinfo(tokens) for tokens in elsewhere.newer_tokens(count)],
            count=200,
            target=quick,
        ),
        Case(
            name="userinfo, token of another server",
            prepare=lambda count: _never_seen(
                [journeys.userinfo(each) for each in elsewhere.newer_tokens(count)]
            ),
            count=200,
        ),
        Case(
            name="refresh",
            prepare=lambda count: [app.refreshing(tokens) for tokens in app.new_tokens(count)],
            count=100,
            target=Target(microseconds=450),
        ),
        Case(
            name="client credentials with DPoP",
            prepare=lambda count: [
                journeys.with_proof(journeys.client_credentials(world)) for _ in range(count)
            ],
            count=200,
        ),
        Case(
            name="client credentials with private_key_jwt",
            prepare=lambda count: [journeys.client_credentials_by_assertion(world) for _ in range(count)],
            count=200,
        ),
        Case(
            name="pushed authorization request",
            prepare=lambda count: [app.pushing() for _ in range(count)],
            status=201,
            count=200,
        ),
        Case(
            name="refresh with DPoP",
            prepare=lambda count: [
                journeys.with_proof(app.refreshing(tokens)) for tokens in app.new_tokens(count)
            ],
            count=100,
        ),
        Case(
            name="code exchange (RS256 ID token)",
            prepare=lambda count: [app.redemption(code) for code in app.new_codes(count)],
            count=100,
        ),
        Case(
            name="discovery",
            prepare=lambda count: [Message("GET", "/.well-known/openid-configuration")] * count,
        ),
        Case(
            name="GET /authorize with a session",
            prepare=lambda count: [person.authorize() for _ in range(count)],
            status=303,
            count=100,
        ),
    ]


def _never_seen(messages: list[Message]) -> list[Message]:
    """As if the tokens in them were signed by a server that shares no memory with this one."""
    AMONG_WORKERS.forget()
    return messages


def _application_elsewhere(world: World) -> Application:
    """At a second provider on the same database, as another worker is: only digests are shared with it."""
    send = InProcess(create_app(world.settings))
    person = Person(world, send)
    person.sign_in()
    return Application(world, send, person)
