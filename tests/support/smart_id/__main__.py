"""`python -m tests.support.smart_id [--port P]`: serves the emulator and prints the settings that reach it."""

import argparse
import tempfile
import threading
import time
from pathlib import Path

from tests.support.certificates import Authority
from tests.support.smart_id.authority import SmartIdAuthority
from tests.support.smart_id.running import running_emulator
from tests.support.smart_id.service import NAME, RELYING_PARTY


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.smart_id")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--key-bits", type=int, default=6144, help="of people's keys, as real ones are")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vv-smart-id-") as scratch:
        folder = Path(scratch)
        authority = Authority(folder)
        people = SmartIdAuthority(key_bits=options.key_bits)
        with running_emulator(
            authority.server(), people, time.time, folder=folder, port=options.port
        ) as emulator:
            print(f"IDP_SMART_ID_BASE_URL={emulator.base_url}")
            print("IDP_SMART_ID_SCHEME_NAME=smart-id-demo")
            print(f"IDP_SMART_ID_RP_UUID={RELYING_PARTY}")
            print(f"IDP_SMART_ID_RP_NAME={NAME}")
            print(f"IDP_SMART_ID_ANCHORS_FILE={emulator.anchors}")
            print(f"IDP_SMART_ID_PINS={emulator.pin}")
            print(f"IDP_SMART_ID_CA_FILE={authority.ca_file}")
            print("IDP_OUTBOUND_ALLOW=127.0.0.0/8,::1/128", flush=True)
            threading.Event().wait()


if __name__ == "__main__":
    main()
