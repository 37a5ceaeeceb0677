"""Three numbers to pick from, of which another screen shows the right one.

Who draws them keeps them with what they are about: of numbers drawn anew for each page only the right one
would stay.
"""

from typing import Final

from idp.effects import Effects

_CHOICES: Final = 3
_FIRST: Final = 10
_NUMBERS: Final = 90
_EVEN_NUMBERS: Final = 256 - 256 % _NUMBERS
_EVEN_PLACES: Final = 256 - 256 % _CHOICES


def numbers(effects: Effects) -> tuple[int, ...]:
    """Three of two digits, no two alike, every one as likely as any other."""
    drawn: dict[int, None] = {}
    while len(drawn) < _CHOICES:
        drawn |= {_FIRST + byte % _NUMBERS: None for byte in effects.random(_CHOICES) if byte < _EVEN_NUMBERS}
    return tuple(drawn)[:_CHOICES]


def place(effects: Effects) -> int:
    """Where among them the right one stands."""
    while True:
        byte = effects.random(1)[0]
        if byte < _EVEN_PLACES:
            return byte % _CHOICES
