"""`python -m tests.support.smart_id [--port P]`: serves the emulator, and tells the settings that reach it.

`--keep` and `--settings` are for `make run`: authorities that survive a restart, and a file for a shell to read.
"""

import argparse
import os
import shlex
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.smart_id.keeping import keep, kept_people, kept_server, private_folder
from tests.support.smart_id.running import Emulator, running_emulator
from tests.support.smart_id.service import NAME, RELYING_PARTY

WATCH_SECONDS = 0.2


def main() -> int:
    options = _options()
    with ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vv-smart-id-")))
        private_folder(folder)
        ca_file, issued = kept_server(folder)
        people = kept_people(folder, key_bits=options.key_bits)
        running = running_emulator(issued, people, time.time, folder=folder, port=options.port)
        try:
            emulator = stack.enter_context(running)
        except OSError as error:
            _say(_why_not(error, options.port))
            return 1
        keep(people, folder)
        emulator.service.pushes_answer_themselves = False
        _tell(_settings(emulator, ca_file), options.settings)
        _say(
            f"Smart-ID is emulated. Play the phone at http://localhost:{urlsplit(emulator.base_url).port}/phone"
        )
        while options.ends_with in {None, os.getppid()}:
            time.sleep(WATCH_SECONDS)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.support.smart_id")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--key-bits", type=int, default=6144, help="of people's keys, as real ones are")
    parser.add_argument(
        "--keep", type=Path, help="folder for the authorities; without it they are new each time"
    )
    parser.add_argument("--settings", type=Path, help="file to write the settings to, once it answers")
    parser.add_argument(
        "--ends-with", type=int, metavar="PID", help="of the parent: when that ends, so does this"
    )
    return parser.parse_args()


def _settings(emulator: Emulator, ca_file: Path) -> dict[str, str]:
    return {
        "IDP_SMART_ID_BASE_URL": emulator.base_url,
        "IDP_SMART_ID_SCHEME_NAME": "smart-id-demo",
        "IDP_SMART_ID_RP_UUID": RELYING_PARTY,
        "IDP_SMART_ID_RP_NAME": NAME,
        "IDP_SMART_ID_ANCHORS_FILE": str(emulator.anchors.absolute()),
        "IDP_SMART_ID_PINS": emulator.pin,
        "IDP_SMART_ID_CA_FILE": str(ca_file.absolute()),
    }


def _tell(settings: dict[str, str], file: Path | None) -> None:
    """Whoever reads a file has decided already what else may be reached."""
    lines = "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())
    if file is None:
        print(f"{lines}IDP_OUTBOUND_ALLOW=127.0.0.0/8,::1/128", flush=True)
        return
    beside = file.with_suffix(".new")
    beside.write_text(lines)
    beside.replace(file)


def _why_not(error: OSError, port: int) -> str:
    return (
        f"The emulator of Smart-ID cannot use port {port}: {(error.strerror or str(error)).lower()}. Choose another"
        f" port (make run SMART_ID_PORT={port + 1000 if port < 64000 else 8001}), or do without it (make run SMART_ID_PORT=)."
    )


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
