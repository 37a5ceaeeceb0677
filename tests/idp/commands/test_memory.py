"""A server that has hashed passwords in many threads does not keep the room they needed."""

import platform
import subprocess
import sys

import pytest

AFTER_EIGHT_THREADS = """
from pathlib import Path
from threading import Thread
from argon2.low_level import Type, hash_secret
from idp.commands.memory import give_back_large_blocks

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

def hashing():
    for _ in range(2):
        hash_secret(b"a password", b"a salt of 16 byt", 1, 19456, 1, 32, Type.ID)

assert give_back_large_blocks()
before = megabytes()
threads = [Thread(target=hashing) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(megabytes() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are not told")
def test_room_for_hashes_goes_back_when_they_are_done():
    done = subprocess.run(
        [sys.executable, "-c", AFTER_EIGHT_THREADS], check=True, capture_output=True, text=True
    )
    assert float(done.stdout) < 15
