"""The checkout itself, as git sees it: what is committed, and what would be."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def tracked_files() -> tuple[Path, ...]:
    """Relative to the root. Files that git does not ignore count as committed already."""
    listing = subprocess.run(
        [
            "git",
            "-c",
            f"safe.directory={ROOT}",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    found = sorted(Path(name) for name in listing.stdout.decode().split("\0") if name)
    return tuple(path for path in found if (ROOT / path).is_file())
