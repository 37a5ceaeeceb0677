"""What the app shows, in order of preference, and the one Base64 string that stands for it in
everything after.

The string is authenticated in links and hashed into what is signed: it is made once and kept as it is.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from idp.gateways.smart_id.encodings import b64, decode_b64
from idp.gateways.smart_id.words import Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    screen: Screen
    text: str


def encode(interactions: Sequence[Interaction], *, notification: bool) -> str:
    """Raises ValueError for what the service would refuse: it is a mistake of ours."""
    screens = [interaction.screen for interaction in interactions]
    if not screens or len(set(screens)) != len(screens):
        raise ValueError("each screen once, and at least one")
    if not notification and Screen.CODE_CHOICE in screens:
        raise ValueError("a choice of codes is for notifications")
    for interaction in interactions:
        if not 1 <= _utf16_units(interaction.text) <= interaction.screen.longest_text:
            raise ValueError(f"a text of 1 to {interaction.screen.longest_text} characters")
    shown = [{"type": each.screen.value, each.screen.text_member: each.text} for each in interactions]
    return b64(json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode())


def screens_in(encoded: str) -> frozenset[Screen]:
    """Which screens a string of ours, or a recorded one, offers. Raises ValueError."""
    try:
        shown = json.loads(decode_b64(encoded))
        return frozenset(Screen(interaction["type"]) for interaction in shown)
    except (TypeError, KeyError, RecursionError):
        raise ValueError("not a list of interactions") from None


def _utf16_units(text: str) -> int:
    """Never fewer than code points, so that neither way of counting is exceeded."""
    return len(text.encode("utf-16-le")) // 2
