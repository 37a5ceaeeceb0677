"""`visvaris`, seeing only what an installation has.

Libraries load what they find: structlog loads rich, which comes here with the tools of the tests, and nobody
else has its megabytes.
"""

import json
import os
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, Final

_REQUIREMENTS: Final = Path(__file__).parents[2] / "requirements"
_INSTALLED: Final = ("run.txt", "ad.txt")
_OURSELVES: Final = "visvaris"
_HIDDEN: Final = "BENCHMARK_HIDES"


def environment() -> dict[str, str]:
    """For this module as a program. Found out beforehand: it takes longer than some programs."""
    return {_HIDDEN: json.dumps(sorted(_brought_by_tests()))}


def _brought_by_tests() -> set[str]:
    """Top-level names of modules."""
    locked = "\n".join((_REQUIREMENTS / name).read_text() for name in _INSTALLED)
    here = {_canonical(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", locked, re.MULTILINE)}
    return {
        module
        for module, names in packages_distributions().items()
        if not {_canonical(name) for name in names} & {*here, _OURSELVES}
    }


def _canonical(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _run() -> None:
    absent: dict[str, Any] = dict.fromkeys(json.loads(os.environ.pop(_HIDDEN)))
    sys.modules.update(absent)
    from idp.cli import main

    main()


if __name__ == "__main__":
    _run()
