"""The people of the demonstration. Their password and secrets are fixed and public."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

PASSWORD: Final = "tramvajs-lietus-maize"  # noqa: S105  public
ADMINISTRATOR: Final = "administrator"
OPERATOR: Final = "operator"
RIGA, CESIS, VALMIERA, JURMALA = "0001000", "0026000", "0054000", "0004000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    username: str
    given_name: str
    family_name: str
    posts: tuple[tuple[str, str, str], ...] = ()
    """ATVK code, unit, position."""
    roles: tuple[str, ...] = ()
    has_totp: bool = False
    person_code: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def totp_secret(self) -> str | None:
        """Fixed, and different for each."""
        if not self.has_totp:
            return None
        return base64.b32encode(
            hashlib.sha256(f"visvaris demo {self.username}".encode()).digest()[:20]
        ).decode()


def _claims(
    *, nickname: str, gender: str, birthdate: str, phone: str, street: str, city: str, postal_code: str
) -> dict[str, Any]:
    """A value for every claim that the standard scopes open and the name does not already give."""
    page = f"https://visvaris.example/{postal_code.lower()}"
    return {
        "phone_number": phone,
        "phone_number_verified": True,
        "email_verified": True,
        "address": {
            "formatted": f"{street}\n{city}, {postal_code}\nLatvija",
            "street_address": street,
            "locality": city,
            "region": "Vidzeme",
            "postal_code": postal_code,
            "country": "Latvija",
        },
        "profile": {
            "middle_name": nickname,
            "nickname": nickname,
            "profile": f"{page}/profile",
            "picture": f"{page}/picture.png",
            "website": page,
            "gender": gender,
            "birthdate": birthdate,
            "zoneinfo": "Europe/Riga",
            "locale": "lv-LV",
        },
    }


PEOPLE: Final = (
    Person(
        username="parole",
        given_name="Anna",
        family_name="Bērziņa",
        posts=((CESIS, "Sociālais dienests", "Sociālā darbiniece"),),
        person_code="320000-00015",
        facts=_claims(
            nickname="Anniņa",
            gender="female",
            birthdate="1984-05-17",
            phone="+371 20000001",
            street="Raunas iela 4",
            city="Cēsis",
            postal_code="LV-4101",
        ),
    ),
    Person(
        username="kods",
        given_name="Jānis",
        family_name="Kalniņš",
        posts=((VALMIERA, "Finanšu nodaļa", "Grāmatvedis"),),
        has_totp=True,
        person_code="320000-00023",
        facts=_claims(
            nickname="Jancis",
            gender="male",
            birthdate="1979-11-03",
            phone="+371 20000002",
            street="Lāčplēša iela 2",
            city="Valmiera",
            postal_code="LV-4201",
        ),
    ),
    Person(
        username="divas",
        given_name="Līga",
        family_name="Ozoliņa",
        posts=(
            (RIGA, "Īpašuma departaments", "Juriskonsulte"),
            (JURMALA, "Būvvalde", "Juriskonsulte"),
        ),
    ),
    Person(
        username="parvaldniece",
        given_name="Inese",
        family_name="Liepa",
        posts=((CESIS, "Informācijas tehnoloģiju nodaļa", "Sistēmu administratore"),),
        roles=(ADMINISTRATOR,),
        has_totp=True,
    ),
    Person(username="operators", given_name="Māris", family_name="Vītols", roles=(OPERATOR,), has_totp=True),
)
