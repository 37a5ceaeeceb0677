"""How the C library hands out memory in a server with many threads: large blocks go back when they are free.

A password hash needs 19 MiB for a moment. Left to itself glibc learns from the first one to serve such blocks
from each thread's own pool, where they stay. Other C libraries give them back without being told.
"""

import ctypes
from typing import Final

_MMAP_THRESHOLD: Final = -3  # M_MMAP_THRESHOLD and M_ARENA_MAX of malloc.h
_ARENA_MAX: Final = -8
_LARGE_BYTES: Final = 1 << 20
_ARENAS: Final = 2
"""Threads take turns in Python anyway; a pool for each of them would only spread what is in use."""


def give_back_large_blocks() -> bool:
    """For this process and those it forks; whether the C library could be told."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)) and bool(mallopt(_ARENA_MAX, _ARENAS))
