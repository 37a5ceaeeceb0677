"""Templates and addresses compiled, RSA keys found and checked: once for all the providers of a test process.

There are thousands, and most of what a test took was making the same again. What comes out is no other:
templates, addresses and keys are kept by what they are made of. A key is only given again as one of the first
of an empty database, so that none has the same one twice.
"""

import itertools
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache, lru_cache
from types import CodeType
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from joserfc._rfc7517 import pem
from joserfc.jwk import RSAKey
from werkzeug.routing import Rule

from idp.models.keys import SigningKey
from idp.oidc.keys import KeyRing

_KEYS: Final = 48
_PEMS: Final = 256
_Builder = Callable[..., Any]
_are_first: ContextVar[bool] = ContextVar("the first keys of a database are made", default=False)


def make_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Flask, "jinja_options", {"bytecode_cache": _Templates()})
    patch.setattr(Rule, "_compile_builder", _kept_by_address(Rule._compile_builder))
    patch.setattr(KeyRing, "_make_missing", _marked(KeyRing._make_missing))
    patch.setattr(RSAKey.binding, "generate_private_key", _in_turn(RSAKey.binding.generate_private_key))
    patch.setattr(pem, "load_pem_private_key", lru_cache(_PEMS)(pem.load_pem_private_key))


class _Templates(BytecodeCache):
    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._kept[bucket.key, bucket.checksum] = bucket.code


def _kept_by_address(compile_builder: _Builder) -> _Builder:
    """Werkzeug makes two functions of each address, to build it from values; they depend on nothing else."""
    kept: dict[tuple[Any, ...], Any] = {}

    def of(rule: Rule, append_unknown: bool = True) -> Any:  # as Werkzeug calls it
        if rule.defaults:
            return compile_builder(rule, append_unknown)
        key = (rule.rule, *rule._trace, append_unknown)
        if key not in kept:
            kept[key] = compile_builder(rule, append_unknown)
        return kept[key]

    return of


def _marked(make_missing: Callable[[KeyRing, list[SigningKey]], list[SigningKey]]) -> _Builder:
    def of(ring: KeyRing, rows: list[SigningKey]) -> list[SigningKey]:
        token = _are_first.set(not rows)
        try:
            return make_missing(ring, rows)
        finally:
            _are_first.reset(token)

    return of


def _in_turn(generate: Callable[[int], RSAPrivateKey]) -> Callable[[int], RSAPrivateKey]:
    turns = itertools.count()

    @cache
    def made(size: int, _turn: int) -> RSAPrivateKey:
        return generate(size)

    return lambda size: made(size, next(turns) % _KEYS) if _are_first.get() else generate(size)
