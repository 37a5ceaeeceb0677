"""Nothing is committed that belongs to a machine, a person or a registry: the checkout is read as a thief would read it."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.support.checkout import ROOT, tracked_files

# One letter of each stands in brackets, so that this file does not find itself.
FORBIDDEN = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?[P]RIVATE KEY-----"),
    "private JWK": re.compile(r'"[d]"\s*:\s*"[\w-]{40,}"'),
    "address of a package registry": re.compile(
        r"[p]ypi\.(?:org|python)|[p]ythonhosted|[n]pmjs\.|[j]sdelivr|[u]npkg|[c]dnjs|[a]rtifactory|/[s]imple/"
    ),
    "index option of pip": re.compile(
        r"^\s*--(?:[i]ndex-url|[e]xtra-index-url|[f]ind-links|[t]rusted-host)\b", re.MULTILINE
    ),
    "path of somebody's machine": re.compile(
        r"(?<![\w.>}])/(?:[h]ome|[U]sers|[r]oot|[w]ork|[o]pt/wheels)/[\w.-]+"
    ),
    "token of a code host": re.compile(r"\b(?:gh[pousr]|glpat|github_pat)[_-]\w{20,}"),
    "key of a cloud": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "password in an address": re.compile(
        r"\b[a-z][a-z0-9+]*://[\w.-]+:(?!PASSWORD|password|secret)[\w!#%^&*-]{6,}@[\w-]+\.\w"
    ),
}
BINARY = {".png", ".ico", ".woff2", ".jpg", ".webp", ".gz"}
NEVER_COMMITTED = re.compile(
    r"(?:^|/)(?:\.env|id_[a-z0-9]+|.*\.(?:pem|key|p12|pfx|jks|keytab|sqlite3?|sqlite3-wal|db|pyc))$"
)
LARGEST_FILE = 1_000_000


def readable_files() -> list[Path]:
    return [path for path in tracked_files() if path.suffix not in BINARY]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    found = [
        f"{path}: {match.group(0)[:40]}"
        for path in readable_files()
        if (match := FORBIDDEN[what].search((ROOT / path).read_text(errors="replace")))
    ]
    assert found == []


def test_no_file_is_a_key_a_database_or_a_leftover() -> None:
    assert [path for path in tracked_files() if NEVER_COMMITTED.search(path.as_posix())] == []


def test_no_file_is_so_large_that_nobody_reads_it() -> None:
    assert [path for path in tracked_files() if (ROOT / path).stat().st_size > LARGEST_FILE] == []


@pytest.mark.parametrize(
    ("what", "example"),
    [
        ("private key", "-----BEGIN RSA PRIVATE" + " KEY-----"),
        ("private JWK", '{"d": "' + "x" * 43 + '"}'),
        ("address of a package registry", "https://files.python" + "hosted.org/packages"),
        ("index option of pip", "--index-" + "url=https://example.lv"),
        ("path of somebody's machine", "see /ho" + "me/anna/notes"),
        ("token of a code host", "gh" + "p_" + "a" * 36),
        ("key of a cloud", "AKI" + "A" + "B" * 16),
        ("password in an address", "postgresql://visvaris:" + "hunter22@db.example.lv/x"),
    ],
)
def test_the_reader_is_not_blind(what: str, example: str) -> None:
    assert FORBIDDEN[what].search(example)


@pytest.mark.parametrize("name", ["run.txt", "ad.txt", "test.txt"])
def test_every_locked_version_has_a_hash(name: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements" / name).read_text())
    pinned = [entry for entry in entries if "==" in entry.splitlines()[0]]
    assert len(pinned) > 20
    assert [entry.splitlines()[0] for entry in pinned if "--hash=sha256:" not in entry] == []


def test_what_tests_install_has_the_versions_that_run() -> None:
    assert versions("run.txt").items() <= versions("ad.txt").items() <= versions("test.txt").items()


def test_what_directories_need_is_locked_beside_what_always_runs() -> None:
    """Each extra, with the same files as in the tests: what was tested is what is installed."""
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["ad"]
    named = {re.split(r"[<>=!~; ]", each)[0] for each in extra}
    more = versions("ad.txt").keys() - versions("run.txt").keys()
    assert named <= more
    assert {each: hashes("ad.txt")[each] for each in more} == {
        each: hashes("test.txt")[each] for each in more
    }


def versions(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))


def hashes(name: str) -> dict[str, list[str]]:
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements" / name).read_text())
    return {each.partition("==")[0]: re.findall(r"--hash=(\S+)", each) for each in entries}
