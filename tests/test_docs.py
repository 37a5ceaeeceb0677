"""What the documentation says is done and is complete: README's commands run, and nothing goes undocumented."""

import ast
import re
from pathlib import Path

import click
import pytest

from idp.cli import main
from idp.seed.clients import secret_of
from idp.settings import PREFIX, Settings
from tests.support.checkout import ROOT, tracked_files
from tests.support.readme import commands_of, newcomer

MARKDOWN = [path for path in tracked_files() if path.suffix == ".md"]
ROUTED = [
    path
    for path in tracked_files()
    if re.fullmatch(r"idp/web/\w+\.py|connectors/\w+/\w+\.py", path.as_posix())
]
ROUTING = {"route", "get", "post", "put", "patch", "delete", "add_url_rule"}
ANCHORED = re.compile(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.docs
def test_every_command_of_readme_works_in_order(tmp_path: Path) -> None:
    commands = commands_of((ROOT / "README.md").read_text())
    assert "make run" in commands
    assert "make test" in commands
    with newcomer(tmp_path / "visvaris") as person:
        for command in commands:
            person.types(command)


def test_commands_are_taken_whole_from_markdown() -> None:
    text = (
        "```sh\n# first\nmake run\n$ echo a \\\n  b\ncat <<'END'\nx\nEND\nls\n```\n```python\nprint()\n```\n"
    )
    assert commands_of(text) == ["make run", "echo a \\\n  b", "cat <<'END'\nx\nEND", "ls"]


def test_every_setting_is_documented_and_no_other() -> None:
    documented = set(re.findall(rf"\b{PREFIX}[A-Z0-9_]+\b", (ROOT / "docs/settings.md").read_text()))
    assert documented == {PREFIX + name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_says_in_a_sentence_what_it_is(name: str) -> None:
    description = Settings.model_fields[name].description
    assert description
    assert description.endswith(".")


def test_every_command_is_documented() -> None:
    text = (ROOT / "docs/cli.md").read_text()
    assert [command for command in all_commands(main, "visvaris") if f"`{command}" not in text] == []


def test_every_make_target_is_documented() -> None:
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = "".join((ROOT / path).read_text() for path in MARKDOWN)
    assert {target for target in targets if f"make {target}" not in text} == {"help"}


@pytest.mark.parametrize("path", MARKDOWN, ids=str)
def test_no_link_between_documents_leads_nowhere(path: Path) -> None:
    targets = LINK.findall((ROOT / path).read_text())
    assert [target for target in targets if not (ROOT / path.parent / target).exists()] == []


@pytest.mark.parametrize("path", MARKDOWN, ids=str)
def test_no_link_leads_to_a_heading_that_is_not_there(path: Path) -> None:
    for target, anchor in ANCHORED.findall((ROOT / path).read_text()):
        text = (ROOT / path.parent / target).read_text() if target else (ROOT / path).read_text()
        assert anchor in {anchor_of(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


@pytest.mark.parametrize("path", MARKDOWN, ids=str)
def test_tables_and_headings_stand_as_such(path: Path) -> None:
    """A row without a head, or a heading glued to what is before it, is shown as text"""
    lines = ["", *(ROOT / path).read_text().splitlines()]
    for before, line, after in zip(lines[:-1], lines[1:], [*lines[2:], ""], strict=True):
        if line.startswith(("## ", "### ")):
            assert not before, line
        if line.startswith("|") and not before:
            assert after.startswith(("|---", "| ---")), line


def test_decisions_are_numbered_one_by_one_and_those_referred_to_exist() -> None:
    text = (ROOT / "docs/decisions.md").read_text()
    numbers = [int(number) for number in re.findall(r"^(\d+)\. \*\*", text, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    elsewhere = "".join((ROOT / path).read_text() for path in MARKDOWN)
    referred = re.findall(r"\bdecision (\d+)\b", elsewhere) + re.findall(r" \((\d+)\)[ ,.:;]", text)
    assert referred
    assert {int(number) for number in referred} <= set(numbers)


def test_credentials_of_the_demonstration_are_told_as_they_are() -> None:
    text = "".join((ROOT / path).read_text() for path in MARKDOWN)
    told = re.findall(r"-u (demo-[\w-]+):(\S+)", text)
    assert told
    assert [pair for pair in told if pair[1] != secret_of(pair[0])] == []


@pytest.mark.parametrize("module", ROUTED, ids=str)
def test_every_address_is_documented(module: Path) -> None:
    text = "".join((ROOT / path).read_text() for path in MARKDOWN if path.parts[0] == "docs")
    addresses = addresses_in((ROOT / module).read_text())
    assert [address for address in addresses if not re.search(rf"{re.escape(address)}(?![\w-])", text)] == []


def test_addresses_are_found_in_routes_and_in_tables() -> None:
    source = """
blueprint = Blueprint("account", __name__, url_prefix="/account")
@blueprint.get("/")
def show(): ...
@blueprint.post("/sessions/<session_id>/end")
def end(): return redirect("/elsewhere")
ROUTES = {"/token": token, ("POST", "/revoke"): revoke}
"""
    assert addresses_in(source) == ["/account", "/account/sessions/", "/revoke", "/token"]


def anchor_of(heading: str) -> str:
    """As forges make it of a heading's words."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def addresses_in(source: str) -> list[str]:
    """The addresses a module answers at, up to their first variable part: those of its routes and those in its tables."""
    tree = ast.parse(source)
    prefix = ""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="Blueprint"), keywords=keywords):
                prefix = next((literal(word.value) for word in keywords if word.arg == "url_prefix"), prefix)
            case ast.Dict(keys=keys):
                parts = [
                    part
                    for key in keys
                    if key
                    for part in (key.elts if isinstance(key, ast.Tuple) else [key])
                ]
                found |= {text for part in parts if (text := literal(part)).startswith("/")}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=verb), args=[first, *_]) if verb in ROUTING and literal(
                first
            ).startswith("/"):
                found.add(prefix + literal(first))
    return sorted(
        {address.split("<")[0] if "<" in address else address.rstrip("/") or "/" for address in found}
    )


def literal(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def all_commands(group: click.Group, path: str) -> list[str]:
    found = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += all_commands(command, f"{path} {name}")
        else:
            found.append(f"{path} {name}")
    return found
