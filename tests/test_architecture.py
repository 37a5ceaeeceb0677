"""The walls of the house: the contracts in pyproject.toml, what lies at the top, what may not be called what, and how long a file may be."""

import ast
import re
from pathlib import Path

import pytest
from importlinter.application.use_cases import read_user_options
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.support.checkout import ROOT, tracked_files

AT_THE_TOP = {
    *("idp", "connectors", "templates", "static", "migrations", "tests", "wsgi.py", "pyproject.toml"),
    *("Makefile", "README.md", "CHANGELOG.md", "docs", ".ci", ".gitignore", "requirements", "tools"),
}
FORBIDDEN_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "manager",
    "managers",
    "base_utils",
    "stuff",
}
LONGEST_FILE = 400
LONGEST_FUNCTION = 60

PYTHON_FILES = [path for path in tracked_files() if path.suffix == ".py"]
OUR_CODE = [path for path in PYTHON_FILES if path.parts[0] in {"idp", "connectors"}]


def test_every_import_contract_holds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    status = lint_imports(cache_dir=None, no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_the_contracts_cover_what_the_plan_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names = {contract["name"] for contract in read_user_options("pyproject.toml").contracts_options}
    assert {
        "Imports go down only",
        "Only the edge knows Flask",
        "Only storage talks SQL",
        "No cycles",
    } <= names


def test_the_top_of_the_tree_is_as_planned() -> None:
    assert {path.parts[0] for path in tracked_files()} <= AT_THE_TOP


@pytest.mark.parametrize("path", PYTHON_FILES, ids=str)
def test_no_module_has_a_name_that_says_nothing(path: Path) -> None:
    assert not FORBIDDEN_NAMES & set(path.with_suffix("").parts)


@pytest.mark.parametrize("path", OUR_CODE, ids=str)
def test_a_file_fits_in_the_head_and_says_what_it_is(path: Path) -> None:
    text = (ROOT / path).read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    tree = ast.parse(text)
    if tree.body:
        assert ast.get_docstring(tree), f"{path} does not say what it is"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{path}: {node.name} has {length} lines"


@pytest.mark.parametrize("method", sorted((ROOT / "idp/methods").glob("*.py")), ids=lambda path: path.stem)
def test_a_method_is_named_only_in_its_own_files_and_the_registry(method: Path) -> None:
    if method.stem in {"__init__", "base", "registry"}:
        return
    word = re.compile(rf"idp\.methods\.{method.stem}\b|from idp\.methods import .*\b{method.stem}\b")
    for path in OUR_CODE:
        if path.stem == "registry" or ROOT / path == method:
            continue
        assert not word.search((ROOT / path).read_text()), f"{path} names the method {method.stem}"


def test_production_code_has_no_test_switch() -> None:
    switch = re.compile(r"\b(PYTEST_CURRENT_TEST|sys\.modules\[?.*pytest|TESTING)\b")
    for path in OUR_CODE:
        assert not switch.search((ROOT / path).read_text()), path


@pytest.mark.parametrize("path", OUR_CODE, ids=str)
def test_nothing_that_is_deployed_imports_from_the_tests(path: Path) -> None:
    """Emulators above all: whatever they vouch for, the provider meets over the network."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] != "tests"
        if isinstance(node, ast.Import):
            assert "tests" not in {alias.name.split(".")[0] for alias in node.names}
