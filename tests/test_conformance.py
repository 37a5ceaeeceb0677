"""The map in `docs/conformance.md` is true: every module has a test that exists or a reason, and no test of a module is left out."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

import pytest
from click.testing import CliRunner

from idp.cli import main
from idp.oidc.client_metadata import MEMBERS
from idp.seed.people import PEOPLE
from idp.settings import PREFIX, Settings
from tests.support.checkout import ROOT, tracked_files

PLANS = {
    *("Basic OP and Form Post OP", "Config OP", "Dynamic OP", "Third-party-initiated login OP"),
    *("RP-initiated logout OP", "Back-channel logout OP"),
    *("FAPI 2.0 Security Profile", "FAPI 2.0 Message Signing"),
}
TEXT = (ROOT / "docs/conformance.md").read_text()
LISTED = ROOT.parent / "shared/conformance.md"
"""What is known of the suite, where it stands beside the checkout."""
ROW = re.compile(r"^\| `(?P<module>[^`]*)` \| (?P<answer>.*) \|$")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@dataclass(frozen=True)
class Row:
    plan: str
    module: str
    answer: str

    @property
    def tests(self) -> list[tuple[str, str]]:
        return TEST.findall(self.answer)


@cache
def rows() -> tuple[Row, ...]:
    found, plan = [], ""
    for line in TEXT.splitlines():
        if line.startswith("## "):
            plan = line.removeprefix("## ")
        elif line.startswith("|") and not line.startswith(("|---", "| module |")):
            matched = ROW.match(line)
            assert matched, line
            found.append(Row(plan, matched["module"], matched["answer"]))
    return tuple(found)


@cache
def names_in(path: str) -> frozenset[str]:
    return frozenset(re.findall(r"^def (test_\w+)\(", (ROOT / path).read_text(), re.MULTILINE))


def test_what_a_run_needs_exists() -> None:
    """Every setting, command, page element and member that the section names"""
    section = TEXT.partition("## What a run needs")[2].partition("\n## ")[0]
    named = re.findall(r"`([^`]+)`", section)
    settings = {name.partition("=")[0] for name in named if name.startswith(PREFIX)}
    assert settings <= {PREFIX + name.upper() for name in Settings.model_fields}
    pages = "".join((ROOT / path).read_text() for path in tracked_files() if path.parts[0] == "templates")
    elements = [name.removeprefix("#") for name in named if name.startswith("#")]
    assert [each for each in elements if f'id="{each}"' not in pages and f'field("{each}"' not in pages] == []
    commands = [name.split()[1:] for name in named if name.startswith("visvaris ")]
    assert (len(settings), len(elements), len(commands)) == (3, 6, 4)
    for command in commands:
        assert CliRunner().invoke(main, [*command, "--help"]).exit_code == 0, command
    assert {name for name in named if name.endswith("_access_tokens")} <= set(MEMBERS)


def test_a_run_has_people_with_every_claim() -> None:
    section = TEXT.partition("## What a run needs")[2].partition("\n## ")[0]
    assert "`parole` and `kods`" in section
    assert {person.username for person in PEOPLE if person.facts} == {"parole", "kods"}


def test_every_plan_has_a_table() -> None:
    assert {row.plan for row in rows()} == PLANS


def test_what_is_not_offered_is_said() -> None:
    not_offered = TEXT.partition("## Not offered")[2]
    assert "FAPI-CIBA" in not_offered
    assert "Shared Signals" in not_offered


@pytest.mark.parametrize("plan", sorted(PLANS))
def test_every_module_is_there_once(plan: str) -> None:
    modules = Counter(row.module.strip() for row in rows() if row.plan == plan)
    assert [module for module, times in modules.items() if times > 1 or not module] == []


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.plan}: {row.module}")
def test_every_module_has_a_test_or_a_reason(row: Row) -> None:
    if row.tests:
        assert TEST.sub("", row.answer).strip(", ") == "", "a test, or a reason, and not half of each"
    else:
        assert len(row.answer.split()) >= 3, "a reason is a sentence"
        assert "`tests/" not in row.answer
    assert [(path, name) for path, name in row.tests if name not in names_in(path)] == []


def test_every_test_named_after_a_module_is_in_the_map() -> None:
    files = [path.as_posix() for path in tracked_files() if path.name.startswith("test_conformance_")]
    named = {(path, name) for path in files for name in names_in(path) if name.startswith("test_oidcc_")}
    assert named - {each for row in rows() for each in row.tests} == set()
    assert len(named) > 50


def test_no_module_that_is_known_of_is_left_out() -> None:
    """What is listed outside is more than the repository can know; without the list, this holds the page to itself."""
    prefix = re.compile(r"^oidcc-(rp-initiated-logout-)?")
    told = {prefix.sub("", row.module) for row in rows()} | {row.module for row in rows()}
    text = LISTED.read_text() if LISTED.exists() else ""
    for plan in ("basic", "dynamic", "RP-initiated logout"):
        for module in _modules_of(text, plan):
            assert any(name.startswith(module) for name in told), f"{plan}: {module}"


def _modules_of(text: str, plan: str) -> list[str]:
    """The line or lines that begin with `Modules (plan):`, with `a-{b,c}` written out; prose ends it. Long names are cut short there."""
    found = re.search(rf"^Modules \({re.escape(plan)}\): (.*?)\.(?: |$)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        return []
    listed = re.sub(r"\s+", " ", found[1]).replace("…", "")
    spread = re.sub(
        r"([\w-]+)\{([^}]*)\}([\w-]*)",
        lambda match: ", ".join(f"{match[1]}{each.strip()}{match[3]}" for each in match[2].split(",")),
        listed,
    )
    return [name.strip() for name in spread.split(",") if name.strip()]
