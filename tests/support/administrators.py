"""People and programs that use the API of administrators, with tokens they got as anybody gets them."""

from dataclasses import dataclass
from typing import Any

import httpx

from idp.models.people import Employment
from idp.oidc.client_metadata import register
from tests.support.actors import ISSUER, Employee, Hall
from tests.support.relying_party import RelyingParty, query_of

AUDIENCE = f"{ISSUER}/api/v1"
SCOPE = "visvaris.admin"
CONSOLE = {
    "client_name": "Pārvaldība",
    "redirect_uris": ["https://console.example.lv/callback"],
    "scope": f"openid employment {SCOPE}",
}


def administrator(hall: Hall, name: str, *municipalities: str) -> Employee:
    """Looks after the people of these municipalities."""
    made = hall.employee(name, totp=True, municipalities=[])
    with hall.world.database.begin() as work:
        for atvk in municipalities:
            post = Employment(
                id=hall.world.effects.new_id(),
                user_id=made.user.id,
                municipality=atvk,
                roles=["administrator"],
            )
            work.people.add_employment(post)
            made.posts.append(post)
    return made


def program(hall: Hall, *, own: dict[str, Any] | None = None, **metadata: Any) -> RelyingParty:
    """An application registered for the API, unless told otherwise."""
    document = {
        **CONSOLE,
        "visvaris": {"first_party": True, "resources": [AUDIENCE], **(own or {})},
        **metadata,
    }
    registration = register(document, hall.world.effects)
    hall.add_client(registration.client)
    return RelyingParty(
        issuer=ISSUER,
        client_id=registration.client.client_id,
        redirect_uri=CONSOLE["redirect_uris"][0],
        http=httpx.Client(transport=httpx.WSGITransport(app=hall.app), base_url=ISSUER),
        secret=registration.secret,
        now=hall.clock,
    )


def service(hall: Hall, *, own: dict[str, Any] | None = None, **metadata: Any) -> RelyingParty:
    alone = {"grant_types": ["client_credentials"], "redirect_uris": [], "scope": SCOPE}
    return program(hall, own={"first_party": False, **(own or {})}, **{**alone, **metadata})


def token_of(
    hall: Hall,
    party: RelyingParty,
    who: Employee,
    *,
    scope: str = f"openid employment {SCOPE}",
    resource: str | None = AUDIENCE,
    acting: Employment | None = None,
) -> str:
    """Signed in with everything they have, the post chosen where the page asks for one."""
    question = party.ask(scope=scope, resource=resource)
    window = hall.browser()
    window.signs_in(who, f"/authorize?{query_of(question.url)}")
    if acting is not None:
        window.presses(municipality=acting.id)
        window.presses(code=who.code())
    answer = party.read_answer(question, window.left_for or "")
    return party.redeem(question, answer["code"], resource=resource).access_token


@dataclass
class Api:
    """Somebody who calls it with one token, or with none."""

    hall: Hall
    token: str | None

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token is not None else {}
        with httpx.Client(transport=httpx.WSGITransport(app=self._answers), base_url=ISSUER) as http:
            return http.request(method, f"/api/v1{path}", headers=headers, **options)

    def _answers(self, environ: dict[str, Any], start_response: Any) -> Any:
        """With the path as servers write it (PEP 3333); httpx leaves letters as they are."""
        return self.hall.app(
            environ | {"PATH_INFO": environ["PATH_INFO"].encode().decode("latin-1")}, start_response
        )

    def get(self, path: str, **query: str) -> httpx.Response:
        return self.ask("GET", path, params=query)

    def sessions_of(self, who: Employee) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/sessions", user=who.username).json()["sessions"]
        return found
