"""A page as a person without scripts sees it: text by element id, links, and forms that can be filled in and sent."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"input", "meta", "link", "br", "img", "hr"}
_NO_WORDS = {"script", "style"}


@dataclass
class Form:
    action: str
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Buttons by id, with the name and value they send."""
    choices: dict[str, list[str]] = field(default_factory=dict)
    boxes: dict[str, str] = field(default_factory=dict)
    """Boxes to tick by name, with what they send when they are; one that is ticked is also in `fields`."""
    options: str = ""
    """What its script would ask the browser's authenticators for, as JSON."""


@dataclass
class Parsed(HTMLParser):
    markup: str
    forms: list[Form] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    """Hrefs by element id, or by text where there is no id."""
    sources: list[str] = field(default_factory=list)
    """Whatever the page makes the browser load."""
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[tuple[str, str | None, int]] = []
        self._link: tuple[str, str | None, int] | None = None
        self._select = ""
        self.feed(self.markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "src" in given:
            self.sources.append(given["src"])
        if tag == "link" and "href" in given:
            self.sources.append(given["href"])
        if tag not in _VOID:
            self._open.append((tag, given.get("id"), len(self.text)))
        elif "id" in given:
            self.ids[given["id"]] = given.get("value", "")
        if tag == "a" and "href" in given:
            self._link = (given["href"], given.get("id"), len(self.text))
        self._note_form(tag, given)

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            opened, element_id, start = self._open.pop()
            if element_id:
                self.ids[element_id] = " ".join(self.text[start:].split())
            if opened == tag:
                break
        if tag == "a" and self._link:
            href, element_id, start = self._link
            self.links[element_id or " ".join(self.text[start:].split())] = href
            self._link = None
        self.text += " "

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1][0] not in _NO_WORDS:
            self.text += data

    def _note_form(self, tag: str, given: dict[str, str]) -> None:
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
            return
        if not self.forms:
            return
        form = self.forms[-1]
        match tag:
            case "input" if given.get("type") == "checkbox":
                form.boxes[given["name"]] = given["value"]
                if "checked" in given:
                    form.fields[given["name"]] = given["value"]
            case "input" if "name" in given:
                form.fields[given["name"]] = given.get("value", "")
                form.options = form.options or given.get("data-options", "")
            case "select":
                self._select = given["name"]
                form.choices[self._select] = []
            case "option":
                form.choices[self._select].append(given.get("value", ""))
                form.fields.setdefault(self._select, given.get("value", ""))
            case "button" if given.get("type") != "button":
                form.buttons[given.get("id", "")] = (given.get("name", ""), given.get("value", ""))


@dataclass(frozen=True)
class Page:
    """`path` is where it was found, after redirects."""

    status: int
    path: str
    headers: dict[str, str]
    content: Parsed

    @property
    def title(self) -> str:
        return self.content.ids.get("page-title", "")

    @property
    def words(self) -> str:
        return " ".join(self.content.text.split())

    @property
    def error_code(self) -> str | None:
        return self.content.ids.get("error-code")

    def has(self, element_id: str) -> bool:
        return element_id in self.content.ids

    def form(self, *fields: str, button: str | None = None) -> Form:
        """The form with that button and those fields; one that posts rather than one that asks."""
        fitting = [
            form
            for form in self.content.forms
            if (button is None or button in form.buttons)
            and all(name in form.fields or name in form.boxes for name in fields)
        ]
        return min(fitting, key=lambda form: form.method != "post")
