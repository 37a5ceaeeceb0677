"""Names a browser by what it says of itself, for people to recognise in lists and notices. Proves nothing."""

from typing import Final

from idp.words import N_

_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
UNKNOWN: Final = N_("Unknown browser")


def browser_name(user_agent: str) -> str | None:
    """None when nothing in it is known. Order matters: most browsers also name the others."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    return ", ".join(filter(None, (browser, system))) or None


def told_browser(user_agent: str) -> dict[str, str]:
    """For the detail of an event: a name from a closed list, or nothing; never what the browser sent."""
    name = browser_name(user_agent)
    return {} if name is None else {"browser": name}
