#!/usr/bin/env python3
"""Makes idp/data/breached_passwords.txt.gz: the commonest breached passwords, and words people build
passwords from.

    tools/make_breached_passwords.py DJANGO_WHEEL ZXCVBN_WHEEL

The two wheels are what `pip download --no-deps django zxcvbn` brings. Taken from them:

- Django (BSD-3-Clause): the 20 000 commonest passwords of published breaches, counted by Royce Williams;
- zxcvbn (MIT): 30 000 passwords from the breach lists its authors counted, and the commonest long English
  words.

Added here: what breach lists of other countries lack, the Latvian words, places, months and names that stand
in their place, and pairs of the most used words. Entries are case-folded, without diacritics, one a line,
sorted. Lines that no password of 12 characters can be built from by the rules of
`idp/methods/password/strength.py` are left out.
"""

import gzip
import importlib.util
import itertools
import json
import sys
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "idp" / "data" / "breached_passwords.txt.gz"
SHORTEST = 4
SHORTEST_WORD = 8

LATVIAN = """
parole paroles parolīte mana parole manaparole jaunaparole vecaparole slepena slepenaparole admin
administrators lietotājs latvija latvijas latvietis latviete rīga rīdzinieks visvaris visvaris.lv pašvaldība
pašvaldības novads novada pilsēta dome mērs birojs darbs darbinieks darbiniece grāmatvedība kabinets dators
internets portāls sistēma sveiki labdien labrīt čau paldies lūdzu mīlestība mīlu mīļā mīļais mīļumiņš saulīte
saule saulīt zaķītis zaķis kaķis kaķītis suns sunītis lācis lācītis puķe puķīte roze rozīte ziedi pavasaris
vasara rudens ziema janvāris februāris marts aprīlis maijs jūnijs jūlijs augusts septembris oktobris novembris
decembris pirmdiena otrdiena trešdiena ceturtdiena piektdiena sestdiena svētdiena jāņi līgo lieldienas
ziemassvētki daugava gauja venta lielupe baltija jūrmala daugavpils liepāja jelgava ventspils rēzekne valmiera
ogre jēkabpils tukums salaspils cēsis kuldīga olaine saldus talsi sigulda dobele bauska ludza krāslava limbaži
madona gulbene alūksne preiļi balvi līvāni aizkraukle smiltene mārupe ādaži ķekava ropaži saulkrasti varakļāni
kurzeme vidzeme latgale zemgale sēlija dinamo dinamorīga hokejs basketbols futbols porziņģis jānis anna
kristīne inese ilze līga ieva marta elīna laura linda dace sandra ināra aija baiba zane agnese santa andris
juris edgars mārtiņš aivars ivars gints artūrs kristaps raivis guntis valdis pēteris kārlis ainārs uldis māris
raimonds normunds oskars roberts rihards toms emīls gustavs markuss krievija lietuva igaunija eiropa dievs
dievsirlabs ģimene ģimenīte mamma mammīte tētis bērni meitiņa dēliņš
"""

MOST_USED = """
password parole admin user root login welcome qwerty qwertyuiop asdf asdfgh zxcvbn letmein master test guest
secret access super hello love iloveyou sunshine princess dragon monkey shadow football baseball superman
batman michael jordan charlie daniel ashley jessica computer internet server windows google facebook system
network default changeme temp office company work home summer winter spring autumn monday friday latvija riga
visvaris pasvaldiba novads darbs vasara ziema pavasaris rudens saule sveiki
"""


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    entries = sorted(
        {folded for entry in everything(*map(Path, sys.argv[1:])) if usable(folded := fold(entry))}
    )
    with gzip.GzipFile(OUTPUT, "wb", compresslevel=9, mtime=0) as file:
        file.write("\n".join(entries).encode())
    print(f"{OUTPUT.relative_to(ROOT)}: {len(entries)} entries, {OUTPUT.stat().st_size} bytes")


def everything(django: Path, zxcvbn: Path) -> Iterator[str]:
    with zipfile.ZipFile(django) as wheel:
        yield from (
            gzip.decompress(wheel.read("django/contrib/auth/common-passwords.txt.gz")).decode().splitlines()
        )
    lists = module_from(zxcvbn, "zxcvbn/frequency_lists.py").FREQUENCY_LISTS
    yield from lists["passwords"]
    for name in ("english_wikipedia", "us_tv_and_film", "surnames"):
        yield from (word for word in lists[name] if len(word) >= SHORTEST_WORD)
    yield from LATVIAN.split()
    for municipality in json.loads((ROOT / "idp/data/municipalities.json").read_text())["municipalities"]:
        yield from municipality["name"].split()
        yield "".join(municipality["name"].split())
    most_used = MOST_USED.split()
    yield from most_used
    yield from ("".join(pair) for pair in itertools.permutations(most_used, 2))


def module_from(wheel: Path, name: str) -> ModuleType:
    with zipfile.ZipFile(wheel) as archive:
        source = archive.read(name)
    spec = importlib.util.spec_from_loader("lists", loader=None)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102  a wheel fetched by whoever runs this
    return module


def fold(entry: str) -> str:
    decomposed = unicodedata.normalize("NFKD", entry.strip().casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def usable(entry: str) -> bool:
    """Long enough to be half a password or a repeated part of one, and not mangled by a wrong encoding."""
    return len(entry) >= SHORTEST and entry.isascii() and entry.isprintable() and " " not in entry


if __name__ == "__main__":
    main()
