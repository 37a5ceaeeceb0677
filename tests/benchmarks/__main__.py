"""`make bench`: measures the provider in one run on one machine, and prints one table.

Exit code 1 means that something could not be measured; with `--check` also that a target is missed.
"""

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.report import missed, table
from tests.benchmarks.run import measure_all


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="visvaris-bench-") as directory:
        measured = measure_all(Path(directory))
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}\n")
    print(table(measured))
    behind = missed(measured)
    if behind:
        print(f"\nMissed: {', '.join(behind)}.")
    return 1 if chosen.check and behind else 0


if __name__ == "__main__":
    sys.exit(main())
