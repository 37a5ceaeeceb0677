"""Static files under the hash of their content, so that browsers may keep them for good.

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
    fingerprint: str
    content_type: str
    content: bytes


def _load(directory: Path) -> Mapping[str, Asset]:
    return {
        path.relative_to(directory).as_posix(): Asset(
            hashlib.sha256(content := path.read_bytes()).hexdigest()[:_HASH_LENGTH],
            _TYPES[path.suffix],
            content,
        )
        for path in sorted(directory.rglob("*"))
        if path.suffix in _TYPES
    }


_ASSETS: Final = _load(_DIRECTORY)


def asset_url(path: str) -> str:
    return f"/static/{_ASSETS[path].fingerprint}/{path}"


@blueprint.get("/static/<fingerprint>/<path:path>")
def serve(fingerprint: str, path: str) -> Response:
    """A page of the version before may still ask under the old hash: it gets what there is, not for long."""
    asset = _ASSETS.get(path)
    if asset is None:
        abort(404)
    response = Response(asset.content, content_type=asset.content_type)
    response.headers["Cache-Control"] = _FOREVER if fingerprint == asset.fingerprint else _BRIEFLY
    return response
