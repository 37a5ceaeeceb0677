"""`python -m tests.support.eparaksts [--port P] [--issuer URL]`: serves the emulator and prints the settings that reach it."""

import argparse
import threading
import time

from tests.support.eparaksts.running import running_emulator
from tests.support.eparaksts.service import CLIENT_ID, CLIENT_SECRET


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.eparaksts")
    parser.add_argument("--port", type=int, default=8444)
    parser.add_argument(
        "--issuer", default="http://localhost:8000", help="of the provider, to be sent back to"
    )
    options = parser.parse_args()
    callback = f"{options.issuer}/identity/eparaksts/callback"
    with running_emulator(time.time, redirect_uris=[callback], port=options.port) as emulator:
        print("IDP_EPARAKSTS_ENVIRONMENT=demo")
        print(f"IDP_EPARAKSTS_BASE_URL={emulator.origin}")
        print(f"IDP_EPARAKSTS_CLIENT_ID={CLIENT_ID}")
        print(f"IDP_EPARAKSTS_CLIENT_SECRET={CLIENT_SECRET}")
        print("IDP_OUTBOUND_ALLOW=127.0.0.0/8,::1/128", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
