"""What an authenticator is called, by the AAGUID of its maker.

A courtesy to whoever has several: without attestation an authenticator may say that it is any other. The
list is made by `tools/make_aaguids.py`.
"""

import json
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parents[2] / "data" / "aaguids.json"


def kind_of(aaguid: str | None) -> str | None:
    return _names().get(aaguid or "")


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = json.loads(_FILE.read_text(encoding="utf-8"))
    return names
