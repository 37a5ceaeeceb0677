"""The page that says which test shows which module of certification is held to the tests there are."""

import re

import pytest

from tests.support.checkout import ROOT

PAGE = ROOT / "docs/conformance.md"
LISTED = ROOT.parent / "shared/conformance.md"
"""What is known of the suite, where it stands beside the checkout."""
ROW = re.compile(r"^\| (?P<module>[A-Za-z0-9-]+) \| `(?P<file>[\w/.]+)::(?P<test>\w+)` \|$", re.MULTILINE)
PLANS = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
ROWS = [(plan.splitlines()[0], *found.groups()) for plan in PLANS for found in ROW.finditer(plan)]


def test_every_plan_but_what_is_not_offered_has_its_table() -> None:
    named = {plan.splitlines()[0] for plan in PLANS}
    assert named - {plan for plan, *_ in ROWS} == {"Not offered"}
    assert len(ROWS) == len(re.findall(r"^\| (?!module|---)", PAGE.read_text(), re.MULTILINE)), (
        "a row that cannot be read"
    )


@pytest.mark.parametrize(("plan", "module", "file", "test"), ROWS, ids=lambda value: str(value)[:40])
def test_every_module_is_shown_by_a_test_there_is(plan: str, module: str, file: str, test: str) -> None:
    assert re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.MULTILINE), f"{plan}: {module}"


def test_no_module_stands_twice_in_a_plan() -> None:
    named = [(plan, module) for plan, module, *_ in ROWS]
    assert len(named) == len(set(named))


def test_no_module_that_is_known_of_is_left_out() -> None:
    """What is listed outside is more than the repository can know; without the list, this holds the page to itself."""
    told = {module for _, module, *_ in ROWS}
    text = LISTED.read_text() if LISTED.exists() else ""
    for plan in ("basic", "dynamic", "RP-initiated logout"):
        for module in _modules_of(text, plan):
            assert module in told, f"{plan}: {module}"


def _modules_of(text: str, plan: str) -> list[str]:
    """The line or lines that begin with `Modules (plan):`, with `a-{b,c}` written out; prose ends it."""
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
