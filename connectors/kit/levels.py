"""How surely a person was recognised, lowest first, named by `acr` values (OpenID Connect Core 2)."""

from enum import StrEnum


class Level(StrEnum):
    ONE_FACTOR = "urn:visvaris:acr:1fa"
    MULTI_FACTOR = "urn:visvaris:acr:mfa"
    PHISHING_RESISTANT = "phr"

    def meets(self, wanted: "Level") -> bool:
        order = list(Level)
        return order.index(self) >= order.index(wanted)


def find_level(acr: object) -> Level | None:
    """None for whatever we do not know: an unknown name is not a level, however strong it sounds."""
    return Level(acr) if isinstance(acr, str) and acr in set(Level) else None
