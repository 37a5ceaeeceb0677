"""Whether this process lives, and whether it can do its work: for probes of proxies and orchestrators."""

import structlog
from flask import Blueprint, Response, jsonify

from idp.errors import NotMigratedError, StorageUnavailableError
from idp.storage.directory_states import Seen
from idp.web.site import site

blueprint = Blueprint("health", __name__)
_log = structlog.get_logger("visvaris.health")


@blueprint.get("/healthz/live")
def live() -> Response:
    return jsonify(status="ok")


@blueprint.get("/healthz/ready")
def ready() -> tuple[Response, int]:
    """The database answers and is migrated, and the Shelf (Redis, where it is set) answers.

    Smart-ID and municipalities' directories are named where they are set up; without them people still sign
    in, so they never make us unready.
    """
    storage = site().storage
    try:
        storage.database.check_migrated()
        storage.shelf.find("health", "probe")
        with storage.database.read() as work:
            directories = work.directory_states.list_in_use()
    except (NotMigratedError, StorageUnavailableError) as error:
        _log.warning("not ready", why=type(error).__name__)
        return jsonify(status="unavailable", error=type(error).__name__), 503
    return jsonify(status="ok", **_named_parts(directories)), 200


def _named_parts(directories: list[Seen]) -> dict[str, str]:
    """Which directory it is, is for administrators (`directory_status.py`)."""
    parts: dict[str, bool] = {}
    if (smart_id := site().smart_id) is not None:
        parts["smart_id"] = smart_id.is_well
    if directories:
        parts["directories"] = not any(seen.is_silent for seen in directories)
    return {name: "ok" if is_well else "degraded" for name, is_well in parts.items()}
