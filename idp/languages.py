"""The two languages, their catalogues (`templates/locale/*.po`), and how they write dates and times.

Not here: which one a page or a mail speaks (`web/i18n.py`, `people/letters.py`).
"""

import gettext
import io
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from idp.effects import Instant

LANGUAGES: Final = ("lv", "en")
"""The first is spoken to whoever has chosen none."""
_LOCALE: Final = Path(__file__).resolve().parents[1] / "templates" / "locale"
_RIGA: Final = ZoneInfo("Europe/Riga")


@cache
def catalogue(code: str) -> gettext.NullTranslations:
    compiled = io.BytesIO()
    with (_LOCALE / f"{code}.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=code))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def written_date(at: Instant, code: str) -> str:
    return datetime.fromtimestamp(at, _RIGA).strftime("%d.%m.%Y." if code == "lv" else "%d.%m.%Y")


def written_time(at: Instant, code: str) -> str:
    clock = "plkst. %H.%M" if code == "lv" else "at %H:%M"
    return f"{written_date(at, code)} {datetime.fromtimestamp(at, _RIGA).strftime(clock)}"
