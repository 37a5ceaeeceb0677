"""Static files under one hash of all their contents, so that browsers may keep them for good.

One for all, because a style sheet names its pictures relative to itself.

What can be served is listed once at the start: no path from a request ever reaches the file system.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, abort

blueprint = Blueprint("assets", __name__)

_DIRECTORY: Final = Path(__file__).resolve().parents[2] / "static"
_HASH_LENGTH: Final = 12
_FOREVER: Final = "public, max-age=31536000, immutable"
_BRIEFLY: Final = "public, max-age=60"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class Asset:
    content_type: str
    content: bytes


def _load(directory: Path) -> Mapping[str, Asset]:
    return {
        path.relative_to(directory).as_posix(): Asset(_TYPES[path.suffix], path.read_bytes())
        for path in sorted(directory.rglob("*"))
        if path.suffix in _TYPES
    }


def _fingerprint(assets: Mapping[str, Asset]) -> str:
    digest = hashlib.sha256()
    for path, asset in assets.items():
        digest.update(f"{path} {len(asset.content)}\n".encode() + asset.content)
    return digest.hexdigest()[:_HASH_LENGTH]


_ASSETS: Final = _load(_DIRECTORY)
_FINGERPRINT: Final = _fingerprint(_ASSETS)


def asset_url(path: str) -> str:
    if path not in _ASSETS:
        raise KeyError(path)
    return f"/static/{_FINGERPRINT}/{path}"


def asset_text(path: str) -> str:
    return _ASSETS[path].content.decode()


@blueprint.get("/static/<fingerprint>/<path:path>")
def serve(fingerprint: str, path: str) -> Response:
    """A page of the version before may still ask under the old hash: it gets what there is, not for long."""
    asset = _ASSETS.get(path)
    if asset is None:
        abort(404)
    response = Response(asset.content, content_type=asset.content_type)
    response.headers["Cache-Control"] = _FOREVER if fingerprint == _FINGERPRINT else _BRIEFLY
    return response
