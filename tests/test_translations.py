"""What is said is said in both languages, and templates and static files keep within the content security policy.

How pages look and whether they are accessible is tested in the journeys, in a browser.
"""

import gettext
import io
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, meta
from jinja2.ext import babel_extract

from tests.support.checkout import ROOT

TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"
LANGUAGES = ("lv", "en")
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
PLURALS = {
    "lv": "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n!=0 ? 1 : 2)",
    "en": "nplurals=2; plural=(n != 1)",
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
PAGE_BYTES = 60_000

Message = str | tuple[str, ...]
environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, extensions=["jinja2.ext.i18n"])
ALL_TEMPLATES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))
LETTERS = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.txt"))
# A page is what can be asked for: it extends a frame, and no other template extends it.
PAGES = [
    name
    for name in ALL_TEMPLATES
    if not name.startswith("partials/") and not name.endswith("base.html")
    if "{% extends" in (TEMPLATES / name).read_text()
]


def source_of(template: str) -> str:
    return (TEMPLATES / template).read_text()


def messages_in_templates() -> Iterator[Message]:
    for name in (*ALL_TEMPLATES, *LETTERS):
        with (TEMPLATES / name).open("rb") as source:
            for _, function, message, _ in babel_extract(source, list(KEYWORDS), [], {}):
                if function == "ngettext":
                    yield (message[0], message[1])
                else:
                    yield message if isinstance(message, str) else message[0]


def messages_in_code() -> Iterator[Message]:
    for package in ("idp", "connectors"):
        for path in sorted((ROOT / package).rglob("*.py")):
            with path.open("rb") as source:
                for _, message, _, _ in extract("python", source, KEYWORDS):
                    yield message


@cache
def messages() -> frozenset[Message]:
    return frozenset([*messages_in_templates(), *messages_in_code()])


@cache
def catalog(lang: str) -> Catalog:
    with (TEMPLATES / "locale" / f"{lang}.po").open("rb") as source:
        return read_po(source, locale=lang, abort_invalid=True)


def translations_of(message: Message, lang: str) -> tuple[str, ...]:
    found = catalog(lang).get(message[0] if isinstance(message, tuple) else message)
    if found is None:
        return ()
    return (found.string,) if isinstance(found.string, str) else tuple(found.string)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_message_is_translated(lang: str):
    missing = [message for message in messages() if not all(translations_of(message, lang) or [""])]
    assert missing == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_counted_message_has_all_its_forms(lang: str):
    counted = [message for message in messages() if isinstance(message, tuple)]
    assert {len(translations_of(message, lang)) for message in counted} == {catalog(lang).num_plurals}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_placeholders_survive_translation(lang: str):
    broken = []
    for message in messages():
        expected = set(PLACEHOLDER.findall(message[-1] if isinstance(message, tuple) else message))
        broken += [
            said for said in translations_of(message, lang) if set(PLACEHOLDER.findall(said)) != expected
        ]
    assert broken == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_catalogs_hold_nothing_that_no_page_says(lang: str):
    said = {message[0] if isinstance(message, tuple) else message for message in messages()}
    kept = {entry.id[0] if isinstance(entry.id, tuple) else entry.id for entry in catalog(lang) if entry.id}
    assert kept - said == set()
    assert not catalog(lang).obsolete
    assert not [entry.id for entry in catalog(lang) if entry.fuzzy]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_plural_rule_stands_in_the_header(lang: str):
    head = (TEMPLATES / "locale" / f"{lang}.po").read_text().partition("\n\n")[0]
    assert f'"Plural-Forms: {PLURALS[lang]};\\n"' in head


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "pēc 0 minūtēm"),
        (1, "pēc 1 minūtes"),
        (2, "pēc 2 minūtēm"),
        (11, "pēc 11 minūtēm"),
        (21, "pēc 21 minūtes"),
        (111, "pēc 111 minūtēm"),
    ],
)
def test_latvian_counts_as_latvians_do(number: int, said: str):
    compiled = io.BytesIO()
    write_mo(compiled, catalog("lv"))
    compiled.seek(0)
    latvian = gettext.GNUTranslations(compiled)
    singular, plural = "Try again in %(num)s minute.", "Try again in %(num)s minutes."
    assert said in latvian.ngettext(singular, plural, number) % {"num": number}


@pytest.mark.parametrize("template", ALL_TEMPLATES)
def test_template_has_nothing_inline(template: str):
    source = source_of(template)
    assert not re.search(r"<style\b", source, re.IGNORECASE)
    # Programs that read mail know no style sheets of ours; in a browser a letter is shown in a frame of its own.
    assert template.startswith("email/") or not re.search(r"\sstyle\s*=", source, re.IGNORECASE)
    assert not re.search(r"\son[a-z]+\s*=", source, re.IGNORECASE)
    assert not re.search(r"javascript:", source, re.IGNORECASE)
    assert not re.search(r"<script(?![^>]*\ssrc=)", source, re.IGNORECASE)


@pytest.mark.parametrize("template", ALL_TEMPLATES)
def test_template_loads_nothing_from_elsewhere(template: str):
    source = source_of(template)
    assert "//" not in re.sub(r"{#.*?#}", "", source, flags=re.DOTALL)
    loaded = re.findall(r"<(?:script|link|img|iframe|object|embed)\b[^>]*?(?:src|href)=\"([^\"]*)", source)
    assert [address for address in loaded if not address.startswith(("{{ asset(", "/mail/"))] == []


@pytest.mark.parametrize("template", ALL_TEMPLATES)
def test_every_form_that_changes_something_carries_a_csrf_token(template: str):
    for form in re.findall(r"<form\b.*?</form>", source_of(template), re.DOTALL):
        is_post = 'method="post"' in form.partition(">")[0]
        goes_to_client = template == "oidc/form_post.html"
        assert ("csrf_token" in form) == (is_post and not goes_to_client)


@pytest.mark.parametrize("path", sorted(STATIC.rglob("*.*")), ids=lambda path: path.name)
def test_static_file_loads_nothing_from_elsewhere(path: Path):
    source = path.read_text()
    known_names = ("http://www.w3.org/2000/svg",)
    assert [url for url in re.findall(r"https?://[^\s\"')]+", source) if url not in known_names] == []
    assert "@import" not in source
    assert not re.search(r"<style|<script|\sstyle=", source)


def templates_used_by(template: str) -> set[str]:
    found = {template}
    waiting = [template]
    while waiting:
        tree = environment.parse(source_of(waiting.pop()))
        new = {name for name in meta.find_referenced_templates(tree) if name} - found
        found |= new
        waiting += new
    return found


def assets_of(template: str) -> set[str]:
    sources = "".join(source_of(name) for name in templates_used_by(template))
    return set(re.findall(r"asset\(\"([^\"]+)\"\)", sources)) | {"img/band.svg"}


@pytest.mark.parametrize("template", PAGES)
def test_page_is_light_before_any_compression(template: str):
    size = sum((STATIC / name).stat().st_size for name in assets_of(template))
    size += sum(len(source_of(name).encode()) for name in templates_used_by(template))
    assert size < PAGE_BYTES


@pytest.mark.parametrize("template", PAGES)
def test_page_names_itself(template: str):
    assert any('id="page-title"' in source_of(name) for name in templates_used_by(template))


@pytest.mark.parametrize("script", sorted((STATIC / "js").glob("*.js")), ids=lambda path: path.name)
def test_script_is_short(script: Path):
    assert len(script.read_text().splitlines()) < 100
